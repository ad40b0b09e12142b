package table

// Matrix is a dense table of numbers for learning: Rows × Cols float64, stored
// column by column, so that element (r, c) is Data[c*Rows+r]. NaN is a missing
// value. Names has one entry a column, or is nil.
type Matrix struct {
	Rows, Cols int
	Data       []float64
	Names      []string
}

// NewMatrix returns a zero matrix of the given shape.
func NewMatrix(rows, cols int) *Matrix {
	return &Matrix{Rows: rows, Cols: cols, Data: make([]float64, rows*cols)}
}

// Col returns column c as a slice that shares the matrix's memory.
func (m *Matrix) Col(c int) []float64 { return m.Data[c*m.Rows : (c+1)*m.Rows : (c+1)*m.Rows] }

// At returns element (r, c).
func (m *Matrix) At(r, c int) float64 { return m.Data[c*m.Rows+r] }

// Row copies row r into dst, which must have Cols elements, and returns it.
func (m *Matrix) Row(dst []float64, r int) []float64 {
	for c := range dst {
		dst[c] = m.Data[c*m.Rows+r]
	}
	return dst
}

// RowMajor returns the elements row by row in a new slice of Rows*Cols.
func (m *Matrix) RowMajor() []float64 {
	out := make([]float64, len(m.Data))
	for c := range m.Cols {
		for r, v := range m.Col(c) {
			out[r*m.Cols+c] = v
		}
	}
	return out
}

// Take returns a new matrix made of the given rows, in that order; an index may
// occur more than once.
func (m *Matrix) Take(rows []int) *Matrix {
	out := NewMatrix(len(rows), m.Cols)
	out.Names = m.Names
	for c := range m.Cols {
		src, dst := m.Col(c), out.Col(c)
		for i, r := range rows {
			dst[i] = src[r]
		}
	}
	return out
}
