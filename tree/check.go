package tree

import (
	"math"

	"github.com/drivecast/drivecast/errs"
)

// Check returns an error of kind Invalid unless the tree is one that Leaf can
// walk on rows of the given number of columns: every slice has one entry a node,
// children come after their parent, tested columns exist, thresholds are
// numbers. Trees that come from a file are checked before use.
func (t *Tree) Check(features int) error {
	n := len(t.Left)
	if n == 0 {
		return errs.New(errs.Invalid, "a tree has no nodes")
	}
	if t.Outputs < 1 || len(t.Right) != n || len(t.Feature) != n || len(t.Threshold) != n || len(t.Value) != n*t.Outputs ||
		t.MissingLeft != nil && len(t.MissingLeft) != n {
		return errs.New(errs.Invalid, "a tree's arrays do not have one entry a node")
	}
	for i := range n {
		l, r := int(t.Left[i]), int(t.Right[i])
		if l < 0 {
			if r >= 0 {
				return errs.New(errs.Invalid, "node %d has a right child only", i)
			}
			continue
		}
		if l <= i || r <= i || l >= n || r >= n {
			return errs.New(errs.Invalid, "node %d has children %d and %d, which must lie between it and %d", i, l, r, n)
		}
		if f := int(t.Feature[i]); f < 0 || f >= features {
			return errs.New(errs.Invalid, "node %d tests column %d of %d", i, f, features)
		}
		if math.IsNaN(t.Threshold[i]) {
			return errs.New(errs.Invalid, "node %d has no threshold", i)
		}
	}
	return nil
}

// Check returns an error of kind Invalid unless every tree of the forest can be
// walked and answers for the forest's classes.
func (f *Forest) Check() error {
	if len(f.Trees) == 0 || f.NumInput < 1 {
		return errs.New(errs.Invalid, "a forest needs at least one tree and one column")
	}
	for i, t := range f.Trees {
		if err := t.Check(f.NumInput); err != nil {
			return errs.Wrap(err, "tree %d", i)
		}
		if t.Outputs != max(len(f.Labels), 1) {
			return errs.New(errs.Invalid, "tree %d has %d outputs, the forest %d classes", i, t.Outputs, len(f.Labels))
		}
	}
	return nil
}
