package train

import (
	"math"
)

// choices are the parameters of gradient boosting: ours by LightGBM's names, then
// the names that LightGBM, XGBoost and scikit-learn give them.
func (b *boost) choices() choices {
	o := &b.opt
	cs := choices{
		choose("objective objective_type app application loss", b.setObjective),
		choose("n_estimators num_iterations num_iteration n_iter num_tree num_trees num_round num_rounds nrounds num_boost_round max_iter", whole(&o.Trees, 1, -1)),
		choose("learning_rate shrinkage_rate eta", number(&o.Rate)),
		choose("num_leaves num_leaf max_leaves max_leaf max_leaf_nodes", limit(&o.Leaves, 2)),
		choose("max_depth", limit(&o.Depth, 1)),
		choose("grow_policy", b.setGrowth),
		choose("max_bin max_bins", bins(&o.MaxBins)),
		choose("min_data_in_leaf min_data_per_leaf min_data min_child_samples min_samples_leaf", whole(&o.MinRows, 0, -1)),
		choose("min_sum_hessian_in_leaf min_sum_hessian_per_leaf min_sum_hessian min_hessian min_child_weight", more(&o.MinHessian, 0)),
		choose("lambda_l1 reg_alpha l1_regularization", more(&o.L1, 0)),
		choose("lambda_l2 reg_lambda lambda l2_regularization", more(&o.L2, 0)),
		choose("min_gain_to_split min_split_gain", more(&o.MinGain, 0)),
		choose("gamma min_split_loss", halved(&o.MinGain)),
		choose("max_delta_step max_tree_output max_leaf_output", more(&o.MaxStep, 0)),
		choose("feature_fraction sub_feature colsample_bytree", portion(&o.ColumnShare)),
		choose("feature_fraction_bynode sub_feature_bynode colsample_bynode max_features", portion(&o.NodeColumnShare)),
		choose("bagging_fraction sub_row subsample bagging", portion(&b.shareRows)),
		choose("bagging_freq subsample_freq", whole(&o.RowEvery, 0, -1)),
		choose("data_sample_strategy", oneOfThen(b.sampling, "bagging", "goss")),
		choose("boosting boosting_type boost", oneOfThen(b.sampling, "gbdt", "gbrt", "goss")),
		choose("top_rate", portion(&o.Top)),
		choose("other_rate", portion(&o.Other)),
		choose("cat_smooth", more(&o.CatSmooth, 0)),
		choose("cat_l2", more(&o.CatL2, 0)),
		choose("max_cat_threshold", whole(&o.MaxCategory, 1, -1)),
		choose("use_quantized_grad", not(&o.Exactly)),
		choose("num_class num_classes", whole(&b.numClass, 1, -1)),
		choose("init_model input_model model_input model_in xgb_model", text(&b.initial)),
		choose("warm_start", boolean(&b.stop.warm)),
		choose("seed random_state random_seed", b.setSeed),
		choose("early_stopping_min_delta min_delta tol", more(&o.MinDelta, 0)),
	}
	return append(append(append(cs, b.weightChoices()...), b.columnChoices()...), append(b.stop.choices(b.lib), harmless...)...)
}

// weightChoices weigh classes, and set the quantile.
func (b *boost) weightChoices() choices {
	alpha := choose("alpha quantile quantile_alpha", quantile(&b.opt.Alpha))
	l1 := choose("alpha", more(&b.opt.L1, 0))
	cs := choices{
		choose("class_weight", classWeight(&b.balanced, &b.classWeight)),
		choose("scale_pos_weight", more(&b.opt.PositiveWeight, math.SmallestNonzeroFloat64)),
		choose("is_unbalance unbalance unbalanced_sets", boolean(&b.unbalance)),
	}
	if b.lib == xgBoost {
		alpha.names = alpha.names[1:]
		cs = append(cs, l1)
	}
	return append(cs, alpha)
}

// columnChoices name columns; they wait until the columns are known.
func (b *boost) columnChoices() choices {
	keep := func(dst *any) setter { return func(v any) string { *dst = v; return "" } }
	return choices{
		choose("categorical_feature cat_feature categorical_column cat_column categorical_features", keep(&b.categories)),
		choose("monotone_constraints mc monotone_constraint monotonic_cst", keep(&b.monotone)),
		choose("interaction_constraints interaction_cst", keep(&b.interactions)),
	}
}

// setSeed accepts a seed, or None for the run's.
func (b *boost) setSeed(v any) string {
	b.seed = -1
	if v == nil {
		return ""
	}
	return whole(&b.seed, 0, -1)(v)
}

func (b *boost) setGrowth(v any) string {
	var name string
	if wanted := oneOf(&name, "depthwise", "lossguide", "leafwise")(v); wanted != "" {
		return wanted
	}
	b.opt.LevelWise = name == "depthwise"
	return ""
}

// sampling turns on GOSS with LightGBM's shares unless others were given.
func (b *boost) sampling(name string) {
	if name == "goss" {
		b.opt.Top, b.opt.Other = or(b.opt.Top, .2), or(b.opt.Other, .1)
	}
}

func or(v, instead float64) float64 {
	if v == 0 {
		return instead
	}
	return v
}

func oneOfThen(then func(string), allowed ...string) setter {
	return func(v any) string {
		var name string
		wanted := oneOf(&name, allowed...)(v)
		if wanted == "" {
			then(name)
		}
		return wanted
	}
}

// bins accepts up to 256, XGBoost's default, of which 255 are made.
func bins(dst *int) setter {
	return func(v any) string {
		if whole(dst, 2, -1)(v) != "" || *dst > 256 {
			return "a whole number from 2 to 255"
		}
		*dst = min(*dst, 255)
		return ""
	}
}

// halved accepts XGBoost's least gain, which is half of ours.
func halved(dst *float64) setter {
	return func(v any) string {
		wanted := more(dst, 0)(v)
		*dst *= 2
		return wanted
	}
}

func not(dst *bool) setter {
	return func(v any) string {
		wanted := boolean(dst)(v)
		*dst = !*dst
		return wanted
	}
}

func text(dst *string) setter {
	return func(v any) string {
		s, ok := v.(string)
		if v != nil && !ok {
			return "a path"
		}
		*dst = s
		return ""
	}
}

func quantile(dst *float64) setter {
	return func(v any) string {
		var f float64
		if number(&f)(v) != "" || !(f > 0 && f < 1) {
			return "a quantile between 0 and 1"
		}
		*dst = f
		return ""
	}
}
