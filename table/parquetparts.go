package table

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"

	"github.com/drivecast/drivecast/errs"
)

// columnarMember takes the rows of a Parquet file column by column, without the way
// over text. Values are those that the text would have.
func (p *parts) columnarMember(ctx context.Context, m Member) error {
	f, size, err := openFile(m.path)
	if err != nil {
		return err
	}
	defer f.Close()
	t, err := openParquet(&counted{ReaderAt: f, Reader: f, count: p.count}, size, m.Name, nil)
	if err != nil {
		return err
	}
	defer t.Close()
	readers := t.valueReaders()
	if err := p.sameColumns(t); err != nil {
		return err
	}
	for {
		if t.left == 0 {
			if err := t.safeGroup(); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		n, wanted := p.run(int(t.left))
		for i := range readers {
			to := p.b.cols[i]
			if !wanted {
				to = nil
			}
			if err := readers[i].take(t, n, to); err != nil {
				return err
			}
		}
		t.left -= int64(n)
		p.row += n
		if !wanted {
			continue
		}
		if p.b.rows += n; p.b.rows == p.Rows {
			if err := p.flush(); err != nil {
				return err
			}
		}
	}
}

// run returns how many of the next rows are alike: all wanted, and in one table, or
// none.
func (p *parts) run(most int) (n int, wanted bool) {
	switch {
	case p.row < p.lo:
		return min(most, p.lo-p.row), false
	case p.row >= p.hi:
		return most, false
	}
	return min(most, p.hi-p.row, p.Rows-p.b.rows), true
}

func (p *parts) sameColumns(t *parquetText) error {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		if names[i] = c.name; slices.Contains(names[:i], c.name) {
			return &errs.Input{File: t.name, Row: 1, Column: c.name, Problem: "two columns have this name", Mend: "rename one of them"}
		}
	}
	if !slices.Equal(p.names, names) {
		return &errs.Input{File: t.name, Row: 1, Problem: "the header differs from that of the members before it", Mend: "keep files with different columns apart"}
	}
	return nil
}

// safeGroup is nextGroup for files that may be damaged.
func (t *parquetText) safeGroup() (err error) {
	defer t.damaged(&err)
	return t.nextGroup()
}

// damaged turns a panic of the library into an error.
func (t *parquetText) damaged(err *error) {
	if e := recover(); e != nil {
		*err = badParquet(t.name, fmt.Sprintf("is damaged in row group %d: %v", t.group, e))
	}
}

// valueReader moves the values of a column into a builder.
type valueReader struct {
	from   *parquetColumn
	number func(v *parquet.Value) float64 // nil: by way of its text
	plain  bool                           // text as it is, which CSV would quote
	field  []byte
}

func (t *parquetText) valueReaders() []valueReader {
	out := make([]valueReader, len(t.columns))
	stated := logicalTypes(t.file.Metadata().Schema)
	for i, c := range t.file.Root().Columns() {
		r := &out[i]
		r.from = &t.columns[i]
		typed := typedReader{from: r.from, kind: c.Type().Kind()}
		var name string
		name, typed.sign = numpyOf(c.Type(), stated[r.from.name])
		switch name {
		case "bool", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64":
			r.number = typed.number
		}
		r.plain = r.from.typed && typed.kind == parquet.ByteArray
	}
	return out
}

// take moves n values; to is nil when nobody wants them.
func (r *valueReader) take(t *parquetText, n int, to *columnBuilder) (err error) {
	defer t.damaged(&err)
	as := &Scanner{name: t.name, sep: ','}
	for c := r.from; n > 0; {
		if c.at == c.n {
			if err := c.fill(); err != nil {
				return badParquet(t.name, fmt.Sprintf("is damaged in row group %d, column %q: %v", t.group, c.name, err))
			}
		}
		values := c.buf[c.at:min(c.n, c.at+n)]
		for i := range values {
			if to != nil {
				r.put(&values[i], to, as)
			}
		}
		c.at += len(values)
		n -= len(values)
	}
	return nil
}

// put adds what add would make of the value's text.
func (r *valueReader) put(v *parquet.Value, to *columnBuilder, as *Scanner) {
	if r.number != nil && !to.forced && !to.raw && !v.IsNull() {
		x := r.number(v)
		if !Missing(x) {
			to.mixed.Numbers++
		}
		to.floats.add(x)
		return
	}
	r.field = r.field[:0]
	switch {
	case v.IsNull():
	case r.plain:
		r.field = append(r.field, v.ByteArray()...)
	default:
		r.field = r.from.append(r.field, v)
	}
	to.add(r.field, as)
}
