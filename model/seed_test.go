package model_test

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/tree"
)

// seedModels returns the folder of the original project's models.
func seedModels(t testing.TB) string {
	t.Helper()
	root := os.Getenv("DRIVE_DATA")
	if root == "" {
		t.Skip("DRIVE_DATA does not name the folder of real drive data")
	}
	dir := filepath.Join(root, "seed", "models")
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("DRIVE_DATA is set, and %v", err)
	}
	return dir
}

func TestSeedModelsGiveIdenticalAnswers(t *testing.T) {
	dir := seedModels(t)
	var got [2]*model.Model
	for i, v := range []string{"v2", "v3"} {
		m, err := model.Open(context.Background(), filepath.Join(dir, v))
		if err != nil {
			t.Fatal(err)
		}
		nodes := 0
		for _, tr := range m.Estimator.(*tree.Forest).Trees {
			nodes += len(tr.Left)
		}
		if nodes != 20666 || m.Names[2] != "model_encoded" || m.LabelType != "long" {
			t.Errorf("%s: %d nodes, columns %v, labels %s", v, nodes, m.Names, m.LabelType)
		}
		got[i] = m
	}
	r := rand.New(rand.NewPCG(1, 1))
	x := make([]float64, 3*20000)
	for i := range x {
		x[i] = []float64{r.Float64(), r.Float64() * 3, float64(r.IntN(60)), math.Copysign(0, -1), 1e300}[min(r.IntN(40), 4)]
		if i%3 == 2 {
			x[i] = float64(r.IntN(60))
		}
	}
	a, b := make([]float64, 40000), make([]float64, 40000)
	got[0].Estimator.Scores(a, x)
	got[1].Estimator.Scores(b, x)
	ones := 0
	for i := range a {
		if math.Float64bits(a[i]) != math.Float64bits(b[i]) {
			t.Fatalf("score %d: v2 says %v, v3 %v", i, a[i], b[i])
		}
		if i%2 == 1 && a[i] > .5 {
			ones++
		}
	}
	if ones == 0 || ones == 20000 {
		t.Errorf("every answer is the same")
	}
}

func BenchmarkOpenSeedV2(b *testing.B) {
	dir := seedModels(b)
	for b.Loop() {
		if _, err := model.Open(context.Background(), filepath.Join(dir, "v2")); err != nil {
			b.Fatal(err)
		}
	}
}
