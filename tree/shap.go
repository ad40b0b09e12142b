package tree

import "github.com/drivecast/drivecast/tree/kernel"

// Explain writes each column's Shapley value for one row to dst, which has
// Features() elements, and returns the base value: the forest's answer when no
// column is known. The answer explained is the probability of the last class
// (space "probability") or the value (space "value"). Paths count by training
// weight (path-dependent TreeSHAP: Lundberg and others, Nature Machine
// Intelligence 2, 2020); missing values follow MissingLeft. Base plus the
// contributions equals the answer of Scores to 1e-12. Covers are prepared at the
// first call, so the trees must not change after it. Explain panics when the
// forest is not one, such as a child index out of range.
func (f *Forest) Explain(dst, row []float64) (base float64, space string) {
	x := f.paths.Load()
	if x == nil {
		var err error
		if x, err = f.newExplainer(); err != nil {
			panic(err)
		}
		f.paths.Store(x)
	}
	clear(dst)
	x.Explain(dst, row)
	scale := 1 / float64(len(f.Trees))
	for i := range dst {
		dst[i] *= scale
	}
	if f.Labels == nil {
		return x.Base() * scale, "value"
	}
	return x.Base() * scale, "probability"
}

func (f *Forest) newExplainer() (*kernel.Explainer, error) {
	return kernel.NewExplainer(f.ensemble(), max(len(f.Labels), 1)-1)
}

// TreeSum returns how the trees make the probability of the last class, or the
// value. Slices are shared. ok is true.
func (f *Forest) TreeSum() (s kernel.Sum, ok bool) {
	s = kernel.Sum{Ensemble: f.ensemble(), Output: max(len(f.Labels), 1) - 1, Scale: 1 / float64(len(f.Trees)), Space: "value"}
	if f.Labels != nil {
		s.Space = "probability"
	}
	return s, true
}

// ensemble returns the forest in the kernels' terms; slices are shared.
func (f *Forest) ensemble() *kernel.Ensemble {
	e := &kernel.Ensemble{Features: f.NumInput, Outputs: max(len(f.Labels), 1), Compare: kernel.LessEqual32}
	for _, t := range f.Trees {
		e.Trees = append(e.Trees, kernel.Tree{
			Left: t.Left, Right: t.Right, Feature: t.Feature, Threshold: t.Threshold,
			MissingLeft: t.MissingLeft, Cover: t.Weight, Value: t.Value,
		})
	}
	return e
}
