package tree

import (
	"math"

	"github.com/drivecast/drivecast/errs"
)

// Criterion is what a split is judged by.
type Criterion uint8

// The criteria. LogLoss is another name for Entropy.
const (
	Gini Criterion = iota
	Entropy
	SquaredError // of regressors
)

// Splitter is how the thresholds that a node looks at are chosen.
type Splitter uint8

// The splitters.
const (
	Best   Splitter = iota // all thresholds
	Random                 // one a column, drawn at random
)

// Balance is whether classes are weighed by the inverse of their frequency.
type Balance uint8

// The ways to balance.
const (
	Unbalanced        Balance = iota
	Balanced                  // by frequency in all rows
	BalancedSubsample         // by frequency in the rows that a tree draws
)

// Compat is the scikit-learn era whose trees are grown. The eras differ in the
// order in which a sort leaves equal values, and so in the last bits of sums of
// weights and of targets; in a weighted bootstrap, which up to 1.8 draws all rows
// alike and multiplies their weights, and from 1.9 draws rows in proportion to
// their weights; and in how many rows a share given as MaxSamples is.
type Compat uint8

// The eras.
const (
	Sklearn19 Compat = iota // scikit-learn 1.9 and later
	Sklearn18               // scikit-learn 1.0 to 1.8; missing values as 1.8 treats them
)

// Count is a number of things, or a share of all of them. The zero value stands
// for all.
type Count struct {
	n     int
	share float64
	form  countForm
}

type countForm uint8

const (
	all countForm = iota
	number
	fraction
	squareRoot
	binaryLog
)

// N is the count of exactly n things.
func N(n int) Count { return Count{n: n, form: number} }

// Share is the count of the given share of all things, in (0, 1].
func Share(f float64) Count { return Count{share: f, form: fraction} }

// Sqrt and Log2 are the square root and the binary binaryLog of all things.
var (
	Sqrt = Count{form: squareRoot}
	Log2 = Count{form: binaryLog}
)

// of resolves the count among total things; fractions are rounded by round.
func (c Count) of(total int, round func(float64) float64) int {
	switch c.form {
	case number:
		return c.n
	case fraction:
		return int(round(c.share * float64(total)))
	case squareRoot:
		return max(1, int(math.Sqrt(float64(total))))
	case binaryLog:
		return max(1, int(math.Log2(float64(total))))
	}
	return total
}

// Options are the parameters of an ensemble of exact trees, with scikit-learn's
// meanings. Start from RandomForestClassifier or one of its siblings.
type Options struct {
	Regression            bool                // the target is a number, not a class
	Single                bool                // one tree, not an ensemble: Estimators, Bootstrap, MaxSamples and OOBScore do not apply
	Estimators            int                 // trees
	Criterion             Criterion           // Gini, Entropy, or SquaredError
	Splitter              Splitter            // Best, or Random as in extra trees
	MaxDepth              int                 // levels below the root; 0 for any
	MinSamplesSplit       Count               // rows that a node must have to be split: at least 2, or a share
	MinSamplesLeaf        Count               // rows that a leaf must have: at least 1, or a share
	MinWeightFractionLeaf float64             // share of all weight that a leaf must have, in [0, 0.5]
	MaxFeatures           Count               // columns looked at for a split
	MaxLeafNodes          int                 // grow the best leaf first until there are so many, at least 2; 0 for any
	MinImpurityDecrease   float64             // a split must gain this much
	CCPAlpha              float64             // prune branches that gain less than this a leaf
	Bootstrap             bool                // each tree sees rows drawn with replacement
	MaxSamples            Count               // how many are drawn
	OOBScore              bool                // judge each row by the trees that did not see it; needs Bootstrap
	ClassWeight           map[float64]float64 // weight of each class, 1 for those not named; nil for none
	Balance               Balance             // weigh classes by the inverse of their frequency; ClassWeight must be nil
	Seed                  uint32              // scikit-learn's random_state
	Compat                Compat
	Workers               int                   // goroutines; 0 for one a processor. The trees are the same for any number.
	Progress              func(done, total int) // called after each tree, one call at a time; may be nil
}

func defaults() Options {
	return Options{Estimators: 100, MinSamplesSplit: N(2), MinSamplesLeaf: N(1)}
}

// RandomForestClassifier returns scikit-learn's defaults for that class
// (Breiman, Random Forests, 2001).
func RandomForestClassifier() Options {
	o := defaults()
	o.MaxFeatures, o.Bootstrap = Sqrt, true
	return o
}

// RandomForestRegressor returns scikit-learn's defaults for that class.
func RandomForestRegressor() Options {
	o := defaults()
	o.Regression, o.Criterion, o.Bootstrap = true, SquaredError, true
	return o
}

// DecisionTreeClassifier returns scikit-learn's defaults for that class (Breiman
// and others, Classification and Regression Trees, 1984).
//
// As in scikit-learn, Seed matters even though every column is looked at: among
// splits that are equally good the one of the column drawn first is taken.
func DecisionTreeClassifier() Options {
	o := defaults()
	o.Single, o.Estimators = true, 1
	return o
}

// DecisionTreeRegressor returns scikit-learn's defaults for that class.
func DecisionTreeRegressor() Options {
	o := DecisionTreeClassifier()
	o.Regression, o.Criterion = true, SquaredError
	return o
}

// ExtraTreesClassifier returns scikit-learn's defaults for that class (Geurts,
// Ernst and Wehenkel, Extremely randomized trees, 2006).
func ExtraTreesClassifier() Options {
	o := RandomForestClassifier()
	o.Bootstrap, o.Splitter = false, Random
	return o
}

// ExtraTreesRegressor returns scikit-learn's defaults for that class.
func ExtraTreesRegressor() Options {
	o := RandomForestRegressor()
	o.Bootstrap, o.Splitter = false, Random
	return o
}

// check returns a fault of kind Usage for parameters out of range.
func (o *Options) check() error {
	bad := func(name string, ok bool, want string) error {
		if ok {
			return nil
		}
		return errs.New(errs.Usage, "%s must be %s", name, want)
	}
	countOK := func(c Count, low int, empty bool) bool {
		switch c.form {
		case number:
			return c.n >= low
		case fraction:
			return c.share > 0 && c.share <= 1
		case all:
			return empty
		}
		return true
	}
	for _, err := range []error{
		bad("n_estimators", o.Estimators >= 1, "a whole number from 1"),
		bad("max_depth", o.MaxDepth >= 0, "a whole number from 1, or None"),
		bad("min_samples_split", countOK(o.MinSamplesSplit, 2, false), "a whole number from 2, or a share in (0, 1]"),
		bad("min_samples_leaf", countOK(o.MinSamplesLeaf, 1, false), "a whole number from 1, or a share in (0, 1)"),
		bad("max_features", countOK(o.MaxFeatures, 1, true), "a whole number from 1, a share in (0, 1], sqrt, log2 or None"),
		bad("max_samples", countOK(o.MaxSamples, 1, true), "a whole number from 1, a share in (0, 1], or None"),
		bad("max_samples", o.MaxSamples == Count{} || o.Bootstrap, "None without bootstrap"),
		bad("oob_score", !o.OOBScore || o.Bootstrap && !o.Single, "False without bootstrap"),
		bad("max_leaf_nodes", o.MaxLeafNodes == 0 || o.MaxLeafNodes >= 2, "a whole number from 2, or None"),
		bad("ccp_alpha", o.CCPAlpha >= 0 && !math.IsInf(o.CCPAlpha, 1), "a number from 0"),
		bad("class_weight", o.ClassWeight == nil || o.Balance == Unbalanced, "one of a dict, balanced and balanced_subsample"),
		bad("class_weight", !o.Regression || o.ClassWeight == nil && o.Balance == Unbalanced, "None for a regressor"),
		bad("class_weight", !o.Single || o.Balance != BalancedSubsample, "a dict, balanced or None for a single tree"),
		bad("min_weight_fraction_leaf", o.MinWeightFractionLeaf >= 0 && o.MinWeightFractionLeaf <= 0.5, "between 0 and 0.5"),
		bad("min_impurity_decrease", o.MinImpurityDecrease >= 0, "0 or more"),
		bad("criterion", o.Regression == (o.Criterion == SquaredError), "gini, entropy or log_loss for a classifier, squared_error for a regressor"),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}
