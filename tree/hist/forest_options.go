package hist

import (
	"math"
	"runtime"

	"github.com/drivecast/drivecast/errs"
)

// ForestOptions are the choices of a random forest on bins. Start from
// [ForestDefaults]. Names in brackets are scikit-learn's.
type ForestOptions struct {
	Regression  bool
	Trees       int     // [n_estimators], >= 1
	Depth       int     // levels [max_depth]; 0: no limit
	Leaves      int     // leaves, the best split first [max_leaf_nodes]; 0: no limit, left before right
	Columns     int     // columns tried at a node [max_features]; 0: √columns for classes, all for numbers
	MinSplit    int     // rows of a node that is split [min_samples_split]
	MinRows     int     // rows of a leaf [min_samples_leaf]
	MinDecrease float64 // weighted decrease of impurity of a split [min_impurity_decrease]
	Bootstrap   bool    // rows are drawn with replacement
	RowShare    float64 // rows drawn a tree, as a share, (0,1] [max_samples]
	MaxBins     int     // 2..255
	ClassWeight []float64
	Balanced    bool
	Seed        uint64
	Workers     int                   // trees grown at a time; 0: one a processor. Does not change the result
	First       int                   // number of the first tree: a forest of First trees is continued [warm_start]
	Progress    func(done, total int) // called after each tree, one call at a time; may be nil
}

// ForestDefaults returns scikit-learn's defaults for RandomForestClassifier or
// RandomForestRegressor.
func ForestDefaults(regression bool) ForestOptions {
	return ForestOptions{Regression: regression, Trees: 100, MinSplit: 2, MinRows: 1, Bootstrap: true, RowShare: 1, MaxBins: 255}
}

func (o *ForestOptions) normal(columns int) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	o.Workers = min(o.Workers, max(o.Trees, 1))
	if o.Columns == 0 {
		o.Columns = columns
		if !o.Regression {
			o.Columns = max(1, int(math.Sqrt(float64(columns))))
		}
	}
	o.MinSplit, o.MinRows = max(o.MinSplit, 2), max(o.MinRows, 1)
	if o.MaxBins == 0 {
		o.MaxBins = 255
	}
	if o.RowShare == 0 {
		o.RowShare = 1
	}
}

func (o *ForestOptions) check(columns int) error {
	switch {
	case o.Trees < 1:
		return errs.New(errs.Invalid, "the number of trees is %d; it must be at least 1", o.Trees)
	case o.First < 0:
		return errs.New(errs.Invalid, "the first tree has the number %d; it must be 0 or more", o.First)
	case o.Depth < 0 || o.Leaves < 0 || o.Leaves == 1:
		return errs.New(errs.Invalid, "depth %d and leaves %d must be 0 (no limit) or positive, leaves at least 2", o.Depth, o.Leaves)
	case o.Columns < 1 || o.Columns > columns:
		return errs.New(errs.Invalid, "%d columns are to be tried at a node, and there are %d", o.Columns, columns)
	case !share(o.RowShare):
		return errs.New(errs.Invalid, "the share of rows is %v; it must be above 0 and at most 1", o.RowShare)
	case o.MaxBins < 2 || o.MaxBins > 255:
		return errs.New(errs.Invalid, "the number of bins is %d; it must be 2 to 255", o.MaxBins)
	case !(o.MinDecrease >= 0):
		return errs.New(errs.Invalid, "the least decrease of impurity is %v; it must be 0 or more", o.MinDecrease)
	}
	return nil
}
