package mlfolder

import (
	"bytes"
	"reflect"
	"testing"
)

const old = `artifact_path: model
flavors:
  python_function:
    data: model.pkl
    env: conda.yaml
    loader_module: mlflow.sklearn
    python_version: 3.8.16
  sklearn: {pickled_model: model.pkl, serialization_format: cloudpickle, sklearn_version: 0.24.2}
run_id: frank_brake_kpw5pgjh65
saved_input_example_info: {artifact_path: input_example.json, pandas_orient: split, type: dataframe}
signature:
  inputs: '[{"name": "x", "type": "double"}, {"name": "n", "type": "long", "required": false}, {"type": "integer", "name": "o", "optional": true}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'
  params: '[{"name": "k", "type": "long", "default": 3, "shape": null}]'
utc_time_created: '2025-12-07 00:48:07.418203'
model_size_bytes: 12
resources: {api_version: '1'}
`

func TestParseReadsEveryPart(t *testing.T) {
	m, err := Parse([]byte(old))
	if err != nil {
		t.Fatal(err)
	}
	if m.RunID != "frank_brake_kpw5pgjh65" || m.Created != "2025-12-07 00:48:07.418203" || m.SizeBytes != 12 {
		t.Errorf("got %+v", m)
	}
	want := &Signature{
		Inputs:  []Field{{Name: "x", Type: Double}, {Name: "n", Type: Long, Optional: true}, {Name: "o", Type: Integer, Optional: true}},
		Outputs: []Field{{Type: TensorT, Tensor: &Tensor{"int64", []int{-1}}}},
		Params:  []Field{{Name: "k", Type: Long, Default: []byte("3"), Shape: nil}},
	}
	m.Signature.Params[0].Shape = nil
	if !reflect.DeepEqual(m.Signature, want) {
		t.Errorf("got %+v", m.Signature)
	}
}

func TestMarshalKeepsUnknownKeysAndIsStable(t *testing.T) {
	m, err := Parse([]byte(old))
	if err != nil {
		t.Fatal(err)
	}
	first, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(m, back) {
		t.Errorf("came back different:\n%+v\n%+v", m, back)
	}
	second, _ := back.Marshal()
	if !bytes.Equal(first, second) {
		t.Error("equal models gave different text")
	}
	if !bytes.Contains(first, []byte(`inputs: '[{"type": "double", "name": "x", "required": true}, `)) {
		t.Errorf("the signature is not in MLflow's form:\n%s", first)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(old))
	f.Add([]byte("flavors: {a: {b: !!js/function x}}\nsignature: {inputs: '[{}]'}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := Parse(text)
		if err != nil {
			return
		}
		if _, err := m.Marshal(); err != nil {
			t.Fatal(err)
		}
	})
}
