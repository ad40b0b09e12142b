package tune

import (
	"math"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/eval"
	"github.com/drivecast/drivecast/internal/search"
	"github.com/drivecast/drivecast/internal/train"
)

// Metric is a figure by which settings are compared.
type Metric struct {
	Name  string // as training logs it
	Goal  search.Goal
	ranks bool // undefined on rows of one class
	class func(f *eval.Forecast) (float64, error)
	value func(y, predicted, weight []float64) float64
}

// metrics are those of classifiers and of regressors.
var metrics = []Metric{
	byDecision("accuracy", func(t *eval.Table) float64 { return t.Accuracy() }),
	byDecision("balanced_accuracy", func(t *eval.Table) float64 { return t.BalancedAccuracy(false) }),
	byDecision("precision", ofPositives(eval.Class.Precision, (*eval.Table).Precision)),
	byDecision("recall", ofPositives(eval.Class.Recall, (*eval.Table).Recall)),
	byDecision("f1_score", ofPositives(eval.Class.F1, (*eval.Table).F1)),
	byDecision("mcc", func(t *eval.Table) float64 { return t.MCC() }),
	byDecision("cohen_kappa", func(t *eval.Table) float64 { return t.Kappa(eval.Unweighted) }),
	{Name: "roc_auc", Goal: search.Maximize, ranks: true, class: func(f *eval.Forecast) (float64, error) { return f.AUC(eval.Macro), f.Check() }},
	{Name: "average_precision", Goal: search.Maximize, ranks: true, class: func(f *eval.Forecast) (float64, error) {
		return f.AveragePrecision(eval.Macro), f.Check()
	}},
	{Name: "log_loss", Goal: search.Minimize, class: func(f *eval.Forecast) (float64, error) { return f.LogLoss(), f.Check() }},
	{Name: "brier_score", Goal: search.Minimize, class: func(f *eval.Forecast) (float64, error) { return f.Brier(), f.Check() }},
	{Name: "mean_absolute_error", Goal: search.Minimize, value: meanOf(math.Abs)},
	{Name: "root_mean_squared_error", Goal: search.Minimize, value: func(y, p, w []float64) float64 { return math.Sqrt(meanOf(square)(y, p, w)) }},
	{Name: "r2_score", Goal: search.Maximize, value: r2},
}

// otherNames are scikit-learn's names of scorers where they differ.
var otherNames = map[string]string{
	"f1": "f1_score", "f1_macro": "f1_score", "matthews_corrcoef": "mcc", "neg_log_loss": "log_loss", "neg_brier_score": "brier_score", "r2": "r2_score",
	"roc_auc_ovr": "roc_auc", "neg_mean_absolute_error": "mean_absolute_error", "neg_root_mean_squared_error": "root_mean_squared_error",
}

// Metrics are the names of the metrics of a classifier or of a regressor.
func Metrics(regression bool) []string {
	var out []string
	for _, m := range metrics {
		if (m.value != nil) == regression {
			out = append(out, m.Name)
		}
	}
	return out
}

// DefaultMetric is the metric for rows when none is named.
func DefaultMetric(rows *train.Rows) string {
	classes := map[float64]bool{}
	for _, y := range rows.Y {
		classes[y] = true
	}
	switch {
	case rows.Regression:
		return "root_mean_squared_error"
	case rows.Days != nil:
		return "average_precision"
	case len(classes) > 2:
		return "accuracy"
	}
	return "roc_auc"
}

// FindMetric returns the metric of that name, as training logs it or as
// scikit-learn calls its scorer. Faults are of kind Usage.
func FindMetric(name string, regression bool) (Metric, error) {
	if other, ok := otherNames[name]; ok {
		name = other
	}
	i := slices.IndexFunc(metrics, func(m Metric) bool { return m.Name == name && (m.value != nil) == regression })
	if i < 0 {
		what := "a classifier"
		if regression {
			what = "a regressor"
		}
		return Metric{}, errs.New(errs.Usage, "%q is no metric of %s; take one of %s", name, what, strings.Join(Metrics(regression), ", "))
	}
	return metrics[i], nil
}

func byDecision(name string, of func(t *eval.Table) float64) Metric {
	return Metric{Name: name, Goal: search.Maximize, class: func(f *eval.Forecast) (float64, error) {
		t, err := eval.NewTable(f.Truth, f.Decisions(), f.Classes, f.Weight)
		if err != nil {
			return math.NaN(), err
		}
		return of(t), nil
	}}
}

// ofPositives is the figure of the second of two classes, or the mean over more.
func ofPositives(one func(eval.Class) float64, all func(*eval.Table, eval.Average) float64) func(t *eval.Table) float64 {
	return func(t *eval.Table) float64 {
		if len(t.Count) == 2 {
			return one(t.Class(1))
		}
		return all(t, eval.Macro)
	}
}

func square(x float64) float64 { return x * x }

func weightOf(w []float64, i int) float64 {
	if w == nil {
		return 1
	}
	return w[i]
}

// meanOf is the weighted mean of what loss makes of the errors.
func meanOf(loss func(float64) float64) func(y, p, w []float64) float64 {
	return func(y, p, w []float64) float64 {
		sum, total := 0.0, 0.0
		for i := range y {
			sum += weightOf(w, i) * loss(p[i]-y[i])
			total += weightOf(w, i)
		}
		return sum / total
	}
}

func r2(y, p, w []float64) float64 {
	center, total := 0.0, 0.0
	for i := range y {
		center += weightOf(w, i) * y[i]
		total += weightOf(w, i)
	}
	center /= total
	spread := 0.0
	for i := range y {
		spread += weightOf(w, i) * square(y[i]-center)
	}
	return 1 - meanOf(square)(y, p, w)*total/spread
}

// judge is the metric of scores, which are those of the rows named. classes are
// those of the estimator, all those of the data; a class that the estimator has
// not seen has probability 0.
func (m Metric) judge(y, weights []float64, rows []int, classes, all, scores []float64) (float64, error) {
	truth := make([]float64, len(rows))
	var w []float64
	for i, r := range rows {
		truth[i] = y[r]
		if weights != nil {
			w = append(w, weights[r])
		}
	}
	if m.value != nil {
		return m.value(truth, scores, w), nil
	}
	f := &eval.Forecast{Truth: make([]int, len(rows)), Classes: len(all), P: make([]float64, len(rows)*len(all)), Weight: w}
	for i, v := range truth {
		f.Truth[i], _ = slices.BinarySearch(all, v)
	}
	for k, c := range classes {
		at, _ := slices.BinarySearch(all, c)
		for i := range rows {
			f.P[i*len(all)+at] = scores[i*len(classes)+k]
		}
	}
	return m.class(f)
}
