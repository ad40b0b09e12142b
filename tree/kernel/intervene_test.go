package kernel

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"
)

// game is a set function over columns, given as a bit set.
type game func(set uint) float64

// index returns the Shapley value of column i, or half the interaction index of
// columns i and j, by its definition.
func (g game) index(n, i, j int) (sum float64) {
	fact := func(k int) float64 { return math.Gamma(float64(k + 1)) }
	for set := range uint(1 << n) {
		if set>>i&1 != 0 || i != j && set>>j&1 != 0 {
			continue
		}
		k, a, b := bits.OnesCount(set), uint(1)<<i, uint(1)<<j
		if i == j {
			sum += fact(k) * fact(n-k-1) / fact(n) * (g(set|a) - g(set))
		} else {
			sum += fact(k) * fact(n-k-2) / (2 * fact(n-1)) * (g(set|a|b) - g(set|a) - g(set|b) + g(set))
		}
	}
	return sum
}

// expected returns what tree t answers when the columns of set are known.
func expected(t *Tree, i int32, row []float64, set uint) float64 {
	if t.Left[i] < 0 {
		return t.Value[i]
	}
	l, r := t.Left[i], t.Right[i]
	if set>>t.Feature[i]&1 == 0 {
		return (t.Cover[l]*expected(t, l, row, set) + t.Cover[r]*expected(t, r, row, set)) / (t.Cover[l] + t.Cover[r])
	}
	if t.goesLeft(i, row[t.Feature[i]], LessEqual64) {
		return expected(t, l, row, set)
	}
	return expected(t, r, row, set)
}

// bushy returns an ensemble of arbitrary trees whose paths repeat columns.
func bushy(r *rand.Rand, columns int) *Ensemble {
	e := &Ensemble{Features: columns, Outputs: 1, Compare: LessEqual64}
	for range 3 {
		var t Tree
		var grow func(depth int) int32
		grow = func(depth int) int32 {
			i := int32(len(t.Left))
			t.Left, t.Right, t.Feature = append(t.Left, -1), append(t.Right, -1), append(t.Feature, int32(r.IntN(columns)))
			t.Threshold, t.MissingLeft = append(t.Threshold, r.NormFloat64()), append(t.MissingLeft, r.IntN(2) == 0)
			t.Cover, t.Value = append(t.Cover, 1+r.Float64()), append(t.Value, r.NormFloat64())
			if depth > 0 && r.IntN(8) > 0 {
				t.Left[i] = grow(depth - 1)
				t.Right[i] = grow(depth - 1)
				t.Cover[i] = t.Cover[t.Left[i]] + t.Cover[t.Right[i]]
			}
			return i
		}
		grow(6)
		e.Trees = append(e.Trees, t)
	}
	return e
}

func arbitraryRow(r *rand.Rand, n int) []float64 {
	row := make([]float64, n)
	for c := range row {
		if row[c] = r.NormFloat64(); r.IntN(6) == 0 {
			row[c] = math.NaN()
		}
	}
	return row
}

// agrees compares values and interactions with the definition.
func agrees(t *testing.T, what string, n int, g game, values, pairs []float64) {
	t.Helper()
	for i := range n {
		if want := g.index(n, i, i); math.Abs(values[i]-want) > 1e-12 {
			t.Fatalf("%s: column %d adds %v, not %v", what, i, values[i], want)
		}
		for j := range n {
			if i == j {
				continue
			}
			if want := g.index(n, i, j); math.Abs(pairs[i*n+j]-want) > 1e-12 {
				t.Fatalf("%s: columns %d and %d add %v together, not %v", what, i, j, pairs[i*n+j], want)
			}
		}
	}
}

func TestInterventionalEqualsTheDefinition(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 3))
		n := 2 + r.IntN(6)
		e, row, ref := bushy(r, n), arbitraryRow(r, n), arbitraryRow(r, n)
		x, err := NewInterventional(e, 0, append(arbitraryRow(r, n), ref...))
		if err != nil {
			t.Fatal(err)
		}
		g := func(set uint) float64 {
			mixed := append([]float64(nil), ref...)
			for c := range n {
				if set>>c&1 != 0 {
					mixed[c] = row[c]
				}
			}
			return x.Answer(mixed)
		}
		values, pairs := make([]float64, n), make([]float64, n*n)
		x.Against(values, row, 1)
		x.Interactions(pairs, row, 1)
		agrees(t, "interventional", n, g, values, pairs)
	}
}

func TestInteractionsEqualTheDefinition(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 4))
		n := 2 + r.IntN(6)
		e, row := bushy(r, n), arbitraryRow(r, n)
		x, err := NewExplainer(e, 0)
		if err != nil {
			t.Fatal(err)
		}
		g := func(set uint) (sum float64) {
			for k := range e.Trees {
				sum += expected(&e.Trees[k], 0, row, set)
			}
			return sum
		}
		values, pairs := make([]float64, n), make([]float64, n*n)
		x.Explain(values, row)
		x.Interactions(pairs, row)
		agrees(t, "path-dependent", n, g, values, pairs)
	}
}

func TestInterventionalWantsRows(t *testing.T) {
	e := bushy(rand.New(rand.NewPCG(1, 1)), 3)
	for _, background := range [][]float64{nil, {1, 2, 3, 4}} {
		if _, err := NewInterventional(e, 0, background); err == nil {
			t.Errorf("%d values were taken for rows of 3", len(background))
		}
	}
}
