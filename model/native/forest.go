package native

import (
	"encoding/json"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/tree"
)

func encodeForest(f *tree.Forest) ([]byte, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	all := &tree.Tree{}
	starts, missing := []int64{0}, false
	for _, t := range f.Trees {
		missing = missing || t.MissingLeft != nil
	}
	for _, t := range f.Trees {
		n := len(t.Left)
		all.Left, all.Right = append(all.Left, t.Left...), append(all.Right, t.Right...)
		all.Feature, all.Threshold = append(all.Feature, t.Feature...), append(all.Threshold, t.Threshold...)
		all.Value = append(all.Value, t.Value...)
		all.Impurity = append(all.Impurity, sized(t.Impurity, n)...)
		all.Samples = append(all.Samples, sized(t.Samples, n)...)
		all.Weight = append(all.Weight, sized(t.Weight, n)...)
		if missing {
			all.MissingLeft = append(all.MissingLeft, sized(t.MissingLeft, n)...)
		}
		starts = append(starts, int64(len(all.Left)))
	}
	a := &arrays{}
	doc := forestDoc{
		Kind: "forest", Features: f.NumInput, Classes: f.Labels,
		Starts: put(a, starts), Left: put(a, all.Left), Right: put(a, all.Right), Feature: put(a, all.Feature),
		Threshold: put(a, all.Threshold), Missing: -1, Impurity: put(a, all.Impurity), Samples: put(a, all.Samples),
		Weight: put(a, all.Weight), Value: put(a, all.Value),
	}
	if missing {
		doc.Missing = put(a, all.MissingLeft)
	}
	return seal(doc, a)
}

// sized returns v, or n zeros when a learner did not fill it.
func sized[T any](v []T, n int) []T {
	if len(v) == n {
		return v
	}
	return make([]T, n)
}

func decodeForest(desc json.RawMessage, r *reader) (any, error) {
	var doc forestDoc
	if err := json.Unmarshal(desc, &doc); err != nil {
		return nil, errs.New(errs.Invalid, "description: %w", err)
	}
	all := &tree.Tree{Outputs: max(len(doc.Classes), 1)}
	starts, err := get[int64](r, doc.Starts)
	fetch(r, &err, doc.Left, &all.Left)
	fetch(r, &err, doc.Right, &all.Right)
	fetch(r, &err, doc.Feature, &all.Feature)
	fetch(r, &err, doc.Threshold, &all.Threshold)
	fetch(r, &err, doc.Impurity, &all.Impurity)
	fetch(r, &err, doc.Samples, &all.Samples)
	fetch(r, &err, doc.Weight, &all.Weight)
	fetch(r, &err, doc.Value, &all.Value)
	if doc.Missing >= 0 {
		fetch(r, &err, doc.Missing, &all.MissingLeft)
	}
	if err != nil {
		return nil, err
	}
	n := len(all.Left)
	if len(starts) < 2 || starts[0] != 0 || starts[len(starts)-1] != int64(n) || len(all.Right) != n || len(all.Feature) != n ||
		len(all.Threshold) != n || len(all.Impurity) != n || len(all.Samples) != n || len(all.Weight) != n ||
		len(all.Value)/all.Outputs != n || len(all.Value)%all.Outputs != 0 || doc.Missing >= 0 && len(all.MissingLeft) != n {
		return nil, errs.New(errs.Invalid, "the arrays of the forest differ in length")
	}
	f := &tree.Forest{Labels: doc.Classes, NumInput: doc.Features}
	trees := make([]tree.Tree, len(starts)-1)
	for i := range trees {
		lo, hi := starts[i], starts[i+1]
		if lo < 0 || hi <= lo || hi > int64(n) {
			return nil, errs.New(errs.Invalid, "tree %d does not lie in the arrays", i)
		}
		trees[i] = cut(all, int(lo), int(hi))
		f.Trees = append(f.Trees, &trees[i])
	}
	return f, f.Check()
}

// cut returns nodes lo to hi of all as a tree of its own that shares memory.
func cut(all *tree.Tree, lo, hi int) tree.Tree {
	t := tree.Tree{
		Left: all.Left[lo:hi:hi], Right: all.Right[lo:hi:hi], Feature: all.Feature[lo:hi:hi], Threshold: all.Threshold[lo:hi:hi],
		Impurity: all.Impurity[lo:hi:hi], Samples: all.Samples[lo:hi:hi], Weight: all.Weight[lo:hi:hi],
		Value: all.Value[lo*all.Outputs : hi*all.Outputs : hi*all.Outputs], Outputs: all.Outputs,
	}
	if all.MissingLeft != nil {
		t.MissingLeft = all.MissingLeft[lo:hi:hi]
	}
	return t
}

// fetch reads array i into dst unless an earlier one failed.
func fetch[T float64 | int64 | int32 | bool](r *reader, err *error, i int, dst *[]T) {
	if *err == nil {
		*dst, *err = get[T](r, i)
	}
}
