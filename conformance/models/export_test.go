//go:build conformance

package models

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/model/mlfolder"
)

// exported is the case.json that opened.py reads.
type exported struct {
	Rows   int      `json:"rows"`
	Cols   int      `json:"cols"`
	Names  []string `json:"names"`
	Types  []string `json:"types"`
	Labels []string `json:"labels"`
	// Tolerance is what scores may differ by, absolutely and relatively; 0: the
	// last bit of what ONNX answers.
	Tolerance float64 `json:"tolerance"`
}

// TestFoldersThatWeWriteOpenInPython saves every model that ONNX can hold as a
// model folder of ours, and lets mlflow and onnxruntime answer.
func TestFoldersThatWeWriteOpenInPython(t *testing.T) {
	py := os.Getenv("DRIVECAST_PY_MODELS")
	if py == "" {
		t.Fatal("DRIVECAST_PY_MODELS does not name a Python with the libraries of conformance/envs/models.txt")
	}
	in, out := t.TempDir(), t.TempDir()
	if text, err := exec.Command(py, "fit.py", in, "forest-2", "forest-3", "forest-4", "forest-9", "forest-nan", "forest-value", "tree-", "extra-", "logistic-").CombinedOutput(); err != nil {
		t.Fatalf("fit.py: %v\n%s", err, text)
	}
	entries, err := os.ReadDir(in)
	if err != nil {
		t.Fatal(err)
	}
	written := 0
	for _, e := range entries {
		if writeOurs(t, filepath.Join(in, e.Name()), filepath.Join(out, e.Name())) {
			written++
		}
	}
	if written < 20 {
		t.Errorf("only %d of %d models were written", written, len(entries))
	}
	text, err := exec.Command(py, "opened.py", out).CombinedOutput()
	t.Logf("%s", text)
	if err != nil {
		t.Error(err)
	}
}

// writeOurs saves the model in from as a folder of ours in to, with our answers.
func writeOurs(t *testing.T, from, to string) bool {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(from, "model.*"))
	m, err := model.Open(context.Background(), files[0])
	if err != nil {
		t.Fatal(err)
	}
	cols := m.Estimator.Features()
	c := exported{Cols: cols}
	m.Signature = &mlfolder.Signature{}
	for j := range cols {
		name := "c" + strconv.Itoa(j)
		c.Names, c.Types = append(c.Names, name), append(c.Types, mlfolder.Double)
		m.Signature.Inputs = append(m.Signature.Inputs, mlfolder.Field{Name: name, Type: mlfolder.Double})
	}
	m.Names = c.Names
	if err := model.Save(filepath.Join(to, "folder"), m, model.SaveOptions{}); errs.Is(err, errs.Unsupported) {
		return false
	} else if err != nil {
		t.Fatal(err)
	}
	if m, err = model.Open(context.Background(), filepath.Join(to, "folder")); err != nil {
		t.Fatal(err)
	}
	x := floats(filepath.Join(from, "x.f8"))
	c.Rows = len(x) / cols
	scores := make([]float64, c.Rows*m.Outputs())
	m.Estimator.Scores(scores, x)
	put(t, filepath.Join(to, "x.f8"), x)
	put(t, filepath.Join(to, "ours.f8"), scores)
	if m.Classifier() {
		var fit fitted
		text, _ := os.ReadFile(filepath.Join(from, "case.json"))
		if err := json.Unmarshal(text, &fit); err != nil {
			t.Fatal(err)
		}
		c.Labels = fit.Labels
		classes := make([]int, c.Rows)
		m.Decide(classes, scores, x)
		var raw []byte
		for _, k := range classes {
			raw = binary.LittleEndian.AppendUint32(raw, uint32(k))
		}
		write(t, filepath.Join(to, "class.i4"), raw)
	}
	text, _ := json.Marshal(c)
	write(t, filepath.Join(to, "case.json"), text)
	return true
}

func put(t *testing.T, path string, v []float64) {
	var raw []byte
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(x))
	}
	write(t, path, raw)
}

func write(t *testing.T, path string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(path, raw, 0o666); err != nil {
		t.Fatal(err)
	}
}
