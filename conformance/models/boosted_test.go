//go:build conformance

package models

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/model/mlfolder"
	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree/hist"
)

// TestBoostedFoldersOpenInPython fits boosted ensembles of every objective, with
// numbers, missing values and categories, saves them as model folders, and lets
// mlflow and onnxruntime answer on awkward rows.
func TestBoostedFoldersOpenInPython(t *testing.T) {
	py := os.Getenv("DRIVECAST_PY_MODELS")
	if py == "" {
		t.Fatal("DRIVECAST_PY_MODELS does not name a Python with the libraries of conformance/envs/models.txt")
	}
	out, written := t.TempDir(), 0
	for _, o := range []hist.Objective{hist.Binary, hist.Multiclass, hist.Squared, hist.Poisson, hist.Quantile, hist.Cox} {
		for _, kinds := range []int{0, 3, 60} {
			writeBoosted(t, filepath.Join(out, fmt.Sprintf("boosted-%s-%d-categories", o, kinds)), o, kinds)
			written++
		}
	}
	text, err := exec.Command(py, "opened.py", out).CombinedOutput()
	t.Logf("%d folders\n%s", written, text)
	if err != nil {
		t.Error(err)
	}
}

func writeBoosted(t *testing.T, to string, o hist.Objective, kinds int) {
	t.Helper()
	const n, cols = 1200, 4
	r := rand.New(rand.NewPCG(uint64(kinds), 2))
	x, y := table.NewMatrix(n, cols), make([]float64, n)
	x.Names = []string{"c0", "c1", "c2", "c3"}
	for i := range n {
		for c := range cols {
			x.Col(c)[i] = r.NormFloat64()
		}
		if kinds > 0 {
			x.Col(3)[i] = float64(r.IntN(kinds))
		}
		v := x.At(i, 0) + x.At(i, 1)*x.At(i, 2) + 2*math.Sin(3*x.At(i, 3))
		switch y[i] = v; o {
		case hist.Binary:
			y[i] = max(0, math.Copysign(1, v))
		case hist.Multiclass:
			y[i] = min(max(math.Floor(v), -1), 2)
		case hist.Poisson, hist.Cox:
			y[i] = math.Abs(v) + .1
		}
		if i%6 == 0 {
			x.Col(1)[i] = math.NaN()
		}
	}
	opt := hist.Defaults(o)
	opt.Trees, opt.Leaves, opt.CatL2 = 25, 12, 0
	if kinds > 0 {
		opt.Categorical = []int{3}
	}
	b, err := hist.FitBoosted(context.Background(), x, y, nil, opt, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := &model.Model{Estimator: b, Names: x.Names, Signature: &mlfolder.Signature{}}
	c := exported{Rows: n, Cols: cols, Names: x.Names, Tolerance: 1e-6}
	for _, name := range x.Names {
		c.Types = append(c.Types, mlfolder.Double)
		m.Signature.Inputs = append(m.Signature.Inputs, mlfolder.Field{Name: name, Type: mlfolder.Double})
	}
	if err := model.Save(filepath.Join(to, "folder"), m, model.SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	if m, err = model.Open(context.Background(), filepath.Join(to, "folder")); err != nil {
		t.Fatal(err)
	}
	rows := x.RowMajor()
	for i := range rows {
		if r.IntN(10) == 0 {
			rows[i] = []float64{math.NaN(), math.Copysign(0, -1), 1e30, -1e30, 7, 4000}[r.IntN(6)]
		}
	}
	answers := make([]float64, n*m.Outputs())
	m.Estimator.Scores(answers, rows)
	put(t, filepath.Join(to, "x.f8"), rows)
	put(t, filepath.Join(to, "ours.f8"), answers)
	if m.Classifier() {
		classes := make([]int, n)
		m.Decide(classes, answers, rows)
		var raw []byte
		for _, k := range classes {
			raw = binary.LittleEndian.AppendUint32(raw, uint32(k))
		}
		write(t, filepath.Join(to, "class.i4"), raw)
		for _, l := range b.Labels {
			c.Labels = append(c.Labels, fmt.Sprint(int(l)))
		}
	}
	text, _ := json.Marshal(c)
	write(t, filepath.Join(to, "case.json"), text)
}
