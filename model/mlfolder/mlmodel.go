// Package mlfolder reads and writes the MLmodel file that makes a folder an
// MLflow model: flavours, signature, origin and input example, as MLflow 1.x to
// 3.x write them. Keys that it does not know are kept and written back.
package mlfolder

import (
	"bytes"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
)

// FileName is the name of the file that makes a folder an MLflow model.
const FileName = "MLmodel"

// maxSize bounds an MLmodel file; real ones are a few kilobytes.
const maxSize = 4 << 20

// Flavor is one way to load a model: free keys, according to the flavour.
type Flavor map[string]any

// Text returns the text under key, or "" when it is absent or not text.
func (f Flavor) Text(key string) string {
	s, _ := f[key].(string)
	return s
}

// MLmodel is the content of an MLmodel file.
type MLmodel struct {
	ArtifactPath  string
	RunID         string
	ModelUUID     string
	ModelID       string // MLflow 3: "m-…"
	MLflowVersion string
	Created       string // UTC, "2023-06-13 10:00:00.123456"
	Flavors       map[string]Flavor
	Signature     *Signature
	Example       map[string]any // saved_input_example_info
	Metadata      map[string]any
	SizeBytes     int64          // model_size_bytes; 0 when absent
	Extra         map[string]any // keys of other versions, kept as they are
}

// Read reads dir/MLmodel. A missing file is of kind NotFound, a wrong one of
// kind Invalid.
func Read(dir string) (*MLmodel, error) {
	path := filepath.Join(dir, FileName)
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if st.Size() > maxSize {
		return nil, &errs.Input{File: path, Problem: "is larger than 4 MiB, which no MLmodel file is"}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m, err := Parse(text)
	if err != nil {
		return nil, errs.Wrap(err, "%s", path)
	}
	return m, nil
}

// Parse reads the text of an MLmodel file. Errors are of kind Invalid.
func Parse(text []byte) (*MLmodel, error) {
	if len(text) > maxSize {
		return nil, errs.New(errs.Invalid, "an MLmodel file has at most 4 MiB")
	}
	var raw map[string]any
	if err := yaml.Unmarshal(text, &raw); err != nil {
		return nil, errs.New(errs.Invalid, "not YAML: %w", err)
	}
	m := &MLmodel{Flavors: map[string]Flavor{}, Extra: map[string]any{}}
	texts := m.textKeys()
	for k, v := range raw {
		if dst, ok := texts[k]; ok {
			if s, ok := v.(string); ok {
				*dst = s
			}
			continue
		}
		if err := m.take(k, v); err != nil {
			return nil, err
		}
	}
	if len(m.Flavors) == 0 {
		return nil, errs.New(errs.Invalid, "no flavors: this is not an MLflow model")
	}
	return m, nil
}

func (m *MLmodel) textKeys() map[string]*string {
	return map[string]*string{
		"artifact_path": &m.ArtifactPath, "run_id": &m.RunID, "model_uuid": &m.ModelUUID, "model_id": &m.ModelID,
		"mlflow_version": &m.MLflowVersion, "utc_time_created": &m.Created,
	}
}

func (m *MLmodel) take(key string, v any) (err error) {
	switch key {
	case "flavors":
		all, _ := v.(map[string]any)
		for name, f := range all {
			keys, _ := f.(map[string]any)
			m.Flavors[name] = keys
		}
	case "signature":
		if keys, ok := v.(map[string]any); ok {
			m.Signature, err = parseSignature(keys)
		}
	case "saved_input_example_info":
		m.Example, _ = v.(map[string]any)
	case "metadata":
		m.Metadata, _ = v.(map[string]any)
	case "model_size_bytes":
		if n, ok := v.(int); ok {
			m.SizeBytes = int64(n)
		}
	default:
		m.Extra[key] = v
	}
	return err
}

// Marshal returns the YAML text, keys sorted, as MLflow writes it: equal models
// give equal bytes.
func (m *MLmodel) Marshal() ([]byte, error) {
	out := map[string]any{}
	for k, v := range m.Extra {
		out[k] = v
	}
	for k, v := range m.textKeys() {
		if *v != "" {
			out[k] = *v
		}
	}
	flavors := map[string]any{}
	for name, f := range m.Flavors {
		flavors[name] = map[string]any(f)
	}
	out["flavors"] = flavors
	if m.Signature != nil {
		out["signature"] = m.Signature.yamlKeys()
	}
	if m.Example != nil {
		out["saved_input_example_info"] = m.Example
	}
	if m.Metadata != nil {
		out["metadata"] = m.Metadata
	}
	if m.SizeBytes > 0 {
		out["model_size_bytes"] = m.SizeBytes
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(out); err != nil {
		return nil, errs.Wrap(err, "write MLmodel")
	}
	return b.Bytes(), e.Close()
}
