package train

import (
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/eval"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/smart"
)

// ruleAttributes are those of the plain rule.
var ruleAttributes = []uint8{5, 187, 188, 197, 198}

// rivals judges the plain rule, and the model to compare with, on the main
// fold.
func (w *recipe) rivals(h *heldOut) error {
	var columns []int
	for _, a := range ruleAttributes {
		if c := slices.Index(w.set.X.Names, smart.Raw(a).String()); c >= 0 {
			columns = append(columns, c)
		}
	}
	score := make([]float64, len(h.rows))
	for i, r := range h.rows {
		for _, c := range columns {
			if w.set.X.At(r, c) > 0 {
				score[i] = 1
			}
		}
	}
	var err error
	if w.evidence.Rule, err = w.rival(h, "rule: any of SMART 5, 187, 188, 197, 198 above 0", score, 1); err != nil || w.spec.Compare == nil {
		return err
	}
	if score, err = w.previous(h, w.spec.Compare); err != nil {
		return errs.Wrap(err, "compare with %s", w.spec.Compare.Source)
	}
	at := w.spec.Compare.Threshold
	if at == 0 {
		at = .5
	}
	r, err := w.rival(h, "model "+w.spec.Compare.Source+" (it may have learned from these days)", score, at)
	w.evidence.Previous = append(w.evidence.Previous, r)
	return err
}

func (w *recipe) rival(h *heldOut, name string, score []float64, threshold float64) (Rival, error) {
	v := w.watch(h, w.main(), score)
	r := Rival{Name: name}
	rank, err := eval.Rank(v.Truth, v.Score, v.Weight)
	if err != nil {
		return r, err
	}
	top, err := v.Top(alarmed)
	if err != nil {
		return r, err
	}
	r.AUC, r.AP, r.AtShare, r.Whole = rank.AUC(), rank.AveragePrecision(), v.Count(top), v.Count(v.Above(threshold))
	return r, nil
}

// previous asks another model about the rows, whose features it knows by name; those
// that are not made here are missing.
func (w *recipe) previous(h *heldOut, m *model.Model) ([]float64, error) {
	names := m.Columns()
	if len(names) != m.Estimator.Features() || m.Outputs() != 2 {
		return nil, errs.New(errs.Invalid, "it is no classifier of named features")
	}
	at, shared := make([]int, len(names)), 0
	for i, n := range names {
		if at[i] = slices.Index(w.set.X.Names, n); at[i] >= 0 {
			shared++
		}
	}
	if shared*2 < len(names) {
		return nil, errs.New(errs.Invalid, "%d of its %d features are known here, such as %s; compare with a model of daily statistics", shared, len(names), w.set.X.Names[0])
	}
	x := make([]float64, 0, len(h.rows)*len(names))
	for _, r := range h.rows {
		for _, c := range at {
			v := math.NaN()
			if c >= 0 {
				v = w.set.X.At(r, c)
			}
			x = append(x, v)
		}
	}
	both, out := make([]float64, 2*len(h.rows)), make([]float64, len(h.rows))
	m.Estimator.Scores(both, x)
	for i := range out {
		out[i] = both[2*i+1]
	}
	return out, nil
}
