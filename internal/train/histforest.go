package train

import (
	"context"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/tree"
	"github.com/drivecast/drivecast/tree/hist"
)

// binForest is a random forest on bins that is being set up.
type binForest struct {
	name         string
	want         target
	opt          hist.ForestOptions
	columns      tree.Count
	draws        tree.Count
	columnsGiven bool // else √columns for classes, all for numbers
	classWeight  map[float64]float64
	seed         int
	initial      string
	warm         bool
}

// histForest makes the learner of a random forest on bins. It takes the parameters
// of scikit-learn's random forests and LightGBM's names for them.
func histForest(want target) func(string, []Param) (*learner, error) {
	return func(name string, params []Param) (*learner, error) {
		f := &binForest{name: name, want: want, opt: hist.ForestDefaults(false), seed: -1}
		given, err := f.choices().apply(name, params, forestNotOffered)
		if err != nil {
			return nil, err
		}
		if f.warm && f.initial == "" {
			return nil, errs.New(errs.Usage, "%s: warm_start=True needs init_model: the folder of the forest to go on from", name)
		}
		if !f.opt.Bootstrap && given["max_samples"] != "" {
			return nil, errs.New(errs.Usage, "%s: %s needs bootstrap=True", name, given["max_samples"])
		}
		f.columnsGiven = given["max_features"] != ""
		if f.want == eitherTarget {
			l := f.learner(true)
			l.adapt = f.learner
			return l, nil
		}
		return f.learner(f.want == classTarget), nil
	}
}

// forestNotOffered are parameters of other forests that this one has not.
var forestNotOffered = map[string]string{
	"ccp_alpha": "take RandomForestClassifier, whose trees are exact", "oob_score": "take RandomForestClassifier, whose trees are exact",
	"min_weight_fraction_leaf": "give min_samples_leaf", "monotonic_cst": "GBDT takes monotone constraints",
	"monotone_constraints": "GBDT takes monotone constraints", "interaction_constraints": "GBDT takes interaction constraints",
	"categorical_feature": "GBDT takes categories as they are; a forest sees their numbers", "categorical_features": "GBDT takes categories as they are; a forest sees their numbers",
	"scale_pos_weight": "give class_weight", "is_unbalance": "give class_weight=balanced", "early_stopping_round": "trees of a forest do not depend on each other; give n_estimators",
	"learning_rate": "trees of a forest are averaged, not added; GBDT has a learning rate",
}

func (f *binForest) choices() choices {
	o := &f.opt
	balanced := classWeight(&o.Balanced, &f.classWeight)
	return choices{
		choose("criterion objective", f.setCriterion),
		choose("n_estimators num_iterations num_trees num_tree num_boost_round", whole(&o.Trees, 1, -1)),
		choose("max_depth", limit(&o.Depth, 1)),
		choose("max_leaf_nodes num_leaves max_leaves", limit(&o.Leaves, 2)),
		choose("max_features feature_fraction_bynode colsample_bynode", featureCount(&f.columns)),
		choose("min_samples_split", whole(&o.MinSplit, 2, -1)),
		choose("min_samples_leaf min_data_in_leaf min_child_samples", whole(&o.MinRows, 1, -1)),
		choose("min_impurity_decrease", more(&o.MinDecrease, 0)),
		choose("bootstrap", boolean(&o.Bootstrap)),
		choose("max_samples bagging_fraction subsample", count(&f.draws)),
		choose("max_bins max_bin", bins(&o.MaxBins)),
		choose("class_weight", balanced),
		choose("init_model input_model", text(&f.initial)),
		choose("warm_start", boolean(&f.warm)),
		choose("seed random_state random_seed", func(v any) string {
			if v == nil {
				return ""
			}
			return whole(&f.seed, 0, -1)(v)
		}),
		choose("n_jobs num_threads nthread", ignored), choose("verbose verbosity", ignored),
	}
}

// setCriterion accepts the criteria that bins offer.
func (f *binForest) setCriterion(v any) string {
	var name string
	if wanted := oneOf(&name, "gini", "squared_error", "binary", "multiclass", "regression")(v); wanted != "" {
		return wanted
	}
	kind := classTarget
	if name == "squared_error" || name == "regression" {
		kind = numberTarget
	}
	if f.want != eitherTarget && f.want != kind {
		return map[target]string{classTarget: "gini, of a classifier", numberTarget: "squared_error, of a regressor"}[f.want]
	}
	f.want = kind
	return ""
}

func (f *binForest) learner(classes bool) *learner {
	return &learner{regression: !classes, missing: true, fit: func(ctx context.Context, t task) (model.Estimator, error) {
		return f.fit(ctx, t, classes)
	}}
}

func (f *binForest) fit(ctx context.Context, t task, classes bool) (model.Estimator, error) {
	o := f.opt
	o.Regression, o.Seed, o.Workers, o.Progress = !classes, uint64(t.seed), t.workers, t.progress
	if f.seed >= 0 {
		o.Seed = uint64(f.seed)
	}
	var err error
	if f.columnsGiven {
		o.Columns = f.columns.Of(t.x.Cols)
	}
	o.RowShare = float64(f.draws.Of(t.x.Rows)) / float64(t.x.Rows)
	if classes {
		if o.ClassWeight, err = weightOfEach(f.name, f.classWeight, classesOf(t.y)); err != nil {
			return nil, err
		}
	}
	var old *tree.Forest
	if f.initial != "" {
		if old, err = openInitial[*tree.Forest](ctx, f.initial, t.x); err != nil {
			return nil, errs.Wrap(err, "%s: init_model", f.name)
		}
		o.First = len(old.Trees)
	}
	grown, err := tree.FitHistForest(ctx, t.x, t.y, t.weights, o)
	if err != nil || old == nil {
		return grown, err
	}
	return old.Join(grown)
}
