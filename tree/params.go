package tree

import (
	"math"

	"github.com/drivecast/drivecast/errs"
)

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
