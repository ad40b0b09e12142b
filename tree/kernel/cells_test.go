package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestCells looks leaves up for ensembles of all shapes: sums equal those of the
// plain form bit for bit, at thresholds, beside them, beyond and where values miss.
func TestCells(t *testing.T) {
	looked := 0
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 9))
		e := randomEnsemble(r, Compare(seed%3))
		c, err := Compile(e)
		if err != nil {
			t.Fatal(err)
		}
		rows, k := cellLeast+r.IntN(2*cellBlock), c.Answers()
		x := make([]float64, rows*e.Features)
		for i := range x {
			switch r.IntN(5) {
			case 0:
				x[i] = math.NaN()
			case 1:
				tree := &e.Trees[r.IntN(len(e.Trees))]
				x[i] = tree.Threshold[r.IntN(len(tree.Threshold))]
			default:
				x[i] = value(r)
			}
		}
		start := make([]float64, k)
		for i := range start {
			start[i] = []float64{float64(float32(r.NormFloat64())), math.Copysign(0, -1)}[r.IntN(2)]
		}
		got, want := make([]float64, rows*k), make([]float64, k)
		c.cells.walked.Store(cellAfter)
		c.Sum(got, x, start)
		if c.cells.groups != nil {
			looked++
		}
		for row := range rows {
			copy(want, start)
			plain(e, want, x[row*e.Features:(row+1)*e.Features])
			for j, w := range want {
				if math.Float64bits(got[row*k+j]) != math.Float64bits(w) {
					t.Fatalf("seed %d, row %v: looked up %v, want %v", seed, x[row*e.Features:(row+1)*e.Features], got[row*k+j], w)
				}
			}
		}
	}
	if looked < 40 {
		t.Errorf("only %d ensembles had tables", looked)
	}
}

// TestCellsKeepTheirBudget gives trees with more leaves, columns or cells than
// tables are made for.
func TestCellsKeepTheirBudget(t *testing.T) {
	for name, e := range map[string]*Ensemble{
		"leaves":  wide(1, 300, 1),
		"columns": wide(1, 20, 4),
		"budget":  wide(40, 250, 3),
	} {
		c, err := Compile(e)
		if err != nil {
			t.Fatal(name, err)
		}
		c.cells.walked.Store(cellAfter)
		dst := make([]float64, 100)
		c.Sum(dst, make([]float64, 100*e.Features), nil)
		if c.cells.groups != nil {
			t.Errorf("%s: tables were made", name)
		}
	}
	c, err := Compile(wide(20, 200, 2))
	if err != nil {
		t.Fatal(err)
	}
	dst, x := make([]float64, 1000), make([]float64, 2000)
	for range cellAfter/1000 + 1 {
		if c.cells.groups != nil {
			t.Error("tables are made before they pay")
		}
		c.Sum(dst, x, nil)
	}
	if c.cells.groups == nil {
		t.Error("no tables are made for many rows")
	}
}

// wide is an ensemble of equal trees, each a chain of cuts leaves long over columns.
func wide(trees, cuts, columns int) *Ensemble {
	e := &Ensemble{Features: columns, Outputs: 1}
	for range trees {
		var t Tree
		for k := range cuts {
			i := int32(2 * k)
			t.Left, t.Right = append(t.Left, i+1, -1), append(t.Right, i+2, -1)
			t.Feature, t.Threshold = append(t.Feature, int32(k%columns), 0), append(t.Threshold, float64(k), 0)
			t.Value = append(t.Value, 0, float64(k))
		}
		t.Left, t.Right, t.Feature, t.Threshold = append(t.Left, -1), append(t.Right, -1), append(t.Feature, 0), append(t.Threshold, 0)
		t.Value = append(t.Value, -1)
		e.Trees = append(e.Trees, t)
	}
	return e
}
