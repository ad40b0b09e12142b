package onnx

import (
	"math/bits"

	"github.com/drivecast/drivecast/tree/hist"
	"github.com/drivecast/drivecast/tree/kernel"
)

// boosted writes a boosted ensemble. Values are compared in double precision, as
// we do. The trees' sum with the base values is the one step that ONNX rounds to
// float32; what follows, a sigmoid, a softmax or an exponential, is in double
// precision again, so that small probabilities keep their digits.
func (g *graph) boosted(b *hist.Boosted, x string, s Spec) {
	var list nodeList
	for k := range b.Trees {
		list.add(int64(k), &b.Trees[k].Tree)
	}
	attrs := append(list.attrs(), boostedLeaves(b)...)
	attrs = append(attrs, attr{name: "n_targets", kind: 2, i: int64(b.Outputs)}, attr{name: "aggregate_function", kind: 3, s: "SUM"},
		attr{name: "base_values_as_tensor", kind: 4, t: &tensor{elem: typeDouble, shape: []int64{int64(b.Outputs)}, nums: b.Base}})
	g.add("TreeEnsembleRegressor", mlDomain, []string{x}, []string{"margin"}, attrs...)
	z := g.cast("margin", typeDouble)
	if b.Labels != nil {
		g.probabilities(z, b.Outputs, b.Labels, s)
		return
	}
	if b.Objective == hist.Poisson || b.Objective == hist.Cox {
		z = g.add("Exp", "", []string{z}, []string{"exponential"})
	}
	flat := g.constant(tensor{name: "flat", elem: typeInt64, shape: []int64{1}, nums: []float64{-1}})
	g.add("Reshape", "", []string{z, flat}, []string{"value"})
	g.output = append(g.output, value{"value", typeDouble, []int64{-1}})
}

// nodeList collects the nodes of all trees.
type nodeList struct {
	ids, treeIDs, features, yes, no, missing []int64
	modes                                    []string
	values                                   []float64
}

func (l *nodeList) put(tree, id int64, mode string, column int32, v float64, yes, no int64, missing bool) {
	l.ids, l.treeIDs, l.modes = append(l.ids, id), append(l.treeIDs, tree), append(l.modes, mode)
	l.features, l.values = append(l.features, int64(column)), append(l.values, v)
	l.yes, l.no = append(l.yes, yes), append(l.no, no)
	m := int64(0)
	if missing {
		m = 1
	}
	l.missing = append(l.missing, m)
}

// add adds tree number k. A test of a set of categories becomes a chain of
// equalities whose true branches meet at the same child; missing values equal
// nothing and go on to the right.
func (l *nodeList) add(k int64, t *kernel.Tree) {
	next := int64(len(t.Left)) // number of the next node that the tree has not
	for i := range t.Left {
		id, yes, no := int64(i), int64(t.Left[i]), int64(t.Right[i])
		switch {
		case yes < 0:
			l.put(k, id, "LEAF", 0, 0, 0, 0, false)
		case t.Category == nil || t.Category[i] == nil:
			l.put(k, id, "BRANCH_LEQ", t.Feature[i], t.Threshold[i], yes, no, t.MissingLeft != nil && t.MissingLeft[i])
		default:
			set := members(t.Category[i])
			for n, category := range set {
				after := next
				if n == len(set)-1 {
					after = no
				} else {
					next++
				}
				l.put(k, id, "BRANCH_EQ", t.Feature[i], category, yes, after, false)
				id = after
			}
		}
	}
}

// members lists a set; an empty one holds -1, which no category is.
func members(set kernel.Bitset) []float64 {
	var out []float64
	for w, word := range set {
		for ; word != 0; word &= word - 1 {
			out = append(out, float64(64*w+bits.TrailingZeros64(word)))
		}
	}
	if out == nil {
		return []float64{-1}
	}
	return out
}

func (l *nodeList) attrs() []attr {
	return []attr{
		{name: "nodes_falsenodeids", kind: 7, ints: l.no}, {name: "nodes_featureids", kind: 7, ints: l.features},
		{name: "nodes_missing_value_tracks_true", kind: 7, ints: l.missing}, {name: "nodes_modes", kind: 8, strings: l.modes},
		{name: "nodes_nodeids", kind: 7, ints: l.ids}, {name: "nodes_treeids", kind: 7, ints: l.treeIDs},
		{name: "nodes_truenodeids", kind: 7, ints: l.yes},
		{name: "nodes_values_as_tensor", kind: 4, t: &tensor{elem: typeDouble, shape: []int64{int64(len(l.values))}, nums: l.values}},
		{name: "post_transform", kind: 3, s: "NONE"},
	}
}

// boostedLeaves returns what the leaves add: tree k to output k%Outputs.
func boostedLeaves(b *hist.Boosted) []attr {
	var ids, nodeIDs, treeIDs []int64
	var weights []float64
	for k := range b.Trees {
		t := &b.Trees[k]
		for i, l := range t.Left {
			if l < 0 {
				ids, nodeIDs, treeIDs = append(ids, int64(k%b.Outputs)), append(nodeIDs, int64(i)), append(treeIDs, int64(k))
				weights = append(weights, t.Value[i])
			}
		}
	}
	return []attr{
		{name: "target_ids", kind: 7, ints: ids}, {name: "target_nodeids", kind: 7, ints: nodeIDs}, {name: "target_treeids", kind: 7, ints: treeIDs},
		{name: "target_weights_as_tensor", kind: 4, t: &tensor{elem: typeDouble, shape: []int64{int64(len(weights))}, nums: weights}},
	}
}
