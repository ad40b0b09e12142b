package smart

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// layout says where a file of drive statistics keeps what. Positions are those
// of the header, -1 for a column it has not.
type layout struct {
	date, serial, model, capacity, failure int
	columns                                int
	wanted                                 []Attribute
	at                                     []int       // position of each wanted attribute
	below                                  [][]float64 // by vendor, see bounds
	has                                    []Attribute
	pos                                    []int // of each in has
	mapped                                 bool  // by a Mapping: numbers may have units behind them, dates may be Unix times
	mapping                                Mapping
	scales                                 []float64 // of each wanted attribute; nil: 1
	absent                                 []string  // what the mapping names a column for that the header lacks
}

// layoutOf reads a header, whose columns are named as Backblaze names them or as
// the mapping says. It returns an error of kind Invalid that names the columns
// missing when this is not drive statistics.
func layoutOf(s *table.Scanner, file string, mapping Mapping) (*layout, error) {
	if mapping == nil {
		if err := s.Unique(); err != nil {
			return nil, err
		}
	}
	l := &layout{date: -1, serial: -1, model: -1, capacity: -1, failure: -1, columns: len(s.Names()), mapped: mapping != nil, mapping: mapping}
	places := map[string]*int{"date": &l.date, "serial_number": &l.serial, "model": &l.model, "capacity_bytes": &l.capacity, "failure": &l.failure}
	for i, n := range s.Names() {
		for _, n := range mapping.meanings(n) {
			if place := places[n]; place != nil {
				if *place < 0 {
					*place = i
				}
			} else if a, ok := ParseAttribute(n); ok && !slices.Contains(l.has, a) {
				l.has, l.pos = append(l.has, a), append(l.pos, i)
			}
		}
	}
	l.absent = mapping.absent(s.Names())
	var lacks []string
	for _, n := range []string{"date", "serial_number"} {
		if *places[n] < 0 {
			lacks = append(lacks, n)
		}
	}
	if len(l.has) == 0 {
		lacks = append(lacks, "smart_N_raw")
	}
	if lacks != nil {
		return nil, &errs.Input{File: file, Row: 1, Problem: "this is not drive statistics: the header lacks " + strings.Join(lacks, ", "),
			Mend: "name the columns as Backblaze does, or say with a mapping which they are"}
	}
	return l, nil
}

// locate sets the positions of the wanted attributes.
func (l *layout) locate(wanted []Attribute) {
	l.at, l.wanted = make([]int, len(wanted)), wanted
	for i, w := range wanted {
		l.at[i] = -1
		if k := slices.Index(l.has, w); k >= 0 {
			l.at[i] = l.pos[k]
		}
		if l.mapped {
			l.scales = append(l.scales, l.mapping.scale(w.String()))
		}
	}
}

// bounds returns, for each wanted attribute of a vendor's drives, the bound up to
// which digits in a file are the value itself; -1 when there is none.
func (l *layout) bounds(v Vendor) []float64 {
	for len(l.below) <= int(v) {
		l.below = append(l.below, nil)
	}
	if l.below[v] == nil {
		l.below[v] = make([]float64, len(l.wanted))
		for i, a := range l.wanted {
			l.below[v][i] = plainBelow(v, a)
			if l.scales != nil {
				l.below[v][i] = -1
			}
		}
	}
	return l.below[v]
}

// used returns the positions of all columns that are read.
func (l *layout) used() []int {
	out := slices.Concat([]int{l.date, l.serial, l.model, l.capacity, l.failure}, l.at)
	return slices.DeleteFunc(out, func(i int) bool { return i < 0 })
}

// number reads a field.
func (l *layout) number(s *table.Scanner, cell []byte) (float64, bool) {
	v, ok := s.Number(cell)
	if !ok && l.mapped {
		return numberWithUnit(cell)
	}
	return v, ok
}

// rowReader turns records into readings.
type rowReader struct {
	*layout
	models map[string]model

	lastName     []byte // the model of the row before
	lastModel    model
	lastDate     []byte
	lastCapacity []byte
	lastBytes    float64
	lastDay      Date
	texts        []byte // serial numbers of the readings so far, to be made one string
	ends         []int
}

type model struct {
	name   string
	vendor Vendor
	medium Medium
}

// read fills r from a record. It returns the reason for which the record must be
// set aside, or "".
func (p *rowReader) read(s *table.Scanner, r *Reading) string {
	if s.Len() != p.columns {
		return fmt.Sprintf("%d fields where the header has %d", s.Len(), p.columns)
	}
	if d := s.Field(p.date); string(d) != string(p.lastDate) || p.lastDate == nil {
		day, ok := parseDate(d)
		if !ok && p.mapped {
			day, ok = parseUnix(d)
		}
		if !ok {
			return fmt.Sprintf("date: %q is not a date", clip(d))
		}
		p.lastDate, p.lastDay = append(p.lastDate[:0:0], d...), day
	}
	r.Day = p.lastDay
	serial := s.Field(p.serial)
	if len(serial) == 0 {
		return "serial_number is empty"
	}
	r.CapacityBytes, r.Failed = Missing(), false
	if p.failure >= 0 {
		f, ok := s.Digits(p.failure)
		if !ok {
			f, ok = p.number(s, s.Field(p.failure))
		}
		if !ok || f != 0 && f != 1 {
			return fmt.Sprintf("failure: %q is neither 0 nor 1", clip(s.Field(p.failure)))
		}
		r.Failed = f == 1
	}
	if p.capacity >= 0 {
		r.CapacityBytes = p.capacityOf(s, s.Field(p.capacity))
	}
	m := p.model(s)
	r.Model, r.Medium = m.name, m.medium
	if reason := p.numbers(s, r.Values, m.vendor); reason != "" {
		return reason
	}
	p.texts = append(p.texts, serial...)
	p.ends = append(p.ends, len(p.texts))
	return ""
}

// numbers fills dst with the wanted attributes. It returns as read does.
func (p *rowReader) numbers(s *table.Scanner, dst []float64, vendor Vendor) string {
	s.Numbers(dst, p.at)
	for i, most := range p.bounds(vendor) {
		v := dst[i]
		if v <= most || v != v {
			continue
		}
		short := !math.IsInf(v, 1)
		if cell := s.Field(p.at[i]); !short {
			ok := false
			if v, ok = p.number(s, cell); !ok {
				return fmt.Sprintf("%s: %q is not a number", p.wanted[i], clip(cell))
			}
			if v >= 1<<16 && packed(vendor, p.wanted[i]) && bytes.ContainsAny(cell, "eE") {
				dst[i] = math.NaN() // rounded, so that the parts are lost
				continue
			}
		}
		if p.scales != nil {
			v *= p.scales[i]
		}
		dst[i] = Decode(vendor, p.wanted[i], v)
	}
	return ""
}

// capacityOf reads a capacity; most rows repeat that of the row before.
func (p *rowReader) capacityOf(s *table.Scanner, cell []byte) float64 {
	if string(cell) != string(p.lastCapacity) || p.lastCapacity == nil {
		p.lastCapacity, p.lastBytes = append(p.lastCapacity[:0], cell...), Missing()
		if c, ok := p.number(s, cell); ok {
			p.lastBytes = credibleCapacity(c * p.mapping.scale("capacity_bytes"))
		}
	}
	return p.lastBytes
}

func (p *rowReader) model(s *table.Scanner) model {
	if p.layout.model < 0 {
		return model{}
	}
	cell := s.Field(p.layout.model)
	if string(cell) == string(p.lastName) {
		return p.lastModel
	}
	m, ok := p.models[string(cell)]
	if !ok {
		name := strings.Join(strings.Fields(string(cell)), " ")
		m = model{name, VendorOf(name), mediumOf(name)}
		p.models[string(cell)] = m
	}
	p.lastName, p.lastModel = append(p.lastName[:0], cell...), m
	return m
}

// serials gives the readings their serial numbers, which share one string.
func (p *rowReader) serials(rs []Reading) {
	all, from := string(p.texts), 0
	for i := range rs {
		rs[i].Serial = all[from:p.ends[i]]
		from = p.ends[i]
	}
}

func clip(b []byte) []byte {
	if len(b) > 40 {
		return b[:40]
	}
	return b
}
