package eval_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/eval"
)

func ranked(t *testing.T, truth []int, score, weight []float64) *eval.Ranking {
	t.Helper()
	r, err := eval.Rank(truth, score, weight)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// pairs counts the AUC from its definition, pair by pair.
func pairs(truth []int, score, weight []float64) float64 {
	won, all := 0.0, 0.0
	for i, a := range truth {
		for j, b := range truth {
			if a != 1 || b != 0 {
				continue
			}
			w := 1.0
			if weight != nil {
				w = weight[i] * weight[j]
			}
			all += w
			if score[i] > score[j] {
				won += w
			} else if score[i] == score[j] {
				won += w / 2
			}
		}
	}
	return won / all
}

func TestAUCIsTheShareOfPairs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		n := 2 + r.IntN(60)
		y, s, w := make([]int, n), make([]float64, n), make([]float64, n)
		for i := range y {
			y[i], s[i], w[i] = r.IntN(2), float64(r.IntN(12))-6, r.ExpFloat64()
		}
		y[0], y[1] = 0, 1
		if got, want := ranked(t, y, s, nil).AUC(), pairs(y, s, nil); math.Abs(got-want) > 1e-13 {
			t.Fatalf("AUC %v, pairs say %v", got, want)
		}
		if got, want := ranked(t, y, s, w).AUC(), pairs(y, s, w); math.Abs(got-want) > 1e-13 {
			t.Fatalf("weighted AUC %v, pairs say %v", got, want)
		}
	}
}

// Weights that are whole numbers equal as many copies; the order of rows does
// not matter; neither does a monotone transform of the scores.
func TestRankingIsMetamorphic(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		n := 3 + r.IntN(50)
		y, s, w := make([]int, n), make([]float64, n), make([]float64, n)
		var y2 []int
		var s2 []float64
		for i := range y {
			y[i], s[i] = r.IntN(2), math.Round(r.NormFloat64()*4)/4
			w[i] = float64(r.IntN(3))
			for range int(w[i]) {
				y2, s2 = append(y2, y[i]), append(s2, s[i])
			}
		}
		if len(y2) == 0 {
			continue
		}
		order := r.Perm(n)
		y3, s3, w3 := make([]int, n), make([]float64, n), make([]float64, n)
		for i, o := range order {
			y3[i], s3[i], w3[i] = y[o], math.Exp(s[o]/3), w[o]
		}
		base := ranked(t, y, s, w)
		for what, other := range map[string]*eval.Ranking{"copies": ranked(t, y2, s2, nil), "order and scale": ranked(t, y3, s3, w3)} {
			for name, f := range map[string]func(*eval.Ranking) float64{"AUC": (*eval.Ranking).AUC, "average precision": (*eval.Ranking).AveragePrecision} {
				a, b := f(base), f(other)
				if !(math.Abs(a-b) <= 1e-13) && !(math.IsNaN(a) && math.IsNaN(b)) {
					t.Fatalf("%s: %s %v becomes %v", what, name, a, b)
				}
			}
			if !slices.Equal(base.TP, other.TP) || !slices.Equal(base.FP, other.FP) {
				t.Fatalf("%s: counts %v %v become %v %v", what, base.TP, base.FP, other.TP, other.FP)
			}
		}
	}
}

func TestReversedScoresReverseTheAUC(t *testing.T) {
	y, s := []int{1, 0, 1, 0, 0}, []float64{.9, .8, .4, .4, .1}
	minus := make([]float64, len(s))
	for i, v := range s {
		minus[i] = -v
	}
	if a, b := ranked(t, y, s, nil).AUC(), ranked(t, y, minus, nil).AUC(); math.Abs(a+b-1) > 1e-15 || a == b {
		t.Errorf("got %v and %v", a, b)
	}
}

// Thresholds are the distinct scores, sorted downwards, signs and zeros included.
func FuzzRankSorts(f *testing.F) {
	f.Add(1.0, -1.0, 0.0, 2.5, true)
	f.Add(math.MaxFloat64, -math.SmallestNonzeroFloat64, math.Copysign(0, -1), 0.0, false)
	f.Fuzz(func(t *testing.T, a, b, c, d float64, heavy bool) {
		s := []float64{a, b, c, d, b, -a}
		y := []int{1, 0, 1, 0, 0, 1}
		var w []float64
		if heavy {
			w = []float64{1, 2, 3, 4, 5, 6}
		}
		r, err := eval.Rank(y, s, w)
		for _, v := range s {
			if v-v != 0 {
				if !errs.Is(err, errs.Invalid) {
					t.Fatalf("%v gave %v", s, err)
				}
				return
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Clone(s)
		sort.Sort(sort.Reverse(sort.Float64Slice(want)))
		if want = slices.Compact(want); !slices.Equal(r.Threshold, want) {
			t.Errorf("thresholds %v, want %v", r.Threshold, want)
		}
		if got, want := r.AUC(), pairs(y, s, w); math.Abs(got-want) > 1e-13 {
			t.Errorf("AUC %v, pairs say %v", got, want)
		}
	})
}

func TestOperatingPoints(t *testing.T) {
	y := []int{1, 1, 0, 1, 0, 0, 0, 0}
	s := []float64{.9, .8, .7, .6, .5, .4, .3, .2}
	r := ranked(t, y, s, nil)
	if p := r.AtFalseAlarm(0); p.Threshold != .8 || math.Abs(p.Detection-2./3) > 1e-15 || p.FalseAlarm != 0 || p.Precision != 1 {
		t.Errorf("no false alarm: %+v", p)
	}
	if p := r.AtFalseAlarm(.2); p.Threshold != .6 || p.Detection != 1 || p.FalseAlarm != .2 {
		t.Errorf("one false alarm in five: %+v", p)
	}
	if p := r.AtDetection(1); p.Threshold != .6 {
		t.Errorf("every failure: %+v", p)
	}
	if p, cost := r.Cheapest(1, 10); p.Threshold != .6 || cost != 1./8 {
		t.Errorf("dear misses: %+v at %v", p, cost)
	}
	if p, cost := r.Cheapest(100, 1); p.Threshold != .8 || cost != 1./8 {
		t.Errorf("dear alarms: %+v at %v", p, cost)
	}
	if p := ranked(t, []int{0, 1}, []float64{2, 1}, nil).AtFalseAlarm(.5); !math.IsInf(p.Threshold, 1) || p.Detection != 0 {
		t.Errorf("nothing better than silence: %+v", p)
	}
	c := r.CostCurve(4)
	if c.Y[0] != 0 || c.Y[4] != 0 || !(c.Y[2] > 0 && c.Y[2] < .5) {
		t.Errorf("cost curve %v", c.Y)
	}
	if got := eval.CostThreshold(1, 9); got != .1 {
		t.Errorf("cost threshold %v", got)
	}
}

func TestBadRankingsAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		y    []int
		s, w []float64
	}{
		"nothing": {}, "lengths": {[]int{1, 0}, []float64{1}, nil}, "truth": {[]int{2}, []float64{1}, nil},
		"NaN": {[]int{1}, []float64{math.NaN()}, nil}, "infinite": {[]int{1}, []float64{math.Inf(1)}, nil},
		"weights": {[]int{1}, []float64{1}, []float64{-1}}, "weight count": {[]int{1}, []float64{1}, []float64{1, 1}},
		"NaN weight": {[]int{1}, []float64{1}, []float64{math.NaN()}},
	} {
		if _, err := eval.Rank(c.y, c.s, c.w); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
