package boosted

import (
	"sync"

	"github.com/drivecast/drivecast/tree/kernel"
)

// fast is the form in which kernels sum the trees of a model: its sums equal those of
// the plain walk bit for bit. Models whose trees kernels do not walk alike have none.
type fast struct {
	ensemble *kernel.Ensemble
	start    []float64 // raw answers without trees, nil: zeros
	once     sync.Once
	compiled *kernel.Compiled
	raw      sync.Pool
}

// fastRows is how many rows are summed at a time.
const fastRows = 1024

// sums returns the compiled trees, made at the first call, or nil.
func (f *fast) sums() *kernel.Compiled {
	if f == nil {
		return nil
	}
	f.once.Do(func() {
		f.raw.New = func() any { return new([]float64) }
		f.compiled, _ = kernel.Compile(f.ensemble) // a tree that kernels refuse is walked as it came
	})
	return f.compiled
}

// scores is Scores by compiled trees.
func (m *Model) scores(c *kernel.Compiled, dst, x []float64) {
	k := max(len(m.classes), 1)
	buffer := m.fast.raw.Get().(*[]float64)
	for rows := len(x) / m.cols; rows > 0; rows = len(x) / m.cols {
		n := min(rows, fastRows)
		if cap(*buffer) < n*m.outputs {
			*buffer = make([]float64, n*m.outputs)
		}
		raw := (*buffer)[:n*m.outputs]
		c.Sum(raw, x[:n*m.cols], m.fast.start)
		for r := range n {
			one := raw[r*m.outputs : (r+1)*m.outputs]
			if m.divide != 0 {
				for j := range one {
					one[j] /= m.divide
				}
			}
			m.answer(dst[r*k:(r+1)*k], one)
		}
		dst, x = dst[n*k:], x[n*m.cols:]
	}
	m.fast.raw.Put(buffer)
}

// fast returns the trees for kernels; nil where a test is of categories, which XGBoost
// sends right, or trees do not take turns.
func (b *booster) fast() *fast {
	if b.linear != nil {
		return nil
	}
	k := len(b.start)
	f := &fast{ensemble: &kernel.Ensemble{Features: b.cols, Outputs: 1, Turns: k, Compare: kernel.Less32, Single: true}}
	for _, v := range b.start {
		f.start = append(f.start, float64(v))
	}
	for i, t := range b.trees {
		if t.Category != nil || b.turn[i] != i%k {
			return nil
		}
		value := make([]float64, len(t.Value))
		for j, v := range t.Value {
			one := float32(v)
			if b.weight != nil {
				one *= b.weight[i]
			}
			value[j] = float64(one)
		}
		t.Value = value
		f.ensemble.Trees = append(f.ensemble.Trees, t)
	}
	return f
}
