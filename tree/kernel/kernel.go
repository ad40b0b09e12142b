// Package kernel evaluates and explains ensembles of decision trees, whatever
// learner or file they came from.
//
// An [Ensemble] is the plain form: per tree, one slice a property, one element a
// node. [Compile] packs it into 8-byte nodes that are walked several chains at a
// time; [NewExplainer] prepares exact Shapley values of its paths. Both give the
// answers of the plain form: Compile to the last bit, because sums run in tree
// order; Explainer to 1e-12.
package kernel

import (
	"math"

	"github.com/drivecast/drivecast/errs"
)

// Compare says how a row's value meets a node's threshold.
type Compare uint8

// The comparisons in use among tree learners.
const (
	LessEqual32 Compare = iota // left when float64(float32(x)) <= threshold: scikit-learn's trees and forests
	LessEqual64                // left when x <= threshold: LightGBM, histogram gradient boosting
	Less32                     // left when float32(x) < float32(threshold): XGBoost
)

// Tree is one decision tree as parallel slices with one element a node. Node 0
// is the root. Node i is a leaf when Left[i] < 0.
type Tree struct {
	Left, Right []int32   // children; negative at a leaf
	Feature     []int32   // column tested; ignored at a leaf
	Threshold   []float64 // see Compare; ignored at a leaf and where Category is set
	MissingLeft []bool    // where NaN goes; nil: always right
	Category    []Bitset  // categories that go left, per node; nil: no node is categorical
	Cover       []float64 // weight of the training rows that reached the node; needed to explain
	Value       []float64 // len(nodes) × Outputs; read at leaves only
}

// Ensemble is a list of trees that share their columns and outputs.
type Ensemble struct {
	Trees    []Tree
	Features int  // columns a row must have
	Outputs  int  // values at a leaf
	Turns    int  // with more than 1, Outputs is 1 and tree k adds to answer k%Turns: one tree a class and round
	Single   bool // Outputs is 1, and a sum is rounded to float32 after each tree, as XGBoost adds
	Compare  Compare
}

// Bitset is a set of small whole numbers: k is in it when bit k%64 of word k/64
// is set. A nil Bitset marks a node that compares with its threshold.
type Bitset []uint64

// Has reports whether x, cut to a whole number, is in the set. NaN, infinities
// and negative values are in no set.
func (b Bitset) Has(x float64) bool {
	if !(x > -1 && x < float64(len(b)*64)) {
		return false
	}
	k := uint(int(x))
	return b[k/64]>>(k%64)&1 != 0
}

// goesLeft reports which way x leaves node i.
func (t *Tree) goesLeft(i int32, x float64, how Compare) bool {
	if math.IsNaN(x) {
		return t.MissingLeft != nil && t.MissingLeft[i]
	}
	if t.Category != nil && t.Category[i] != nil {
		return t.Category[i].Has(x)
	}
	switch how {
	case LessEqual64:
		return x <= t.Threshold[i]
	case Less32:
		return float32(x) < float32(t.Threshold[i])
	default:
		return float64(float32(x)) <= t.Threshold[i]
	}
}

// Leaf returns the leaf of t that row x falls into.
func (t *Tree) Leaf(x []float64, how Compare) int {
	i := int32(0)
	for t.Left[i] >= 0 {
		if t.goesLeft(i, x[t.Feature[i]], how) {
			i = t.Left[i]
		} else {
			i = t.Right[i]
		}
	}
	return int(i)
}

// preorder checks tree number k and returns its nodes in depth-first order, left
// before right. An error of kind Invalid names the node at fault.
func (e *Ensemble) preorder(k int) ([]int32, error) {
	t, n := &e.Trees[k], len(e.Trees[k].Left)
	if n == 0 || len(t.Right) != n || len(t.Feature) != n || len(t.Threshold) != n || len(t.Value) != n*e.Outputs ||
		t.MissingLeft != nil && len(t.MissingLeft) != n || t.Category != nil && len(t.Category) != n {
		return nil, errs.New(errs.Invalid, "tree %d: its slices differ in length or are empty", k)
	}
	order, seen, stack := make([]int32, 0, n), make([]bool, n), []int32{0}
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[i] {
			return nil, errs.New(errs.Invalid, "tree %d: node %d has two parents", k, i)
		}
		seen[i] = true
		order = append(order, i)
		if t.Left[i] < 0 {
			continue
		}
		l, r, c := t.Left[i], t.Right[i], t.Feature[i]
		if int(l) >= n || r < 0 || int(r) >= n || c < 0 || int(c) >= e.Features || math.IsNaN(t.Threshold[i]) {
			return nil, errs.New(errs.Invalid, "tree %d: node %d has child, column or threshold out of range", k, i)
		}
		stack = append(stack, r, l)
	}
	return order, nil
}
