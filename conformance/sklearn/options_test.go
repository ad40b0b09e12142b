package sklearn

import (
	"math"
	"strconv"

	"github.com/drivecast/drivecast/tree"
)

// options translates scikit-learn's parameters.
func (c *fitCase) options() tree.Options {
	o := map[string]func() tree.Options{
		"RandomForestClassifier": tree.RandomForestClassifier, "RandomForestRegressor": tree.RandomForestRegressor,
		"ExtraTreesClassifier": tree.ExtraTreesClassifier, "ExtraTreesRegressor": tree.ExtraTreesRegressor,
		"DecisionTreeClassifier": tree.DecisionTreeClassifier, "DecisionTreeRegressor": tree.DecisionTreeRegressor,
	}[c.Estimator]()
	o.Workers = 2
	for name, v := range c.Params {
		number, _ := v.(float64)
		yes, _ := v.(bool)
		switch name {
		case "random_state":
			o.Seed = uint32(number)
		case "n_estimators":
			o.Estimators = int(number)
		case "criterion":
			o.Criterion = tree.Entropy
		case "splitter":
			o.Splitter = tree.Random
		case "max_depth":
			o.MaxDepth = int(number)
		case "min_samples_split":
			o.MinSamplesSplit = count(v)
		case "min_samples_leaf":
			o.MinSamplesLeaf = count(v)
		case "min_weight_fraction_leaf":
			o.MinWeightFractionLeaf = number
		case "max_features":
			o.MaxFeatures = count(v)
		case "max_samples":
			o.MaxSamples = count(v)
		case "max_leaf_nodes":
			o.MaxLeafNodes = int(number)
		case "min_impurity_decrease":
			o.MinImpurityDecrease = number
		case "ccp_alpha":
			o.CCPAlpha = number
		case "bootstrap":
			o.Bootstrap = yes
		case "oob_score":
			o.OOBScore = yes
		case "class_weight":
			classWeight(&o, v)
		default:
			panic("no option for the parameter " + name)
		}
	}
	return o
}

func count(v any) tree.Count {
	switch v := v.(type) {
	case string:
		if v == "sqrt" {
			return tree.Sqrt
		}
		return tree.Log2
	case float64:
		if v == math.Trunc(v) {
			return tree.N(int(v))
		}
		return tree.Share(v)
	}
	return tree.Count{}
}

func classWeight(o *tree.Options, v any) {
	switch v := v.(type) {
	case string:
		o.Balance = map[string]tree.Balance{"balanced": tree.Balanced, "balanced_subsample": tree.BalancedSubsample}[v]
	case map[string]any:
		o.ClassWeight = map[float64]float64{}
		for label, w := range v {
			l, err := strconv.ParseFloat(label, 64)
			if err != nil {
				panic(err)
			}
			o.ClassWeight[l] = w.(float64)
		}
	}
}
