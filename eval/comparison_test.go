package eval_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/eval"
)

// deLongByPairs is the paired test from its definition, over all pairs.
func deLongByPairs(truth []int, a, b []float64) (diff, sd float64) {
	kernel := func(s []float64, i, j int) float64 {
		switch {
		case s[i] > s[j]:
			return 1
		case s[i] == s[j]:
			return .5
		}
		return 0
	}
	var pos, neg []int
	for i, t := range truth {
		if t == 1 {
			pos = append(pos, i)
		} else {
			neg = append(neg, i)
		}
	}
	m, n := float64(len(pos)), float64(len(neg))
	v10, v01 := make([]float64, len(pos)), make([]float64, len(neg))
	for x, i := range pos {
		for y, j := range neg {
			d := kernel(a, i, j) - kernel(b, i, j)
			v10[x] += d / n
			v01[y] += d / m
			diff += d / m / n
		}
	}
	spread := func(v []float64) float64 {
		s := 0.0
		for _, x := range v {
			s += (x - diff) * (x - diff)
		}
		return s / float64(len(v)-1) / float64(len(v))
	}
	return diff, math.Sqrt(spread(v10) + spread(v01))
}

func TestCompareAUCIsDeLongs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	for range 50 {
		n := 8 + r.IntN(60)
		y, a, b := make([]int, n), make([]float64, n), make([]float64, n)
		for i := range y {
			y[i] = i % 2
			a[i] = math.Round(4 * (r.NormFloat64() + float64(y[i])))
			b[i] = math.Round(4 * (r.NormFloat64() + float64(y[i])/2))
		}
		got, err := eval.CompareAUC(y, a, b, .95)
		if err != nil {
			t.Fatal(err)
		}
		diff, sd := deLongByPairs(y, a, b)
		near(t, "AUC", got.A, eval.AUC(y, a))
		near(t, "difference", got.Difference.Value, diff)
		near(t, "statistic", got.Statistic, diff/sd)
		near(t, "p-value", got.P, math.Erfc(math.Abs(diff/sd)/math.Sqrt2))
		near(t, "bound", got.Difference.High, diff+1.959963984540054*sd)
	}
	y, a := []int{1, 0, 1, 0}, []float64{4, 3, 2, 1}
	if c, err := eval.CompareAUC(y, a, []float64{8, 6, 4, 2}, .95); err != nil || c.P != 1 || c.Difference.Value != 0 {
		t.Errorf("equal rankings: %+v, %v", c, err)
	}
	if _, err := eval.CompareAUC([]int{1, 0, 0}, a[:3], a[:3], .95); !errs.Is(err, errs.Invalid) {
		t.Errorf("one positive: %v", err)
	}
}

// Under no difference, p-values below 0.1 come up in about a tenth of samples.
func TestCompareAUCKeepsItsLevel(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 5))
	low := 0
	const samples = 600
	for range samples {
		y, a, b := make([]int, 120), make([]float64, 120), make([]float64, 120)
		for i := range y {
			y[i] = i % 3 / 2
			common := r.NormFloat64() + float64(y[i])
			a[i], b[i] = common+r.NormFloat64(), common+r.NormFloat64()
		}
		if c, err := eval.CompareAUC(y, a, b, .95); err != nil {
			t.Fatal(err)
		} else if c.P < .1 {
			low++
		}
	}
	if share := float64(low) / samples; share < .07 || share > .135 {
		t.Errorf("%.1f %% of p-values are below 0.1", 100*share)
	}
}

func TestMcNemar(t *testing.T) {
	// 20 rows where only a is right, 8 where only b is, 30 both, 2 neither.
	var y, a, b []int
	add := func(n, ra, rb int) {
		for range n {
			y, a, b = append(y, 1), append(a, ra), append(b, rb)
		}
	}
	add(20, 1, 0)
	add(8, 0, 1)
	add(30, 1, 1)
	add(2, 0, 0)
	c, err := eval.McNemar(y, a, b, .95)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "accuracy", c.A, 50./60)
	near(t, "difference", c.Difference.Value, .2)
	near(t, "statistic", c.Statistic, 121./28)
	exact := 0.0 // 2 P(X ≤ 8) of 28 fair throws
	for k, ways := 0, 1.0; k <= 8; k++ {
		exact += 2 * ways / (1 << 28)
		ways *= float64(28-k) / float64(k+1)
	}
	near(t, "p-value", c.P, exact)
	if same, _ := eval.McNemar(y, a, a, .95); same.P != 1 || same.Statistic != 0 {
		t.Errorf("equal decisions: %+v", same)
	}
}

func TestBootstrapCovers(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	inside := 0
	const samples = 200
	for i := range samples {
		v := make([]float64, 80)
		for j := range v {
			v[j] = r.NormFloat64() + 3
		}
		got, err := eval.Bootstrap{Samples: 300, Seed: uint64(i), Confidence: .9}.Interval(context.Background(), len(v), meanOf(v))
		if err != nil {
			t.Fatal(err)
		}
		if got.Low <= 3 && 3 <= got.High {
			inside++
		}
	}
	if share := float64(inside) / samples; share < .82 || share > .96 {
		t.Errorf("the 90 %% interval covers in %.0f %% of samples", 100*share)
	}
}

func meanOf(v []float64) func([]int) float64 {
	return func(rows []int) float64 {
		s := 0.0
		for _, r := range rows {
			s += v[r]
		}
		return s / float64(len(rows))
	}
}

func TestBootstrapDrawsGroupsWhole(t *testing.T) {
	v, group := make([]float64, 300), make([]int, 300)
	for i := range v { // 10 drives of 30 equal rows
		group[i] = i % 10
		v[i] = float64(i % 10)
	}
	b := eval.Bootstrap{Samples: 400, Seed: 1}
	rows, err := b.Interval(context.Background(), len(v), meanOf(v))
	if err != nil {
		t.Fatal(err)
	}
	b.Group = group
	drives, err := b.Interval(context.Background(), len(v), meanOf(v))
	if err != nil {
		t.Fatal(err)
	}
	if wide, narrow := drives.High-drives.Low, rows.High-rows.Low; wide < 4*narrow {
		t.Errorf("by drive %v wide, by row %v: rows of a drive are no evidence of their own", wide, narrow)
	}
	for _, n := range []int{1, 2, 7} {
		b.Workers = n
		if again, _ := b.Interval(context.Background(), len(v), meanOf(v)); again != drives {
			t.Errorf("%d workers: %v, want %v", n, again, drives)
		}
	}
}

func TestBootstrapRefuses(t *testing.T) {
	always := func([]int) float64 { return math.NaN() }
	if _, err := (eval.Bootstrap{Confidence: 2}).Interval(context.Background(), 3, always); !errs.Is(err, errs.Invalid) {
		t.Errorf("got %v", err)
	}
	if _, err := (eval.Bootstrap{Group: []int{1}}).Interval(context.Background(), 3, always); !errs.Is(err, errs.Invalid) {
		t.Errorf("got %v", err)
	}
	if got, err := (eval.Bootstrap{}).Interval(context.Background(), 3, always); err != nil || !math.IsNaN(got.Low) {
		t.Errorf("got %v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := (eval.Bootstrap{}).Interval(ctx, 3, always); !errs.Is(err, errs.Canceled) {
		t.Errorf("got %v", err)
	}
}
