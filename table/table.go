// Package table holds columns of data: what a CSV or Parquet file becomes before
// anything is learned from it.
//
// A Table is a list of named columns of equal length. A column is numeric
// (float64, NaN = missing) or text ("" = missing). Times stay text until a
// caller parses them. A Matrix is the numeric part that learners take.
//
// ReadFile reads a table from CSV, plain, gzip or zip, or from Parquet; a Scanner goes over a CSV
// stream without making one. WriteCSV writes one, WriteFile any file, whole or
// not at all. HashPath is the content hash that a run records of its data.
package table

import (
	"fmt"
	"math"

	"github.com/drivecast/drivecast/errs"
)

// Kind says how a column's values are held.
type Kind uint8

// The kinds of column.
const (
	Number Kind = iota // Floats holds the values; NaN is missing
	Text               // Texts holds the values; "" is missing
)

// Column is one named column. Exactly one of Floats and Texts is in use,
// according to Kind.
type Column struct {
	Name   string
	Kind   Kind
	Floats []float64
	Texts  []string
	Raw    []string // the texts of a Number column as its file had them, when asked for; else nil
	Mixed  *Mixed   // what a Text column read from a file mixes; nil when it holds no number, or was not read
}

// Mixed describes a text column some of whose fields are numbers: often a column
// of numbers with a slip in it.
type Mixed struct {
	Numbers, Others int    // fields that are numbers, fields that are neither numbers nor missing
	File            string // where the first field that is no number stands
	Line            int    // its 1-based line
	Text            string // what it says
}

// Error returns the fault of kind Invalid that a caller raises when the column
// is wanted as numbers.
func (m *Mixed) Error(column string) error {
	return &errs.Input{File: m.File, Row: m.Line, Column: column,
		Problem: fmt.Sprintf("%q is not a number, and %d other fields of the column are", m.Text, m.Numbers),
		Mend:    "mend the field, or leave the column out with --features"}
}

// TextAt returns the field of row i as text: as it was written when that is
// known, else the shortest number that reads back; "" when it is missing.
func (c *Column) TextAt(i int) string {
	switch {
	case c.Kind == Text:
		return c.Texts[i]
	case c.Raw != nil:
		return c.Raw[i]
	}
	return string(AppendNumber(nil, c.Floats[i]))
}

// Len returns the number of rows.
func (c *Column) Len() int {
	if c.Kind == Text {
		return len(c.Texts)
	}
	return len(c.Floats)
}

// Table is a list of columns of equal length with unique names.
type Table struct {
	Columns []*Column
	index   map[string]int
}

// New makes a table of the given columns. It returns an error of kind Invalid
// when two columns share a name or lengths differ.
func New(cols ...*Column) (*Table, error) {
	t := &Table{Columns: cols, index: make(map[string]int, len(cols))}
	for i, c := range cols {
		if j, dup := t.index[c.Name]; dup {
			return nil, &errs.Input{Column: c.Name, Problem: "two columns have this name", Mend: "rename one"}
		} else if i > 0 && c.Len() != cols[0].Len() {
			return nil, errs.New(errs.Invalid, "column %q has %d rows, %q has %d", c.Name, c.Len(), cols[j].Name, cols[0].Len())
		}
		t.index[c.Name] = i
	}
	return t, nil
}

// Rows returns the number of rows.
func (t *Table) Rows() int {
	if len(t.Columns) == 0 {
		return 0
	}
	return t.Columns[0].Len()
}

// Names returns the column names in order.
func (t *Table) Names() []string {
	out := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		out[i] = c.Name
	}
	return out
}

// Column returns the column of that name, or nil.
func (t *Table) Column(name string) *Column {
	if i, ok := t.index[name]; ok {
		return t.Columns[i]
	}
	return nil
}

// Matrix copies the named numeric columns into a Matrix, in that order. It
// returns an error of kind Invalid for an unknown or a text column.
func (t *Table) Matrix(names []string) (*Matrix, error) {
	m := NewMatrix(t.Rows(), len(names))
	m.Names = names
	for i, name := range names {
		c := t.Column(name)
		if c == nil {
			return nil, &errs.Input{Column: name, Problem: "there is no such column", Mend: "check --features"}
		}
		if c.Kind != Number {
			return nil, &errs.Input{Column: name, Problem: "holds text, not numbers", Mend: "leave it out of --features"}
		}
		copy(m.Col(i), c.Floats)
	}
	return m, nil
}

// Missing reports whether v stands for a missing number.
func Missing(v float64) bool { return math.IsNaN(v) }
