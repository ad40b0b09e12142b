package table

import "io"

// Parquet holds the functions of that format, for programs that can be built without
// it: it takes five megabytes.
type Parquet struct {
	Read  func(f io.ReaderAt, size int64, name string, o TypedOptions) (columns []TypedColumn, rows int, err error)
	Write func(path string, t *Table) error
}

// WithParquet returns ReadTyped and WriteParquet.
func WithParquet() *Parquet { return &Parquet{ReadTyped, WriteParquet} }
