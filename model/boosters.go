package model

import (
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model/boosted"
	"github.com/drivecast/drivecast/model/mlfolder"
	"github.com/drivecast/drivecast/model/onnx"
	"github.com/drivecast/drivecast/model/pickle"
	"github.com/drivecast/drivecast/model/sklearn"
)

func decodeXGBoost(data []byte) (*Model, error) {
	b, err := boosted.XGBoost(data, false)
	if err != nil {
		return nil, err
	}
	return fromBoosted(b), nil
}

func decodeLightGBM(data []byte) (*Model, error) {
	b, err := boosted.LightGBM(data, 0)
	if err != nil {
		return nil, err
	}
	return fromBoosted(b), nil
}

func decodeCatBoost(data []byte) (*Model, error) {
	b, err := boosted.CatBoost(data)
	if err != nil {
		return nil, err
	}
	return fromBoosted(b), nil
}

func decodeONNX(data []byte) (*Model, error) { return openONNX(data, nil) }

// openONNX opens an ONNX file whose large tensors may be in other files.
func openONNX(data []byte, read func(name string) ([]byte, error)) (*Model, error) {
	o, err := onnx.Open(data, read)
	if err != nil {
		return nil, err
	}
	m := &Model{Estimator: o, Names: o.Names, Labels: o.Labels, LabelType: o.LabelType, Format: "ONNX"}
	for _, t := range o.Texts {
		m.Encoders = append(m.Encoders, positions(m.columnName(t.Column), t.Values, false))
	}
	return m, nil
}

func decodeCBM(data []byte) (*Model, error) {
	b, err := boosted.CatBoostBinary(data)
	if err != nil {
		return nil, err
	}
	return fromBoosted(b), nil
}

// fromBoosted makes a model of an ensemble of another library.
func fromBoosted(b *boosted.Model) *Model {
	m := &Model{Estimator: b, Format: b.Library}
	m.adopt(b)
	switch {
	case b.Raw && b.Label: // a plain prediction is the class, as a float
		m.LabelType = mlfolder.Double
	case b.Raw && b.Classes() != nil:
		m.Method = "raw"
	}
	return m
}

// adopt takes over what an ensemble says of columns and labels.
func (m *Model) adopt(b *boosted.Model) {
	m.Names = b.Names
	if m.Labels == nil {
		m.Labels, m.LabelType = b.Labels, b.LabelType
	}
	m.Listed = strings.HasPrefix(b.Library, "CatBoost") && len(b.Classes()) > 2
	for _, t := range b.Texts {
		e := positions(m.columnName(t.Column), t.Values, true)
		e.Missing = !t.Strict
		m.Encoders = append(m.Encoders, e)
	}
	for _, c := range b.Codes {
		if c.Strict {
			m.Known = append(m.Known, Known{Column: c.Column, Values: c.Values})
		}
	}
}

// columnName returns the name of a column, x0, x1, … where the model knows none.
func (m *Model) columnName(c int) string {
	if m.Names != nil {
		return m.Names[c]
	}
	return "x" + strconv.Itoa(c)
}

// otherLibrary makes the estimator of a pickled object of XGBoost, LightGBM or
// CatBoost, which is given a sparse matrix where sparse says so.
func otherLibrary(o *pickle.Object, sparse bool) (sklearn.Estimator, error) {
	lib, _, _ := strings.Cut(o.Class.Module, ".")
	b, err := boostedOf(lib, o)
	if err != nil {
		return nil, err
	}
	if v, ok := o.Attr("missing"); ok && lib == "xgboost" {
		if f, ok := pickle.Float(v); ok && v != nil {
			b.Absent(f)
		}
	}
	if sparse && lib == "xgboost" { // what a sparse matrix leaves out is missing to XGBoost, zero to others
		b.Sparse()
	}
	if _, ok := o.Attr("_fitted_with_feature_names"); ok && lib == "lightgbm" { // since 4.7, as is decision_function
		b.SetMargins()
	}
	return b, nil
}

func boostedOf(lib string, o *pickle.Object) (*boosted.Model, error) {
	if strings.HasSuffix(o.Class.Name, "Booster") {
		return booster(lib, o, rounds(o, "best_iteration"), false)
	}
	if v, ok := o.Attr("__model"); ok && lib == "catboost" {
		data, _ := v.([]byte)
		return boosted.CatBoostBinary(data)
	}
	v, _ := o.Attr("_Booster")
	inner, ok := v.(*pickle.Object)
	if !ok {
		return nil, errs.New(errs.Unsupported, "%s is not supported; export the model to ONNX", o.Class)
	}
	b, err := booster(lib, inner, rounds(o, "_best_iteration"), true)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"_classes", "classes_"} { // of LightGBM, and of XGBoost before 1.6
		if labels, ok := o.Attr(name); ok && labels != nil && b.Classes() != nil {
			nums, texts, typ, err := sklearn.Labels(labels)
			if err != nil {
				return nil, err
			}
			b.Labels, b.LabelType = texts, typ
			return b, b.Relabel(nums)
		}
	}
	return b, nil
}

// rounds returns the best round that an object of LightGBM notes, 0: none.
func rounds(o *pickle.Object, name string) int {
	best, _ := o.Attr(name)
	f, _ := pickle.Float(best)
	return int(max(f, 0))
}

// booster reads the state of a pickled Booster.
func booster(lib string, o *pickle.Object, rounds int, wrapped bool) (*boosted.Model, error) {
	handle, ok := o.Attr("handle")
	if !ok {
		handle, _ = o.Attr("_handle") // LightGBM 4
	}
	switch h := handle.(type) {
	case []byte:
		if lib == "xgboost" {
			return boosted.XGBoost(h, wrapped)
		}
	case string:
		if lib == "lightgbm" {
			return boosted.LightGBM([]byte(h), rounds)
		}
	}
	return nil, errs.New(errs.Unsupported, "a %s whose state is %s", o.Class, pickle.Describe(handle))
}
