package hist

import (
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/tree/kernel"
)

// Check returns an error of kind Invalid unless the ensemble can be walked,
// explained and continued: the objective is one of ours, classes, outputs and
// base values fit it, and in every tree the slices have one entry a node, children
// come after their parent, tested columns exist, thresholds are numbers and
// covers are 0 or more. Ensembles that come from a file are checked before use.
func (b *Boosted) Check() error {
	if err := b.checkOutputs(); err != nil {
		return err
	}
	for k := range b.Trees {
		t := &b.Trees[k]
		if len(t.Gain) != len(t.Left) || len(t.Cover) != len(t.Left) {
			return errs.New(errs.Invalid, "tree %d: its arrays do not have one entry a node", k)
		}
		if err := checkNodes(&t.Tree, b.NumInput); err != nil {
			return errs.Wrap(err, "tree %d", k)
		}
	}
	return nil
}

func (b *Boosted) checkOutputs() error {
	classes, outputs := 0, 1
	switch b.Objective {
	case Binary:
		classes = 2
	case Multiclass:
		classes = max(len(b.Labels), 2)
		outputs = classes
	case Squared, Poisson, Quantile, Cox:
	default:
		return errs.New(errs.Unsupported, "there is no objective %q", b.Objective)
	}
	switch {
	case b.NumInput < 1 || len(b.Trees) == 0:
		return errs.New(errs.Invalid, "an ensemble needs at least one tree and one column")
	case len(b.Labels) != classes || b.Outputs != outputs || len(b.Base) != outputs || len(b.Trees)%outputs != 0:
		return errs.New(errs.Invalid, "%d classes, %d outputs, %d base values and %d trees do not fit the objective %s",
			len(b.Labels), b.Outputs, len(b.Base), len(b.Trees), b.Objective)
	case b.Names != nil && len(b.Names) != b.NumInput:
		return errs.New(errs.Invalid, "there are %d columns and %d names", b.NumInput, len(b.Names))
	}
	for i, v := range b.Labels {
		if v != v || i > 0 && !(b.Labels[i-1] < v) {
			return errs.New(errs.Invalid, "the class labels %v do not ascend", b.Labels)
		}
	}
	if slices.ContainsFunc(b.Base, func(v float64) bool { return v-v != 0 }) {
		return errs.New(errs.Invalid, "a base value is not a finite number: %v", b.Base)
	}
	return nil
}

func checkNodes(t *kernel.Tree, columns int) error {
	n := len(t.Left)
	if n == 0 || len(t.Right) != n || len(t.Feature) != n || len(t.Threshold) != n || len(t.Value) != n ||
		len(t.MissingLeft) != n || t.Category != nil && len(t.Category) != n {
		return errs.New(errs.Invalid, "its arrays do not have one entry a node")
	}
	parents := make([]uint8, n)
	for i := range n {
		l, r := int(t.Left[i]), int(t.Right[i])
		if !(t.Cover[i] >= 0) || math.IsInf(t.Cover[i], 0) {
			return errs.New(errs.Invalid, "node %d covers %v rows", i, t.Cover[i])
		}
		if l < 0 {
			if r >= 0 {
				return errs.New(errs.Invalid, "node %d has a right child only", i)
			}
			continue
		}
		if l <= i || r <= i || l >= n || r >= n || l == r || parents[l]+parents[r] > 0 {
			return errs.New(errs.Invalid, "node %d has children %d and %d of %d nodes", i, l, r, n)
		}
		parents[l], parents[r] = 1, 1
		if f := int(t.Feature[i]); f < 0 || f >= columns {
			return errs.New(errs.Invalid, "node %d tests column %d of %d", i, f, columns)
		}
		if t.Threshold[i] != t.Threshold[i] {
			return errs.New(errs.Invalid, "node %d has no threshold", i)
		}
	}
	return nil
}
