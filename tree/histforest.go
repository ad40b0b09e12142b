package tree

import (
	"context"

	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree/hist"
)

// FitHistForest grows a random forest on binned columns: many times faster than
// an exact one on large data, with the same kind of trees. See [hist.FitForest].
func FitHistForest(ctx context.Context, x *table.Matrix, y, w []float64, opt hist.ForestOptions) (*Forest, error) {
	h, err := hist.FitForest(ctx, x, y, w, opt)
	if err != nil {
		return nil, err
	}
	f := &Forest{Labels: h.Labels, NumInput: h.NumInput}
	for _, t := range h.Trees {
		f.Trees = append(f.Trees, &Tree{
			Left: t.Left, Right: t.Right, Feature: t.Feature, Threshold: t.Threshold, MissingLeft: t.MissingLeft,
			Impurity: t.Impurity, Samples: t.Samples, Weight: t.Weight, Value: t.Value, Outputs: max(len(h.Labels), 1),
		})
	}
	return f, nil
}
