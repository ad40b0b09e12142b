package hist

import (
	"math"
	"runtime"

	"github.com/drivecast/drivecast/errs"
)

// Objective names what boosting minimises.
type Objective string

// The objectives.
const (
	Binary     Objective = "binary"     // log loss of two classes; answers log-odds
	Multiclass Objective = "multiclass" // log loss of K classes; one tree a class and round
	Squared    Objective = "regression" // half the squared error
	Poisson    Objective = "poisson"    // negative Poisson log likelihood with log link; targets >= 0
	Quantile   Objective = "quantile"   // pinball loss at Options.Alpha
	Cox        Objective = "cox"        // negative partial likelihood; target = time, negative when censored
)

// Options are the choices of a boosted fit. Start from [Defaults]: most zero
// values mean "none", but zero trees is an error. Names in brackets are LightGBM's.
type Options struct {
	Objective  Objective
	Trees      int     // rounds [num_iterations, n_estimators], >= 1
	Rate       float64 // shrinkage of each tree [learning_rate], > 0
	Leaves     int     // leaves of a tree [num_leaves], 2..65535; with LevelWise 0 means no limit
	Depth      int     // levels of a tree [max_depth]; 0: no limit
	LevelWise  bool    // grow level by level instead of by the best leaf
	MaxBins    int     // bins of a column [max_bin], 2..255
	MinRows    int     // rows of a leaf [min_data_in_leaf, min_child_samples]
	MinHessian float64 // hessian of a leaf [min_sum_hessian_in_leaf, min_child_weight]
	L1, L2     float64 // penalties on leaf values [lambda_l1, lambda_l2]
	MinGain    float64 // gain of a split [min_gain_to_split, min_split_gain]
	MaxStep    float64 // largest leaf value before shrinkage [max_delta_step]; 0: no limit

	ColumnShare     float64 // columns of a tree [feature_fraction, colsample_bytree], (0,1]
	NodeColumnShare float64 // columns of a node [feature_fraction_bynode], (0,1]
	RowShare        float64 // rows of a tree, without replacement [bagging_fraction, subsample], (0,1]
	RowEvery        int     // rounds between two draws of rows [bagging_freq]; 0: rows are not drawn
	Top, Other      float64 // GOSS: share of rows with the largest gradients that is kept, and share drawn from the rest [top_rate, other_rate]; 0: off

	PositiveWeight float64   // weight of the second class [scale_pos_weight]; 0 means 1
	ClassWeight    []float64 // weight a class, in ascending order of labels; nil: 1
	Balanced       bool      // classes weigh n/(K·count) [is_unbalance, class_weight="balanced"]
	Alpha          float64   // quantile, (0,1) [alpha]

	Categorical  []int   // columns that hold whole numbers >= 0 without order [categorical_feature]
	CatSmooth    float64 // rows added to a category before categories are ordered [cat_smooth]
	CatL2        float64 // extra L2 in categorical splits [cat_l2]
	MaxCategory  int     // categories on the smaller side of a split [max_cat_threshold]
	Monotone     []int8  // per column +1 rising, -1 falling, 0 free [monotone_constraints]; nil: free
	Interactions [][]int // columns that may meet on a path [interaction_constraints]; nil: any

	Patience int      // rounds without a better validation metric before stopping [early_stopping_round]; 0: never
	MinDelta float64  // a metric is better when it is lower by more than this [early_stopping_min_delta], >= 0
	Metric   Metric   // of the validation rows; nil: the objective's loss
	Seed     uint64   // of every draw [seed]
	Workers  int      // goroutines; 0: one a processor. Does not change the result
	Exactly  bool     // sum gradients at full width even where a few bits would do
	Init     *Boosted // model to go on from: its trees are kept and Trees more are added [init_model, warm_start]; nil: none
	Shard    Shard
	Progress func(done, total int) // called after each round; may be nil
}

// Metric judges answers of the validation rows: scores holds n × outputs
// answers as [Boosted.Scores] gives them. Smaller is better; negate a metric
// that should be large.
type Metric func(target, scores, weight []float64) float64

// Defaults returns LightGBM's defaults for the objective.
func Defaults(o Objective) Options {
	return Options{
		Objective: o, Trees: 100, Rate: 0.1, Leaves: 31, MaxBins: 255, MinRows: 20, MinHessian: 1e-3,
		ColumnShare: 1, NodeColumnShare: 1, RowShare: 1, PositiveWeight: 1, Alpha: 0.9,
		CatSmooth: 10, CatL2: 10, MaxCategory: 32,
	}
}

func (o *Options) normal() {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.PositiveWeight == 0 {
		o.PositiveWeight = 1
	}
	for _, share := range []*float64{&o.ColumnShare, &o.NodeColumnShare, &o.RowShare} {
		if *share == 0 {
			*share = 1
		}
	}
	if o.MaxBins == 0 {
		o.MaxBins = 255
	}
	if o.MaxCategory == 0 {
		o.MaxCategory = 32
	}
	if o.Leaves == 0 {
		o.Leaves = maxLeaves
	}
	if o.Objective == Poisson && o.MaxStep == 0 {
		o.MaxStep = 0.7
	}
	o.MinRows = max(o.MinRows, 1)
}

// maxLeaves bounds a tree, so that a node's number fits the compiled form.
const maxLeaves = 65535

func (o *Options) check(columns int) error {
	bad := func(name string, v any, want string) error {
		return errs.New(errs.Invalid, "%s is %v; it must be %s", name, v, want)
	}
	switch {
	case o.Trees < 1:
		return bad("the number of trees", o.Trees, "at least 1")
	case !(o.Rate > 0) || math.IsInf(o.Rate, 0):
		return bad("the learning rate", o.Rate, "positive")
	case o.Leaves < 2 || o.Leaves > maxLeaves:
		return bad("the number of leaves", o.Leaves, "2 to 65535")
	case o.Depth < 0:
		return bad("the depth", o.Depth, "0 (no limit) or more")
	case o.MaxBins < 2 || o.MaxBins > 255:
		return bad("the number of bins", o.MaxBins, "2 to 255")
	case !(o.L1 >= 0) || !(o.L2 >= 0) || !(o.MinGain >= 0) || !(o.MinHessian >= 0) || !(o.MaxStep >= 0) || !(o.MinDelta >= 0):
		return bad("a penalty or minimum", []float64{o.L1, o.L2, o.MinGain, o.MinHessian, o.MaxStep, o.MinDelta}, "0 or more")
	case !share(o.ColumnShare) || !share(o.NodeColumnShare) || !share(o.RowShare):
		return bad("a share of rows or columns", []float64{o.ColumnShare, o.NodeColumnShare, o.RowShare}, "above 0 and at most 1")
	case o.Top < 0 || o.Other < 0 || o.Top+o.Other > 1 || (o.Top > 0) != (o.Other > 0):
		return bad("GOSS", []float64{o.Top, o.Other}, "two positive shares with a sum of at most 1")
	case o.Top > 0 && o.RowEvery > 0 && o.RowShare < 1:
		return errs.New(errs.Invalid, "GOSS and drawing rows exclude each other: choose one")
	case o.Objective == Quantile && !(o.Alpha > 0 && o.Alpha < 1):
		return bad("the quantile", o.Alpha, "between 0 and 1")
	case o.Monotone != nil && len(o.Monotone) != columns:
		return errs.New(errs.Invalid, "there are %d monotone constraints and %d columns", len(o.Monotone), columns)
	case !(o.PositiveWeight > 0):
		return bad("the weight of the positive class", o.PositiveWeight, "positive")
	}
	return o.checkColumns(columns)
}

func share(v float64) bool { return v > 0 && v <= 1 }

func (o *Options) checkColumns(columns int) error {
	for _, c := range o.Categorical {
		if c < 0 || c >= columns {
			return errs.New(errs.Invalid, "column %d is said to be categorical, and there are %d columns", c, columns)
		}
		if o.Monotone != nil && o.Monotone[c] != 0 {
			return errs.New(errs.Invalid, "column %d is categorical: it cannot be monotone", c)
		}
	}
	for _, set := range o.Interactions {
		for _, c := range set {
			if c < 0 || c >= columns {
				return errs.New(errs.Invalid, "column %d is in an interaction constraint, and there are %d columns", c, columns)
			}
		}
	}
	return nil
}
