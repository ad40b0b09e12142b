package feature

import (
	"encoding/binary"
	"math"

	"github.com/drivecast/drivecast/smart"
)

// What follows the flags of a trace in a saved state, in this order. A value that
// never changed and a counter that rests at zero have none but the first.
const (
	hasValue   = 1 << iota // the attribute was reported
	hasMax                 // the largest value is not the one now
	hasNonzero             // the first day above zero
	hasRose                // the last day on which it rose
	hasSince               // the value now was not there on the drive's first day
	hasPast                // length and bytes of the past
)

// append writes a drive for a saved state: its serial number with the length in
// front, the number of its model, its last day, the first, days missed, attributes
// lost, capacity, and its traces, of which each begins with a byte of flags. Days are
// uvarints, the last one a varint since 1970, the others counted back from it.
// Values are uvarints, 0 before the 8 bytes of a float64, else a whole number in
// zigzag form plus 1.
func (d *drive) append(b []byte, model int, columns []column) []byte {
	b = binary.AppendUvarint(b, uint64(len(d.serial)))
	b = append(b, d.serial...)
	b = binary.AppendUvarint(b, uint64(model))
	b = binary.AppendVarint(b, int64(d.last))
	b = appendDay(b, d.last, d.first)
	b = binary.AppendUvarint(b, uint64(d.missed))
	b = binary.AppendUvarint(b, uint64(d.lost))
	b = appendValue(b, d.capacity)
	for i := range d.traces {
		b = d.traces[i].append(b, d, columns[i].reach)
	}
	return b
}

func (t *trace) append(b []byte, d *drive, reach int) []byte {
	if t.since == smart.NoDate {
		return append(b, 0)
	}
	at, flags := len(b), byte(hasValue)
	b = appendValue(append(b, 0), t.value)
	if math.Float64bits(t.max) != math.Float64bits(t.value) {
		flags |= hasMax
		b = appendValue(b, t.max)
	}
	if t.nonzero != smart.NoDate {
		flags |= hasNonzero
		b = appendDay(b, d.last, t.nonzero)
	}
	if t.rose != smart.NoDate {
		flags |= hasRose
		b = appendDay(b, d.last, t.rose)
	}
	if t.since != d.first {
		flags |= hasSince
		b = appendDay(b, d.last, t.since)
	}
	if p := t.kept(d.last - smart.Date(reach)); len(p) > 0 {
		flags |= hasPast
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	b[at] = flags
	return b
}

func appendDay(b []byte, last, day smart.Date) []byte {
	return binary.AppendUvarint(b, uint64(last-day))
}

func appendValue(b []byte, v float64) []byte {
	if whole(v) {
		n := int64(v)
		return binary.AppendUvarint(b, (uint64(n)<<1^uint64(n>>63))+1)
	}
	return binary.LittleEndian.AppendUint64(append(b, 0), math.Float64bits(v))
}

// stateReader takes a drive's part of a saved state apart. bad is set by the first
// thing that does not fit, and stays.
type stateReader struct {
	b   []byte
	bad bool
}

func (r *stateReader) take(n int) []byte {
	if r.bad || n > len(r.b) {
		r.bad = true
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *stateReader) uvarint() uint64 {
	if len(r.b) > 0 && r.b[0] < 0x80 { // most are short
		v := uint64(r.b[0])
		r.b = r.b[1:]
		return v
	}
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, n = true, 0
	}
	r.b = r.b[n:]
	return v
}

// count reads a number from 0 to most.
func (r *stateReader) count(most int) int {
	v := r.uvarint()
	if r.bad || most < 0 || v > uint64(most) {
		r.bad = true
		return 0
	}
	return int(v)
}

// A day in a saved state lies within these, some thousands of years around now.
const (
	earliest smart.Date = -1 << 22
	latest   smart.Date = 1 << 22
)

// last reads the last day of a drive.
func (r *stateReader) last() smart.Date {
	v, n := binary.Varint(r.b)
	if n <= 0 || v < int64(earliest) || v > int64(latest) {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return smart.Date(v)
}

// day reads what appendDay writes.
func (r *stateReader) day(last smart.Date) smart.Date {
	return last - smart.Date(r.count(int(last-earliest)))
}

// value reads what appendValue writes.
func (r *stateReader) value() float64 {
	v := r.uvarint()
	if v > 0 {
		v--
		return float64(int64(v>>1) ^ -int64(v&1))
	}
	if b := r.take(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

// drive reads what append writes into d, whose traces are new, and returns its
// serial number and the number of its model.
func (r *stateReader) drive(d *drive, models int) (serial []byte, model int) {
	serial = r.take(r.count(maxSerial))
	model = r.count(models - 1)
	d.last = r.last()
	d.first = r.day(d.last)
	d.missed, d.lost = int32(r.count(math.MaxInt32)), int32(r.count(len(d.traces)))
	d.capacity = r.value()
	for i := range d.traces {
		r.trace(&d.traces[i], d)
	}
	return serial, model
}

func (r *stateReader) trace(t *trace, d *drive) {
	flags := r.count(2*hasPast - 1)
	if flags&hasValue == 0 {
		r.bad = r.bad || flags != 0
		return
	}
	t.value, t.since = r.value(), d.first
	t.max = t.value
	if flags&hasMax != 0 {
		t.max = r.value()
	}
	if flags&hasNonzero != 0 {
		t.nonzero = r.day(d.last)
	}
	if flags&hasRose != 0 {
		t.rose = r.day(d.last)
	}
	if flags&hasSince != 0 {
		t.since = r.day(d.last)
	}
	if flags&hasPast != 0 {
		t.past = r.take(r.count(len(r.b)))
		c := cursor{t.past, t.since, t.value}
		for len(c.before) > 0 && c.day >= earliest && c.back() {
		}
		r.bad = r.bad || len(c.before) > 0
	}
	r.bad = r.bad || t.value != t.value
}
