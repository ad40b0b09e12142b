//go:build conformance

// Package score holds a check of the scoring server against MLflow's own scoring
// code: real requests, every input form, every refusal.
package score

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/drivecast/drivecast/internal/score"
	"github.com/drivecast/drivecast/model"
)

const interpreter = "DRIVECAST_PY_MLFLOW_3_17_2"

func TestScoringServerAnswersAsMLflow(t *testing.T) {
	py := os.Getenv(interpreter)
	if py == "" {
		t.Fatalf("%s does not name a Python with mlflow 3.17.2", interpreter)
	}
	dir := t.TempDir()
	if out, err := exec.Command(py, "client.py", "save", dir).CombinedOutput(); err != nil {
		t.Fatalf("save: %v\n%s", err, out)
	}
	args := []string{"client.py", "ask", dir}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		t.Fatalf("no models were saved: %v", err)
	}
	for _, e := range entries {
		m, err := model.Open(context.Background(), filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		h, err := score.NewHandler(score.Config{Model: m})
		if err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewServer(h)
		defer srv.Close()
		args = append(args, e.Name()+"="+srv.URL)
	}
	out, err := exec.Command(py, args...).CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Errorf("answers differ: %v", err)
	}
}
