package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestFewColumnsAgree explains by tables of cells, by tables of leaves and by the
// sweeps that any number of columns takes, at thresholds, beside them and beyond.
func TestFewColumnsAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 8))
	tables := 0
	for n := range 200 {
		columns := 1 + n%3
		e := bushy(r, columns)
		e.Compare = []Compare{LessEqual64, LessEqual32, Less32}[n/3%3]
		var x [3]*Explainer
		for k := range x {
			var err error
			if x[k], err = NewExplainer(e, 0); err != nil {
				t.Fatal(err)
			}
		}
		if x[0].grid != nil {
			tables++
		}
		x[1].grid, x[1].few = nil, x[1].fewTrees()
		x[2].grid, x[2].few = nil, nil
		for range 30 {
			row := arbitraryRow(r, columns)
			for c := range row {
				tree := &e.Trees[r.IntN(len(e.Trees))]
				if i := r.IntN(len(tree.Left)); tree.Left[i] >= 0 && int(tree.Feature[i]) == c {
					row[c] = []float64{tree.Threshold[i], float64(float32(tree.Threshold[i])), math.Nextafter(tree.Threshold[i], 9), math.Inf(1), math.Inf(-1), math.NaN()}[r.IntN(6)]
				}
			}
			var got [3][]float64
			for k := range x {
				got[k] = make([]float64, columns)
				x[k].Explain(got[k], row)
			}
			for c := range row {
				if math.Abs(got[0][c]-got[2][c]) > 1e-12 || math.Abs(got[1][c]-got[2][c]) > 1e-12 {
					t.Fatalf("compare %d, row %v, column %d: %v by cells, %v by leaves, %v by sweeps", e.Compare, row, c, got[0][c], got[1][c], got[2][c])
				}
			}
		}
	}
	if tables < 150 {
		t.Errorf("only %d ensembles were explained by tables of cells", tables)
	}
}
