package smart

import (
	"bufio"
	"bytes"
	"math"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// parseText reads the plain text that smartctl -a and -x print, for those who
// have no JSON. It knows less: smartctl's text has changed more often.
func parseText(text []byte, name string) (*Report, error) {
	if !bytes.Contains(text[:min(len(text), 4096)], []byte("smartctl")) {
		return nil, &errs.Input{File: name, Row: 1, Problem: "this is neither JSON nor what smartctl prints", Mend: mendReport}
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
		return nil, &errs.Input{File: name, Problem: "a line is longer than a megabyte", Mend: mendReport}
	}
	if r.Model == "" {
		r.Model = strings.TrimSpace(p.vendor + " " + p.product)
	}
	if r.Model == "" && r.Serial == "" && len(r.Values) == 0 && len(p.rows) == 0 {
		r.Kind = EmptyReport
		return r, nil
	}
	p.attributes()
	if r.Protocol == UnknownProtocol && len(p.rows) > 0 {
		r.Protocol = ATA
	}
	switch {
	case r.Medium != UnknownMedium:
	case r.Protocol == NVMe:
		r.Medium = Flash
	default:
		r.Medium = mediumOf(r.Model)
	}
	r.flash()
	r.fromAttributes()
	return r, nil
}

type textReader struct {
	*Report
	vendor, product string
	rows            []attributeRow
	table           bool // in the table of ATA attributes
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
