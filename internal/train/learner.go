package train

import (
	"context"
	"math"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree"
)

// task is what a learner is given. Weights may be nil.
type task struct {
	x        *table.Matrix
	y        []float64
	weights  []float64
	seed     uint32
	workers  int
	progress func(done, total int)
	compat   tree.Compat
	texts    []string // columns whose numbers stand for texts
	peers    *Peers
	ids      []string // what each row is a record of; nil: every row stands alone
}

// learner is one way to learn, set up and ready to fit.
type learner struct {
	regression bool
	missing    bool // takes missing values as they are
	spreads    bool // takes task.peers
	fit        func(ctx context.Context, t task) (model.Estimator, error)
	// adapt chooses between classes and numbers by the target, for a learner that
	// takes both; nil for one that takes one of them.
	adapt func(classes bool) *learner
	// judge returns the metrics of held-out numbers; nil: those of a regression.
	judge func(y, answers []float64) []Metric
	// settings tells what was settled by fitting; may be nil.
	settings func() []Setting
}

// manyClasses is the number of whole numbers from which on a target of numbers
// is not taken for classes.
const manyClasses = 20

// forTarget returns the learner for a target: a text target, and one of at most
// twenty whole numbers, has classes.
func (l *learner) forTarget(y []float64, labels []string) *learner {
	if l.adapt == nil {
		return l
	}
	classes := classesOf(y)
	whole := !slices.ContainsFunc(classes, func(v float64) bool { return v != math.Trunc(v) })
	return l.adapt(labels != nil || len(classes) == 2 || whole && len(classes) <= manyClasses)
}

// makers make learners from parameters, by scikit-learn's class name, our own or
// that of a library whose parameters are taken.
var makers = map[string]func(name string, params []Param) (*learner, error){
	"LogisticRegression":     logistic,
	"LinearRegression":       regression,
	"Ridge":                  regression,
	"RandomForestClassifier": forest(tree.RandomForestClassifier),
	"RandomForestRegressor":  forest(tree.RandomForestRegressor),
	"ExtraTreesClassifier":   forest(tree.ExtraTreesClassifier),
	"ExtraTreesRegressor":    forest(tree.ExtraTreesRegressor),
	"DecisionTreeClassifier": forest(tree.DecisionTreeClassifier),
	"DecisionTreeRegressor":  forest(tree.DecisionTreeRegressor),

	"HistForest": histForest(eitherTarget), "HistForestClassifier": histForest(classTarget), "HistForestRegressor": histForest(numberTarget),
	"GBDT": boosting(lightGBM, eitherTarget), "GBDTClassifier": boosting(lightGBM, classTarget), "GBDTRegressor": boosting(lightGBM, numberTarget),
	"LGBMClassifier": boosting(lightGBM, classTarget), "LGBMRegressor": boosting(lightGBM, numberTarget),
	"XGBClassifier": boosting(xgBoost, classTarget), "XGBRegressor": boosting(xgBoost, numberTarget),
	"HistGradientBoostingClassifier": boosting(sklearn, classTarget), "HistGradientBoostingRegressor": boosting(sklearn, numberTarget),
}

// elsewhere says what to take instead of a learner that is well known and not
// offered.
var elsewhere = map[string]string{
	"GradientBoostingClassifier": "it tries every threshold, not bins: HistGradientBoostingClassifier is its fast successor",
	"GradientBoostingRegressor":  "it tries every threshold, not bins: HistGradientBoostingRegressor is its fast successor",
	"CatBoostClassifier":         "its trees are symmetric; take GBDT",
	"CatBoostRegressor":          "its trees are symmetric; take GBDT",
	"XGBRFClassifier":            "HistForest is a random forest on bins",
	"XGBRFRegressor":             "HistForest is a random forest on bins",
}

// Learners returns the names that Spec.Learner takes, in order.
func Learners() []string {
	out := make([]string, 0, len(makers))
	for name := range makers {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func newLearner(name string, params []Param) (*learner, error) {
	make, ok := makers[name]
	if why, known := elsewhere[name]; known {
		return nil, errs.New(errs.Unsupported, "the learner %s is not offered: %s", name, why)
	}
	if name == "" {
		return nil, errs.New(errs.Usage, "say how to learn: --learner NAME, or --iteration 1 or 2; --learner takes %s", strings.Join(Learners(), ", "))
	}
	if !ok {
		return nil, errs.New(errs.Usage, "there is no learner %q%s; --learner takes %s", name, nearest(name, Learners()), strings.Join(Learners(), ", "))
	}
	return make(name, params)
}

func logistic(name string, params []Param) (*learner, error) {
	o := linear.Defaults()
	seed := -1
	set := map[string]setter{
		"penalty": penalty(&o.Penalty), "C": number(&o.C), "l1_ratio": numberOrNone(&o.L1Ratio),
		"fit_intercept": boolean(&o.FitIntercept), "intercept_scaling": number(&o.InterceptScaling),
		"class_weight": classWeight(&o.Balanced, &o.ClassWeight), "random_state": whole(&seed, 0, -1),
		"solver": oneOf(&o.Solver, "lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"),
		"tol":    number(&o.Tol), "max_iter": whole(&o.MaxIter, 1, -1),
		"n_jobs": ignored, "verbose": ignored, "warm_start": ignored, "dual": ignored, "multi_class": ignored,
	}
	if err := apply(name, params, set); err != nil {
		return nil, err
	}
	return &learner{fit: func(ctx context.Context, t task) (model.Estimator, error) {
		o.Workers = t.workers
		return linear.FitLogistic(ctx, t.x, t.y, t.weights, o)
	}}, nil
}

func penalty(dst *string) setter {
	return func(v any) string {
		if v == nil {
			*dst = "none"
			return ""
		}
		return oneOf(dst, "l2", "l1", "elasticnet", "none")(v)
	}
}

// forest makes the learner of an ensemble of exact trees from its defaults.
func forest(defaults func() tree.Options) func(string, []Param) (*learner, error) {
	return func(name string, params []Param) (*learner, error) {
		o := defaults()
		seed := -1
		set := map[string]setter{
			"criterion": criterion(&o.Criterion), "max_depth": whole(&o.MaxDepth, 1, 0),
			"min_samples_split": count(&o.MinSamplesSplit), "min_samples_leaf": count(&o.MinSamplesLeaf),
			"min_weight_fraction_leaf": number(&o.MinWeightFractionLeaf), "max_features": featureCount(&o.MaxFeatures),
			"max_leaf_nodes": whole(&o.MaxLeafNodes, 2, 0), "min_impurity_decrease": number(&o.MinImpurityDecrease),
			"ccp_alpha": number(&o.CCPAlpha), "random_state": whole(&seed, 0, -1), "n_jobs": ignored, "verbose": ignored,
		}
		if !o.Regression {
			set["class_weight"] = treeWeight(&o, classWeight(new(bool), &o.ClassWeight))
		}
		if o.Single {
			set["splitter"] = splitter(&o.Splitter)
		} else {
			set["n_estimators"], set["bootstrap"] = whole(&o.Estimators, 1, -1), boolean(&o.Bootstrap)
			set["max_samples"], set["oob_score"] = count(&o.MaxSamples), boolean(&o.OOBScore)
		}
		if err := apply(name, params, set); err != nil {
			return nil, err
		}
		return &learner{regression: o.Regression, missing: true, fit: func(ctx context.Context, t task) (model.Estimator, error) {
			o.Seed, o.Workers, o.Progress, o.Compat = t.seed, t.workers, t.progress, t.compat
			if seed >= 0 {
				o.Seed = uint32(seed)
			}
			return tree.Fit(ctx, t.x, t.y, t.weights, o)
		}}, nil
	}
}

// treeWeight accepts what an ensemble of trees takes as class_weight.
func treeWeight(o *tree.Options, rest setter) setter {
	return func(v any) string {
		switch v {
		case "balanced":
			o.Balance = tree.Balanced
			return ""
		case "balanced_subsample":
			o.Balance = tree.BalancedSubsample
			return ""
		}
		return rest(v)
	}
}

func splitter(dst *tree.Splitter) setter {
	return func(v any) string {
		s, ok := map[any]tree.Splitter{"best": tree.Best, "random": tree.Random}[v]
		if !ok {
			return "best or random"
		}
		*dst = s
		return ""
	}
}

func criterion(dst *tree.Criterion) setter {
	return func(v any) string {
		c, ok := map[any]tree.Criterion{"gini": tree.Gini, "entropy": tree.Entropy, "log_loss": tree.Entropy, "squared_error": tree.SquaredError}[v]
		if !ok {
			return "gini, entropy, log_loss or, of a regressor, squared_error"
		}
		*dst = c
		return ""
	}
}

// count accepts a whole number, or a float that is a share; None stands for all.
func count(dst *tree.Count) setter {
	return func(v any) string {
		switch v := v.(type) {
		case nil:
			*dst = tree.Count{}
		case int64:
			*dst = tree.N(int(v))
		case float64:
			*dst = tree.Share(v)
		default:
			return "a whole number, or a share as a float"
		}
		return ""
	}
}

func featureCount(dst *tree.Count) setter {
	return func(v any) string {
		switch v {
		case "sqrt":
			*dst = tree.Sqrt
		case "log2":
			*dst = tree.Log2
		default:
			if count(dst)(v) != "" {
				return "sqrt, log2, None, a whole number, or a share as a float"
			}
		}
		return ""
	}
}

func classWeight(balanced *bool, dst *map[float64]float64) setter {
	return func(v any) string {
		switch v := v.(type) {
		case nil:
			return ""
		case string:
			if *balanced = v == "balanced"; *balanced {
				return ""
			}
		case []Pair:
			*dst = make(map[float64]float64, len(v))
			for _, p := range v {
				var class, weight float64
				if number(&class)(p.Key) != "" || number(&weight)(p.Value) != "" {
					return "balanced, None, or a dict from class to weight"
				}
				(*dst)[class] = weight
			}
			return ""
		}
		return "balanced, None, or a dict from class to weight"
	}
}
