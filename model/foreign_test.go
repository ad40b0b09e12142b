package model_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/table"
)

// foreign is a small model of another library with what it answers, as
// conformance/models/small.py wrote it.
type foreign struct {
	Name      string      `json:"name"`
	File      []byte      `json:"file"`
	Rows      [][]any     `json:"rows"`
	Want      [][]float64 `json:"want"`
	Labels    []string    `json:"labels"`
	Tolerance float64     `json:"tolerance"`
	Predicted []string    `json:"predicted"`
}

func foreigners(t testing.TB) []foreign {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "foreign.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []foreign
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// matrix turns rows into a table whose columns have the model's names.
func (f *foreign) matrix(t *testing.T, m *model.Model) []float64 {
	t.Helper()
	names := m.Columns()
	var cols []*table.Column
	for j := range f.Rows[0] {
		c := &table.Column{Name: string(rune('a' + j))}
		if names != nil {
			c.Name = names[j]
		}
		for _, row := range f.Rows {
			if _, ok := row[j].(string); ok {
				c.Kind = table.Text
			}
		}
		for _, row := range f.Rows {
			s, _ := row[j].(string)
			v, ok := row[j].(float64)
			if !ok {
				v = math.NaN()
			}
			if c.Kind == table.Text {
				c.Texts = append(c.Texts, s)
			} else {
				c.Floats = append(c.Floats, v)
			}
		}
		cols = append(cols, c)
	}
	tab, err := table.New(cols...)
	if err != nil {
		t.Fatal(err)
	}
	x, err := m.Matrix(tab, 0, len(f.Rows))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestForeignModelsAnswerAsTheirLibraries(t *testing.T) {
	all := foreigners(t)
	if len(all) < 20 {
		t.Fatalf("only %d models", len(all))
	}
	for _, f := range all {
		t.Run(f.Name, func(t *testing.T) {
			m, err := model.Decode(f.File)
			if err != nil {
				t.Fatal(err)
			}
			x := f.matrix(t, m)
			k := m.Outputs()
			got := make([]float64, len(f.Rows)*k)
			m.Estimator.Scores(got, x)
			for r, want := range f.Want {
				for c, w := range want {
					if g := got[r*k+c]; !(math.Abs(g-w) <= f.Tolerance) {
						t.Fatalf("row %d: %v, not %v", r, got[r*k:(r+1)*k], want)
					}
				}
			}
			if f.Predicted == nil {
				return
			}
			classes := make([]int, len(f.Rows))
			m.Decide(classes, got, x)
			for r, c := range classes {
				if f.Labels[c] != f.Predicted[r] {
					t.Errorf("row %d: %s, not %s", r, f.Labels[c], f.Predicted[r])
				}
			}
			if m.Labels != nil && strings.Join(m.Labels, ",") != strings.Join(f.Labels, ",") {
				t.Errorf("labels %v, not %v", m.Labels, f.Labels)
			}
		})
	}
}

func TestExplanationsAddUp(t *testing.T) {
	explained := 0
	for _, f := range foreigners(t) {
		m, err := model.Decode(f.File)
		if err != nil {
			t.Fatal(err)
		}
		if !m.Explainable() {
			continue
		}
		explained++
		x := f.matrix(t, m)
		n, k := m.Estimator.Features(), m.Outputs()
		got := make([]float64, len(f.Rows)*k)
		m.Estimator.Scores(got, x)
		dst := make([]float64, n)
		for r := range f.Rows {
			base, space, err := m.Explain(dst, x[r*n:(r+1)*n])
			if err != nil {
				t.Fatal(err)
			}
			sum := base
			for _, v := range dst {
				sum += v
			}
			want := got[r*k+k-1]
			if space == "log-odds" {
				if k != 2 {
					continue // softmax: one class alone does not give its probability
				}
				sum = 1 / (1 + math.Exp(-sum))
			}
			if math.Abs(sum-want) > 3e-7 {
				t.Errorf("%s: row %d: %v, not %v", f.Name, r, sum, want)
				break
			}
		}
	}
	if explained < 8 {
		t.Errorf("only %d models were explained", explained)
	}
}

func TestDamagedForeignFilesOnlyFail(t *testing.T) {
	for _, f := range foreigners(t) {
		for n := 0; n < len(f.File); n += 1 + len(f.File)/60 {
			_, _ = model.Decode(f.File[:n])
			bad := append([]byte(nil), f.File...)
			bad[n] ^= 0x15
			if m, err := model.Decode(bad); err == nil && m.Estimator.Features() < 100 {
				m.Estimator.Scores(make([]float64, m.Outputs()), make([]float64, m.Estimator.Features()))
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range foreigners(f) {
		f.Add(m.File)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := model.Decode(file)
		if err == nil && m.Estimator.Features() < 100 && m.Outputs() < 100 {
			m.Estimator.Scores(make([]float64, m.Outputs()), make([]float64, m.Estimator.Features()))
		}
	})
}
