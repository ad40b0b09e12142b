// Package tree grows, holds and evaluates decision trees and ensembles of them.
package tree

import (
	"math"
	"sync/atomic"

	"github.com/drivecast/drivecast/tree/kernel"
)

// Tree is one fitted decision tree in the layout that scikit-learn uses: node 0
// is the root, children have larger indices than their parent, and node i is a
// leaf when Left[i] is -1. All slices have one entry a node.
type Tree struct {
	Left, Right []int32   // children, -1 at a leaf
	Feature     []int32   // column tested, -2 at a leaf
	Threshold   []float64 // a row goes left when float32(x) <= Threshold; -2 at a leaf
	MissingLeft []bool    // a missing value goes left: as learned, else where most rows went; nil: always right
	Impurity    []float64
	Samples     []int64   // distinct training rows that reached the node
	Weight      []float64 // their total weight
	Value       []float64 // len(nodes)*Outputs: class fractions (sum 1), or the mean
	Outputs     int       // classes of a classifier, 1 for a regressor
}

// Leaf returns the index of the leaf that row x falls into.
func (t *Tree) Leaf(x []float64) int {
	i := int32(0)
	for t.Left[i] >= 0 {
		v := x[t.Feature[i]]
		var left bool
		if math.IsNaN(v) {
			left = t.MissingLeft != nil && t.MissingLeft[i]
		} else {
			left = float64(float32(v)) <= t.Threshold[i]
		}
		if left {
			i = t.Left[i]
		} else {
			i = t.Right[i]
		}
	}
	return int(i)
}

// Forest is a fitted ensemble of trees whose answers are averaged: a random
// forest, extra trees, or a single decision tree.
type Forest struct {
	Trees    []*Tree
	Labels   []float64 // class labels in ascending order; nil for a regressor
	NumInput int       // columns a row must have
	OOB      *OutOfBag // nil unless asked for when the forest was grown

	paths atomic.Pointer[kernel.Explainer] // prepared by the first Explain
}

// Features returns the number of columns a row must have.
func (f *Forest) Features() int { return f.NumInput }

// Classes returns the class labels, or nil for a regressor.
func (f *Forest) Classes() []float64 { return f.Labels }

// Scores writes, for each row of x (row-major, n × Features()), the class
// probabilities (n × len(Classes())) or the predicted value (n × 1) to dst. Sums
// run in tree order in float64 and are divided by the number of trees, as
// scikit-learn does at n_jobs=1.
func (f *Forest) Scores(dst, x []float64) {
	k := max(len(f.Labels), 1)
	rows := len(x) / f.NumInput
	for r := range rows {
		row, out := x[r*f.NumInput:(r+1)*f.NumInput], dst[r*k:(r+1)*k]
		clear(out)
		for _, t := range f.Trees {
			v := t.Value[t.Leaf(row)*t.Outputs:]
			for c := range out {
				out[c] += v[c]
			}
		}
		for c := range out {
			out[c] /= float64(len(f.Trees))
		}
	}
}
