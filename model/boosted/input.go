package boosted

import "math"

// Coded says that a column holds categories that are numbers, as a pandas frame
// kept them: the ensemble takes the value's place in the list instead, and any
// other value is missing.
type Coded struct {
	Column int
	Values []float64
	Strict bool // the library refuses another value
}

// Absent makes values count as missing, as XGBoost's parameter missing does. NaN
// always is. The library compares in float32.
func (m *Model) Absent(values ...float64) {
	for _, v := range values {
		if !math.IsNaN(v) {
			m.absent = append(m.absent, float32(v))
		}
	}
}

// Sparse makes zeros count as missing, which a sparse matrix leaves out: just zero,
// not what only float32 takes for it.
func (m *Model) Sparse() { m.sparse = true }

// altered reports whether some values of a row count as missing.
func (m *Model) altered() bool { return m.sparse || len(m.absent) > 0 }

// input returns rows as the trees take them: x itself where nothing differs.
func (m *Model) input(x []float64) []float64 {
	if !m.altered() && len(m.Codes) == 0 {
		return x
	}
	out := make([]float64, len(x))
	copy(out, x)
	for i, v := range out {
		if m.sparse && v == 0 {
			out[i] = math.NaN()
		}
		for _, a := range m.absent {
			if float32(v) == a {
				out[i] = math.NaN()
			}
		}
	}
	for _, c := range m.Codes {
		for i := c.Column; i < len(out); i += m.cols {
			out[i] = c.place(out[i])
		}
	}
	return out
}

// place returns the place of v in the list, NaN when it is not there.
func (c *Coded) place(v float64) float64 {
	for k, known := range c.Values {
		if v == known {
			return float64(k)
		}
	}
	return math.NaN()
}
