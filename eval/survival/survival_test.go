package survival_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/eval/survival"
	"github.com/drivecast/drivecast/table"
)

// fleet draws lifetimes of a Weibull law with shape 1.5 that one column shortens,
// censored and late entered.
func fleet(seed uint64, n int) (*table.Matrix, *survival.Data) {
	r := rand.New(rand.NewPCG(seed, 1))
	x, d := table.NewMatrix(0, 1), &survival.Data{}
	for len(d.Time) < n {
		v := r.NormFloat64()
		life := math.Exp(2-.7*v) * math.Pow(r.ExpFloat64(), 1/1.5)
		entry, end := 3*r.Float64(), 2+10*r.Float64()
		if min(life, end) <= entry { // gone before the watch began
			continue
		}
		x.Data = append(x.Data, v)
		d.Time = append(d.Time, min(life, end))
		d.Failed = append(d.Failed, life <= end)
		d.Entry = append(d.Entry, entry)
	}
	x.Rows = n
	return x, d
}

func TestModelsFindTheTruthDespiteLateEntry(t *testing.T) {
	x, d := fleet(1, 8000)
	cox, err := survival.FitCox(context.Background(), x, d, 0)
	if err != nil || !cox.Converged {
		t.Fatal(cox, err)
	}
	agree(t, "hazard ratio", cox.Coef, []float64{1.5 * .7}, .05)
	w, err := survival.FitWeibull(context.Background(), x, d)
	if err != nil || !w.Converged {
		t.Fatal(w, err)
	}
	agree(t, "Weibull", []float64{w.Coef[0], w.Intercept, w.Shape}, []float64{-.7, 2, 1.5}, .05)
	for _, at := range []float64{3, 6, 9} {
		want := math.Exp(-math.Pow(at/math.Exp(2), 1.5))
		agree(t, "survival of the average drive", []float64{w.Survival([]float64{0}, at), cox.Survival([]float64{0}, at)}, []float64{want, want}, .03)
	}
}

func TestWeightsEqualCopies(t *testing.T) {
	x, d := fleet(2, 60)
	d.Weight = make([]float64, 60)
	var rows []int
	for i := range d.Weight {
		d.Weight[i] = float64(i % 3)
		for range i % 3 {
			rows = append(rows, i)
		}
	}
	copies := &survival.Data{}
	for _, r := range rows {
		copies.Time, copies.Failed, copies.Entry = append(copies.Time, d.Time[r]), append(copies.Failed, d.Failed[r]), append(copies.Entry, d.Entry[r])
	}
	for name, f := range map[string]func(*survival.Data, float64) (*survival.Curve, error){"Kaplan–Meier": survival.KaplanMeier, "Nelson–Aalen": survival.NelsonAalen} {
		a, err := f(d, .95)
		if err != nil {
			t.Fatal(err)
		}
		b, err := f(copies, .95)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range b.Time {
			agree(t, name, []float64{a.At(at)}, []float64{b.At(at)}, 1e-12)
		}
	}
	a, err := survival.FitWeibull(context.Background(), x, d)
	if err != nil {
		t.Fatal(err)
	}
	b, err := survival.FitWeibull(context.Background(), x.Take(rows), copies)
	if err != nil {
		t.Fatal(err)
	}
	agree(t, "Weibull", append(a.Coef, a.Intercept, a.Shape), append(b.Coef, b.Intercept, b.Shape), 1e-8)
}

// Cox's model reads the order of times alone.
func TestCoxIgnoresTheClock(t *testing.T) {
	x, d := fleet(3, 200)
	a, err := survival.FitCox(context.Background(), x, d, .1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range d.Time {
		d.Time[i], d.Entry[i] = math.Exp(d.Time[i]), math.Exp(d.Entry[i])
	}
	b, err := survival.FitCox(context.Background(), x, d, .1)
	if err != nil {
		t.Fatal(err)
	}
	agree(t, "Cox", b.Coef, a.Coef, 1e-10)
}

func TestPerfectOrderAndItsReverse(t *testing.T) {
	d := &survival.Data{Time: []float64{1, 2, 3, 4}, Failed: []bool{true, true, false, true}}
	h, err := survival.Harrell(d, []float64{4, 3, 2, 1})
	if err != nil || h.Index != 1 || h.Concordant != 5 {
		t.Errorf("got %+v, %v", h, err)
	}
	if h, _ = survival.Harrell(d, []float64{1, 2, 3, 4}); h.Index != 0 {
		t.Errorf("got %+v", h)
	}
	if h, _ = survival.Harrell(d, make([]float64, 4)); h.Index != .5 {
		t.Errorf("got %+v", h)
	}
	if h, _ = survival.Harrell(&survival.Data{Time: []float64{1}, Failed: []bool{true}}, []float64{1}); !math.IsNaN(h.Index) {
		t.Errorf("got %+v", h)
	}
}

// Fits without a single optimum end, with finite numbers.
func TestIllPosedFitsEnd(t *testing.T) {
	d := &survival.Data{Time: []float64{1, 2, 3, 4, 5, 6}, Failed: []bool{true, true, true, false, false, false}}
	divided := &table.Matrix{Rows: 6, Cols: 1, Data: []float64{1, 1, 1, 0, 0, 0}}
	collinear := &table.Matrix{Rows: 6, Cols: 2, Data: []float64{1, 3, 2, 5, 4, 6, 2, 6, 4, 10, 8, 12}}
	constant := &table.Matrix{Rows: 6, Cols: 1, Data: []float64{7, 7, 7, 7, 7, 7}}
	for name, x := range map[string]*table.Matrix{"divided": divided, "collinear": collinear, "constant": constant, "none": table.NewMatrix(6, 0)} {
		m, err := survival.FitCox(context.Background(), x, d, 0)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		w, err := survival.FitWeibull(context.Background(), x, d)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, v := range append(append([]float64{w.Intercept, w.Shape, m.LogLik}, m.Coef...), w.Coef...) {
			if v-v != 0 {
				t.Errorf("%s: %+v %+v", name, m, w)
			}
		}
	}
}

func TestBadSurvivalDataAreRefused(t *testing.T) {
	nan := math.NaN()
	one := []bool{true}
	for name, d := range map[string]*survival.Data{
		"nothing": {}, "lengths": {Time: []float64{1}}, "NaN": {Time: []float64{nan}, Failed: one},
		"entry after end": {Time: []float64{1}, Failed: one, Entry: []float64{1}}, "NaN entry": {Time: []float64{1}, Failed: one, Entry: []float64{nan}},
		"weight": {Time: []float64{1}, Failed: one, Weight: []float64{-1}},
	} {
		if _, err := survival.KaplanMeier(d, .95); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	none := &survival.Data{Time: []float64{1, 2}, Failed: []bool{false, false}}
	x := &table.Matrix{Rows: 2, Cols: 1, Data: []float64{1, nan}, Names: []string{"heat"}}
	if _, err := survival.FitCox(context.Background(), x, none, 0); !errs.Is(err, errs.Invalid) {
		t.Errorf("NaN cell: %v", err)
	}
	x.Data[1] = 2
	if _, err := survival.FitCox(context.Background(), x, none, 0); !errs.Is(err, errs.Invalid) {
		t.Errorf("no failure: %v", err)
	}
	if _, err := survival.FitCox(context.Background(), x, none, -1); !errs.Is(err, errs.Usage) {
		t.Errorf("ridge: %v", err)
	}
	if _, err := survival.FitWeibull(context.Background(), x, &survival.Data{Time: []float64{0, 1}, Failed: []bool{true, true}}); !errs.Is(err, errs.Invalid) {
		t.Errorf("time 0: %v", err)
	}
	if _, err := survival.Harrell(none, []float64{1, nan}); !errs.Is(err, errs.Invalid) {
		t.Errorf("NaN risk: %v", err)
	}
}

func ExampleKaplanMeier() {
	d := &survival.Data{ // years; the last two still run
		Time:   []float64{1, 2, 2, 3, 4, 5},
		Failed: []bool{true, true, false, true, false, false},
	}
	c, err := survival.KaplanMeier(d, .95)
	if err != nil {
		panic(err)
	}
	fmt.Printf("past year 2: %.2f, past year 3: %.2f, median %v\n", c.At(2), c.At(3), c.Quantile(.5))
	// Output: past year 2: 0.67, past year 3: 0.44, median 3
}

func ExampleFitCox() {
	x := &table.Matrix{Rows: 6, Cols: 1, Data: []float64{50, 30, 45, 38, 35, 30}, Names: []string{"celsius"}}
	d := &survival.Data{Time: []float64{1, 2, 3, 4, 5, 6}, Failed: []bool{true, true, true, true, false, false}}
	m, err := survival.FitCox(context.Background(), x, d, 0)
	if err != nil {
		panic(err)
	}
	fmt.Printf("ten degrees multiply the hazard by %.2f\n", math.Exp(10*m.Coef[0]))
	// Output: ten degrees multiply the hazard by 4.32
}
