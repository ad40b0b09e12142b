//go:build conformance

package models

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/model"
)

// TestContributionsEqualThoseOfShap compares path-dependent and interventional
// values, in raw and in probability space, and interactions with the shap
// package's.
func TestContributionsEqualThoseOfShap(t *testing.T) {
	py := os.Getenv("DRIVECAST_PY_SHAP")
	if py == "" {
		t.Fatal("DRIVECAST_PY_SHAP does not name a Python with the libraries of conformance/envs/shap.txt")
	}
	dir := t.TempDir()
	if text, err := exec.Command(py, "fit_shap.py", dir).CombinedOutput(); err != nil {
		t.Fatalf("fit_shap.py: %v\n%s", err, text)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		line, err := compareShap(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Errorf("%-16s %v", e.Name(), err)
			continue
		}
		t.Logf("%-16s %s", e.Name(), line)
	}
	if len(entries) < 12 {
		t.Errorf("only %d models", len(entries))
	}
}

// compareShap compares every file of one model; line lists the largest
// differences.
func compareShap(dir string) (line string, err error) {
	files, _ := filepath.Glob(filepath.Join(dir, "model.*"))
	m, err := model.Open(context.Background(), files[0])
	if err != nil {
		return "", err
	}
	x, ground := floats(filepath.Join(dir, "x.f8")), floats(filepath.Join(dir, "ground.f8"))
	n := m.Estimator.Features()
	allowed := 1e-12
	if strings.Contains(m.Format, "XGBoost") {
		allowed = 2e-6 // its base is a float32, and shap's thresholds are
	}
	for _, c := range []struct {
		name  string
		opt   model.Explaining
		pairs bool
	}{
		{"path", model.Explaining{}, false}, {"pairs", model.Explaining{}, true},
		{"against", model.Explaining{Background: ground}, false},
		{"probability", model.Explaining{Background: ground, Probability: true}, false},
	} {
		want := floats(filepath.Join(dir, c.name+".f8"))
		if want == nil {
			continue
		}
		s, err := m.Shapley(c.opt)
		if err != nil {
			return "", err
		}
		width := n + 1
		if c.pairs {
			width = n * n
		}
		if len(want) != len(x)/n*width {
			return "", fmt.Errorf("%s: shap gave %d values, not %d", c.name, len(want), len(x)/n*width)
		}
		allowed := allowed
		if c.opt.Background != nil && allowed < 1e-7 {
			allowed = 1e-7 // shap weighs background rows in float32
		}
		worst := 0.0
		got := make([]float64, width)
		for r := range len(x) / n {
			row := x[r*n : (r+1)*n]
			if c.pairs {
				if err := s.Interactions(got, row); err != nil {
					return "", err
				}
			} else {
				got[n] = s.Explain(got[:n], row)
			}
			for j, v := range got {
				d := math.Abs(v - want[r*width+j])
				if worst = max(worst, d); !(d <= allowed) {
					return "", fmt.Errorf("%s: row %d: value %d is %v, not %v", c.name, r, j, v, want[r*width+j])
				}
			}
		}
		line += fmt.Sprintf("%s %.1e  ", c.name, worst)
	}
	return line + m.Format, nil
}
