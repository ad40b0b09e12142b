package eval_test

import (
	"context"
	"math"
	"math/rand/v2"
	"sort"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/eval"
)

// skewed draws truths and probabilities p, true with chance f(p).
func skewed(n int, f func(p float64) float64) (truth []int, p []float64) {
	r := rand.New(rand.NewPCG(9, 9))
	truth, p = make([]int, n), make([]float64, n)
	for i := range p {
		p[i] = r.Float64()
		if r.Float64() < f(p[i]) {
			truth[i] = 1
		}
	}
	return truth, p
}

func logit(p float64) float64 { return math.Log(p / (1 - p)) }

func TestCalibratorsFindTheTruth(t *testing.T) {
	truth, p := skewed(40000, func(p float64) float64 { return 1 / (1 + math.Exp(-(2*logit(p) - 1))) })
	y, z := make([]float64, len(p)), make([]float64, len(p))
	for i, v := range p {
		y[i], z[i] = float64(truth[i]), logit(v)
	}
	s, err := eval.FitSigmoid(truth, z, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := eval.FitBeta(context.Background(), truth, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	iso, err := eval.FitIsotonic(p, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []float64{.2, .4, .6, .8} {
		want := 1 / (1 + math.Exp(-(2*logit(v) - 1)))
		for name, got := range map[string]float64{"sigmoid": s.At(logit(v)), "beta": b.At(v), "isotonic": iso.At(v)} {
			if math.Abs(got-want) > .03 {
				t.Errorf("%s at %v is %v, want %v", name, v, got, want)
			}
		}
	}
	if math.Abs(s.A+2) > .1 || math.Abs(s.B-1) > .1 || math.Abs(b.A-2) > .15 || math.Abs(b.B-2) > .15 {
		t.Errorf("sigmoid %+v, beta %+v", s, b)
	}
	before, _ := eval.ECE(truth, p, nil, 10, eval.Uniform)
	for i, v := range p {
		p[i] = iso.At(v)
	}
	if after, _ := eval.ECE(truth, p, nil, 10, eval.Uniform); after > before/3 {
		t.Errorf("calibration error %v becomes %v", before, after)
	}
}

func TestBetaStaysMonotone(t *testing.T) {
	truth, p := skewed(2000, func(p float64) float64 { return 1 - p }) // ranks the wrong way round
	b, err := eval.FitBeta(context.Background(), truth, p, nil)
	if err != nil || b.A != 0 || b.B != 0 {
		t.Errorf("got %+v, %v", b, err)
	}
	near(t, "the constant", b.At(.3), eval.Prevalence(truth))
}

// The isotonic fit is monotone, keeps the mean, and no pooled value can move
// without breaking the order: the conditions of the optimum.
func FuzzIsotonic(f *testing.F) {
	f.Add(uint64(1), 10)
	f.Add(uint64(7), 2)
	f.Fuzz(func(t *testing.T, seed uint64, n int) {
		r := rand.New(rand.NewPCG(seed, 3))
		n = 1 + int(uint(n)%200)
		x, y, w := make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range x {
			x[i], y[i], w[i] = math.Round(r.NormFloat64()*5), r.NormFloat64(), r.ExpFloat64()
		}
		iso, err := eval.FitIsotonic(x, y, w)
		if err != nil {
			t.Fatal(err)
		}
		if !sort.Float64sAreSorted(iso.Y) || !sort.Float64sAreSorted(iso.X) {
			t.Fatalf("not monotone: %v %v", iso.X, iso.Y)
		}
		level, cross := 0.0, 0.0
		for i, v := range x {
			fit := iso.At(v)
			level += w[i] * (y[i] - fit)
			cross += w[i] * (y[i] - fit) * fit
		}
		if math.Abs(level) > 1e-9 || math.Abs(cross) > 1e-9 {
			t.Errorf("residuals sum to %v, times fit to %v", level, cross)
		}
	})
}

func TestIsotonicByHand(t *testing.T) {
	iso, err := eval.FitIsotonic([]float64{1, 2, 3, 4, 4}, []float64{1, 3, 2, 5, 7}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for x, want := range map[float64]float64{0: 1, 1: 1, 1.5: 1.75, 2: 2.5, 2.7: 2.5, 3: 2.5, 3.5: 4.25, 4: 6, 9: 6} {
		near(t, "isotonic", iso.At(x), want)
	}
	if _, err := eval.FitIsotonic([]float64{1}, []float64{1}, []float64{0}); !errs.Is(err, errs.Invalid) {
		t.Errorf("got %v", err)
	}
}

func TestSigmoidOfHardScores(t *testing.T) {
	for name, s := range map[string][]float64{"constant": {5, 5, 5, 5}, "divided": {-1, -2, 1, 2}, "huge": {-1e300, -2e300, 1e300, 2e300}} {
		c, err := eval.FitSigmoid([]int{0, 0, 1, 1}, s, nil)
		if p := c.At(s[3]); err != nil || !(p >= .5-1e-9 && p <= 1) {
			t.Errorf("%s: %+v gives %v, %v", name, c, p, err)
		}
	}
	c, err := eval.FitSigmoid([]int{1, 1, 1}, []float64{1, 2, 3}, nil)
	near(t, "one class", c.At(2), 4./5) // Platt's target (3+1)/(3+2)
	if err != nil {
		t.Error(err)
	}
}

func TestCalibrationCurveByHand(t *testing.T) {
	truth, p := []int{0, 0, 1, 1}, []float64{.1, .2, .6, .9}
	bins, err := eval.CalibrationCurve(truth, p, nil, 2, eval.Uniform)
	if err != nil || len(bins) != 2 {
		t.Fatal(bins, err)
	}
	near(t, "low bin", bins[0].Predicted, .15)
	near(t, "high bin", bins[1].Observed, 1)
	e, _ := eval.ECE(truth, p, nil, 2, eval.Uniform)
	near(t, "ECE", e, (.15+.25)/2)
	m, _ := eval.MCE(truth, p, nil, 2, eval.Uniform)
	near(t, "MCE", m, .25)
	if _, err := eval.CalibrationCurve(truth, p, nil, 0, eval.Uniform); !errs.Is(err, errs.Invalid) {
		t.Errorf("got %v", err)
	}
}
