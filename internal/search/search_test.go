package search

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
)

func TestDistributions(t *testing.T) {
	choice := Distribution{Kind: "choice", Values: []json.RawMessage{json.RawMessage(`"a b"`), json.RawMessage(`2`), json.RawMessage(`{"k":1}`)}}
	for _, c := range []struct {
		d          Distribution
		lo, mid, z string // at 0, 0.5 and just below 1
	}{
		{choice, "a b", "2", `{"k":1}`},
		{Distribution{Kind: "randint", Upper: 4}, "0", "2", "3"},
		{Distribution{Kind: "uniform", Min: -1, Max: 3}, "-1", "1", "2.9999999999999996"},
		{Distribution{Kind: "quniform", Min: 0, Max: 10, Quantum: 4}, "0", "4", "8"},
		{Distribution{Kind: "loguniform", Min: 0, Max: math.Log(100)}, "1", "10.000000000000002", "99.99999999999997"},
		{Distribution{Kind: "qloguniform", Min: 0, Max: math.Log(100), Quantum: 5}, "0", "10", "100"},
		{Distribution{Kind: "normal", Mu: 3, Sigma: 2}, "-11.068967666218187", "3", "17.06895"},
		{Distribution{Kind: "lognormal", Mu: 0, Sigma: 0}, "1", "1", "1"},
		{Distribution{Kind: "qnormal", Mu: 3, Sigma: 1, Quantum: 2}, "-4", "4", "10"},
		{Distribution{Kind: "qlognormal", Mu: 1, Sigma: 0, Quantum: 0.5}, "2.5", "2.5", "2.5"},
	} {
		for u, want := range map[float64]string{0: c.lo, 0.5: c.mid, 1 - 1e-16: c.z} {
			got := c.d.At(u)
			if !alike(got, want) {
				t.Errorf("%s at %g = %s, want %s", c.d.Kind, u, got, want)
			}
		}
	}
}

// alike reports whether two texts are equal or numbers that are nearly equal.
func alike(got, want string) bool {
	x, err1 := strconv.ParseFloat(got, 64)
	y, err2 := strconv.ParseFloat(want, 64)
	return got == want || err1 == nil && err2 == nil && math.Abs(x-y) <= 1e-4*math.Max(1, math.Abs(y))
}

func TestGridVisitsEveryCorner(t *testing.T) {
	space := Space{"a": {Kind: "choice", Values: []json.RawMessage{json.RawMessage(`1`), json.RawMessage(`2`)}}, "b": {Kind: "randint", Upper: 3}}
	s, err := New(space, Sampling{Kind: "grid"}, Maximize)
	if err != nil || s.Size() != 6 {
		t.Fatal(s.Size(), err)
	}
	var got []string
	for i := range 6 {
		v := s.Values(s.Draw(i, nil))
		got = append(got, v["a"]+v["b"])
	}
	if want := "10 11 12 20 21 22"; strings.Join(got, " ") != want {
		t.Errorf("grid = %v, want %s", got, want)
	}
	space["c"] = Distribution{Kind: "uniform", Max: 1}
	if _, err := New(space, Sampling{Kind: "grid"}, Maximize); !errs.Is(err, errs.Invalid) {
		t.Errorf("a grid over a range: %v, want kind invalid", err)
	}
}

// TestSobolPoints compares with the first points of scipy.stats.qmc.Sobol
// (scipy 1.x, scramble off), which has the same direction numbers; the origin
// is left out.
func TestSobolPoints(t *testing.T) {
	want := [][]float64{
		{0.5, 0.5, 0.5, 0.5, 0.5}, {0.75, 0.25, 0.25, 0.25, 0.75}, {0.25, 0.75, 0.75, 0.75, 0.25},
		{0.375, 0.375, 0.625, 0.875, 0.375}, {0.875, 0.875, 0.125, 0.375, 0.875},
	}
	for i, w := range want {
		if got := sobol(i, 5, 0); !slices.Equal(got, w) {
			t.Errorf("point %d = %v, want %v", i, got, w)
		}
	}
}

// TestSobolInManyDimensions compares point 37 of the same, in 21 dimensions.
func TestSobolInManyDimensions(t *testing.T) {
	want := []float64{0.921875, 0.640625, 0.578125, 0.921875, 0.765625, 0.296875, 0.171875, 0.796875, 0.609375, 0.171875, 0.015625,
		0.078125, 0.578125, 0.859375, 0.109375, 0.484375, 0.796875, 0.421875, 0.046875, 0.140625, 0.953125}
	if got := sobol(36, 21, 0); !slices.Equal(got, want) {
		t.Errorf("point 37 = %v, want %v", got, want)
	}
}

// TestSobolIsEven checks every dimension: of 2^k shifted points exactly one lies
// in each of 2^k cells.
func TestSobolIsEven(t *testing.T) {
	const n = 256
	seen := make([][n]int, 21)
	for i := range n {
		for k, u := range sobol(i, 21, 7) {
			seen[k][int(u*n)]++
		}
	}
	for k := range seen {
		for cell, count := range seen[k] {
			if count != 1 {
				t.Fatalf("dimension %d: %d points in cell %d", k, count, cell)
			}
		}
	}
}

func TestRandomIsReproducible(t *testing.T) {
	space := Space{"x": {Kind: "uniform", Max: 1}}
	a, _ := New(space, Sampling{Kind: "random", Seed: 5}, Maximize)
	b, _ := New(space, Sampling{Kind: "random", Seed: 6}, Maximize)
	if !slices.Equal(a.Draw(3, nil), a.Draw(3, nil)) || slices.Equal(a.Draw(3, nil), a.Draw(4, nil)) || slices.Equal(a.Draw(3, nil), b.Draw(3, nil)) {
		t.Error("draws do not depend on seed and number alone")
	}
}

// TestBayesianBeatsRandom minimizes a bowl: with the same number of trials the
// mean of the best of many seeds is well below that of random sampling.
func TestBayesianBeatsRandom(t *testing.T) {
	space := Space{"x": {Kind: "uniform", Max: 1}, "y": {Kind: "uniform", Max: 1}, "z": {Kind: "choice", Values: []json.RawMessage{json.RawMessage("0"), json.RawMessage("1"), json.RawMessage("2")}}}
	loss := func(p []float64) float64 {
		return math.Pow(p[0]-0.3, 2) + math.Pow(p[1]-0.8, 2) + 0.1*math.Abs(math.Floor(p[2]*3)-1)
	}
	run := func(kind string) float64 {
		sum := 0.0
		for seed := range uint64(6) {
			s, err := New(space, Sampling{Kind: kind, Seed: seed + 1}, Minimize)
			if err != nil {
				t.Fatal(err)
			}
			var known []Result
			best := math.NaN()
			for i := range 40 {
				x := s.Draw(i, known)
				known = append(known, Result{Point: x, Value: loss(x)})
				if Minimize.Better(loss(x), best) {
					best = loss(x)
				}
			}
			sum += best
		}
		return sum / 6
	}
	bayesian, random := run("bayesian"), run("random")
	t.Logf("mean best: bayesian %.5f, random %.5f", bayesian, random)
	if bayesian > random/2 {
		t.Errorf("bayesian %.5f is not well below random %.5f", bayesian, random)
	}
}
