package eval_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/eval"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-12) && !(math.IsNaN(got) && math.IsNaN(want)) {
		t.Errorf("%s is %.15g, want %.15g", what, got, want)
	}
}

func tableOf(t *testing.T, truth, decision []int, classes int, weight []float64) *eval.Table {
	t.Helper()
	out, err := eval.NewTable(truth, decision, classes, weight)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Figures worked by hand.
func TestTableOfThreeClasses(t *testing.T) {
	m := tableOf(t, []int{0, 1, 2, 0, 1, 2}, []int{0, 2, 1, 0, 0, 1}, 3, nil)
	near(t, "accuracy", m.Accuracy(), 2./6)
	near(t, "balanced accuracy", m.BalancedAccuracy(false), 1./3)
	near(t, "adjusted", m.BalancedAccuracy(true), 0)
	near(t, "macro precision", m.Precision(eval.Macro), 2./9)
	near(t, "macro recall", m.Recall(eval.Macro), 1./3)
	near(t, "macro F1", m.F1(eval.Macro), .8/3)
	near(t, "micro F1", m.F1(eval.Micro), 1./3)
	near(t, "Jaccard", m.Jaccard(eval.Macro), 2./9)
	near(t, "kappa", m.Kappa(eval.Unweighted), 0)
	near(t, "precision of class 0", m.Class(0).Precision(), 2./3)
	near(t, "F0 is precision", m.Class(0).FBeta(0), 2./3)
	near(t, "F∞ is recall", m.Class(0).FBeta(math.Inf(1)), 1)
}

func TestZeroDivision(t *testing.T) {
	m := tableOf(t, []int{0, 0, 1}, []int{0, 0, 0}, 4, nil) // class 1 never decided, 2 and 3 never shown
	for zero, want := range map[float64]float64{0: 1. / 3, 1: (2./3 + 1) / 2} {
		m.ZeroDivision = zero
		near(t, "macro precision", m.Precision(eval.Macro), want)
	}
	m.ZeroDivision = math.NaN()
	near(t, "macro precision", m.Precision(eval.Macro), 2./3)
	near(t, "MCC of one decision", m.MCC(), 0)
	near(t, "kappa of one class", tableOf(t, []int{1}, []int{1}, 2, nil).Kappa(eval.Unweighted), math.NaN())
}

func TestTableIsMetamorphic(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		n, k := 5+r.IntN(40), 2+r.IntN(3)
		y, d, w, y2, d2 := make([]int, n), make([]int, n), make([]float64, n), []int{}, []int{}
		swapY, swapD := make([]int, n), make([]int, n)
		for i := range y {
			y[i], d[i], w[i] = r.IntN(k), r.IntN(k), float64(1+r.IntN(3))
			for range int(w[i]) {
				y2, d2 = append(y2, y[i]), append(d2, d[i])
			}
			swapY[i], swapD[i] = k-1-y[i], k-1-d[i]
		}
		a := tableOf(t, y, d, k, w)
		for name, b := range map[string]*eval.Table{"copies": tableOf(t, y2, d2, k, nil), "names": tableOf(t, swapY, swapD, k, w)} {
			near(t, name+": accuracy", b.Accuracy(), a.Accuracy())
			near(t, name+": MCC", b.MCC(), a.MCC())
			near(t, name+": kappa", b.Kappa(eval.Quadratic), a.Kappa(eval.Quadratic))
			near(t, name+": F2", b.FBeta(2, eval.Weighted), a.FBeta(2, eval.Weighted))
		}
		flipped := tableOf(t, d, y, k, w) // truth and decision trade places
		near(t, "precision is the other's recall", flipped.Recall(eval.Macro), a.Precision(eval.Macro))
		near(t, "MCC is symmetric", flipped.MCC(), a.MCC())
	}
}

func TestBadTablesAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		y, d []int
		k    int
	}{"nothing": {nil, nil, 2}, "lengths": {[]int{0}, nil, 2}, "class": {[]int{2}, []int{0}, 2}, "negative": {[]int{-1}, []int{0}, 2}, "too many": {[]int{0}, []int{0}, 1 << 30}} {
		if _, err := eval.NewTable(c.y, c.d, c.k, nil); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestForecast(t *testing.T) {
	f := &eval.Forecast{Truth: []int{0, 1, 2}, Classes: 3, P: []float64{.5, .25, .25, .2, .2, .6, 0, 0, 1}}
	if err := f.Check(); err != nil {
		t.Fatal(err)
	}
	near(t, "log loss", f.LogLoss(), -(math.Log(.5)+math.Log(.2))/3)
	near(t, "Brier", f.Brier(), (.25+.125+.04+.64+.36)/3)
	near(t, "top 1", f.TopK(1), 2./3)
	near(t, "top 2", f.TopK(2), 1) // of 0.2 and 0.2 the higher class number comes first, and that is class 1
	near(t, "top 3", f.TopK(3), 1)
	bad := *f
	bad.P = []float64{2, 0, 0, 0, 0, 0, 0, 0, 0}
	if err := bad.Check(); !errs.Is(err, errs.Invalid) {
		t.Errorf("got %v", err)
	}
	if _, err := f.AUCPairs(eval.Micro); !errs.Is(err, errs.Unsupported) {
		t.Errorf("got %v", err)
	}
}
