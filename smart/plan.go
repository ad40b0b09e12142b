package smart

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/table"
)

// plan sorts files into days.
func (s *Source) plan(ctx context.Context, heads []header) error {
	byDay, held := map[Date]*unit{}, 0
	day := func(d Date) *unit {
		if byDay[d] == nil {
			byDay[d] = &unit{date: d}
		}
		return byDay[d]
	}
	for _, h := range heads {
		if named := dayOfName(h.member.Base); named != NoDate && named == h.first {
			if s.within(named) {
				u := day(named)
				u.files = append(u.files, h.member)
				s.total += h.member.Size
			}
			continue
		}
		// The file holds other days than its name says, or several: sort its rows now.
		p := newParser(s.has, NoDate, 0, s.opt.Mapping)
		sort := func(list []Reading) error {
			for _, r := range list {
				if s.within(r.Day) {
					u := day(r.Day)
					u.loaded = append(u.loaded, r)
					u.readings++
					u.from = addRun(u.from, h.member.Name, u.readings)
					held++
				}
			}
			if held <= s.opt.Held {
				return nil
			}
			held = 0
			return s.spill(byDay)
		}
		p.full = sort
		if err := p.file(ctx, h.member, nil); err != nil {
			return err
		}
		s.take(p)
		if err := sort(p.out); err != nil {
			return err
		}
	}
	for _, d := range slices.Sorted(maps.Keys(byDay)) {
		s.units = append(s.units, *byDay[d])
	}
	return nil
}

// spill moves the readings that are held in memory to a temporary file.
func (s *Source) spill(byDay map[Date]*unit) (err error) {
	if s.spool == nil {
		if s.spool, err = newSpool(); err != nil {
			return err
		}
	}
	for _, d := range slices.Sorted(maps.Keys(byDay)) {
		u := byDay[d]
		if len(u.loaded) == 0 {
			continue
		}
		at, err := s.spool.put(u.loaded)
		if err != nil {
			return err
		}
		u.spilled, u.loaded = append(u.spilled, at), nil
	}
	return nil
}

func (s *Source) within(d Date) bool { return d >= s.opt.From && d <= s.opt.Until }

// dayOfName reads the day from a file name such as 2013-04-10.csv.
func dayOfName(base string) Date {
	name, _, _ := strings.Cut(base, ".")
	if d, ok := parseDate([]byte(name)); ok && len(name) == len("2013-04-10") {
		return d
	}
	return NoDate
}

// parser reads the rows of files into readings.
type parser struct {
	mapping Mapping
	wanted  []Attribute
	only    Date      // rows of other days are bad, unless NoDate
	values  []float64 // free for the readings to come
	slab    []float64 // the piece that values is the rest of
	out     []Reading
	bad     []BadRow
	runs    []FileRun
	good    int
	files   int
	models  map[string]model

	full func([]Reading) error // takes readings now and then, so that they need not all be held; may be nil

	size, taken, begun int64 // of the file in hand: its bytes, those read, and the readings before it
}

// fullRows is after how many readings full is called.
const fullRows = 16384

// newParser makes a parser that expects about so many rows.
func newParser(wanted []Attribute, only Date, rows int, mapping Mapping) *parser {
	return &parser{wanted: wanted, mapping: mapping, only: only, models: map[string]model{}, out: slices.Grow([]Reading(nil), rows)}
}

// file reads one file; count gets the bytes it took from the disk.
func (p *parser) file(ctx context.Context, m table.Member, count func(int64)) error {
	p.size, p.taken, p.begun = m.Size, 0, int64(len(p.out))
	r, err := m.OpenColumns(func(n int64) {
		p.taken += n
		if count != nil {
			count(n)
		}
	}, p.reads)
	if err != nil {
		return err
	}
	defer r.Close()
	return p.stream(ctx, r, m.Name)
}

// reads reports whether the rows need a column.
func (p *parser) reads(column string) bool {
	for _, n := range p.mapping.meanings(column) {
		switch n {
		case "date", "serial_number", "model", "capacity_bytes", "failure":
			return true
		}
		if a, ok := ParseAttribute(n); ok && slices.Contains(p.wanted, a) {
			return true
		}
	}
	return false
}

func (p *parser) stream(ctx context.Context, r io.Reader, name string) error {
	s, err := table.NewScanner(r, name, 0)
	if err != nil {
		return err
	}
	l, err := layoutOf(s, name, p.mapping)
	if err != nil {
		return err
	}
	l.locate(p.wanted)
	s.Select(l.used())
	rr := &rowReader{layout: l, models: p.models, texts: make([]byte, 0, 16*cap(p.out)), ends: make([]int, 0, cap(p.out))}
	first := len(p.out)
	for s.Next() {
		if s.Line()&0xfff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		p.record(rr, s, name)
		if p.full != nil && len(p.out) >= fullRows {
			rr.serials(p.out)
			if err := p.full(p.out); err != nil {
				return err
			}
			p.out, p.values = make([]Reading, 0, fullRows), nil
			rr.texts, rr.ends = rr.texts[:0], rr.ends[:0]
		}
	}
	rr.serials(p.out[first:])
	p.runs = addRun(p.runs, name, len(p.out))
	p.files++
	return s.Err()
}

func (p *parser) record(rr *rowReader, s *table.Scanner, file string) {
	if len(p.out) == cap(p.out) {
		p.out = slices.Grow(p.out, p.more())
	}
	r := &p.out[:len(p.out)+1][len(p.out)] // in place: readings are large
	*r = Reading{Values: p.room(), Line: int32(min(s.Line(), 1<<31-1))}
	reason := s.Bad()
	if reason == "" {
		reason = rr.read(s, r)
	}
	if reason == "" && p.only != NoDate && r.Day != p.only {
		rr.texts = rr.texts[:len(rr.texts)-len(s.Field(rr.serial))]
		rr.ends = rr.ends[:len(rr.ends)-1]
		reason = "date: " + r.Day.String() + " stands in the file of another day"
	}
	if reason != "" {
		var cells []string
		s.All()
		for i := range s.Len() {
			cells = append(cells, string(s.Field(i)))
		}
		p.bad = append(p.bad, BadRow{file, s.Line(), reason, strings.Join(cells, ",")})
		return
	}
	p.values = p.values[len(p.wanted):]
	p.out = p.out[:len(p.out)+1]
	p.good++
}

// more returns for how many further readings to make room: as many as the rest of
// the file has when it is like its beginning.
func (p *parser) more() int {
	rows := int64(len(p.out)) - p.begun
	if rows < 1000 || p.taken <= 0 || p.taken >= p.size {
		return 1000
	}
	return int(min(rows*100, rows*(p.size-p.taken)/p.taken*65/64)) + 1000
}

// room returns space for a reading's values, which record takes when it keeps
// the reading.
func (p *parser) room() []float64 {
	n := len(p.wanted)
	if len(p.values) < n {
		p.slab = make([]float64, n*max(4096, cap(p.out)-len(p.out)))
		p.values = p.slab
	}
	return p.values[:n:n]
}

// addRun notes that the readings up to end are of a file.
func addRun(runs []FileRun, file string, end int) []FileRun {
	if n := len(runs); n > 0 && runs[n-1].File == file {
		runs[n-1].End = end
		return runs
	}
	return append(runs, FileRun{file, end})
}
