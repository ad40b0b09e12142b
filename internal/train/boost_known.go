package train

import "math"

// harmless are parameters that change speed or printing, or whose usual value is
// what is done anyway.
var harmless = choices{
	choose("n_jobs num_threads num_thread nthread nthreads", ignored), choose("verbose verbosity silent", ignored),
	choose("force_col_wise", ignored), choose("force_row_wise", ignored), choose("histogram_pool_size hist_pool_size", ignored),
	choose("deterministic", ignored), choose("importance_type", ignored), choose("feature_pre_filter", ignored),
	choose("two_round two_round_loading use_two_round_loading", ignored), choose("subsample_for_bin", ignored),
	choose("is_enable_sparse is_sparse enable_sparse sparse", ignored), choose("pre_partition is_pre_partition", ignored),
	choose("enable_categorical", ignored), choose("validate_parameters", ignored), choose("num_grad_quant_bins", ignored),
	choose("stochastic_rounding", only(true)), choose("quant_train_renew_leaf", only(false)),
	choose("tree_method", only("hist", "auto")), choose("booster", only("gbtree")), choose("device device_type", only("cpu")),
	choose("tree_learner tree tree_type", only("serial")), choose("sampling_method", only("uniform")), choose("num_parallel_tree", only(int64(1))),
	choose("boost_from_average", only(true)), choose("use_missing", only(true)), choose("zero_as_missing", only(false)),
	choose("sigmoid", only(int64(1), 1.0)), choose("monotone_constraints_method monotone_constraining_method mc_method", only("basic")),
	choose("monotone_penalty monotone_splits_penalty ms_penalty mc_penalty", only(int64(0), 0.0)), choose("extra_trees extra_tree", only(false)),
	choose("linear_tree linear_trees", only(false)), choose("path_smooth", only(int64(0), 0.0)), choose("reg_sqrt", only(false)),
	choose("first_metric_only", only(true, false)), choose("missing", missingMark),
	choose("colsample_bylevel", only(int64(1), 1.0)),
}

// missingMark accepts NaN and None: an empty cell is missing, nothing else is.
func missingMark(v any) string {
	if f, ok := v.(float64); v == nil || ok && math.IsNaN(f) {
		return ""
	}
	return "nan: leave a cell empty where a value is missing"
}

// notOffered are names that people know from elsewhere, and why they are not
// taken.
var notOffered = map[string]string{
	"bagging_seed": oneSeed, "bagging_fraction_seed": oneSeed, "feature_fraction_seed": oneSeed, "data_random_seed": oneSeed,
	"extra_seed": oneSeed, "objective_seed": oneSeed, "drop_seed": oneSeed,
	"drop_rate": noDART, "max_drop": noDART, "skip_drop": noDART, "uniform_drop": noDART, "xgboost_dart_mode": noDART,
	"rate_drop": noDART, "one_drop": noDART, "normalize_type": noDART, "sample_type": noDART,
	"pos_bagging_fraction": "weigh the classes instead", "neg_bagging_fraction": "weigh the classes instead",
	"bagging_by_query":      "there is no ranking objective",
	"min_data_in_bin":       "bins hold about equal numbers of rows; give fewer of them with max_bin",
	"max_bin_by_feature":    "all columns have the same number of bins",
	"min_data_per_group":    "min_data_in_leaf bounds the rows of a side; cat_smooth and cat_l2 hold rare categories back",
	"max_cat_to_onehot":     "up to four categories are tried one by one",
	"base_score":            "boosting starts from the mean of the target",
	"refit_decay_rate":      "a model is gone on from with init_model",
	"feature_contri":        "leave the column out with --features",
	"machines":              "drivecast spreads a fit over processes itself",
	"num_machines":          "drivecast spreads a fit over processes itself",
	"ignore_column":         "choose columns with --features",
	"weight_column":         "rows of a table weigh alike; class_weight weighs classes",
	"forcedsplits_filename": "every split is chosen by its gain",
}

const (
	oneSeed = "one seed governs every draw; give seed"
	noDART  = "trees are never dropped (DART)"
)
