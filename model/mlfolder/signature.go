package mlfolder

import (
	"bytes"
	"encoding/json"

	"github.com/drivecast/drivecast/errs"
)

// The scalar column types of MLflow.
const (
	Boolean  = "boolean"
	Integer  = "integer" // 32 bits
	Long     = "long"    // 64 bits
	Float    = "float"   // 32 bits
	Double   = "double"
	String   = "string"
	Binary   = "binary"
	Datetime = "datetime"
	TensorT  = "tensor" // see Field.Tensor
)

// Field is one input, output or parameter of a signature.
type Field struct {
	Name     string // "" when the signature has no names
	Type     string // a scalar type above, "tensor", or array, object, map, any
	Optional bool   // may be absent from the input
	Tensor   *Tensor
	Default  json.RawMessage // of a parameter
	Shape    json.RawMessage // of a parameter; nil or "null" for a scalar
	Raw      json.RawMessage // the item as it was read, when its type is not scalar
}

// Tensor is the element type (NumPy's name) and shape of a tensor; -1 is any
// length.
type Tensor struct {
	DType string
	Shape []int
}

// Signature is what goes into a model and what comes out.
type Signature struct {
	Inputs, Outputs, Params []Field
}

// Names returns the names of fields, or nil unless every field has one.
func Names(fields []Field) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		if f.Name == "" {
			return nil
		}
		out[i] = f.Name
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

type jsonField struct {
	Type     json.RawMessage `json:"type"`
	Name     string          `json:"name"`
	Required *bool           `json:"required"`
	Optional *bool           `json:"optional"`
	Tensor   *struct {
		DType string `json:"dtype"`
		Shape []int  `json:"shape"`
	} `json:"tensor-spec"`
	Default json.RawMessage `json:"default"`
	Shape   json.RawMessage `json:"shape"`
}

func parseSignature(keys map[string]any) (*Signature, error) {
	s := &Signature{}
	for key, dst := range map[string]*[]Field{"inputs": &s.Inputs, "outputs": &s.Outputs, "params": &s.Params} {
		text, ok := keys[key].(string)
		if !ok {
			continue
		}
		fields, err := parseFields([]byte(text))
		if err != nil {
			return nil, errs.New(errs.Invalid, "signature %s: %w", key, err)
		}
		*dst = fields
	}
	return s, nil
}

func parseFields(text []byte) ([]Field, error) {
	var raws []json.RawMessage
	if err := json.Unmarshal(text, &raws); err != nil {
		return nil, err
	}
	var out []Field
	for _, raw := range raws {
		var j jsonField
		if err := json.Unmarshal(raw, &j); err != nil {
			return nil, err
		}
		f := Field{Name: j.Name, Default: j.Default, Shape: j.Shape}
		if json.Unmarshal(j.Type, &f.Type) != nil {
			f.Type = "object" // a nested type of MLflow 2.9 or later
		}
		f.Optional = j.Optional != nil && *j.Optional || j.Required != nil && !*j.Required
		switch f.Type {
		case TensorT:
			if j.Tensor == nil {
				return nil, errs.New(errs.Invalid, "a tensor without tensor-spec")
			}
			f.Tensor = &Tensor{DType: j.Tensor.DType, Shape: j.Tensor.Shape}
		case Boolean, Integer, Long, Float, Double, String, Binary, Datetime:
		default:
			f.Raw = bytes.Clone(raw)
		}
		out = append(out, f)
	}
	return out, nil
}

// yamlKeys returns the mapping under the key signature: JSON texts, absent
// parts null, as MLflow writes them.
func (s *Signature) yamlKeys() map[string]any {
	out := map[string]any{"inputs": nil, "outputs": nil, "params": nil}
	if len(s.Inputs) > 0 {
		out["inputs"] = fieldsText(s.Inputs)
	}
	if len(s.Outputs) > 0 {
		out["outputs"] = fieldsText(s.Outputs)
	}
	if len(s.Params) > 0 {
		out["params"] = paramsText(s.Params)
	}
	return out
}

func fieldsText(fields []Field) string {
	items := make([]json.RawMessage, len(fields))
	for i, f := range fields {
		switch {
		case f.Raw != nil:
			items[i] = f.Raw
		case f.Tensor != nil:
			items[i] = marshal(struct {
				Type string `json:"type"`
				Name string `json:"name,omitempty"`
				Spec any    `json:"tensor-spec"`
			}{TensorT, f.Name, struct {
				DType string `json:"dtype"`
				Shape []int  `json:"shape"`
			}{f.Tensor.DType, f.Tensor.Shape}})
		default:
			items[i] = marshal(struct {
				Type     string `json:"type"`
				Name     string `json:"name,omitempty"`
				Required bool   `json:"required"`
			}{f.Type, f.Name, !f.Optional})
		}
	}
	return string(Spaced(marshal(items)))
}

func paramsText(fields []Field) string {
	items := make([]json.RawMessage, len(fields))
	for i, f := range fields {
		def, shape := f.Default, f.Shape
		if def == nil {
			def = json.RawMessage("null")
		}
		if shape == nil {
			shape = json.RawMessage("null")
		}
		items[i] = marshal(struct {
			Name    string          `json:"name"`
			Default json.RawMessage `json:"default"`
			Shape   json.RawMessage `json:"shape"`
			Type    string          `json:"type"`
		}{f.Name, def, shape, f.Type})
	}
	return string(Spaced(marshal(items)))
}

// marshal encodes values whose encoding cannot fail.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only unsupported Go types get here
	}
	return b
}

// Spaced returns compact JSON with a space after each comma and colon, as
// Python's json module writes it.
func Spaced(compact []byte) []byte {
	out := make([]byte, 0, len(compact)+len(compact)/8)
	inText := false
	for i := 0; i < len(compact); i++ {
		c := compact[i]
		out = append(out, c)
		switch {
		case c == '\\' && inText:
			i++
			out = append(out, compact[i])
		case c == '"':
			inText = !inText
		case !inText && (c == ',' || c == ':'):
			out = append(out, ' ')
		}
	}
	return out
}
