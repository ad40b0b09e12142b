package tree

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree/hist"
)

// TestHistForestTakesTheBestSplit compares the split of every node, large and
// small, with the best of all cuts of all columns. Leaves are pure or cannot be
// split.
func TestHistForestTakesTheBestSplit(t *testing.T) {
	const rows, cols = 700, 3
	r := rand.New(rand.NewPCG(4, 4))
	for _, regression := range []bool{false, true} {
		x, y := table.NewMatrix(rows, cols), make([]float64, rows)
		for i := range y {
			for c := range cols {
				x.Col(c)[i] = float64(r.IntN(90))
			}
			if y[i] = x.At(i, 0)/9 + 3*math.Sin(x.At(i, 1)) + r.NormFloat64(); !regression {
				y[i] = max(0, math.Copysign(1, y[i]-5))
			}
		}
		opt := hist.ForestDefaults(regression)
		opt.Trees, opt.Bootstrap, opt.Columns = 2, false, cols
		f, err := FitHistForest(context.Background(), x, y, nil, opt)
		if err != nil {
			t.Fatal(err)
		}
		tr, small := f.Trees[1], 0
		at := make([][]int, len(tr.Left)) // rows of each node
		for i := range y {
			at[0] = append(at[0], i)
		}
		for i, l := range tr.Left {
			best := bestCut(x, y, at[i])
			if l < 0 {
				if best > 1e-6*spread(y, at[0]) {
					t.Fatalf("leaf %d could be split with a gain of %v", i, best)
				}
				continue
			}
			for _, row := range at[i] {
				child := tr.Right[i]
				if x.At(row, int(tr.Feature[i])) <= tr.Threshold[i] {
					child = l
				}
				at[child] = append(at[child], row)
			}
			if len(at[i]) < 128 {
				small++
			}
			got := spread(y, at[i]) - spread(y, at[l]) - spread(y, at[tr.Right[i]])
			if len(at[l]) == 0 || len(at[tr.Right[i]]) == 0 || got < best-1e-5*spread(y, at[0]) {
				t.Fatalf("node %d of %d rows: gain %v, the best is %v", i, len(at[i]), got, best)
			}
		}
		if small < 10 {
			t.Errorf("only %d small nodes", small)
		}
	}
}

// spread is the sum of squares about the mean.
func spread(y []float64, rows []int) float64 {
	sum, squares := 0.0, 0.0
	for _, r := range rows {
		sum += y[r]
		squares += y[r] * y[r]
	}
	return squares - sum*sum/max(1, float64(len(rows)))
}

// bestCut returns the largest decrease of spread by a cut of one column.
func bestCut(x *table.Matrix, y []float64, rows []int) float64 {
	whole, best := spread(y, rows), 0.0
	for c := range x.Cols {
		for cut := range 90 {
			var left, right []int
			for _, r := range rows {
				if x.At(r, c) <= float64(cut) {
					left = append(left, r)
				} else {
					right = append(right, r)
				}
			}
			if len(left) > 0 && len(right) > 0 {
				best = max(best, whole-spread(y, left)-spread(y, right))
			}
		}
	}
	return best
}
