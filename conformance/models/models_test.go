//go:build conformance

// Package models holds a check of opened models against the libraries that
// fitted them: real scikit-learn, XGBoost, LightGBM, CatBoost and skl2onnx save
// models, and every answer of ours must equal theirs.
package models

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/model"
)

// interpreters are the variables that name a Python with the libraries; at least
// one must be set.
var interpreters = []string{"DRIVECAST_PY_MODELS", "DRIVECAST_PY_SKLEARN_1_9_1", "DRIVECAST_PY_MLFLOW_2_4_1", "DRIVECAST_PY_SKLEARN_1_0_2"}

type fitted struct {
	Rows      int      `json:"rows"`
	Cols      int      `json:"cols"`
	Tolerance float64  `json:"tolerance"`
	Labels    []string `json:"labels"`
	Proba     bool     `json:"proba"`
}

func TestOpenedModelsAnswerAsTheirLibraries(t *testing.T) {
	ran := false
	for _, name := range interpreters {
		py := os.Getenv(name)
		if py == "" {
			continue
		}
		ran = true
		t.Run(name, func(t *testing.T) { checkAll(t, py) })
	}
	if !ran {
		t.Fatalf("none of %s names a Python interpreter", strings.Join(interpreters, ", "))
	}
}

func checkAll(t *testing.T, py string) {
	dir := t.TempDir()
	t.Setenv("OMP_NUM_THREADS", "1")
	args := append([]string{"fit.py", dir}, strings.Fields(os.Getenv("DRIVECAST_MODELS"))...)
	cmd := exec.Command(py, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("fit.py: %v\n%s", err, out)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		line, err := check(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Errorf("%-32s %v", e.Name(), err)
			continue
		}
		t.Logf("%-32s %s", e.Name(), line)
	}
	t.Logf("%d models", len(entries))
}

// check opens one model and compares its answers; line describes it.
func check(dir string) (line string, err error) {
	var c fitted
	text, err := os.ReadFile(filepath.Join(dir, "case.json"))
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return "", err
	}
	files, _ := filepath.Glob(filepath.Join(dir, "model.*"))
	if len(files) != 1 {
		return "", fmt.Errorf("%d model files", len(files))
	}
	m, err := model.Open(context.Background(), files[0])
	if err != nil {
		return "", err
	}
	x := floats(filepath.Join(dir, "x.f8"))
	got := make([]float64, c.Rows*m.Outputs())
	if m.Estimator.Features() != c.Cols {
		return "", fmt.Errorf("takes %d columns, not %d", m.Estimator.Features(), c.Cols)
	}
	m.Estimator.Scores(got, x)
	worst := 0.0
	if want := floats(filepath.Join(dir, "want.f8")); want != nil {
		if worst, err = compare(got, want, c.Tolerance, c.Rows); err != nil {
			return "", err
		}
	}
	if c.Labels != nil {
		if err := compareClasses(m, c, dir, got, x); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d rows, largest difference %.1e (allowed %.0e)  %s", c.Rows, worst, c.Tolerance, m.Format), nil
}

func compare(got, want []float64, tol float64, rows int) (worst float64, err error) {
	if len(got) != len(want) {
		return 0, fmt.Errorf("%d scores, not %d", len(got), len(want))
	}
	for i := range want {
		if got[i] == want[i] || math.IsNaN(got[i]) && math.IsNaN(want[i]) {
			continue
		}
		d := math.Abs(got[i]-want[i]) / max(1, math.Abs(want[i]))
		worst = max(worst, d)
		if !(d <= tol) {
			return worst, fmt.Errorf("row %d: %v, not %v (difference %.2e, allowed %.0e)", i*rows/len(want), got[i], want[i], d, tol)
		}
	}
	return worst, nil
}

func compareClasses(m *model.Model, c fitted, dir string, scores, x []float64) error {
	raw, err := os.ReadFile(filepath.Join(dir, "class.i4"))
	if err != nil {
		return err
	}
	classes := make([]int, c.Rows)
	m.Decide(classes, scores, x)
	for r, got := range classes {
		if want := int(binary.LittleEndian.Uint32(raw[4*r:])); got != want {
			return fmt.Errorf("row %d: class %d, not %d", r, got, want)
		}
	}
	if m.Labels != nil && strings.Join(m.Labels, ",") != strings.Join(c.Labels, ",") {
		return fmt.Errorf("labels %v, not %v", m.Labels, c.Labels)
	}
	return nil
}

func floats(path string) []float64 {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	out := make([]float64, len(raw)/8)
	for i := range out {
		out[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	return out
}
