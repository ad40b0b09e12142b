package mlflow

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// fields lists what a route reads: "name!:type" with ! for required ones. Types
// are string, int, float, array, strings (an array of texts), bool and any.
type fields []fieldSpec

type fieldSpec struct {
	name     string
	required bool
	kind     string
}

func parseFields(text string) fields {
	var out fields
	for _, f := range strings.Fields(text) {
		name, kind, _ := strings.Cut(f, ":")
		bare := strings.TrimSuffix(name, "!")
		out = append(out, fieldSpec{bare, bare != name, kind})
	}
	return out
}

const seeDocs = " See the API docs for more information about request parameters."

func missing(name string) error {
	return errs.New(errs.Invalid, "Missing value for required parameter '%s'.%s", name, seeDocs)
}

func invalid(name string, raw json.RawMessage) error {
	value := string(raw)
	var compact any
	if json.Unmarshal(raw, &compact) == nil {
		if text, err := json.Marshal(compact); err == nil {
			value = string(text)
		}
	}
	if len(value) > 500 {
		value = value[:500] + "..."
	}
	return errs.New(errs.Invalid, "Invalid value %s for parameter '%s' supplied:  Hint: Value was of type '%s'.%s", value, name, typeName(raw), seeDocs)
}

// typeName names the type of a JSON value as Python does.
func typeName(raw json.RawMessage) string {
	switch raw[0] {
	case '"':
		return "str"
	case '{':
		return "dict"
	case '[':
		return "list"
	case 't', 'f':
		return "bool"
	case 'n':
		return "NoneType"
	}
	if strings.ContainsAny(string(raw), ".eE") {
		return "float"
	}
	return "int"
}

// check refuses a request whose fields are missing or of the wrong type.
func (f fields) check(c *call) error {
	for _, s := range f {
		raw, ok := c.raw[s.name]
		if s.name == "run_id" && !ok {
			raw, ok = c.raw["run_uuid"]
		}
		if !ok || string(raw) == "null" || string(raw) == `""` {
			if s.required {
				return missing(s.name)
			}
			continue
		}
		if s.required && string(raw) == "[]" {
			return missing(s.name)
		}
		if !fits(s.kind, raw) {
			return invalid(s.name, raw)
		}
	}
	return nil
}

func fits(kind string, raw json.RawMessage) bool {
	switch kind {
	case "string":
		return raw[0] == '"'
	case "int":
		var n number
		return raw[0] != 't' && raw[0] != 'f' && json.Unmarshal(raw, &n) == nil
	case "float":
		var r real
		return raw[0] != 't' && raw[0] != 'f' && json.Unmarshal(raw, &r) == nil
	case "array":
		return raw[0] == '['
	case "strings":
		var list []json.RawMessage
		if raw[0] != '[' || json.Unmarshal(raw, &list) != nil {
			return false
		}
		for _, item := range list {
			if item[0] != '"' {
				return false
			}
		}
		return true
	case "bool":
		_, err := strconv.ParseBool(strings.ToLower(strings.Trim(string(raw), `"`)))
		return err == nil
	}
	return true
}
