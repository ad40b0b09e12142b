package model

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model/boosted"
	"github.com/drivecast/drivecast/model/mlfolder"
	"github.com/drivecast/drivecast/model/native"
)

// maxFile bounds a model file that is read into memory.
const maxFile = 4 << 30

// Open opens an MLflow model folder, a folder with one model file, or a plain
// model file. What a file is, is told by its content, not by its name. Opening
// never runs code of the model.
//
// A missing path is of kind NotFound, a damaged model of kind Invalid, a model
// that cannot be run here of kind Unsupported, with what to do instead.
func Open(ctx context.Context, path string) (*Model, error) {
	st, err := os.Stat(path)
	if os.IsNotExist(err) {
		return nil, errs.New(errs.NotFound, "open model: there is no file or folder %s; check the path", path)
	} else if err != nil {
		return nil, errs.Wrap(err, "open model")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var m *Model
	switch {
	case !st.IsDir():
		m, err = openFile(path)
	default:
		m, err = openFolder(path)
	}
	if err != nil {
		return nil, errs.Wrap(err, "open model %s", path)
	}
	m.Source = path
	return m, m.check()
}

// openFolder opens a folder, with or without an MLmodel file.
func openFolder(dir string) (*Model, error) {
	meta, err := mlfolder.Read(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return openLoose(dir)
	}
	if err != nil {
		return nil, err
	}
	name, flavor, err := dataFile(meta)
	if err != nil {
		return nil, err
	}
	if !filepath.IsLocal(name) {
		return nil, errs.New(errs.Invalid, "flavor %s points outside the folder: %q", flavor, name)
	}
	path := filepath.Join(dir, name)
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return nil, errs.New(errs.Unsupported, "flavor %s keeps its model in a folder, which is not supported", flavor)
	}
	m, err := openFile(path)
	if err != nil {
		return nil, err
	}
	m.Meta, m.Signature = meta, meta.Signature
	if f, ok := meta.Flavors["drivecast"]; ok && f.Text("settings") != "" {
		if !filepath.IsLocal(f.Text("settings")) {
			return nil, errs.New(errs.Invalid, "flavor drivecast points outside the folder: %q", f.Text("settings"))
		}
		if err := m.readSettings(filepath.Join(dir, f.Text("settings"))); err != nil {
			return nil, err
		}
	}
	return m, m.flavored(meta)
}

// flavored takes over what the flavours say of a plain prediction.
func (m *Model) flavored(meta *mlfolder.MLmodel) error {
	for _, lib := range []string{"xgboost", "lightgbm"} {
		class := meta.Flavors[lib].Text("model_class")
		if class != "" && !strings.HasSuffix(class, ".Booster") {
			m.Method = "predict"
		}
	}
	b, ok := m.Estimator.(*boosted.Model)
	if ok && meta.Flavors["catboost"].Text("model_type") == "CatBoost" && b.Classes() != nil {
		if !b.Unlinked() {
			return errs.New(errs.Unsupported, "a catboost.CatBoost of several outputs answers raw values; log it as a CatBoostClassifier")
		}
		m.Labels, m.LabelType, m.Listed = nil, "", false
	}
	switch method := meta.Flavors["python_function"].Text("predict_fn"); method {
	case "":
	case "predict", "predict_proba", "raw":
		m.Method = method
	default:
		return errs.New(errs.Unsupported, "its predictions are those of %s (predict_fn), which is not supported; log it with pyfunc_predict_fn predict or predict_proba", method)
	}
	return nil
}

// dataFile returns the model file of the flavour that is best read here.
func dataFile(meta *mlfolder.MLmodel) (name, flavor string, err error) {
	keys := []struct{ flavor, key string }{
		{"drivecast", "data"}, {"sklearn", "pickled_model"}, {"xgboost", "data"}, {"lightgbm", "data"},
		{"catboost", "data"}, {"onnx", "data"},
	}
	for _, k := range keys {
		if name := meta.Flavors[k.flavor].Text(k.key); name != "" {
			return name, k.flavor, nil
		}
	}
	pf := meta.Flavors["python_function"]
	if pf.Text("loader_module") == "mlflow.pyfunc.model" {
		return "", "", errs.New(errs.Unsupported, "the model is Python code (loader_module mlflow.pyfunc.model), which is never run; log the estimator itself with mlflow.sklearn, xgboost, lightgbm or onnx")
	}
	for _, key := range []string{"model_path", "data"} {
		if name := pf.Text(key); name != "" {
			return name, "python_function", nil
		}
	}
	var names []string
	for n := range meta.Flavors {
		names = append(names, n)
	}
	slices.Sort(names)
	return "", "", errs.New(errs.Unsupported, "no flavor of this model is supported (it has %s); log it with the sklearn, xgboost, lightgbm or onnx flavor", strings.Join(names, ", "))
}

// openLoose opens a folder without MLmodel that holds one model file, or one
// folder that can be opened.
func openLoose(dir string) (*Model, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if e.IsDir() {
			if _, err := os.Stat(filepath.Join(path, mlfolder.FileName)); err == nil {
				found = append(found, path)
			}
			continue
		}
		if looksLikeModel(path) {
			found = append(found, path)
		}
	}
	switch len(found) {
	case 0:
		return nil, errs.New(errs.Invalid, "the folder holds no MLmodel file and no model file that is known")
	case 1:
		if st, err := os.Stat(found[0]); err == nil && st.IsDir() {
			return openFolder(found[0])
		}
		return openFile(found[0])
	}
	return nil, errs.New(errs.Invalid, "the folder holds %d models (%s, %s): name one of them",
		len(found), filepath.Base(found[0]), filepath.Base(found[1]))
}

// looksLikeModel reports whether the beginning of a file is that of a model.
func looksLikeModel(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, headSize)
	n, _ := f.Read(head)
	return sniff(head[:n]) != ""
}

// openFile opens one model file.
func openFile(path string) (*Model, error) {
	data, err := readBounded(path, maxFile)
	if err != nil {
		return nil, err
	}
	var m *Model
	if sniff(data) == "ONNX" {
		m, err = openONNX(data, beside(path))
	} else {
		m, err = Decode(data)
	}
	if err != nil {
		return nil, errs.Wrap(err, "%s", filepath.Base(path))
	}
	return m, nil
}

// beside returns what reads files in the folder of the given one, each once. A name
// that leads out of the folder is of kind Invalid.
func beside(path string) func(name string) ([]byte, error) {
	read := map[string][]byte{}
	return func(name string) ([]byte, error) {
		if !filepath.IsLocal(name) {
			return nil, errs.New(errs.Invalid, "the file %q lies outside the model's folder", name)
		}
		if data, ok := read[name]; ok {
			return data, nil
		}
		data, err := readBounded(filepath.Join(filepath.Dir(path), name), maxFile)
		if err == nil {
			read[name] = data
		}
		return data, err
	}
}

// Decode opens the content of a model file.
func Decode(data []byte) (*Model, error) {
	kind := sniff(data)
	for _, f := range formats() {
		if f.name == kind {
			return f.decode(data)
		}
	}
	if len(data) == 0 {
		return nil, errs.New(errs.Invalid, "the file is empty")
	}
	return nil, errs.New(errs.Unsupported, "not a model file of a known kind (drivecast, scikit-learn pickle, joblib, skops, XGBoost, LightGBM, CatBoost, ONNX)")
}

func decodeNative(data []byte) (*Model, error) {
	e, err := native.Decode(data)
	if err != nil {
		return nil, err
	}
	est, ok := e.(Estimator)
	if !ok {
		return nil, errs.New(errs.Unsupported, "a %T is not an estimator", e)
	}
	return &Model{Estimator: est, Format: "drivecast"}, nil
}

// check refuses a model whose parts do not fit together, and fills what can be
// derived.
func (m *Model) check() error {
	k := len(m.Estimator.Classes())
	if m.Labels != nil && len(m.Labels) != k {
		return errs.New(errs.Invalid, "the model has %d classes and %d labels", k, len(m.Labels))
	}
	if m.Names != nil && len(m.Names) != m.Estimator.Features() {
		return errs.New(errs.Invalid, "the model takes %d columns and names %d", m.Estimator.Features(), len(m.Names))
	}
	if m.Base != nil && len(m.Base) != m.Estimator.Features() {
		return errs.New(errs.Invalid, "the model takes %d columns and has %d typical values", m.Estimator.Features(), len(m.Base))
	}
	if m.LabelType == "" && k > 0 {
		m.LabelType = mlfolder.Long
	}
	return nil
}
