package model

import (
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model/boosted"
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

func decodeONNX(data []byte) (*Model, error) {
	o, err := onnx.Open(data)
	if err != nil {
		return nil, err
	}
	return &Model{Estimator: o, Names: o.Names, Labels: o.Labels, LabelType: o.LabelType, Format: "ONNX"}, nil
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
	m := &Model{Estimator: b, Names: b.Names, Labels: b.Labels, LabelType: b.LabelType, Format: b.Library}
	if b.Raw && b.Classes() != nil {
		m.Method = "raw"
	}
	for _, t := range b.Texts {
		name := "x" + strconv.Itoa(t.Column)
		if b.Names != nil {
			name = b.Names[t.Column]
		}
		e := positions(name, t.Values, true)
		e.Missing = true
		m.Encoders = append(m.Encoders, e)
	}
	return m
}

// otherLibrary makes the estimator of a pickled object of XGBoost, LightGBM or
// CatBoost.
func otherLibrary(o *pickle.Object) (sklearn.Estimator, error) {
	lib, _, _ := strings.Cut(o.Class.Module, ".")
	if strings.HasSuffix(o.Class.Name, "Booster") {
		return booster(lib, o, 0, false)
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
	rounds := 0
	if best, ok := o.Attr("_best_iteration"); ok {
		f, _ := pickle.Float(best)
		rounds = int(max(f, 0))
	}
	b, err := booster(lib, inner, rounds, true)
	if err != nil {
		return nil, err
	}
	if labels, ok := o.Attr("_classes"); ok && b.Classes() != nil {
		nums, _, _, err := sklearn.Labels(labels)
		if err != nil {
			return nil, err
		}
		return b, b.Relabel(nums)
	}
	return b, nil
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
