package hist

import (
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/tree/kernel"
)

// Bitset is a set of categories: see [kernel.Bitset].
type Bitset = kernel.Bitset

// Tree is one tree of a boosted ensemble: slices with one element a node, node 0
// being the root. A row goes left when its value is <= Threshold, or when its
// category is in Category's set. Cover counts the training rows of a node. Value
// holds at leaves what the tree adds to the raw answer, shrinkage included.
type Tree struct {
	kernel.Tree
	Gain []float64 // what the split lowered the loss by; 0 at a leaf
}

func (t *Tree) setCategory(i int, b Bitset) {
	if n := i + 1 - len(t.Category); n > 0 {
		t.Category = append(t.Category, make([]Bitset, n)...)
	}
	t.Category[i] = b
}

// Boosted is a fitted gradient-boosted ensemble. Its raw answer for output k is
// Base[k] plus the sum, in order, of the trees k, k+Outputs, k+2·Outputs, …
type Boosted struct {
	Objective Objective
	NumInput  int       // columns a row must have
	Labels    []float64 // class labels in ascending order; nil for other objectives
	Outputs   int       // trees a round: 1, or the number of classes
	Base      []float64 // raw answer without trees, one an output
	Trees     []Tree
	Names     []string  // column names, or nil
	History   []float64 // validation metric after each round, of the rounds that were tried

	paths kernel.Paths // prepared by the first Explain
}

// Features returns the number of columns a row must have.
func (b *Boosted) Features() int { return b.NumInput }

// Classes returns the class labels, or nil.
func (b *Boosted) Classes() []float64 { return b.Labels }

// Rounds returns the number of boosting rounds.
func (b *Boosted) Rounds() int { return len(b.Trees) / max(b.Outputs, 1) }

// Raw writes the raw answers of the rows of x (row-major) to dst, n × Outputs:
// log-odds, log of the mean, or the value.
func (b *Boosted) Raw(dst, x []float64) {
	rows := len(x) / b.NumInput
	for r := range rows {
		row, out := x[r*b.NumInput:(r+1)*b.NumInput], dst[r*b.Outputs:(r+1)*b.Outputs]
		copy(out, b.Base)
		for k := range b.Trees {
			t := &b.Trees[k].Tree
			out[k%b.Outputs] += t.Value[t.Leaf(row, kernel.LessEqual64)]
		}
	}
}

// Scores writes, for each row of x (row-major, n × Features(), NaN is missing),
// the class probabilities (n × len(Classes())) or the predicted value (n × 1) to
// dst: the mean for Poisson, the hazard ratio for Cox.
func (b *Boosted) Scores(dst, x []float64) {
	rows, k := len(x)/b.NumInput, max(len(b.Labels), 1)
	raw := make([]float64, rows*b.Outputs)
	b.Raw(raw, x)
	l := b.loss()
	for r := range rows {
		l.answer(dst[r*k:(r+1)*k], raw[r*b.Outputs:(r+1)*b.Outputs])
	}
}

// retrace adds the trees' values to row r of the training scores, rounding as
// training does, so that a continued fit goes on as if it had not stopped.
func (b *Boosted) retrace(score [][]float32, r int, row []float64) {
	for k := range b.Trees {
		t := &b.Trees[k].Tree
		score[k%b.Outputs][r] += float32(t.Value[t.Leaf(row, kernel.LessEqual64)])
	}
}

// loss returns the objective's answer function.
func (b *Boosted) loss() loss {
	switch b.Objective {
	case Binary:
		return &binary{}
	case Multiclass:
		return &softmax{classes: b.Outputs}
	case Poisson:
		return &poisson{}
	case Cox:
		return &cox{}
	default:
		return &squared{}
	}
}

// Explain writes each column's Shapley value for one row to dst, which has
// Features() elements, and returns the base value. What is explained is the raw
// answer of the last class, in log-odds, or the raw value: the logarithm of the
// mean for Poisson and of the hazard ratio for Cox. Paths count by training
// rows. Trees must not change after the first call.
func (b *Boosted) Explain(dst, row []float64) (base float64, space string) {
	s, _ := b.TreeSum()
	return b.paths.Explain(s, dst, row)
}

// TreeSum returns how the trees make the raw answer of the last class, or the raw
// value, and what it is turned into. Slices are shared. ok is true.
func (b *Boosted) TreeSum() (s kernel.Sum, ok bool) {
	last := b.Outputs - 1
	s = kernel.Sum{Ensemble: &kernel.Ensemble{Features: b.NumInput, Outputs: 1, Compare: kernel.LessEqual64}, Base: b.Base[last], Scale: 1, Space: "value"}
	for k := last; k < len(b.Trees); k += b.Outputs {
		s.Trees = append(s.Trees, b.Trees[k].Tree)
	}
	if b.Labels != nil {
		s.Space = "log-odds"
	}
	if b.Objective == Binary {
		l, n := b.loss(), len(b.Labels)
		s.Link = func(raw float64) float64 {
			out := make([]float64, n)
			l.answer(out, []float64{raw})
			return out[n-1]
		}
	}
	return s, true
}

// Importance is how much each column did in an ensemble.
type Importance struct {
	Gain   []float64 // total reduction of the loss by splits on the column
	Splits []int     // number of splits on the column
}

// Importance sums the splits of all trees by column.
func (b *Boosted) Importance() Importance { return importance(b.Trees, b.NumInput) }

func importance(trees []Tree, columns int) Importance {
	im := Importance{make([]float64, columns), make([]int, columns)}
	for k := range trees {
		t := &trees[k]
		for i, l := range t.Left {
			if l >= 0 {
				im.Gain[t.Feature[i]] += t.Gain[i]
				im.Splits[t.Feature[i]]++
			}
		}
	}
	return im
}

// check reports whether b can be continued on data of the given shape.
func (b *Boosted) check(o Objective, columns int, labels []float64) error {
	switch {
	case b.Objective != o:
		return errs.New(errs.Invalid, "the model to continue minimises %s, not %s", b.Objective, o)
	case b.NumInput != columns:
		return errs.New(errs.Invalid, "the model to continue has %d columns, the data %d", b.NumInput, columns)
	case !slices.Equal(b.Labels, labels):
		return errs.New(errs.Invalid, "the model to continue has classes %v, the data %v", b.Labels, labels)
	case slices.ContainsFunc(b.Base, math.IsNaN):
		return errs.New(errs.Invalid, "the model to continue has no base value")
	}
	return nil
}
