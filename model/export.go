package model

import (
	"math"

	"github.com/drivecast/drivecast/model/mlfolder"
	"github.com/drivecast/drivecast/model/onnx"
)

// ONNXFile is the name of the ONNX model in a model folder.
const ONNXFile = "model.onnx"

// ONNX returns the model as an ONNX file; onnx.Export describes its inputs and
// outputs. A model that ONNX cannot hold is of kind Unsupported.
func ONNX(m *Model) ([]byte, error) {
	spec := onnx.Spec{Labels: m.Labels, LabelType: m.LabelType, Threshold: m.Threshold}
	names := m.Columns()
	for j := range m.Estimator.Features() {
		c := onnx.Column{Other: math.NaN()}
		if names != nil {
			c.Name = names[j]
		}
		kind := mlfolder.Double
		if m.Signature != nil && j < len(m.Signature.Inputs) {
			kind = m.Signature.Inputs[j].Type
		}
		c.Integer = kind == mlfolder.Long || kind == mlfolder.Integer
		if e := m.Encoder(c.Name); e != nil && kind == mlfolder.String {
			c.Texts, c.Codes = e.Texts, e.Codes
			if e.Other != nil {
				c.Other = *e.Other
			}
		}
		spec.Columns = append(spec.Columns, c)
	}
	return onnx.Export(m.Estimator, spec)
}

// Versions that the written requirements name: the oldest that run the model.
const requirements = "mlflow>=2.4\nonnx>=1.13\nonnxruntime>=1.14\n"

// addONNX adds the ONNX flavour, with which Python opens the folder, where ONNX
// can hold the model.
func addONNX(meta *mlfolder.MLmodel, files map[string][]byte, m *Model) {
	data, err := ONNX(m)
	if err != nil {
		return
	}
	files[ONNXFile] = data
	files["requirements.txt"] = []byte(requirements)
	files["python_env.yaml"] = []byte("python: 3.11.0\nbuild_dependencies:\n- pip\n- setuptools\n- wheel\ndependencies:\n- -r requirements.txt\n")
	files["conda.yaml"] = []byte("channels:\n- conda-forge\ndependencies:\n- python=3.11\n- pip\n- pip:\n  - mlflow>=2.4\n  - onnx>=1.13\n  - onnxruntime>=1.14\nname: mlflow-env\n")
	meta.Flavors["onnx"] = mlfolder.Flavor{
		"code": nil, "data": ONNXFile, "onnx_session_options": nil, "onnx_version": "1.13.0", "providers": []any{"CPUExecutionProvider"},
	}
	meta.Flavors["python_function"] = mlfolder.Flavor{
		"data": ONNXFile, "env": map[string]any{"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
		"loader_module": "mlflow.onnx", "python_version": "3.11.0",
	}
}
