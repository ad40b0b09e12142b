package table

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/drivecast/drivecast/errs"
)

// ReadOptions says how a CSV file is read. The zero value reads every column of
// a file whose separator is found from the header.
type ReadOptions struct {
	Separator byte                     // byte between fields; 0 finds ',' ';' or tab
	Columns   []string                 // the columns to keep, in the file's order; nil keeps all. A name the file has not is no error.
	Texts     []string                 // columns that are text whatever they hold: identifiers
	KeepRaw   bool                     // keep every number's text as it was written, in Column.Raw
	RawOf     func(column string) bool // with KeepRaw: the columns whose texts are kept; nil: all
	Progress  func(done, total int64)  // called now and then with bytes of the file; may be nil
}

// raw reports whether the texts of a column's numbers are kept.
func (o *ReadOptions) raw(column string) bool {
	return o.KeepRaw && (o.RawOf == nil || o.RawOf(column))
}

// ReadFile reads a CSV file: plain, gzip, or a zip archive whose CSV members
// have one header and are read one behind the other, by name; or a Parquet file of
// plain columns, whose rows are lines 2, 3, … in errors. What the file is shows in
// its first bytes, not in its name.
//
// A column is numeric when every field that is not empty (or a mark such as NA
// or NaN) is a number as ParseNumber has it, otherwise text; a text column in
// which some fields are numbers says so in Mixed. Faults in the file (missing,
// empty, a header alone, a name twice, a row of another length, binary data, a
// truncated gzip, an open quote) are of kind Invalid and name file, line, column
// and mend.
func ReadFile(ctx context.Context, path string, opt ReadOptions) (*Table, error) {
	members, err := Members(path)
	if err != nil {
		return nil, err
	}
	var done, total int64
	for _, m := range members {
		total += m.Size
	}
	count := func(n int64) {
		if done += n; opt.Progress != nil {
			opt.Progress(min(done, total), total)
		}
	}
	var keep func(string) bool
	if opt.Columns != nil {
		keep = func(name string) bool { return slices.Contains(opt.Columns, name) }
	}
	_, typed, _, err := members[0].typed()
	if err != nil {
		return nil, err
	}
	opt.Texts = append(slices.Clone(opt.Texts), typed...)
	open := func(i int) (string, io.ReadCloser, error) {
		if i == len(members) {
			return "", nil, nil
		}
		r, err := members[i].OpenColumns(count, keep)
		return members[i].Name, r, err
	}
	return read(ctx, path, open, opt)
}

// ReadCSV reads a CSV stream as ReadFile reads a file. The name stands for the
// stream in errors. The whole stream is held in memory meanwhile.
func ReadCSV(r io.Reader, name string, opt ReadOptions) (*Table, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, errs.Wrap(err, "read %s", name)
	}
	open := func(i int) (string, io.ReadCloser, error) {
		if i > 0 {
			return "", nil, nil
		}
		return name, io.NopCloser(bytes.NewReader(text)), nil
	}
	return read(context.Background(), name, open, opt)
}

// opener opens the i-th stream of a table; a nil reader means there is none.
type opener func(i int) (name string, r io.ReadCloser, err error)

// read goes over the streams once, and a second time for columns that turned
// out to be text after numbers had been seen in them.
func read(ctx context.Context, name string, open opener, opt ReadOptions) (*Table, error) {
	b := &builder{opt: opt}
	if err := b.pass(ctx, open); err != nil {
		return nil, err
	}
	if b.rows == 0 {
		return nil, &errs.Input{File: name, Problem: "the file has a header and no rows", Mend: "hand over a file with data in it"}
	}
	if rows := b.rows; b.prepareSecond() {
		b.opt.Progress = nil
		if err := b.pass(ctx, open); err != nil {
			return nil, err
		}
		if b.rows != rows {
			return nil, errs.New(errs.Invalid, "%s changed while it was read", name)
		}
	}
	return b.table(name)
}

// builder gathers the columns of a table from its records.
type builder struct {
	opt    ReadOptions
	names  []string
	cols   []*columnBuilder // one a field; nil is passed over
	rows   int
	second bool
}

func (b *builder) pass(ctx context.Context, open opener) error {
	b.rows = 0
	for i := 0; ; i++ {
		name, r, err := open(i)
		if err != nil {
			return err
		}
		if r == nil {
			return nil
		}
		err = b.stream(ctx, name, r)
		r.Close()
		if err != nil {
			return err
		}
	}
}

func (b *builder) stream(ctx context.Context, name string, r io.Reader) error {
	ahead := newReadAhead(ctx, r)
	defer ahead.Close()
	s, err := NewScanner(ahead, name, b.opt.Separator)
	if err == nil {
		err = s.Unique()
	}
	if err != nil {
		return err
	}
	if b.cols == nil {
		b.begin(s.Names())
	} else if !slices.Equal(b.names, s.Names()) {
		return &errs.Input{File: name, Row: 1, Problem: "the header differs from that of the members before it",
			Mend: "keep files with different columns apart"}
	}
	for s.Next() {
		if err := b.record(s, name); err != nil {
			return err
		}
	}
	return s.Err()
}

func (b *builder) begin(names []string) {
	b.names = names
	b.cols = make([]*columnBuilder, len(names))
	for i, n := range names {
		if b.opt.Columns == nil || slices.Contains(b.opt.Columns, n) {
			b.cols[i] = newColumnBuilder(slices.Contains(b.opt.Texts, n), b.opt.raw(n))
		}
	}
}

func (b *builder) record(s *Scanner, name string) error {
	if s.Bad() != "" {
		return &errs.Input{File: name, Row: s.Line(), Problem: s.Bad(), Mend: "is this a CSV file? save it as UTF-8 text"}
	}
	if s.Len() != len(b.cols) {
		return &errs.Input{File: name, Row: s.Line(), Problem: fmt.Sprintf("the row has %s, the header has %d",
			plural(s.Len(), "field"), len(b.cols)), Mend: "mend or delete the row"}
	}
	for i, c := range b.cols {
		switch {
		case c == nil:
		case b.second:
			c.again(s.Field(i))
		default:
			c.add(s.Field(i), s)
		}
	}
	b.rows++
	return nil
}

// prepareSecond readies the columns whose texts were lost for another pass, and
// reports whether there are any.
func (b *builder) prepareSecond() bool {
	b.second = true
	again := false
	for _, c := range b.cols {
		if c == nil {
			continue
		}
		if c.lost() {
			c.restart()
			again = true
		} else {
			c.done = true
		}
	}
	return again
}

func (b *builder) table(name string) (*Table, error) {
	var out []*Column
	for i, c := range b.cols {
		if c != nil {
			out = append(out, c.column(b.names[i]))
		}
	}
	t, err := New(out...)
	return t, errs.Wrap(err, "read %s", name)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
