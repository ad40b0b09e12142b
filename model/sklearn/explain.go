package sklearn

import (
	"math"

	"github.com/drivecast/drivecast/tree/kernel"
)

// TreeSum returns how the trees make the answer for the last class or the value;
// ok is false when the start depends on the row.
func (m *boosting) TreeSum() (s kernel.Sum, ok bool) {
	if m.first != nil || len(m.trees) == 0 || len(m.start) != m.outputs {
		return s, false
	}
	last := m.outputs - 1
	e := &kernel.Ensemble{Features: m.cols, Outputs: 1, Compare: kernel.LessEqual32}
	for _, round := range m.trees {
		t := round[last]
		if len(t.Weight) != len(t.Left) {
			return s, false
		}
		e.Trees = append(e.Trees, kernel.Tree{Left: t.Left, Right: t.Right, Feature: t.Feature, Threshold: t.Threshold, MissingLeft: t.MissingLeft, Cover: t.Weight, Value: t.Value})
	}
	return sumOf(e, m.start[last], m.rate, m.scale, m.labels, m.outputs), true
}

// sumOf is a sum of trees that is the raw answer of the last output.
func sumOf(e *kernel.Ensemble, base, rate, steep float64, labels []float64, outputs int) kernel.Sum {
	s := kernel.Sum{Ensemble: e, Base: base, Scale: rate, Space: "value"}
	if labels != nil {
		s.Space = "log-odds"
	}
	if labels != nil && outputs == 1 {
		s.Link = func(raw float64) float64 { return 1 / (1 + math.Exp(-steep*raw)) }
	}
	return s
}

// Explainable reports whether Explain works.
func (m *boosting) Explainable() bool {
	_, ok := m.TreeSum()
	return ok
}

// Explain writes each column's Shapley value: see model.Explainer.
func (m *boosting) Explain(dst, row []float64) (base float64, space string) {
	s, _ := m.TreeSum()
	return m.paths.Explain(s, dst, row)
}

// TreeSum returns how the trees make the answer for the last class or the value;
// ok is false when trees split on categories, or keep no counts.
func (m *histogram) TreeSum() (s kernel.Sum, ok bool) {
	if m.before != nil || len(m.trees) == 0 {
		return s, false
	}
	last := len(m.start) - 1
	e := &kernel.Ensemble{Features: m.cols, Outputs: 1, Compare: kernel.LessEqual64}
	for _, round := range m.trees {
		t := &round[last]
		for i := range t.category {
			if t.category[i] != nil {
				return s, false
			}
		}
		if t.count == nil {
			return s, false
		}
		e.Trees = append(e.Trees, kernel.Tree{Left: t.left, Right: t.right, Feature: t.feature, Threshold: t.threshold, MissingLeft: t.missingLeft, Cover: t.count, Value: t.value})
	}
	return sumOf(e, m.start[last], 1, 1, m.labels, len(m.start)), true
}

// Explainable reports whether Explain works.
func (m *histogram) Explainable() bool {
	_, ok := m.TreeSum()
	return ok
}

// Explain writes each column's Shapley value: see model.Explainer.
func (m *histogram) Explain(dst, row []float64) (base float64, space string) {
	s, _ := m.TreeSum()
	return m.paths.Explain(s, dst, row)
}
