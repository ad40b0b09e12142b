package kube

import (
	"bytes"
	"encoding/json"

	"sigs.k8s.io/yaml"

	"github.com/drivecast/drivecast/errs"
)

// Print writes objects as YAML documents, or as JSON: one alone, or a List.
func Print(list []any, asJSON bool) ([]byte, error) {
	objects := make([]map[string]any, len(list))
	for i, v := range list {
		var err error
		if objects[i], err = object(v); err != nil {
			return nil, err
		}
	}
	if asJSON {
		var out any = map[string]any{"apiVersion": "v1", "kind": "List", "items": objects}
		if len(objects) == 1 {
			out = objects[0]
		}
		b, err := json.MarshalIndent(out, "", "  ")
		return append(b, '\n'), errs.Wrap(err, "write the manifests")
	}
	var b bytes.Buffer
	for i, o := range objects {
		text, err := yaml.Marshal(o)
		if err != nil {
			return nil, errs.Wrap(err, "write the manifests")
		}
		if i > 0 {
			b.WriteString("---\n")
		}
		b.Write(text)
	}
	return b.Bytes(), nil
}
