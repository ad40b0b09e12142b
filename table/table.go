// Package table holds columns of data: what a CSV or Parquet file becomes before
// anything is learned from it.
//
// A Table is a list of named columns of equal length. A column is numeric
// (float64, NaN = missing) or text ("" = missing). Times stay text until a
// caller parses them. A Matrix is the numeric part that learners take.
package table

import (
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
