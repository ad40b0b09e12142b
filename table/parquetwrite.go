package table

import (
	"io"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/drivecast/drivecast/errs"
)

// groupRows is how many rows a row group has that is written: readers hold one at
// a time.
const groupRows = 64 << 10

// Write writes t as a file at path, through WriteFile: Parquet when the name ends
// in .parquet, else CSV.
func Write(path string, t *Table) error {
	if IsParquetName(path) {
		return WriteParquet(path, t)
	}
	return WriteCSV(path, t)
}

// IsParquetName reports whether a file of this name is written as Parquet.
func IsParquetName(path string) bool { return strings.HasSuffix(strings.ToLower(path), ".parquet") }

// WriteParquet writes t as a Parquet file, through WriteFile. Columns keep their
// order; numbers are doubles, text is UTF-8, and both are null where missing. The
// same table makes the same bytes.
func WriteParquet(path string, t *Table) error {
	return WriteFile(path, func(w io.Writer) error { return EncodeParquet(w, t) })
}

// EncodeParquet writes t to w as WriteParquet writes it to a file. A table without
// columns is an error of kind Invalid.
func EncodeParquet(w io.Writer, t *Table) error {
	out, err := NewParquetWriter(w, t)
	if err != nil {
		return err
	}
	if err := out.Append(t); err != nil {
		return err
	}
	return out.Close()
}

// ParquetWriter writes tables of the same columns one after another, as one
// Parquet file. Its memory grows with a row group, not with the rows.
type ParquetWriter struct{ out *parquet.Writer }

// NewParquetWriter begins a file whose columns are those of t, of which no row is
// written. A table without columns is an error of kind Invalid.
func NewParquetWriter(w io.Writer, t *Table) (*ParquetWriter, error) {
	if len(t.Columns) == 0 {
		return nil, errs.New(errs.Invalid, "a table without columns cannot be written as Parquet")
	}
	return &ParquetWriter{parquet.NewWriter(w, schemaOf(t), parquet.Compression(&zstd.Codec{}), parquet.MaxRowsPerRowGroup(groupRows),
		parquet.CreatedBy("drivecast", "1", ""))}, nil
}

// Append writes the rows of t, which has the columns that the file began with.
func (p *ParquetWriter) Append(t *Table) error {
	row := make(parquet.Row, len(t.Columns))
	for r := range t.Rows() {
		for i, c := range t.Columns {
			row[i] = parquet.NullValue().Level(0, 0, i)
			switch {
			case c.Kind == Number && !Missing(c.Floats[r]):
				row[i] = parquet.DoubleValue(c.Floats[r]).Level(0, 1, i)
			case c.Kind == Text && c.Texts[r] != "":
				row[i] = parquet.ByteArrayValue([]byte(c.Texts[r])).Level(0, 1, i)
			}
		}
		if _, err := p.out.WriteRows([]parquet.Row{row}); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the file; the writer below stays open.
func (p *ParquetWriter) Close() error { return p.out.Close() }

func schemaOf(t *Table) *parquet.Schema {
	g := inOrder{Group: parquet.Group{}}
	for _, c := range t.Columns {
		node := parquet.String()
		if c.Kind == Number {
			node = parquet.Leaf(parquet.DoubleType)
		}
		g.Group[c.Name] = parquet.Optional(node)
	}
	sorted := map[string]parquet.Field{}
	for _, f := range g.Group.Fields() {
		sorted[f.Name()] = f
	}
	for _, c := range t.Columns {
		g.fields = append(g.fields, sorted[c.Name])
	}
	return parquet.NewSchema("table", g)
}

// inOrder is a group whose fields keep the order of the table's columns.
type inOrder struct {
	parquet.Group
	fields []parquet.Field
}

// Fields returns the columns.
func (g inOrder) Fields() []parquet.Field { return g.fields }
