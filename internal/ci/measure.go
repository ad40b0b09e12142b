package ci

import (
	"context"
	"fmt"
	"math"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/eval"
	"github.com/drivecast/drivecast/internal/score"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/table"
)

const (
	metricECE       = "ece"
	metricDetection = "detection"
	calibrationBins = 10
	defaultBudget   = .01 // of the metric detection when no rule states one
)

// Metrics names what is measured: the area under the ROC curve, average precision,
// the share of failures detected at the alarm budget, the Brier score and the
// expected calibration error. Of the last two, less is better.
func Metrics() []string {
	return []string{"roc_auc", "average_precision", metricDetection, "brier", metricECE}
}

// probabilities scores t and returns the probability of failing of each row, and
// with the model's classes the truth: 1 for the second class. Models other than
// binary classifiers are of kind Unsupported, labels that are neither class of
// kind Invalid, with their row.
func probabilities(m *model.Model, t *table.Table, target string) (p []float64, truth []int, err error) {
	if m.Outputs() != 2 || !m.Classifier() {
		return nil, nil, errs.New(errs.Unsupported, "%s is no classifier of two classes, which a gate judges", m.Source)
	}
	if m.Columns() == nil { // by position, the target might be taken for what predicts it
		return nil, nil, errs.New(errs.Invalid, "%s has no signature and names no columns, so it is not known which of the data it reads; save it again with a signature (mlflow.models.infer_signature)", m.Source)
	}
	scores, err := score.NewBatch(m).Rows(t)
	if err != nil {
		return nil, nil, err
	}
	column := t.Column(target)
	if column == nil {
		return nil, nil, errs.New(errs.Invalid, "there is no column %q, the target", target)
	}
	p, truth = make([]float64, t.Rows()), make([]int, t.Rows())
	for i := range p {
		p[i] = scores[2*i+1]
		if truth[i], err = classOf(m, column, i); err != nil {
			return nil, nil, err
		}
	}
	return p, truth, nil
}

func classOf(m *model.Model, c *table.Column, row int) (int, error) {
	text := c.TextAt(row)
	for class, v := range m.Estimator.Classes() {
		if m.Labels != nil && m.Labels[class] == text {
			return class, nil
		}
		if m.Labels == nil && (c.Kind == table.Number && c.Floats[row] == v || c.Kind == table.Text && text == fmt.Sprint(v)) {
			return class, nil
		}
	}
	return 0, errs.New(errs.Invalid, "row %d, column %s: %q is neither class of the model %s; drop the row or mend the label", row+2, c.Name, text, m.Source)
}

// values computes all Metrics, in their order, into dst. They are NaN where the rows
// do not tell.
func values(dst []float64, budget float64, truth []int, p []float64) {
	auc, precision, detection := math.NaN(), math.NaN(), math.NaN()
	if r, err := eval.Rank(truth, p, nil); err == nil && r.Positives() > 0 && r.Negatives() > 0 {
		auc, precision, detection = r.AUC(), r.AveragePrecision(), r.AtFalseAlarm(budget).Detection
	}
	ece, err := eval.ECE(truth, p, nil, calibrationBins, eval.Uniform)
	copy(dst, []float64{auc, precision, detection, eval.Brier(truth, p), orNaN(ece, err)})
}

// auc is the area under the ROC curve, NaN when a class is absent.
func auc(truth []int, p []float64) float64 {
	r, err := eval.Rank(truth, p, nil)
	if err != nil {
		return math.NaN()
	}
	return r.AUC()
}

func orNaN(v float64, err error) float64 {
	if err != nil {
		return math.NaN()
	}
	return v
}

// sample is both models' answers on the same rows; b is nil without a champion.
type sample struct {
	truth  []int
	a, b   []float64
	budget float64
	boot   eval.Bootstrap
}

// measure finds all Metrics with their intervals, both models and their difference
// on the same drawn rows.
func (s *sample) measure(ctx context.Context) ([]Measure, error) {
	names := Metrics()
	n := len(names)
	found, err := s.boot.Intervals(ctx, len(s.truth), 3*n, func(dst []float64, rows []int) {
		truth, a, b := make([]int, len(rows)), make([]float64, len(rows)), make([]float64, len(rows))
		for i, r := range rows {
			truth[i], a[i] = s.truth[r], s.a[r]
			if s.b != nil {
				b[i] = s.b[r]
			}
		}
		values(dst[:n], s.budget, truth, a)
		if s.b == nil {
			return
		}
		values(dst[n:2*n], s.budget, truth, b)
		for i := range n {
			dst[2*n+i] = dst[i] - dst[n+i]
		}
	})
	if err != nil {
		return nil, err
	}
	span := func(i int) *Span {
		return &Span{Number(found[i].Value), Number(found[i].Low), Number(found[i].High)}
	}
	out := make([]Measure, n)
	for i, name := range names {
		out[i] = Measure{Name: name, Candidate: *span(i)}
		if s.b != nil {
			out[i].Champion, out[i].Difference = span(n+i), span(2*n+i)
		}
	}
	return out, nil
}

// curves fills the confusion matrix at the budget, calibration and the
// precision-recall curve of the candidate.
func (s *sample) curves(d *Decision) error {
	r, err := eval.Rank(s.truth, s.a, nil)
	if err != nil {
		return err
	}
	at := r.AtFalseAlarm(s.budget)
	decided := make([]int, len(s.a))
	for i, p := range s.a {
		if p >= at.Threshold {
			decided[i] = 1
		}
	}
	c := eval.Count(s.truth, decided)
	d.Confusion = Counts{Number(at.Threshold), c.TruePositive, c.FalsePositive, c.TrueNegative, c.FalseNegative}
	bins, err := eval.CalibrationCurve(s.truth, s.a, nil, calibrationBins, eval.Quantile)
	if err != nil {
		return err
	}
	for _, b := range bins {
		d.Calibration = append(d.Calibration, Point{Number(b.Predicted), Number(b.Observed)})
	}
	for i := 1; i <= 20; i++ {
		recall := float64(i) / 20
		d.Precision = append(d.Precision, Point{Number(recall), Number(r.AtDetection(recall).Precision)})
	}
	return nil
}
