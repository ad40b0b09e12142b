package simulate

import "strconv"

// header has the columns of a daily file in the order of their attributes.
const header = "date,serial_number,model,capacity_bytes,failure," +
	"smart_1_normalized,smart_1_raw,smart_4_normalized,smart_4_raw,smart_5_normalized,smart_5_raw,smart_7_normalized,smart_7_raw," +
	"smart_9_normalized,smart_9_raw,smart_10_normalized,smart_10_raw,smart_12_normalized,smart_12_raw," +
	"smart_187_normalized,smart_187_raw,smart_188_normalized,smart_188_raw,smart_193_normalized,smart_193_raw," +
	"smart_194_normalized,smart_194_raw,smart_197_normalized,smart_197_raw,smart_198_normalized,smart_198_raw," +
	"smart_199_normalized,smart_199_raw\n"

// append writes the drive's row of a day.
func (d *drive) append(b []byte, date string, failed bool) []byte {
	b = append(b, date...)
	b = append(append(b, ','), d.serial...)
	b = append(append(b, ','), d.family.name...)
	b = strconv.AppendInt(append(b, ','), d.family.capacity, 10)
	if failed {
		b = append(b, ",1"...)
	} else {
		b = append(b, ",0"...)
	}
	readErrors, seeks, timeouts := d.errRate, 0.0, 0.0
	if d.family.seagate { // error counts in the upper 16 of 48 bits, operations in the lower 32
		readErrors = d.errRate*(1<<32) + float64(d.Uint32()>>4)
		seeks = float64(int64(d.seeks/5e7))*(1<<32) + float64(int64(d.seeks)&(1<<32-1))
		slow := min(d.timeouts, 65535)
		timeouts = slow + float64(int64(slow/2))*(1<<16) + float64(int64(slow/3))*(1<<32)
	}
	b = attribute(b, true, 100-min(60, d.errRate/10), readErrors)
	b = attribute(b, true, 100, d.cycles)
	b = attribute(b, true, 100-min(99, d.reallocated/300), d.reallocated)
	b = attribute(b, d.family.seagate, 85, seeks)
	b = attribute(b, true, max(1, 100-d.hours/876), float64(int64(d.hours)))
	b = attribute(b, true, 100-min(3, d.spin), d.spin)
	b = attribute(b, true, 100, d.cycles)
	b = attribute(b, d.family.seagate, max(1, 100-d.reported), d.reported)
	b = attribute(b, d.family.seagate, max(1, 100-d.timeouts), timeouts)
	b = attribute(b, d.family.loads, max(1, 100-d.loads/3000), d.loads)
	b = attribute(b, true, d.temperature, d.temperature)
	b = attribute(b, true, 100, d.pending)
	b = attribute(b, true, 100, d.uncorrected)
	b = attribute(b, true, 200, d.crc)
	return append(b, '\n')
}

// attribute writes one attribute, empty when the model does not report it.
func attribute(b []byte, reported bool, normalized, raw float64) []byte {
	if !reported {
		return append(b, ",,"...)
	}
	b = strconv.AppendInt(append(b, ','), int64(normalized), 10)
	return strconv.AppendInt(append(b, ','), int64(raw), 10)
}
