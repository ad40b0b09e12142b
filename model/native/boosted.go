package native

import (
	"encoding/json"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/tree/hist"
	"github.com/drivecast/drivecast/tree/kernel"
)

// boostedDoc describes a hist.Boosted: trees lie one after the other in each
// array, as in forestDoc. The sets of categories lie one after the other in Words;
// that of node i, counted over all trees, is Words[Sets[i]:Sets[i+1]].
type boostedDoc struct {
	Kind      string    `json:"kind"` // "boosted"
	Objective string    `json:"objective"`
	Features  int       `json:"features"`
	Classes   []float64 `json:"classes"` // null unless the objective has classes
	Names     []string  `json:"names,omitempty"`
	Outputs   int       `json:"outputs"`
	Base      int       `json:"base"`
	Starts    int       `json:"starts"`
	Left      int       `json:"left"`
	Right     int       `json:"right"`
	Feature   int       `json:"feature"`
	Threshold int       `json:"threshold"`
	Missing   int       `json:"missing_left"`
	Cover     int       `json:"cover"`
	Gain      int       `json:"gain"`
	Value     int       `json:"value"`
	Sets      int       `json:"sets"`  // -1: no node tests a category
	Words     int       `json:"words"` // -1: likewise
	History   int       `json:"history"`
}

func encodeBoosted(b *hist.Boosted) ([]byte, error) {
	if err := b.Check(); err != nil {
		return nil, err
	}
	all := &hist.Tree{}
	starts, sets, words := []int64{0}, []int64{0}, []int64{}
	for k := range b.Trees {
		t := &b.Trees[k]
		all.Left, all.Right = append(all.Left, t.Left...), append(all.Right, t.Right...)
		all.Feature, all.Threshold = append(all.Feature, t.Feature...), append(all.Threshold, t.Threshold...)
		all.MissingLeft, all.Cover = append(all.MissingLeft, t.MissingLeft...), append(all.Cover, t.Cover...)
		all.Gain, all.Value = append(all.Gain, t.Gain...), append(all.Value, t.Value...)
		for i := range t.Left {
			if t.Category != nil {
				for _, w := range t.Category[i] {
					words = append(words, int64(w))
				}
			}
			sets = append(sets, int64(len(words)))
		}
		starts = append(starts, int64(len(all.Left)))
	}
	a := &arrays{}
	doc := boostedDoc{
		Kind: "boosted", Objective: string(b.Objective), Features: b.NumInput, Classes: b.Labels, Names: b.Names, Outputs: b.Outputs,
		Base: put(a, b.Base), Starts: put(a, starts), Left: put(a, all.Left), Right: put(a, all.Right), Feature: put(a, all.Feature),
		Threshold: put(a, all.Threshold), Missing: put(a, all.MissingLeft), Cover: put(a, all.Cover), Gain: put(a, all.Gain),
		Value: put(a, all.Value), Sets: -1, Words: -1, History: put(a, b.History),
	}
	if len(words) > 0 {
		doc.Sets, doc.Words = put(a, sets), put(a, words)
	}
	return seal(doc, a)
}

func decodeBoosted(desc json.RawMessage, r *reader) (any, error) {
	var doc boostedDoc
	if err := json.Unmarshal(desc, &doc); err != nil {
		return nil, errs.New(errs.Invalid, "description: %w", err)
	}
	all, b := &hist.Tree{}, &hist.Boosted{Objective: hist.Objective(doc.Objective), NumInput: doc.Features, Labels: doc.Classes,
		Names: doc.Names, Outputs: doc.Outputs}
	starts, err := get[int64](r, doc.Starts)
	fetch(r, &err, doc.Base, &b.Base)
	fetch(r, &err, doc.Left, &all.Left)
	fetch(r, &err, doc.Right, &all.Right)
	fetch(r, &err, doc.Feature, &all.Feature)
	fetch(r, &err, doc.Threshold, &all.Threshold)
	fetch(r, &err, doc.Missing, &all.MissingLeft)
	fetch(r, &err, doc.Cover, &all.Cover)
	fetch(r, &err, doc.Gain, &all.Gain)
	fetch(r, &err, doc.Value, &all.Value)
	fetch(r, &err, doc.History, &b.History)
	if err != nil {
		return nil, err
	}
	n := len(all.Left)
	if len(starts) < 2 || starts[0] != 0 || starts[len(starts)-1] != int64(n) || len(all.Right) != n || len(all.Feature) != n ||
		len(all.Threshold) != n || len(all.MissingLeft) != n || len(all.Cover) != n || len(all.Gain) != n || len(all.Value) != n {
		return nil, errs.New(errs.Invalid, "the arrays of the ensemble differ in length")
	}
	if len(b.History) == 0 {
		b.History = nil
	}
	if all.Category, err = decodeSets(&doc, r, n); err != nil {
		return nil, err
	}
	for i := range len(starts) - 1 {
		lo, hi := starts[i], starts[i+1]
		if lo < 0 || hi <= lo || hi > int64(n) {
			return nil, errs.New(errs.Invalid, "tree %d does not lie in the arrays", i)
		}
		b.Trees = append(b.Trees, cutBoosted(all, int(lo), int(hi)))
	}
	return b, b.Check()
}

// decodeSets returns the set of categories of each of n nodes, nil for most.
func decodeSets(doc *boostedDoc, r *reader, n int) ([]kernel.Bitset, error) {
	if doc.Sets < 0 {
		return nil, nil
	}
	at, err := get[int64](r, doc.Sets)
	var signed []int64
	fetch(r, &err, doc.Words, &signed)
	if err != nil {
		return nil, err
	}
	if len(at) != n+1 || at[0] != 0 || at[n] != int64(len(signed)) {
		return nil, errs.New(errs.Invalid, "the sets of categories do not fit %d nodes", n)
	}
	words := make([]uint64, len(signed))
	for i, w := range signed {
		words[i] = uint64(w)
	}
	out := make([]kernel.Bitset, n)
	for i := range out {
		lo, hi := at[i], at[i+1]
		if lo < 0 || hi < lo || hi > int64(len(words)) {
			return nil, errs.New(errs.Invalid, "the set of node %d does not lie in the arrays", i)
		}
		if hi > lo {
			out[i] = words[lo:hi:hi]
		}
	}
	return out, nil
}

// cutBoosted returns nodes lo to hi of all as a tree of its own that shares memory.
func cutBoosted(all *hist.Tree, lo, hi int) hist.Tree {
	t := hist.Tree{Tree: kernel.Tree{
		Left: all.Left[lo:hi:hi], Right: all.Right[lo:hi:hi], Feature: all.Feature[lo:hi:hi], Threshold: all.Threshold[lo:hi:hi],
		MissingLeft: all.MissingLeft[lo:hi:hi], Cover: all.Cover[lo:hi:hi], Value: all.Value[lo:hi:hi],
	}, Gain: all.Gain[lo:hi:hi]}
	if all.Category == nil {
		return t
	}
	for _, set := range all.Category[lo:hi] {
		if set != nil {
			t.Category = all.Category[lo:hi:hi]
			break
		}
	}
	return t
}
