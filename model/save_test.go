package model_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/model/mlfolder"
	"github.com/drivecast/drivecast/table"
)

func drives(t *testing.T) *table.Table {
	t.Helper()
	tab, err := table.New(
		&table.Column{Name: "model", Kind: table.Text, Texts: []string{"ST4000DM000", "WDC WD30EFRX", ""}},
		&table.Column{Name: "lifetime", Floats: []float64{.5, .25, math.NaN()}},
		&table.Column{Name: "capacity", Floats: []float64{4, 3, 2}},
	)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func sample(t *testing.T) *model.Model {
	t.Helper()
	sig, err := model.Infer(drives(t), []string{"capacity", "lifetime", "model"}, mlfolder.Long)
	if err != nil {
		t.Fatal(err)
	}
	enc, ok := model.NewEncoder("model", "model", []string{"b", "ST4000DM000", "WDC WD30EFRX", "b"}, []float64{3, 1, 2, 3})
	if !ok {
		t.Fatal("not a mapping")
	}
	return &model.Model{
		Estimator: &linear.Logistic{Coef: [][]float64{{1, 2, 3}}, Intercept: []float64{-1}, Labels: []float64{0, 1}},
		Names:     []string{"capacity", "lifetime", "model"}, Signature: sig, LabelType: mlfolder.Long,
		Encoders: []model.Encoder{enc}, Risk: model.Risk{Medium: .1, High: .2}, Base: []float64{1, 2, 3},
		Meta: &mlfolder.MLmodel{RunID: "abc", ModelUUID: "u", Extra: map[string]any{"prompts": nil, "future": []any{"x"}}},
	}
}

func TestSaveThenOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "m")
	want := sample(t)
	opt := model.SaveOptions{Example: drives(t), Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	if err := model.Save(dir, want, opt); err != nil {
		t.Fatal(err)
	}
	got, err := model.Open(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]any{
		"estimator": {got.Estimator, want.Estimator}, "signature": {got.Signature, want.Signature}, "names": {got.Names, want.Names},
		"encoders": {got.Encoders, want.Encoders}, "risk": {got.Risk, want.Risk}, "base": {got.Base, want.Base},
		"run": {got.Meta.RunID, "abc"}, "extra": {got.Meta.Extra["future"], []any{"x"}}, "created": {got.Meta.Created, "2026-01-02 03:04:05.000000"},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s: got %v, want %v", name, pair[0], pair[1])
		}
	}
	first := readAll(t, dir)
	if err := model.Save(dir, want, opt); err != nil { // replaces
		t.Fatal(err)
	}
	if again := readAll(t, dir); !reflect.DeepEqual(first, again) {
		t.Error("equal models gave different folders")
	}
	if left, _ := os.ReadDir(filepath.Dir(dir)); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	if ex := first["serving_input_example.json"]; ex != `{"dataframe_split": {"columns": ["capacity", "lifetime", "model"], "data": [[4, 0.5, "ST4000DM000"], [3, 0.25, "WDC WD30EFRX"], [2, null, null]]}}` {
		t.Error(ex)
	}
}

func readAll(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = string(b)
	}
	return out
}

func TestSaveKeepsWhatIsNotOurs(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.txt"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := model.Save(dir, sample(t), model.SaveOptions{}); !errs.Is(err, errs.Exists) {
		t.Errorf("got %v", err)
	}
}

func TestMatrixChoosesAndEncodesColumns(t *testing.T) {
	m := sample(t)
	x, err := m.Matrix(drives(t), 0, 3)
	if err != nil {
		t.Fatal(err)
	}
	nan := math.NaN()
	for i, want := range []float64{4, .5, 1, 3, .25, 2, 2, nan, nan} {
		if x[i] != want && !(math.IsNaN(want) && math.IsNaN(x[i])) {
			t.Errorf("element %d: %v, want %v", i, x[i], want)
		}
	}
	bad, _ := table.New(&table.Column{Name: "capacity", Floats: []float64{1}}, &table.Column{Name: "lifetime", Floats: []float64{1}},
		&table.Column{Name: "model", Kind: table.Text, Texts: []string{"SAMSUNG"}})
	if _, err := m.Matrix(bad, 0, 1); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), `line 2: column "model": the model does not know the value "SAMSUNG"`) {
		t.Errorf("got %v", err)
	}
	less, _ := table.New(&table.Column{Name: "capacity", Floats: []float64{1}})
	if _, err := m.Matrix(less, 0, 1); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), `column "lifetime"`) {
		t.Errorf("got %v", err)
	}
}

func TestNewEncoderRefusesWhatIsNoMapping(t *testing.T) {
	if _, ok := model.NewEncoder("c", "s", []string{"a", "a"}, []float64{1, 2}); ok {
		t.Error("one text, two numbers")
	}
	if _, ok := model.NewEncoder("c", "s", []string{""}, []float64{1}); ok {
		t.Error("no text at all")
	}
}

func TestOpenNamesWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) string {
		p := filepath.Join(dir, name, "MLmodel")
		if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return filepath.Dir(p)
	}
	for _, c := range []struct {
		path string
		kind errs.Kind
		text string
	}{
		{filepath.Join(dir, "nothing"), errs.NotFound, "there is no file or folder"},
		{put("empty", ""), errs.Invalid, "no flavors"},
		{put("yaml", "a: [1"), errs.Invalid, "not YAML"},
		{put("code", "flavors:\n  python_function:\n    loader_module: mlflow.pyfunc.model\n"), errs.Unsupported, "Python code"},
		{put("spark", "flavors:\n  spark: {}\n"), errs.Unsupported, "it has spark"},
		{put("climb", "flavors:\n  sklearn: {pickled_model: ../../etc/passwd}\n"), errs.Invalid, "outside the folder"},
		{put("bomb", "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f]\n"), errs.Invalid, "YAML"},
		{dir, errs.Invalid, "the folder holds 7 models"},
	} {
		_, err := model.Open(context.Background(), c.path)
		if c.path == dir {
			c.text = "models"
		}
		if !errs.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got %v (%v)", c.path, err, errs.KindOf(err))
		}
	}
}
