//go:build conformance

package metrics

import (
	"fmt"
	"math"
	"testing"

	"github.com/drivecast/drivecast/eval"
)

func one(v float64) []float64 { return []float64{v} }

// judge computes every figure of metrics.py.
func (c *judged) judge(t *testing.T) sheet {
	t.Helper()
	s := sheet{}
	if c.K == 2 {
		c.binary(t, s)
	} else {
		c.many(t, s)
	}
	return s
}

func (c *judged) tables(t *testing.T, s sheet, decision []int) {
	t.Helper()
	table, err := eval.NewTable(c.Y, decision, c.K, c.w)
	if err != nil {
		t.Fatal(err)
	}
	s["accuracy"] = one(table.Accuracy())
	s["balanced"] = one(table.BalancedAccuracy(false))
	s["balanced adjusted"] = one(table.BalancedAccuracy(true))
	s["mcc"] = one(table.MCC())
	for name, by := range map[string]eval.KappaWeight{"None": eval.Unweighted, "linear": eval.Linear, "quadratic": eval.Quadratic} {
		s["kappa "+name] = one(table.Kappa(by))
	}
	var flat []float64
	for _, row := range table.Count {
		flat = append(flat, row...)
	}
	s["confusion"] = flat
	for _, zero := range []float64{0, 1, math.NaN()} {
		table.ZeroDivision = zero
		for name, by := range averages {
			for _, beta := range []float64{1, .5, 2} {
				if zero != 0 && beta != 1 {
					continue
				}
				key := fmt.Sprintf("%s %s %s", name, python(zero), python(beta))
				s["precision "+key] = one(table.Precision(by))
				s["recall "+key] = one(table.Recall(by))
				s["fbeta "+key] = one(table.FBeta(beta, by))
			}
		}
	}
	table.ZeroDivision = 0
	for name, by := range averages {
		s["jaccard "+name] = one(table.Jaccard(by))
	}
	if c.K == 2 {
		own := table.Class(1)
		s["precision"], s["recall"], s["f1"] = one(own.Precision()), one(own.Recall()), one(own.F1())
		a, b := own.LikelihoodRatios()
		s["likelihood ratios"] = []float64{a, b}
	}
}

var averages = map[string]eval.Average{"macro": eval.Macro, "micro": eval.Micro, "weighted": eval.Weighted}

// python writes a number as Python's str does.
func python(v float64) string {
	switch {
	case math.IsNaN(v):
		return "nan"
	case v == math.Trunc(v):
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprint(v)
}

func (c *judged) binary(t *testing.T, s sheet) {
	t.Helper()
	decision := make([]int, len(c.Y))
	low, high := math.Inf(1), math.Inf(-1)
	for i, v := range c.s {
		if v >= .5 {
			decision[i] = 1
		}
		low, high = min(low, v), max(high, v)
	}
	c.tables(t, s, decision)
	r, err := eval.Rank(c.Y, c.s, c.w)
	if err != nil {
		t.Fatal(err)
	}
	s["auc"], s["auc to .3"], s["average precision"] = one(r.AUC()), one(r.PartialAUC(.3)), one(r.AveragePrecision())
	for name, full := range map[string]bool{"True": true, "False": false} {
		roc := r.ROC(full)
		s["roc "+name+" X"], s["roc "+name+" Y"], s["roc "+name+" T"] = roc.X, roc.Y, roc.Threshold
	}
	pr, det := r.PrecisionRecall(), r.DET()
	s["pr X"], s["pr Y"], s["pr T"] = pr.X, pr.Y, pr.Threshold[:len(pr.Threshold)-1]
	s["det X"], s["det Y"], s["det T"] = det.X, det.Y, det.Threshold
	c.calibrated(t, s)
	if low >= 0 && high <= 1 {
		c.probabilities(t, s, eval.Binary(c.Y, c.s, c.w))
		for name, by := range map[string]eval.Bins{"uniform": eval.Uniform, "quantile": eval.Quantile} {
			bins, err := eval.CalibrationCurve(c.Y, c.s, nil, 7, by)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range bins {
				s["calibration "+name+" observed"] = append(s["calibration "+name+" observed"], b.Observed)
				s["calibration "+name+" predicted"] = append(s["calibration "+name+" predicted"], b.Predicted)
			}
		}
	}
}

func (c *judged) calibrated(t *testing.T, s sheet) {
	t.Helper()
	y := make([]float64, len(c.Y))
	for i, v := range c.Y {
		y[i] = float64(v)
	}
	iso, err := eval.FitIsotonic(c.s, y, c.w)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 31 {
		s["isotonic"] = append(s["isotonic"], iso.At(float64(i)*.1-1))
	}
	sig, err := eval.FitSigmoid(c.Y, c.s, c.w)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range c.s {
		s["sigmoid"] = append(s["sigmoid"], sig.At(v))
	}
}

func (c *judged) probabilities(t *testing.T, s sheet, f *eval.Forecast) {
	t.Helper()
	if err := f.Check(); err != nil {
		t.Fatal(err)
	}
	s["log loss"], s["brier"] = one(f.LogLoss()), one(f.Brier())
	s["d2 log loss"], s["d2 brier"] = one(f.D2LogLoss()), one(f.D2Brier())
}

func (c *judged) many(t *testing.T, s sheet) {
	t.Helper()
	f := &eval.Forecast{Truth: c.Y, Classes: c.K, P: c.s, Weight: c.w}
	c.probabilities(t, s, f)
	c.tables(t, s, f.Decisions())
	for k := 1; k <= 3; k++ {
		s[fmt.Sprintf("top %d", k)] = one(f.TopK(k))
	}
	for name, by := range averages {
		s["auc ovr "+name] = one(f.AUC(by))
		s["average precision "+name] = one(f.AveragePrecision(by))
		if v, err := f.AUCPairs(by); err == nil {
			s["auc ovo "+name] = one(v)
		}
	}
}
