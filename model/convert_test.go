package model_test

import (
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model"
)

func TestConvertedModelsAnswerTheSame(t *testing.T) {
	done := map[string]int{}
	for _, f := range foreigners(t) {
		m, err := model.Decode(f.File)
		if err != nil {
			t.Fatal(err)
		}
		for _, to := range model.Conversions() {
			data, err := model.Convert(m, to)
			if errs.Is(err, errs.Unsupported) {
				continue
			}
			if err != nil {
				t.Errorf("%s to %s: %v", f.Name, to, err)
				continue
			}
			done[to]++
			again, err := model.Decode(data)
			if err != nil {
				t.Fatal(err)
			}
			if err := model.Agree(m, again, f.matrix(t, m), 1e-6); err != nil {
				t.Errorf("%s to %s: %v", f.Name, to, err)
			}
		}
	}
	t.Log(done)
	if done["drivecast"] < 9 || done["onnx"] < 9 || done["lightgbm"] < 3 {
		t.Errorf("only %v were converted", done)
	}
}

func TestAgreeFindsADifference(t *testing.T) {
	all := foreigners(t)
	var a, b *model.Model
	for _, f := range all {
		m, err := model.Decode(f.File)
		if err != nil {
			t.Fatal(err)
		}
		switch f.Name {
		case "lightgbm":
			a = m
		case "hist":
			b = m
		}
	}
	if err := model.Agree(a, b, make([]float64, 30), 1e-12); !errs.Is(err, errs.Invalid) {
		t.Errorf("two models that differ: %v", err)
	}
}
