package table

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"

	"github.com/drivecast/drivecast/errs"
)

// parquetText reads a Parquet file as the CSV text of its rows, so that whatever
// reads CSV reads Parquet: a header line, then row i on line i+2. Nulls and NaN are
// empty fields, booleans 1 and 0, dates YYYY-MM-DD, times in UTC. It holds one page
// of each column at a time.
type parquetText struct {
	name    string
	file    *parquet.File
	raw     io.ReaderAt
	size    int64
	columns []parquetColumn
	group   int   // the row group to be read next
	left    int64 // rows left of the one at hand
	room    int64 // bytes that one page of each column may take
	buf     []byte
	rest    []byte
	err     error
}

// parquetColumn is one column of a file.
type parquetColumn struct {
	name   string
	chunk  int        // position among the leaves
	append cellFormat // nil: the column is not wanted, its fields are empty
	typed  bool       // holds text by its type

	pages  parquet.Pages
	values parquet.ValueReader
	buf    []parquet.Value
	at, n  int
}

// openParquet begins to read a file. keep says which columns are wanted, nil all:
// the fields of others are empty. Columns that are no plain values (lists, maps,
// structs) are refused when they are wanted.
func openParquet(f io.ReaderAt, size int64, name string, keep func(column string) bool) (*parquetText, error) {
	return openParquetAs(f, size, name, keep, false)
}

// openParquetAs is openParquet; with loose, what is no plain value is left unread, as
// if it were not wanted.
func openParquetAs(f io.ReaderAt, size int64, name string, keep func(column string) bool, loose bool) (t *parquetText, err error) {
	if err := checkFooter(f, size, name); err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			t, err = nil, badParquet(name, fmt.Sprintf("is damaged: %v", p))
		}
	}()
	file, err := parquet.OpenFile(f, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, badParquet(name, "is damaged: "+err.Error())
	}
	t = &parquetText{name: name, file: file, raw: f, size: size, room: maxParquetChunk}
	stated := logicalTypes(file.Metadata().Schema)
	for _, c := range file.Root().Columns() {
		col := parquetColumn{name: c.Name(), chunk: c.Index()}
		wanted := keep == nil || keep(c.Name())
		if loose && (!c.Leaf() || c.Repeated()) {
			wanted = false
		}
		if wanted && (!c.Leaf() || c.Repeated()) {
			return nil, &errs.Input{File: name, Column: c.Name(), Problem: "the column is nested (a list, map or struct), not plain values",
				Mend: "flatten it, or leave it out when the file is written"}
		}
		if c.Leaf() {
			format, typed, why := formatOf(c.Type(), stated[c.Name()])
			if col.typed = typed; wanted {
				if format == nil && !loose {
					return nil, &errs.Input{File: name, Column: c.Name(), Problem: "the column holds " + why + ", which is neither numbers nor text",
						Mend: "leave it out when the file is written"}
				}
				col.append = format
			}
		}
		t.columns = append(t.columns, col)
	}
	if len(t.columns) == 0 {
		return nil, badParquet(name, "has no columns")
	}
	for i, c := range t.columns {
		if i > 0 {
			t.buf = append(t.buf, ',')
		}
		t.buf = AppendText(t.buf, c.name)
	}
	t.buf = append(t.buf, '\n')
	t.rest = t.buf
	return t, nil
}

// Read returns the next bytes of the text.
func (t *parquetText) Read(p []byte) (n int, err error) {
	defer func() {
		if e := recover(); e != nil {
			t.err = badParquet(t.name, fmt.Sprintf("is damaged in row group %d: %v", t.group, e))
			n, err = 0, t.err
		}
	}()
	for len(t.rest) == 0 {
		if t.err != nil {
			return 0, t.err
		}
		t.buf = t.buf[:0]
		for len(t.buf) < 64<<10 && t.err == nil {
			t.err = t.row()
		}
		t.rest = t.buf
	}
	n = copy(p, t.rest)
	t.rest = t.rest[n:]
	return n, nil
}

// Close frees the pages at hand; the file stays open.
func (t *parquetText) Close() error {
	for i := range t.columns {
		if c := &t.columns[i]; c.pages != nil {
			c.pages.Close()
			c.pages, c.values = nil, nil
		}
	}
	return nil
}

// row appends the next row.
func (t *parquetText) row() error {
	for t.left == 0 {
		if err := t.nextGroup(); err != nil {
			return err
		}
	}
	t.left--
	for i := range t.columns {
		if i > 0 {
			t.buf = append(t.buf, ',')
		}
		c := &t.columns[i]
		if c.append == nil {
			continue
		}
		if c.at == c.n {
			if err := c.fill(); err != nil {
				return badParquet(t.name, fmt.Sprintf("is damaged in row group %d, column %q: %v", t.group, c.name, err))
			}
		}
		if v := &c.buf[c.at]; !v.IsNull() {
			t.buf = c.append(t.buf, v)
		}
		c.at++
	}
	if len(t.columns) == 1 && t.buf[len(t.buf)-1] == '\n' {
		t.buf = append(t.buf, '"', '"') // a blank line would be passed over
	}
	t.buf = append(t.buf, '\n')
	return nil
}

// nextGroup opens the columns of the next row group.
func (t *parquetText) nextGroup() error {
	t.Close()
	groups := t.file.RowGroups()
	if t.group == len(groups) {
		return io.EOF
	}
	g := groups[t.group]
	t.group++
	if g.NumRows() == 0 {
		return nil // its chunks may have no pages
	}
	chunks, meta := g.ColumnChunks(), t.file.Metadata().RowGroups[t.group-1]
	held := int64(0)
	for i := range t.columns {
		c := &t.columns[i]
		if c.append == nil {
			continue
		}
		m := &meta.Columns[c.chunk].MetaData
		if m.NumValues != g.NumRows() {
			return badParquet(t.name, fmt.Sprintf("is damaged: row group %d has %d rows and column %q %d values", t.group, g.NumRows(), c.name, m.NumValues))
		}
		most, err := checkChunk(t.raw, t.size, m, t.name)
		if err != nil {
			return err
		}
		if held += most; held > t.room {
			return &errs.Input{File: t.name, Problem: fmt.Sprintf("pages of row group %d take more than %d MB at once", t.group, t.room>>20),
				Mend: "write the file with smaller pages or row groups, or with fewer columns"}
		}
		c.pages, c.at, c.n = chunks[c.chunk].Pages(), 0, 0
		if c.buf == nil {
			c.buf = make([]parquet.Value, 128)
		}
	}
	t.left = g.NumRows()
	return nil
}

// fill reads the next values of a column.
func (c *parquetColumn) fill() error {
	for {
		if c.values != nil {
			n, err := c.values.ReadValues(c.buf)
			if n > 0 {
				c.at, c.n = 0, n
				return nil
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
		}
		p, err := c.pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return errors.New("it has fewer values than rows")
		} else if err != nil {
			return err
		}
		c.values = p.Values()
	}
}

// typed returns what a format with types says of itself: its columns, those that are
// text whatever they say, and how many rows there are; nothing for other formats.
func (m Member) typed() (names, texts []string, rows int, err error) {
	if m.kind != columnar {
		return nil, nil, 0, nil
	}
	f, size, err := openFile(m.path)
	if err != nil {
		return nil, nil, 0, err
	}
	defer f.Close()
	t, err := openParquet(f, size, m.Name, func(string) bool { return false })
	if err != nil {
		return nil, nil, 0, err
	}
	for _, c := range t.columns {
		names = append(names, c.name)
		if c.typed {
			texts = append(texts, c.name)
		}
	}
	return names, texts, int(t.file.NumRows()), nil
}
