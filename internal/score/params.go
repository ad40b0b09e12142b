package score

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/drivecast/drivecast/model/mlfolder"
)

// options are the parameters of a request that drivecast itself knows.
type options struct {
	explain bool // "explain": add probabilities and every column's contribution
	proba   bool // "predict_method": "predict_proba"
}

// options reads params: first as MLflow does, against the signature's own
// parameters, then ours. Unknown ones are ignored.
func (p *plan) options(q *request) (options, *fault) {
	opt := options{proba: p.m.Method == "predict_proba"}
	if len(q.params) == 0 || string(q.params) == "null" {
		return opt, nil
	}
	var given map[string]json.RawMessage
	isObject := json.Unmarshal(q.params, &given) == nil && given != nil
	if p.m.Signature != nil && len(p.m.Signature.Params) > 0 {
		if reason := checkParams(p.m.Signature.Params, given, isObject, q.params); reason != "" {
			return opt, &fault{http.StatusBadRequest, codeInvalid, "Failed to predict data '" + summary(&q.frame) + "'. \nError: " + reason, ""}
		}
	}
	if v, ok := given["explain"]; ok {
		if json.Unmarshal(v, &opt.explain) != nil {
			return opt, &fault{http.StatusBadRequest, codeInvalid, "Parameter explain must be true or false, got " + string(v), ""}
		}
		if opt.explain && !p.m.Explainable() {
			return opt, &fault{http.StatusBadRequest, codeInvalid, "Parameter explain: this kind of model (" + p.m.Format + ") cannot be explained", ""}
		}
	}
	if v, ok := given["predict_method"]; ok {
		var method string
		_ = json.Unmarshal(v, &method)
		switch {
		case method == "predict":
			opt.proba = false
		case method == "predict_proba" && p.m.Classifier():
			opt.proba = true
		default:
			return opt, &fault{http.StatusBadRequest, codeInvalid, "Parameter predict_method must be \"predict\" or, for a classifier, \"predict_proba\", got " + string(v), ""}
		}
	}
	return opt, nil
}

// checkParams returns MLflow's complaint about params, or "".
func checkParams(specs []mlfolder.Field, given map[string]json.RawMessage, isObject bool, raw []byte) string {
	if !isObject {
		return "Parameters must be a dictionary. Got type '" + jsonTypes[kindOf(raw)] + "'."
	}
	var bad []string
	for _, spec := range specs {
		v, ok := given[spec.Name]
		if !ok || string(v) == "null" {
			continue
		}
		if spec.Shape != nil && string(spec.Shape) != "null" {
			if kindOf(v) != '[' {
				bad = append(bad, fmt.Sprintf("(%s, %s)", pythonQuote(spec.Name), pythonRepr("Value must be a 1D array with shape "+string(spec.Shape)+" for param "+pythonQuote(spec.Name))))
			}
			continue
		}
		if reason := checkParam(spec, v); reason != "" {
			reason = fmt.Sprintf("Failed to validate type and shape for '%s': %s (default: %s), error: %s", spec.Name, spec.Type, pythonValue(spec.Default), reason)
			bad = append(bad, fmt.Sprintf("(%s, %s)", pythonQuote(spec.Name), pythonRepr(reason)))
		}
	}
	if bad == nil {
		return ""
	}
	return "Invalid parameters found: {" + strings.Join(bad, ", ") + "}"
}

var jsonTypes = map[byte]string{'{': "dict", '[': "list", '"': "str", 't': "bool", 'f': "bool", 'i': "int", '.': "float", 'n': "NoneType"}

// kindOf returns a letter for the type of a JSON value; numbers are 'i' or '.'.
func kindOf(v []byte) byte {
	v = bytes.TrimSpace(v)
	if len(v) == 0 {
		return 'n'
	}
	switch c := v[0]; {
	case c == 'N' || c == 'I':
		return '.'
	case c != '-' && (c < '0' || c > '9'):
		return c
	case bytes.ContainsAny(v, ".eEI"):
		return '.'
	}
	return 'i'
}

// allowed lists, for each parameter type, the kinds of JSON value that it takes.
var allowed = map[string]string{
	mlfolder.Integer: "i", mlfolder.Long: "i", mlfolder.Float: "i.", mlfolder.Double: "i.", mlfolder.Boolean: "tf",
	mlfolder.String: `"`, mlfolder.Datetime: `"`, mlfolder.Binary: `"`,
}

func checkParam(spec mlfolder.Field, v json.RawMessage) string {
	kind := kindOf(v)
	kinds, known := allowed[spec.Type]
	switch {
	case !known || strings.IndexByte(kinds, kind) >= 0:
		return ""
	case kind == '[' || kind == '{':
		return fmt.Sprintf("Value must be a scalar for type `DataType.%s`, got `%s`", spec.Type, v)
	}
	text := string(v)
	var s string
	if json.Unmarshal(v, &s) == nil {
		text = s
	}
	return fmt.Sprintf("Can not safely convert `<class '%s'>` to `DataType.%s` for value `%s`", jsonTypes[kind], spec.Type, text)
}

// pythonValue prints a scalar of JSON as Python's str does.
func pythonValue(v json.RawMessage) string {
	var s string
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	switch string(v) {
	case "", "null":
		return "None"
	case "true":
		return "True"
	case "false":
		return "False"
	}
	return string(v)
}
