package smart

import (
	"math"
	"strconv"
	"strings"
)

type attributeRow struct {
	id         uint8
	name       string
	normalized float64
	raw        string
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
	v := p.maker()
	for _, row := range p.rows {
		p.names = append(p.names, named{row.id, row.name})
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
	if row.id == 190 || row.id == 194 {
		if len(f) > 1 {
			return temperature(n)
		}
	} else if !(n >= 0) || math.IsInf(n, 0) {
		return math.NaN() // no count is below zero
	} else if len(f) > 1 {
		return n
	}
	return rawValue(v, row.id, row.name, n, row.raw)
}
