package search

import (
	"math"
	"slices"
	"testing"
)

func space(t *testing.T, texts ...string) Space {
	t.Helper()
	s, err := ParseSpace(texts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// best is the least loss of n trials, each drawn with all results before it.
func best(t *testing.T, s Space, kind string, seed uint64, n int, loss func(x []float64) float64) float64 {
	t.Helper()
	sampler, err := New(s, Sampling{Kind: kind, Seed: seed}, Minimize)
	if err != nil {
		t.Fatal(err)
	}
	var known []Result
	least := math.Inf(1)
	for i := range n {
		x := sampler.Draw(i, known)
		known = append(known, Result{Point: x, Value: loss(x)})
		least = math.Min(least, loss(x))
	}
	return least
}

// TestTPEBeatsRandom compares the median over seeds of the best of 60 trials.
func TestTPEBeatsRandom(t *testing.T) {
	for _, c := range []struct {
		name  string
		space []string
		loss  func(x []float64) float64
	}{
		{"bowl", []string{"a=uniform(0,1)", "b=uniform(0,1)", "c=uniform(0,1)", "d=uniform(0,1)"}, func(x []float64) float64 {
			sum := 0.0
			for k, v := range x {
				sum += math.Pow(v-0.2*float64(k+1), 2)
			}
			return sum
		}},
		{"branin", []string{"a=uniform(0,1)", "b=uniform(0,1)"}, func(x []float64) float64 {
			a, b := 15*x[0]-5, 15*x[1]
			return math.Pow(b-5.1*a*a/(4*math.Pi*math.Pi)+5*a/math.Pi-6, 2) + 10*(1-1/(8*math.Pi))*math.Cos(a) + 10 - 0.397887 // 0 at its least
		}},
		{"mixed", []string{"a=choice(1,2,3,4,5,6)", "b=int(1,40)", "c=uniform(0,1)"}, func(x []float64) float64 {
			return math.Abs(math.Floor(6*x[0])-4) + math.Pow(4*(x[1]-0.7), 2) + math.Pow(4*(x[2]-0.1), 2)
		}},
	} {
		s := space(t, c.space...)
		var tpe, random []float64
		for seed := range uint64(31) {
			tpe = append(tpe, best(t, s, "tpe", seed+1, 60, c.loss))
			random = append(random, best(t, s, "random", seed+1, 60, c.loss))
		}
		slices.Sort(tpe)
		slices.Sort(random)
		t.Logf("%s: median of the best: tpe %.4g, random %.4g", c.name, tpe[15], random[15])
		if tpe[15] >= 0.6*random[15] {
			t.Errorf("%s: tpe %.4g is not well below random %.4g", c.name, tpe[15], random[15])
		}
	}
}

// TestTPEIsReproducible wants the same point for the same results, and another
// one for another seed; failures must not stop it.
func TestTPEIsReproducible(t *testing.T) {
	s := space(t, "a=uniform(0,1)", "b=choice(1,2,3)")
	var known []Result
	for i := range 20 {
		u := float64(i) / 20
		known = append(known, Result{Point: []float64{u, 1 - u - 1e-9}, Value: u})
		if i%5 == 0 {
			known = append(known, Result{Point: []float64{u, u}, Value: math.NaN()})
		}
	}
	draw := func(seed uint64, i int) []float64 {
		sampler, err := New(s, Sampling{Kind: "tpe", Seed: seed}, Minimize)
		if err != nil {
			t.Fatal(err)
		}
		return sampler.Draw(i, slices.Clone(known))
	}
	if !slices.Equal(draw(1, 30), draw(1, 30)) || slices.Equal(draw(1, 30), draw(1, 31)) || slices.Equal(draw(1, 30), draw(2, 30)) {
		t.Error("draws do not depend on seed, number and results alone")
	}
	near := 0
	for seed := range uint64(50) {
		x := draw(seed, 30)
		if x[0] < 0 || x[0] >= 1 || x[1] < 0 || x[1] >= 1 {
			t.Fatalf("%v is outside of the cube", x)
		}
		if x[0] < 0.3 {
			near++
		}
	}
	if near < 35 {
		t.Errorf("%d of 50 draws are near the good results", near)
	}
}

// TestTPEPrefersFullEffort gives the same good values to two places, one at full
// effort: draws go there.
func TestTPEPrefersFullEffort(t *testing.T) {
	s := space(t, "a=uniform(0,1)")
	var known []Result
	for i := range 10 {
		known = append(known, Result{Point: []float64{0.1 + float64(i)/200}, Value: 0.5, Share: 1},
			Result{Point: []float64{0.8 + float64(i)/200}, Value: 0.1, Share: 0.1})
	}
	sampler, err := New(s, Sampling{Kind: "tpe"}, Minimize)
	if err != nil {
		t.Fatal(err)
	}
	near := 0
	for i := range 50 {
		if sampler.Draw(i, known)[0] < 0.5 {
			near++
		}
	}
	if near < 35 {
		t.Errorf("%d of 50 draws are near the results of full effort", near)
	}
}

func TestMixtureIsADensity(t *testing.T) {
	for _, points := range [][]float64{nil, {0.5}, {0, 0.001, 0.9999}, {0.2, 0.2, 0.2}} {
		m := newMixture(points)
		sum := 0.0
		for i := range 20000 {
			sum += m.density((float64(i)+0.5)/20000) / 20000
		}
		if math.Abs(sum-1) > 1e-3 {
			t.Errorf("the density of %v adds up to %g", points, sum)
		}
	}
}
