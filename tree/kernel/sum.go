package kernel

import "sync"

// Sum says how an ensemble makes one answer of a model: Base plus Scale times the
// sum of the leaves' values number Output is the raw answer, and Link makes of it
// what the model answers.
type Sum struct {
	*Ensemble
	Output      int
	Base, Scale float64
	Link        func(raw float64) float64 // nil: the raw answer is the answer, or depends on other sums too
	Space       string                    // of the raw answer: "probability", "log-odds" or "value"
}

// Paths explains a Sum, path-dependently. What it needs is prepared at the first
// call. The zero value is ready for use; it is safe for concurrent use.
type Paths struct {
	once sync.Once
	x    *Explainer
	err  error
}

// Explain writes each column's contribution to the raw answer of s, always the
// same one, to dst and returns the base value: see [Explainer]. It panics when
// the trees are none.
func (p *Paths) Explain(s Sum, dst, row []float64) (base float64, space string) {
	x, err := p.Explainer(s)
	if err != nil {
		panic(err)
	}
	clear(dst)
	x.Explain(dst, row)
	for i := range dst {
		dst[i] *= s.Scale
	}
	return s.Base + s.Scale*x.Base(), s.Space
}

// Explainer returns the explainer of s, always the same one.
func (p *Paths) Explainer(s Sum) (*Explainer, error) {
	p.once.Do(func() { p.x, p.err = NewExplainer(s.Ensemble, s.Output) })
	return p.x, p.err
}
