package table

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/drivecast/drivecast/errs"
)

// Parts says how ReadParts cuts a file.
type Parts struct {
	ReadOptions
	Rows  int                          // rows of a table, at most
	Range func(rows int) (lo, hi int)  // which rows of the file are wanted, counted from 0; nil: all
	Each  func(t *Table, at int) error // takes the tables in their order; row 0 of t is row at of the file
}

// ReadParts reads a file as ReadFile does, but hands it over in tables of some rows, so
// that a file of any size is read in the memory of one of them. Of a Parquet file the
// types say what a column holds. Any other is gone over twice: the first time to find what
// each column holds in all rows, so that every table has the kinds that the whole one
// would have. When no row is wanted, Each gets a table without rows.
func ReadParts(ctx context.Context, path string, o Parts) error {
	members, err := Members(path)
	if err != nil {
		return err
	}
	p := &parts{Parts: o}
	if err := p.survey(ctx, members); err != nil {
		return err
	}
	if p.rows == 0 {
		return &errs.Input{File: path, Problem: "the file has a header and no rows", Mend: "hand over a file with data in it"}
	}
	if p.lo, p.hi = 0, p.rows; o.Range != nil {
		p.lo, p.hi = o.Range(p.rows)
	}
	p.at = p.lo
	p.begin()
	if err := p.pass(ctx, members, p.take); err != nil {
		return err
	}
	if p.row != p.rows {
		return errs.New(errs.Invalid, "%s changed while it was read", path)
	}
	if p.b.rows > 0 || p.lo >= p.hi {
		return p.flush()
	}
	return nil
}

// survey finds how many rows there are and what each column holds.
func (p *parts) survey(ctx context.Context, members []Member) error {
	passes := int64(2)
	if members[0].kind == columnar {
		passes = 1
	}
	for _, m := range members {
		p.total += passes * m.Size
	}
	if passes > 1 {
		err := p.pass(ctx, members, p.look)
		p.rows = p.row
		return err
	}
	for _, m := range members {
		names, texts, rows, err := m.typed()
		if err != nil {
			return err
		}
		if p.names == nil {
			p.columns(names)
		}
		for i, n := range p.names {
			p.texts[i] = p.texts[i] || slices.Contains(texts, n)
			p.seen[i].Numbers = 1
		}
		p.rows += rows
	}
	return nil
}

// columns readies what is known of each column.
func (p *parts) columns(names []string) {
	p.names, p.seen, p.texts = names, make([]Mixed, len(names)), make([]bool, len(names))
	for i, n := range names {
		p.texts[i] = slices.Contains(p.Texts, n)
	}
}

// pass goes over all rows.
func (p *parts) pass(ctx context.Context, members []Member, row func(*Scanner) error) error {
	p.row = 0
	for _, m := range members {
		if err := p.member(ctx, m, row); err != nil {
			return err
		}
	}
	return nil
}

// parts is one reading of a file in parts.
type parts struct {
	Parts
	names       []string
	texts       []bool  // of each column: it is text by its type
	seen        []Mixed // of each column: what its rows hold
	row, rows   int     // at hand, and of the file
	lo, hi, at  int     // the wanted rows, and the first of the table at hand
	b           *builder
	done, total int64
}

func (p *parts) member(ctx context.Context, m Member, row func(*Scanner) error) error {
	if m.kind == columnar {
		return p.columnarMember(ctx, m)
	}
	r, err := m.OpenColumns(p.count, nil)
	if err != nil {
		return err
	}
	defer r.Close()
	ahead := newReadAhead(ctx, r)
	defer ahead.Close()
	return p.stream(ahead, m.Name, row)
}

// count tells of bytes that were read.
func (p *parts) count(n int64) {
	if p.done += n; p.Progress != nil {
		p.Progress(min(p.done, p.total), p.total)
	}
}

func (p *parts) stream(r io.Reader, name string, row func(*Scanner) error) error {
	s, err := NewScanner(r, name, p.Separator)
	if err == nil {
		err = s.Unique()
	}
	if err != nil {
		return err
	}
	if p.names == nil {
		p.columns(slices.Clone(s.Names()))
	} else if !slices.Equal(p.names, s.Names()) {
		return &errs.Input{File: name, Row: 1, Problem: "the header differs from that of the members before it", Mend: "keep files with different columns apart"}
	}
	for s.Next() {
		if err := row(s); err != nil {
			return err
		}
		p.row++
	}
	return s.Err()
}

// look notes what a record holds.
func (p *parts) look(s *Scanner) error {
	if s.Bad() != "" {
		return &errs.Input{File: s.name, Row: s.Line(), Problem: s.Bad(), Mend: "is this a CSV file? save it as UTF-8 text"}
	}
	if s.Len() != len(p.names) {
		return &errs.Input{File: s.name, Row: s.Line(), Problem: fmt.Sprintf("the row has %s, the header has %d", plural(s.Len(), "field"), len(p.names)), Mend: "mend or delete the row"}
	}
	for i := range p.seen {
		cell, m := s.Field(i), &p.seen[i]
		if p.texts[i] || len(cell) == 0 {
			continue
		}
		switch v, ok := s.Number(cell); {
		case ok && !Missing(v):
			m.Numbers++
		case ok || isMissingMark(cell):
		default:
			if m.Others == 0 {
				m.File, m.Line, m.Text = s.name, s.line, string(cell)
			}
			m.Others++
		}
	}
	return nil
}

// begin readies the columns of the next table.
func (p *parts) begin() {
	p.b = &builder{opt: p.ReadOptions}
	p.b.begin(p.names)
	for i := range p.b.cols {
		c := newColumnBuilder(p.texts[i] || p.seen[i].Others > 0, p.raw(p.names[i]))
		if !p.texts[i] {
			c.mixed = p.seen[i]
		}
		p.b.cols[i] = c
	}
}

// take puts a wanted record into the table at hand.
func (p *parts) take(s *Scanner) error {
	if p.row < p.lo || p.row >= p.hi {
		return nil
	}
	if err := p.b.record(s, s.name); err != nil {
		return err
	}
	if p.b.rows < p.Rows {
		return nil
	}
	return p.flush()
}

func (p *parts) flush() error {
	t, err := p.b.table("a part")
	if err != nil {
		return err
	}
	at := p.at
	p.at += p.b.rows
	p.begin()
	return p.Each(t, at)
}
