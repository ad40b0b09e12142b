package model

import (
	"math"
	"math/bits"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/tree/kernel"
)

// Explaining are the choices of an explanation.
type Explaining struct {
	// Background are rows (row-major) from which a column takes its value when it
	// is not known: interventional values. nil: path-dependent ones, where a tree's
	// training rows stand for what is not known.
	Background []float64
	// Probability explains the probability of the last class instead of the raw
	// answer, where they differ.
	Probability bool
}

// MostColumns is how many columns a model may have that is no sum of trees and
// not linear: its values are summed over all 2^columns sets of columns.
const MostColumns = 14

// Shapley explains the answers of a model by exact Shapley values (Lundberg and
// Lee, 2017): see Explaining. It is safe for concurrent use.
type Shapley struct {
	m     *Model
	opt   Explaining
	space string
	paths *kernel.Explainer
	sum   kernel.Sum
	// against adds what each column gives to the raw answer for row beyond that
	// for background row b to dst, and returns both answers.
	against func(dst, row []float64, b int) (mine, theirs float64)
	tree    *kernel.Interventional
	link    func(float64) float64 // raw answer to probability, when that is explained
}

// summed is an Estimator whose raw answer is a sum of trees.
type summed interface {
	TreeSum() (s kernel.Sum, ok bool)
}

// Shapley prepares explanations. Without background it can explain what Explain
// explains; with it, sums of trees, linear models, and any other model of at most
// MostColumns columns. Else the error is of kind Unsupported. Probabilities of a
// model that sums log-odds are of kind Usage without background.
func (m *Model) Shapley(opt Explaining) (*Shapley, error) {
	s := &Shapley{m: m, opt: opt}
	n := m.Estimator.Features()
	if opt.Probability && !m.Classifier() {
		return nil, errs.New(errs.Usage, "a regressor answers no probability")
	}
	if len(opt.Background)%n != 0 {
		return nil, errs.New(errs.Invalid, "the background has %d values, which are no rows of %d columns", len(opt.Background), n)
	}
	if e, ok := m.Estimator.(summed); ok {
		if s.sum, ok = e.TreeSum(); ok {
			return s, s.ofTrees()
		}
	}
	if opt.Background != nil && !s.linear() {
		if n > MostColumns {
			return nil, errs.New(errs.Unsupported, "a model of this kind (%s) is explained with at most %d columns, it has %d", m.Format, MostColumns, n)
		}
		s.space = "value"
		if m.Classifier() {
			s.space = "probability"
		}
		s.against = s.everySet
	}
	if opt.Background != nil {
		return s, nil
	}
	if !m.Explainable() {
		return nil, errs.New(errs.Unsupported, "a model of this kind (%s) is explained against background rows only", m.Format)
	}
	dst := make([]float64, n)
	_, s.space, _ = m.Explain(dst, make([]float64, n))
	return s, s.checkSpace()
}

// ofTrees prepares a sum of trees.
func (s *Shapley) ofTrees() (err error) {
	s.space = s.sum.Space
	if s.opt.Background == nil {
		if s.paths, err = kernel.NewExplainer(s.sum.Ensemble, s.sum.Output); err != nil {
			return err
		}
		return s.checkSpace()
	}
	if s.opt.Probability && s.space != "probability" {
		if s.link, s.space = s.sum.Link, "probability"; s.link == nil {
			if s.m.Estimator.Features() > MostColumns {
				return errs.New(errs.Unsupported, "probabilities of more than two classes are explained with at most %d columns", MostColumns)
			}
			s.against = s.everySet
			return nil
		}
	}
	if s.tree, err = kernel.NewInterventional(s.sum.Ensemble, s.sum.Output, s.opt.Background); err != nil {
		return err
	}
	s.against = func(dst, row []float64, b int) (mine, theirs float64) {
		s.tree.Against(dst, row, b)
		for i := range dst {
			dst[i] *= s.sum.Scale
		}
		return s.sum.Base + s.sum.Scale*s.tree.Answer(row), s.sum.Base + s.sum.Scale*s.tree.Answer(s.tree.Row(b))
	}
	return nil
}

func (s *Shapley) checkSpace() error {
	if s.opt.Probability && s.space != "probability" {
		return errs.New(errs.Usage, "this model adds up %s: its probability is explained against background rows only", s.space)
	}
	return nil
}

// linear prepares a linear model; false when the model is none, or its
// probabilities depend on several sums.
func (s *Shapley) linear() bool {
	n := s.m.Estimator.Features()
	var at func(dst, row []float64) (base float64)
	switch e := s.m.Estimator.(type) {
	case *linear.Regression:
		s.space, at = "value", func(dst, row []float64) float64 {
			base, _ := e.Explain(dst, row)
			return base
		}
	case *linear.Logistic:
		if s.opt.Probability && len(e.Coef) > 1 {
			return false
		}
		s.space, at = "log-odds", func(dst, row []float64) float64 {
			base, _ := e.Explain(dst, row)
			return base
		}
		if s.opt.Probability {
			s.space, s.link = "probability", sigmoid
		}
	default:
		return false
	}
	s.against = func(dst, row []float64, b int) (mine, theirs float64) {
		other := make([]float64, n)
		mine, theirs = at(dst, row), at(other, s.opt.Background[b*n:(b+1)*n])
		for i := range dst {
			mine += dst[i]
			theirs += other[i]
			dst[i] -= other[i]
		}
		return mine, theirs
	}
	return true
}

// everySet sums over all sets of columns, as the definition says.
func (s *Shapley) everySet(dst, row []float64, b int) (mine, theirs float64) {
	n, k := len(row), s.m.Outputs()
	ref := s.opt.Background[b*n : (b+1)*n]
	x, out := make([]float64, n<<n), make([]float64, k<<n)
	for set := range 1 << n {
		for c := range n {
			if x[set*n+c] = ref[c]; set>>c&1 != 0 {
				x[set*n+c] = row[c]
			}
		}
	}
	s.m.Estimator.Scores(out, x)
	share := make([]float64, n) // weight of a set of so many columns that lacks one
	share[0] = 1 / float64(n)
	for i := 1; i < n; i++ {
		share[i] = share[i-1] * float64(i) / float64(n-i)
	}
	for set := range 1 << n {
		v := out[set*k+k-1]
		for c := range n {
			if size := bits.OnesCount(uint(set)); set>>c&1 != 0 {
				dst[c] += share[size-1] * v
			} else {
				dst[c] -= share[size] * v
			}
		}
	}
	return out[len(out)-1], out[k-1]
}

// Space names the scale of contributions: "probability", "log-odds" or "value".
func (s *Shapley) Space() string { return s.space }

// Explain writes each column's contribution for one row to dst and returns the
// base value; base plus the contributions equals the explained answer to 1e-12.
// Where a link is explained, what a background row gives is stretched to the
// difference of the probabilities, as the shap package does.
func (s *Shapley) Explain(dst, row []float64) (base float64) {
	clear(dst)
	if s.paths != nil {
		s.paths.Explain(dst, row)
		for i := range dst {
			dst[i] *= s.sum.Scale
		}
		return s.sum.Base + s.sum.Scale*s.paths.Base()
	}
	if s.against == nil {
		base, _, _ = s.m.Explain(dst, row)
		return base
	}
	one, n := make([]float64, len(dst)), len(s.opt.Background)/len(row)
	for b := range n {
		clear(one)
		mine, theirs := s.against(one, row, b)
		stretch, at := s.stretch(mine, theirs)
		base += at / float64(n)
		for i, v := range one {
			dst[i] += v * stretch / float64(n)
		}
	}
	return base
}

// stretch returns what contributions to the raw answer are multiplied by, and the
// answer for the background row.
func (s *Shapley) stretch(mine, theirs float64) (by, at float64) {
	if s.link == nil {
		return 1, theirs
	}
	p, q := s.link(mine), s.link(theirs)
	if mine == theirs {
		const step = 1e-6
		return (s.link(mine+step) - s.link(mine-step)) / (2 * step), q
	}
	return (p - q) / (mine - theirs), q
}

// Interactions writes the Shapley interaction values of one row to dst, columns ×
// columns: what two columns give together beyond what each gives alone, half in
// either place, and on the diagonal what a column gives alone. Row c sums to
// column c's contribution. Only sums of trees and their raw answers have them;
// else the error is of kind Unsupported.
func (s *Shapley) Interactions(dst, row []float64) error {
	n := len(row)
	clear(dst)
	scale := s.sum.Scale
	switch {
	case s.paths != nil:
		s.paths.Interactions(dst, row)
	case s.tree != nil && s.link == nil:
		for b := range s.tree.Background() {
			s.tree.Interactions(dst, row, b)
		}
		scale /= float64(s.tree.Background())
	default:
		return errs.New(errs.Unsupported, "interactions are those of trees, in the space that they add up in")
	}
	total := make([]float64, n)
	s.Explain(total, row)
	for i := range dst {
		dst[i] *= scale
	}
	for c := range n {
		for d := range n {
			if d != c {
				total[c] -= dst[c*n+d]
			}
		}
		dst[c*n+c] = total[c]
	}
	return nil
}

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }
