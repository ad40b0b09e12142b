package train

import (
	"math"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/eval"
	"github.com/drivecast/drivecast/eval/survival"
)

// measure is a metric that a fit or a column is judged by. of takes targets as the
// learner sees them, answers as an estimator's Scores gives them, and row weights
// or nil.
type measure struct {
	name   string
	higher bool // more is better
	of     func(y, answers, weight []float64) float64
}

// loss returns the metric such that less is better.
func (m measure) loss(y, answers, weight []float64) float64 {
	if m.higher {
		return -m.of(y, answers, weight)
	}
	return m.of(y, answers, weight)
}

// alias maps other libraries' names of metrics to ours.
var alias = map[string]string{
	"auc": "roc_auc", "roc_auc_ovr": "roc_auc", "aucpr": "average_precision",
	"binary_logloss": "log_loss", "logloss": "log_loss", "binary": "log_loss", "neg_log_loss": "log_loss", "multi_logloss": "log_loss",
	"mlogloss": "log_loss", "multiclass": "log_loss", "cross_entropy": "log_loss", "binary_error": "error", "multi_error": "error", "merror": "error",
	"neg_brier_score": "brier_score", "f1_score": "f1", "matthews_corrcoef": "mcc", "cohen_kappa": "kappa",
	"l2": "mean_squared_error", "mse": "mean_squared_error", "neg_mean_squared_error": "mean_squared_error", "regression": "mean_squared_error",
	"rmse": "root_mean_squared_error", "l2_root": "root_mean_squared_error", "neg_root_mean_squared_error": "root_mean_squared_error",
	"l1": "mean_absolute_error", "mae": "mean_absolute_error", "neg_mean_absolute_error": "mean_absolute_error", "r2": "r2_score",
	"mape": "mean_absolute_percentage_error", "neg_mean_absolute_percentage_error": "mean_absolute_percentage_error",
	"poisson": "mean_poisson_deviance", "neg_mean_poisson_deviance": "mean_poisson_deviance", "poisson-nloglik": "mean_poisson_deviance",
	"pinball": "mean_pinball_loss", "quantile": "mean_pinball_loss", "c_index": "concordance_index", "concordance": "concordance_index",
}

// measureOf returns the metric of that name for class labels, or for numbers when
// labels is nil. alpha is the quantile of the pinball loss.
func measureOf(name string, labels []float64, alpha float64) (measure, error) {
	if ours, ok := alias[name]; ok {
		name = ours
	}
	known := numberMeasures(alpha)
	if labels != nil {
		known = classMeasures(labels)
	}
	i := slices.IndexFunc(known, func(m measure) bool { return m.name == name })
	if i >= 0 {
		return known[i], nil
	}
	var names []string
	for _, m := range known {
		names = append(names, m.name)
	}
	return measure{}, errs.New(errs.Usage, "there is no metric %q for this target%s; there is %s", name, nearest(name, names), strings.Join(names, ", "))
}

func classMeasures(labels []float64) []measure {
	forecast := func(y, p, w []float64) *eval.Forecast {
		truth := make([]int, len(y))
		for i, v := range y {
			truth[i], _ = slices.BinarySearch(labels, v)
		}
		return &eval.Forecast{Truth: truth, Classes: len(labels), P: p, Weight: w}
	}
	of := func(name string, higher bool, value func(*eval.Forecast) float64) measure {
		return measure{name, higher, func(y, p, w []float64) float64 { return value(forecast(y, p, w)) }}
	}
	decided := func(name string, higher bool, value func(*eval.Table) float64) measure {
		return of(name, higher, func(f *eval.Forecast) float64 {
			t, err := eval.NewTable(f.Truth, f.Decisions(), f.Classes, f.Weight)
			if err != nil {
				return math.NaN()
			}
			return value(t)
		})
	}
	single := func(name string, value func(eval.Class) float64, by func(*eval.Table, eval.Average) float64) measure {
		return decided(name, true, func(t *eval.Table) float64 {
			if len(labels) == 2 {
				return value(t.Class(1))
			}
			return by(t, eval.Macro)
		})
	}
	return []measure{
		of("log_loss", false, (*eval.Forecast).LogLoss), of("brier_score", false, (*eval.Forecast).Brier),
		of("roc_auc", true, func(f *eval.Forecast) float64 { return f.AUC(eval.Macro) }),
		of("average_precision", true, func(f *eval.Forecast) float64 { return f.AveragePrecision(eval.Macro) }),
		decided("accuracy", true, (*eval.Table).Accuracy),
		decided("error", false, func(t *eval.Table) float64 { return 1 - t.Accuracy() }),
		decided("balanced_accuracy", true, func(t *eval.Table) float64 { return t.BalancedAccuracy(false) }),
		single("f1", eval.Class.F1, (*eval.Table).F1), single("precision", eval.Class.Precision, (*eval.Table).Precision),
		single("recall", eval.Class.Recall, (*eval.Table).Recall),
		decided("mcc", true, (*eval.Table).MCC), decided("kappa", true, func(t *eval.Table) float64 { return t.Kappa(eval.Unweighted) }),
	}
}

func numberMeasures(alpha float64) []measure {
	mean := func(name string, term func(y, p float64) float64) measure {
		return measure{name, false, func(y, p, w []float64) float64 { return weightedMean(y, p, w, term) }}
	}
	square := func(y, p float64) float64 { return (y - p) * (y - p) }
	return []measure{
		mean("mean_squared_error", square),
		{"root_mean_squared_error", false, func(y, p, w []float64) float64 { return math.Sqrt(weightedMean(y, p, w, square)) }},
		mean("mean_absolute_error", func(y, p float64) float64 { return math.Abs(y - p) }),
		mean("mean_absolute_percentage_error", func(y, p float64) float64 { return math.Abs(y-p) / max(math.Abs(y), 0x1p-52) }),
		{"r2_score", true, func(y, p, w []float64) float64 {
			center := weightedMean(y, p, w, func(y, _ float64) float64 { return y })
			spread := weightedMean(y, p, w, func(y, _ float64) float64 { return square(y, center) })
			return 1 - weightedMean(y, p, w, square)/spread
		}},
		mean("mean_poisson_deviance", func(y, p float64) float64 {
			if y == 0 {
				return 2 * p
			}
			return 2 * (y*math.Log(y/p) - y + p)
		}),
		mean("mean_pinball_loss", func(y, p float64) float64 { return max(alpha*(y-p), (alpha-1)*(y-p)) }),
		{"concordance_index", true, concordance},
	}
}

func weightedMean(y, p, w []float64, term func(y, p float64) float64) float64 {
	var sum, all float64
	for i, v := range y {
		weight := 1.0
		if w != nil {
			weight = w[i]
		}
		sum += weight * term(v, p[i])
		all += weight
	}
	return sum / all
}

// concordance is Harrell's index of risks for times, negative when censored.
func concordance(y, risk, _ []float64) float64 {
	d := &survival.Data{Time: make([]float64, len(y)), Failed: make([]bool, len(y))}
	for i, v := range y {
		d.Time[i], d.Failed[i] = math.Abs(v), v > 0
	}
	c, err := survival.Harrell(d, risk)
	if err != nil {
		return math.NaN()
	}
	return c.Index
}
