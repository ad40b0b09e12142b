//go:build conformance

package metrics

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/drivecast/drivecast/eval"
	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/table"
)

// The acceptance case: stratified split 42 of the seed CSV, logistic regression.
func TestSeedLogisticRegression(t *testing.T) {
	dir := os.Getenv("DRIVE_DATA")
	if dir == "" {
		t.Skip("DRIVE_DATA is not set: no seed CSV to learn from")
	}
	path := filepath.Join(dir, "seed", "hdd_balanced_dataset.csv")
	tab, err := table.ReadFile(t.Context(), path, table.ReadOptions{})
	if err != nil {
		t.Fatalf("DRIVE_DATA is set, and %v", err)
	}
	x, err := tab.Matrix([]string{"capacity_bytes", "lifetime", "model_encoded"})
	if err != nil {
		t.Fatal(err)
	}
	y := tab.Column("failure").Floats
	train, test, err := table.StratifiedSplit(y, .2, 42)
	if err != nil {
		t.Fatal(err)
	}
	take := func(rows []int) (out []float64) {
		for _, r := range rows {
			out = append(out, y[r])
		}
		return out
	}
	m, err := linear.FitLogistic(t.Context(), x.Take(train), take(train), nil, linear.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	var peer struct {
		Coef    []float64
		Metrics map[string]float64
	}
	ask(t, "seed.py", path, &peer)
	for j, v := range append(m.Coef[0], m.Intercept[0]) {
		if d := far(v, peer.Coef[j]); d > 1e-10 {
			t.Errorf("parameter %d: ours %.17g, scikit-learn's %.17g", j, v, peer.Coef[j])
		}
	}
	same := 0
	for name, got := range fiveMetrics(t, m, x.Take(test), take(test)) {
		if want := peer.Metrics[name]; got != want {
			t.Errorf("%s: ours %.17g, scikit-learn's %.17g", name, got, want)
			continue
		}
		same++
	}
	fmt.Printf("seed CSV: coefficients agree to 1e-10, %d of 5 metrics to the last bit\n", same)
}

func fiveMetrics(t *testing.T, m *linear.Logistic, x *table.Matrix, y []float64) map[string]float64 {
	t.Helper()
	p := make([]float64, 2*x.Rows)
	m.Scores(p, x.RowMajor())
	truth, decision, score := make([]int, x.Rows), make([]int, x.Rows), make([]float64, x.Rows)
	for i := range y {
		truth[i], score[i] = int(y[i]), p[2*i+1]
		if score[i] > .5 {
			decision[i] = 1
		}
	}
	c := eval.Count(truth, decision)
	return map[string]float64{"accuracy": c.Accuracy(), "precision": c.Precision(), "recall": c.Recall(), "f1_score": c.F1(), "roc_auc": eval.AUC(truth, score)}
}
