package score

import (
	"strconv"

	"github.com/drivecast/drivecast/model/mlfolder"
)

// object is an object of JSON.
type object map[string]any

// jsonOf names the type of JSON for each type of a signature; others are numbers.
var jsonOf = map[string]string{mlfolder.Long: "integer", mlfolder.Integer: "integer", mlfolder.Boolean: "boolean", mlfolder.String: "string"}

// openAPI describes the routes of a model as an OpenAPI document; prefix stands
// before each, "" or "/models/NAME".
func (p *plan) openAPI(prefix string) object {
	row, example := object{}, make([]any, 0, p.n)
	var need, columns []string
	for j := range p.n {
		name, kind, optional := p.nameOf(j), "number", false
		if f := p.field(j); f != nil {
			if kind = jsonOf[f.Type]; kind == "" {
				kind = "number"
			}
			optional = f.Optional
		}
		cell := object{"type": kind}
		if e := p.enc[j]; e != nil {
			cell = object{"oneOf": []object{cell, {"type": "string", "enum": e.Texts}}}
		}
		row[name], columns, example = cell, append(columns, name), append(example, 0)
		if !optional {
			need = append(need, name)
		}
	}
	rows := object{"type": "array", "items": object{"type": "array", "minItems": p.n, "items": object{}}}
	split := object{"type": "object", "required": []string{"data"}, "additionalProperties": false, "properties": object{
		"columns": object{"type": "array", "items": object{"type": "string"}}, "data": rows, "index": object{"type": "array", "items": object{}},
	}}
	records := object{"type": "array", "items": object{"$ref": "#/components/schemas/Row"}}
	params := object{"type": "object", "properties": object{
		"explain":        object{"type": "boolean", "description": "Adds probabilities and what each column contributed."},
		"predict_method": object{"type": "string", "enum": []string{"predict", "predict_proba"}},
	}}
	var forms []object
	for _, f := range []struct {
		name   string
		schema object
	}{{formSplit, split}, {formRecords, records}, {formInstances, object{"type": "array"}}, {formInputs, object{}}} {
		forms = append(forms, object{"type": "object", "required": []string{f.name}, "properties": object{f.name: f.schema, "params": params}})
	}
	ask := object{formSplit: object{"columns": columns, "data": [][]any{example}}}
	if p.names == nil {
		ask = object{formInstances: [][]any{example}}
	}
	return object{
		"openapi": "3.1.0",
		"info":    object{"title": p.name, "version": p.version, "description": "A model served by drivecast: " + p.m.Format + ", " + strconv.Itoa(p.n) + " columns."},
		"paths": object{
			prefix + "/invocations": object{"post": object{
				"operationId": "invocations", "summary": "Predictions, in MLflow's scoring protocol",
				"requestBody": object{"required": true, "content": object{
					typeJSON: object{"schema": object{"oneOf": forms}, "example": ask}, typeCSV: object{"schema": object{"type": "string"}},
					typeParquet: object{"schema": object{"type": "string", "contentEncoding": "binary"}}}},
				"responses": responses(object{"type": "object", "required": []string{"predictions"}, "properties": object{"predictions": object{"type": "array", "items": object{"type": p.answerType()}}}}),
			}},
			prefix + "/score": object{"post": object{
				"operationId": "score", "summary": "Predictions with a risk level, in the form of Azure ML's endpoints",
				"requestBody": object{"required": true, "content": object{typeJSON: object{"schema": object{"type": "object", "required": []string{"data"}, "properties": object{"data": rows}}, "example": object{"data": [][]any{example}}}}},
				"responses": responses(object{"type": "array", "items": object{"type": "object", "properties": object{
					"prediction": object{"type": p.answerType()}, "failure_probability": object{"type": []string{"number", "null"}}, "risk_level": object{"type": "string", "enum": []string{"HIGH", "MEDIUM", "LOW"}}}}}),
			}},
			prefix + "/ping": object{"get": object{"operationId": "ping", "summary": "Is the server up", "responses": object{"200": object{"description": "It is."}}}},
		},
		"components": object{"schemas": object{
			"Row":   object{"type": "object", "required": need, "properties": row},
			"Error": object{"type": "object", "properties": object{"error_code": object{"type": "string"}, "message": object{"type": "string"}}},
		}},
	}
}

// answerType is the type of JSON of a prediction.
func (p *plan) answerType() string {
	switch {
	case !p.m.Classifier():
		return "number"
	case p.m.Method == "predict_proba" && p.m.Outputs() > 0 || p.m.Listed:
		return "array"
	case p.m.Method == "raw":
		return "number"
	}
	return map[string]string{"BYTES": "string", "BOOL": "boolean", "INT64": "integer", "FP64": "number"}[p.classType()]
}

// responses are the answers of a scoring route.
func responses(schema object) object {
	bad := object{typeJSON: object{"schema": object{"$ref": "#/components/schemas/Error"}}}
	return object{
		"200": object{"description": "The answer", "content": object{typeJSON: object{"schema": schema}}},
		"400": object{"description": "The input does not fit the model", "content": bad},
		"413": object{"description": "The body is too large", "content": bad},
		"415": object{"description": "The body is of no known type"},
		"503": object{"description": "The server is busy; Retry-After says when to come again", "content": bad},
	}
}
