package train

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree/hist"
)

// writeDrives writes a table of drives whose failure depends on a number, a text
// and a value that is sometimes missing.
func writeDrives(t *testing.T, rows int) string {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 7))
	var b strings.Builder
	b.WriteString("serial,age,temp,maker,sectors,failed,hours,grade\n")
	for i := range rows {
		age, temp, maker, sectors := 5*r.Float64(), 35+6*r.NormFloat64(), r.IntN(5), ""
		z := -2 + .7*age + []float64{1, 0, -2, .5, -1}[maker]
		if k := r.IntN(4); k > 0 {
			sectors = fmt.Sprint(10 * (k - 1))
			z += float64(k-1) * .8
		}
		failed := 0
		if r.Float64() < 1/(1+math.Exp(-z)) {
			failed = 1
		}
		fmt.Fprintf(&b, "S%d,%.3f,%.2f,%s,%s,%d,%.3f,%s\n", i, age, temp, []string{"ST", "WD", "HG", "TO", "SA"}[maker], sectors, failed,
			math.Exp(z/2)*(0.5+r.Float64()), []string{"a", "b", "c"}[int(max(0, min(2, z+1)))])
	}
	path := filepath.Join(t.TempDir(), "drives.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

var driveColumns = []string{"age", "temp", "maker", "sectors"}

func trained(t *testing.T, data, target, learner string, params ...string) *Result {
	t.Helper()
	r, err := Run(context.Background(), Spec{Data: data, Target: target, Features: driveColumns, Learner: learner, Seed: 3, TestSize: .25, Params: literalParams(t, params...)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func setting(r *Result, name string) string {
	for _, s := range r.Settings {
		if s.Name == name {
			return s.Value
		}
	}
	return ""
}

func TestBoostingLearnsWhatTheTargetIs(t *testing.T) {
	data := writeDrives(t, 1500)
	for _, c := range []struct{ learner, target, objective, metric string }{
		{"GBDT", "failed", "binary", "roc_auc"}, {"LGBMClassifier", "failed", "binary", "roc_auc"}, {"XGBClassifier", "failed", "binary", "roc_auc"},
		{"HistGradientBoostingClassifier", "failed", "binary", "roc_auc"}, {"GBDT", "grade", "multiclass", "accuracy"},
		{"GBDT", "hours", "regression", "r2_score"}, {"HistGradientBoostingRegressor", "hours", "regression", "r2_score"},
		{"HistForest", "failed", "", "roc_auc"}, {"HistForest", "grade", "", "accuracy"}, {"HistForest", "hours", "", "r2_score"},
	} {
		r := trained(t, data, c.target, c.learner)
		if got := setting(r, "objective"); got != c.objective {
			t.Errorf("%s on %s: objective %q", c.learner, c.target, got)
		}
		if v, ok := r.Metric(c.metric); !ok || v < .4 {
			t.Errorf("%s on %s: %s is %v", c.learner, c.target, c.metric, v)
		}
	}
	for objective, metric := range map[string]string{"poisson": "mean_poisson_deviance", "quantile": "mean_pinball_loss", "l1": "mean_pinball_loss", "survival:cox": "concordance_index"} {
		if _, ok := trained(t, data, "hours", "GBDT", "objective="+objective).Metric(metric); !ok {
			t.Errorf("%s is not judged by %s", objective, metric)
		}
	}
}

// TestNamesOfOneParameterMakeOneModel fits by the names of three libraries.
func TestNamesOfOneParameterMakeOneModel(t *testing.T) {
	data := writeDrives(t, 700)
	want := trained(t, data, "failed", "GBDT", "n_estimators=20", "learning_rate=0.2", "num_leaves=9", "min_data_in_leaf=5", "lambda_l2=1", "seed=9")
	for name, r := range map[string]*Result{
		"aliases": trained(t, data, "failed", "LGBMClassifier", "num_boost_round=20", "eta=0.2", "max_leaves=9", "min_child_samples=5", "reg_lambda=1", "random_state=9"),
		"sklearn": trained(t, data, "failed", "HistGradientBoostingClassifier", "max_iter=20", "learning_rate=0.2", "max_leaf_nodes=9", "min_samples_leaf=5", "l2_regularization=1", "random_state=9"),
		"xgboost": trained(t, data, "failed", "XGBClassifier", "num_round=20", "eta=0.2", "max_leaves=9", "grow_policy=lossguide", "max_depth=0", "min_child_samples=5", "lambda=1", "min_child_weight=0.001", "seed=9"),
	} {
		a, b := want.Model.Estimator.(*hist.Boosted), r.Model.Estimator.(*hist.Boosted)
		same := slices.EqualFunc(a.Trees, b.Trees, func(x, y hist.Tree) bool { return slices.Equal(x.Value, y.Value) && slices.Equal(x.Feature, y.Feature) })
		if !same {
			t.Errorf("%s: another model", name)
		}
	}
}

func TestBoostingParameters(t *testing.T) {
	data := writeDrives(t, 900)
	for name, params := range map[string][]string{
		"goss": {"boosting=goss", "learning_rate=0.5"}, "goss too": {"data_sample_strategy=goss", "top_rate=0.3"},
		"bags": {"subsample=0.5", "colsample_bytree=0.6", "colsample_bynode=0.7"}, "levels": {"grow_policy=depthwise", "max_depth=4"},
		"depth": {"max_depth=3", "num_leaves=None"}, "monotone": {"monotone_constraints={'age': 1}"}, "list": {"monotone_constraints=[1, 0, 0, 1]"},
		"text list": {"monotone_constraints=1,0,0,-1"}, "meet": {"interaction_constraints=[[0, 1], ['maker', 'sectors']]"}, "pairs": {"interaction_cst=pairwise"},
		"lgb sets": {`interaction_constraints="[0,1],[2,3]"`}, "numbers": {"categorical_feature=None"}, "names": {"categorical_feature=name:maker"},
		"places": {"categorical_feature=2"}, "mask": {"categorical_features=[False, False, True, False]"}, "weights": {"class_weight={1: 3.5}"},
		"balanced": {"class_weight=balanced"}, "positive": {"scale_pos_weight=4"}, "unbalance": {"is_unbalance=True"}, "softmax": {"objective=multiclass", "num_class=2"},
		"wide": {"use_quantized_grad=False"}, "penalties": {"lambda_l1=2", "min_split_gain=0.1", "max_delta_step=0.4"}, "few bins": {"max_bin=15"},
		"cats": {"cat_smooth=1", "cat_l2=0", "max_cat_threshold=2"}, "gamma": {"gamma=0.5"},
	} {
		plain := trained(t, data, "failed", "GBDT", "n_estimators=13")
		r := trained(t, data, "failed", "GBDT", append(params, "n_estimators=13")...)
		a, b := plain.Model.Estimator.(*hist.Boosted), r.Model.Estimator.(*hist.Boosted)
		same := len(a.Trees) == len(b.Trees) && slices.Equal(a.Trees[12].Value, b.Trees[12].Value)
		if usual := name == "names" || name == "places" || name == "mask"; same != usual {
			t.Errorf("%s: %v changes the model: %v", name, params, !same)
		}
	}
}

func TestBadBoostingParametersAreNamed(t *testing.T) {
	data := writeDrives(t, 200)
	for _, c := range []struct{ learner, params, want string }{
		{"GBDT", "num_leafs=3", `did you mean "num_leaf`}, {"GBDT", "eta=0.1 learning_rate=0.2", "eta and learning_rate are one parameter"},
		{"GBDT", "drop_rate=0.1", "DART"}, {"GBDT", "boosting=dart", "one of gbdt"}, {"GBDT", "bagging_seed=1", "one seed"},
		{"GBDT", "boosting=goss subsample=0.5", "exclude each other"}, {"GBDT", "is_unbalance=True scale_pos_weight=2", "exclude each other"},
		{"GBDT", "objective=lambdarank", "should be binary"}, {"LGBMClassifier", "objective=poisson", "does not fit a classifier"},
		{"GBDT", "monotone_constraints=[1]", "1 monotone constraints and 4 columns"}, {"GBDT", "monotone_constraints={'agee':1}", `did you mean "age"`},
		{"GBDT", "categorical_feature=9", "columns count from 0 to 3"}, {"GBDT", "class_weight={7:2}", "class 7"}, {"GBDT", "warm_start=True", "needs init_model"},
		{"GBDT", "metric=aucc early_stopping_round=3", "roc_auc"}, {"GBDT", "learning_rate=-1", "learning rate"}, {"GBDT", "num_leaves=1", "from 2"},
		{"GBDT", "init_model=/nowhere", "/nowhere"}, {"XGBClassifier", "tree_method=exact", "nothing else is offered"},
		{"HistForest", "oob_score=True", "RandomForestClassifier"}, {"HistForest", "n_estimator=3", `did you mean "n_estimators"`}, {"HistForest", "max_bins=1", "2 to 255"},
		{"HistForest", "criterion=entropy", "gini"}, {"HistForest", "bootstrap=False max_samples=0.5", "bootstrap=True"},
		{"GradientBoostingClassifier", "n_estimators=3", "HistGradientBoostingClassifier"}, {"GDBT", "a=1", `did you mean "GBDT"`},
		{"RandomForestClassifier", "max_dept=3", `did you mean "max_depth"`}, {"GBDT", "gamma=1 min_split_gain=1", "two units"},
	} {
		_, err := Run(context.Background(), Spec{Data: data, Target: "failed", Features: driveColumns, Learner: c.learner, TestSize: .2, Params: literalParams(t, strings.Fields(c.params)...)})
		if err == nil || !strings.Contains(err.Error(), c.want) || errs.Is(err, errs.Internal) {
			t.Errorf("%s %s: %v", c.learner, c.params, err)
		}
	}
}

func TestEarlyStopping(t *testing.T) {
	data := writeDrives(t, 1200)
	for _, metric := range []string{"loss", "auc", "neg_log_loss", "accuracy", "f1", "average_precision", "brier_score", "mcc", "binary_error", "balanced_accuracy", "kappa"} {
		r := trained(t, data, "failed", "GBDT", "n_estimators=400", "learning_rate=0.4", "early_stopping_round=6", "metric="+metric)
		b := r.Model.Estimator.(*hist.Boosted)
		if b.Rounds() >= 394 || len(b.History) != b.Rounds()+6 {
			t.Errorf("%s: %d rounds of %d tried", metric, b.Rounds(), len(b.History))
		}
	}
	for _, metric := range []string{"rmse", "mae", "r2", "mape"} {
		if r := trained(t, data, "hours", "GBDT", "n_estimators=400", "learning_rate=0.4", "early_stopping=True", "scoring="+metric, "validation_fraction=200"); setting(r, "rounds") == "400" {
			t.Errorf("%s never stops", metric)
		}
	}
	if r := trained(t, data, "failed", "HistGradientBoostingClassifier"); setting(r, "rounds_tried") != "" {
		t.Error("under scikit-learn's names fewer than 10,000 rows are all learned from")
	}
}

// TestRowsOfOneDriveStayTogether holds out rows to stop early by.
func TestRowsOfOneDriveStayTogether(t *testing.T) {
	n := 600
	task := task{y: make([]float64, n), ids: make([]string, n), seed: 4}
	for i := range n {
		task.ids[i], task.y[i] = fmt.Sprint("drive ", i/6), float64(i%2)
	}
	s := stopping{share: .2}
	task.x = table.NewMatrix(n, 1)
	if groups := table.GroupsOf(task.ids); slices.Max(groups) != 99 {
		t.Fatal(groups)
	}
	for i := range n { // one drive in ten fails in its last record
		if task.y[i] = 0; i/6%10 == 0 && i%6 == 5 {
			task.y[i] = 1
		}
	}
	train, test, err := s.split(task, true)
	if failures := task.take(test).y; slices.Index(failures, 1) < 0 {
		t.Error("no failing drive is held out")
	}
	if err != nil || len(test) != 120 || len(train)+len(test) != n {
		t.Fatal(len(train), len(test), err)
	}
	held := map[string]bool{}
	for _, r := range test {
		held[task.ids[r]] = true
	}
	if slices.ContainsFunc(train, func(r int) bool { return held[task.ids[r]] }) {
		t.Error("a drive is on both sides")
	}
}

func TestWarmStart(t *testing.T) {
	data, dir := writeDrives(t, 800), filepath.Join(t.TempDir(), "half")
	for _, learner := range []string{"GBDT", "HistForest"} {
		whole := trained(t, data, "failed", learner, "n_estimators=20")
		half := trained(t, data, "failed", learner, "n_estimators=12")
		if err := model.Save(dir, half.Model, model.SaveOptions{}); err != nil {
			t.Fatal(err)
		}
		rest := trained(t, data, "failed", learner, "n_estimators=8", "init_model="+dir, "warm_start=True")
		a, b := make([]float64, 2*800), make([]float64, 2*800)
		x := whole.Model.Estimator.Features()
		rows := make([]float64, 800*x)
		r := rand.New(rand.NewPCG(1, 1))
		for i := range rows {
			rows[i] = math.Floor(5 * r.Float64())
		}
		whole.Model.Estimator.Scores(a, rows)
		rest.Model.Estimator.Scores(b, rows)
		if !slices.Equal(a, b) {
			t.Errorf("%s: 12 trees and 8 more are not 20 trees", learner)
		}
	}
	if _, err := Run(context.Background(), Spec{Data: data, Target: "failed", Features: []string{"temp", "age"}, Learner: "HistForest", Params: literalParams(t, "init_model="+dir)}); !errs.Is(err, errs.Invalid) {
		t.Errorf("other columns: %v", err)
	}
}
