package smart

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// parseText reads the plain text that smartctl -a and -x print, for those who
// have no JSON. It knows less: smartctl's text has changed more often.
func parseText(text []byte, name string) (*Report, error) {
	if !bytes.Contains(text[:min(len(text), 4096)], []byte("smartctl")) {
		return nil, &errs.Input{File: name, Row: 1, Problem: "this is neither JSON nor what smartctl prints", Mend: "hand over what smartctl -x -j prints"}
	}
	r := &Report{Health: noHealth(), Tool: "smartctl"}
	r.CapacityBytes, r.Day = math.NaN(), NoDate
	p := &textReader{Report: r}
	sc := bufio.NewScanner(bytes.NewReader(text))
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		p.line(strings.TrimRight(sc.Text(), " \r\t"))
	}
	if sc.Err() != nil {
		return nil, &errs.Input{File: name, Problem: "a line is longer than a megabyte", Mend: "hand over what smartctl -x -j prints"}
	}
	if r.Model == "" {
		r.Model = strings.TrimSpace(p.vendor + " " + p.product)
	}
	if r.Model == "" && r.Serial == "" && len(r.Values) == 0 && len(p.rows) == 0 {
		r.Kind = EmptyReport
		return r, nil
	}
	p.attributes()
	r.fromAttributes()
	if r.Protocol == UnknownProtocol && len(p.rows) > 0 {
		r.Protocol = ATA
	}
	if r.Medium == UnknownMedium && r.Protocol == NVMe {
		r.Medium = Flash
	}
	return r, nil
}

type textReader struct {
	*Report
	vendor, product string
	rows            []attributeRow
	table           bool // in the table of ATA attributes
}

type attributeRow struct {
	id         uint8
	name       string
	normalized float64
	raw        string
}

func (p *textReader) line(s string) {
	switch {
	case strings.HasPrefix(s, "smartctl "):
		if f := strings.Fields(s); len(f) > 1 && p.Tool == "smartctl" {
			p.Tool = "smartctl " + f[1]
		}
		return
	case strings.HasPrefix(s, "ID#"):
		p.table = true
		return
	case strings.Contains(s, "failed:"), strings.HasPrefix(s, "Permission"), strings.Contains(s, "Unable to detect device type"):
		p.Messages = append(p.Messages, s)
		return
	}
	if p.table {
		if row, ok := attributeLine(s); ok {
			p.rows = append(p.rows, row)
			return
		}
		p.table = s != "" && p.table && strings.HasPrefix(s, " ")
	}
	if key, value, ok := strings.Cut(s, ":"); ok {
		p.field(strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value), s)
	}
}

// attributeLine reads a row of the attribute table, in the long or the brief form.
func attributeLine(s string) (attributeRow, bool) {
	f := strings.Fields(s)
	if len(f) < 8 {
		return attributeRow{}, false
	}
	id, err := strconv.ParseUint(f[0], 0, 8)
	norm, err2 := strconv.ParseUint(f[3], 10, 8)
	if err != nil || err2 != nil || id == 0 {
		return attributeRow{}, false
	}
	raw := f[7:]
	if strings.HasPrefix(f[2], "0x") { // long: TYPE UPDATED WHEN_FAILED come between
		if len(f) < 10 {
			return attributeRow{}, false
		}
		raw = f[9:]
	}
	return attributeRow{uint8(id), f[1], float64(norm), strings.Join(raw, " ")}, true
}

// attributes takes over the table, once the vendor is known.
func (p *textReader) attributes() {
	v := VendorOf(p.Model)
	for _, row := range p.rows {
		p.add(Raw(row.id), rawText(v, row))
		p.add(Normalized(row.id), row.normalized)
	}
}

// rawText reads a raw value as smartctl words it.
func rawText(v Vendor, row attributeRow) float64 {
	f := strings.FieldsFunc(row.raw, func(c rune) bool { return c == ' ' || c == '/' || c == '(' })
	if len(f) == 0 {
		return math.NaN()
	}
	word := f[0]
	if row.id == 188 && len(f) == 3 {
		word = f[2] // three counts, the one of all last
	}
	n, err := strconv.ParseFloat(word, 64)
	if err != nil {
		if row.id == 9 || row.id == 240 {
			return hoursOf(row.name, math.NaN(), row.raw)
		}
		return math.NaN()
	}
	if len(f) > 1 {
		if row.id == 190 || row.id == 194 {
			return temperature(n)
		}
		return n
	}
	return rawValue(v, row.id, row.name, n, row.raw)
}

// field takes over a line "key: value".
func (p *textReader) field(key, value, line string) {
	if p.identity(key, value) || p.verdict(key, value) {
		return
	}
	n := plainNumber(value)
	set := func(dst *float64, v float64) {
		if math.IsNaN(*dst) && v >= 0 {
			*dst = v
		}
	}
	switch key {
	case "temperature", "current drive temperature":
		if math.IsNaN(p.TemperatureCelsius) {
			p.TemperatureCelsius = temperature(n)
		}
	case "available spare":
		set(&p.SparePercent, n)
	case "percentage used", "percentage used endurance indicator":
		set(&p.PercentUsed, n)
	case "data units read":
		set(&p.BytesRead, n*512_000)
	case "data units written":
		set(&p.BytesWritten, n*512_000)
	case "power cycles", "accumulated start-stop cycles":
		set(&p.PowerCycles, n)
	case "power on hours":
		set(&p.PowerOnHours, n)
	case "unsafe shutdowns":
		set(&p.UnsafeShutdowns, n)
	case "media and data integrity errors":
		p.Protocol = NVMe
		set(&p.Uncorrectable, n)
	case "error information log entries", "ata error count":
		set(&p.ErrorLogEntries, n)
	case "elements in grown defect list":
		p.Protocol = SCSI
		set(&p.ReallocatedSectors, n)
	case "read", "write", "verify":
		p.counterLog(key, value)
	default:
		// "Accumulated power on time, hours:minutes 5675:39"
		if rest, ok := strings.CutPrefix(line, "Accumulated power on time, hours:minutes"); ok {
			set(&p.PowerOnHours, plainNumber(strings.TrimSpace(rest)))
		}
	}
}

// counterLog reads a row of a SCSI error counter log: seven numbers, of which the
// sixth is gigabytes and the last uncorrected errors.
func (p *textReader) counterLog(op, value string) {
	f := strings.Fields(value)
	if len(f) != 7 {
		return
	}
	p.Protocol = SCSI
	if n := plainNumber(f[6]); n >= 0 {
		p.Uncorrectable = first(p.Uncorrectable, 0) + n
	}
	gb, err := strconv.ParseFloat(f[5], 64)
	switch {
	case err != nil || !(gb >= 0):
	case op == "read":
		p.BytesRead = 1e9 * gb
	case op == "write":
		p.BytesWritten = 1e9 * gb
	}
}

// identity takes over what names the drive.
func (p *textReader) identity(key, value string) bool {
	switch key {
	case "device model", "model number":
		p.Model = strings.Join(strings.Fields(value), " ")
		if key == "model number" {
			p.Protocol = NVMe
		}
	case "vendor":
		p.vendor = value
	case "product":
		p.product, p.Protocol = value, SCSI
	case "serial number":
		p.Serial = plainSerial(value)
	case "lu wwn device id", "logical unit id", "namespace 1 ieee eui-64":
		p.WWN = plainWWN(value)
	case "firmware version", "revision":
		p.Firmware = value
	case "user capacity", "total nvm capacity", "namespace 1 size/capacity":
		if math.IsNaN(p.CapacityBytes) {
			p.CapacityBytes = credibleCapacity(plainNumber(strings.ReplaceAll(value, ".", ",")))
		}
	case "rotation rate":
		p.Medium = Disk
		if strings.HasPrefix(strings.ToLower(value), "solid") {
			p.Medium = Flash
		}
	case "local time is":
		p.localTime(value)
	default:
		return false
	}
	return true
}

// localTime reads "Sun Dec 16 17:09:15 2018 CST". The zone's name is not enough
// to know the offset, so that the time is taken as it stands.
func (p *textReader) localTime(value string) {
	f := strings.Fields(value)
	if len(f) < 5 {
		return
	}
	t, err := time.Parse("Jan 2 15:04:05 2006", fmt.Sprintf("%s %s %s %s", f[1], f[2], f[3], f[4]))
	if err == nil && t.Year() >= 1970 {
		p.Time, p.Day = t, DateOf(t)
	}
}

func (p *textReader) verdict(key, value string) bool {
	switch key {
	case "smart overall-health self-assessment test result", "smart health status":
		p.Verdict = Failing
		if v := strings.ToUpper(value); strings.HasPrefix(v, "PASSED") || strings.HasPrefix(v, "OK") {
			p.Verdict = Passed
		}
		return true
	}
	return false
}

// plainNumber reads the number that a text begins with: digits in groups of three
// with any separator between, as in 4,000,787,030,016 bytes [4.00 TB].
func plainNumber(s string) float64 {
	v, digits := 0.0, 0
	for _, c := range s {
		if c >= '0' && c <= '9' {
			v = v*10 + float64(c-'0')
			digits++
		} else if digits == 0 || !strings.ContainsRune(",'\u00a0\u202f\u2019", c) {
			break
		}
	}
	if digits == 0 || digits > 30 {
		return math.NaN()
	}
	return v
}
