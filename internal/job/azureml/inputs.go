package azureml

import (
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// modes of inputs and outputs, by their names in YAML.
var modes = map[string]string{
	"mount": "ReadOnlyMount", "ro_mount": "ReadOnlyMount", "rw_mount": "ReadWriteMount", "download": "Download",
	"direct": "Direct", "eval_mount": "EvalMount", "eval_download": "EvalDownload", "upload": "Upload",
}

// inputs writes literals as text and data with its type, address and mode.
func inputs(in map[string]any) (map[string]any, error) {
	out := map[string]any{}
	for name, v := range in {
		m, ok := v.(map[string]any)
		if v == nil {
			continue
		}
		if !ok {
			out[name] = map[string]any{"jobInputType": "literal", "value": literal(v)}
			continue
		}
		one, err := input(m)
		if err != nil {
			return nil, errs.Wrap(err, "inputs.%s", name)
		}
		out[name] = one
	}
	return out, nil
}

func input(m map[string]any) (map[string]any, error) {
	for _, key := range []string{"value", "default"} { // default: a component's declaration
		if v, ok := m[key]; ok {
			return map[string]any{"jobInputType": "literal", "value": literal(v)}, nil
		}
	}
	path := text(m["path"])
	if strings.Contains(path, "${{") {
		return map[string]any{"jobInputType": "literal", "value": path}, nil
	}
	kind := dataType(m["type"])
	switch kind {
	case "integer", "number", "string", "boolean":
		return nil, errs.New(errs.Invalid, "an input of type %s has no value; write the value itself", kind)
	}
	out := map[string]any{"jobInputType": kind}
	put(out, "uri", reference(m["path"]))
	putMode(out, m["mode"], "")
	return out, nil
}

// dataType is uri_folder when nothing is said.
func dataType(v any) string {
	if s := text(v); s != "" {
		return strings.ToLower(s)
	}
	return "uri_folder"
}

// putMode writes the mode; mount is the name that the plain `mount` has here, ""
// for read-only.
func putMode(out map[string]any, v any, mount string) {
	s := strings.ToLower(text(v))
	switch {
	case s == "":
	case s == "mount" && mount != "":
		out["mode"] = mount
	case modes[s] != "":
		out["mode"] = modes[s]
	}
}

// outputs are folders unless they say otherwise.
func outputs(in map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range in {
		m := mapOf(v)
		one := map[string]any{"jobOutputType": dataType(m["type"])}
		pick(one, m, "name", "assetName", "description", "description")
		put(one, "uri", reference(m["path"]))
		if v, ok := m["version"]; ok && v != nil {
			one["assetVersion"] = literal(v)
		}
		putMode(one, m["mode"], "ReadWriteMount")
		out[name] = one
	}
	return out
}
