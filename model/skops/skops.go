// Package skops reads skops files, the format in which MLflow 3.17 and later save
// scikit-learn models: a zip of schema.json, a tree of objects, and one .npy file
// an array. The result has the shape that package pickle gives, so that what
// reads one reads the other. Nothing is run, and names are held against the same
// allow-list.
package skops

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model/pickle"
)

const (
	maxDepth  = 150
	sizeBase  = 64 << 20 // a file may unfold to sizeBase and sizeRate times its own size
	sizeRate  = 250
	maxFiles  = 1 << 20
	schemaKey = "schema.json"
)

func invalid(format string, args ...any) error {
	return errs.New(errs.Invalid, "skops: "+format, args...)
}

// Load reads a skops file and returns the object in it. Names that are not
// allowed are of kind Unsupported, everything else that is wrong of kind Invalid
// or TooLarge.
func Load(data []byte) (any, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, invalid("not a zip file: %w", err)
	}
	if len(z.File) > maxFiles {
		return nil, invalid("%d files in the zip", len(z.File))
	}
	r := &reader{files: make(map[string]*zip.File, len(z.File)), budget: sizeBase + sizeRate*int64(len(data)), arrays: map[string]*pickle.Array{}}
	for _, f := range z.File {
		if strings.ContainsAny(f.Name, `/\`) || f.Name == ".." {
			return nil, invalid("the zip holds the path %q, which is none of a model's", f.Name)
		}
		r.files[f.Name] = f
	}
	text, err := r.read(schemaKey)
	if err != nil {
		return nil, err
	}
	var top map[string]any
	if err := json.Unmarshal(text, &top); err != nil {
		return nil, invalid("%s: %w", schemaKey, err)
	}
	return r.value(top, 0)
}

// reader reads one file.
type reader struct {
	files  map[string]*zip.File
	arrays map[string]*pickle.Array
	budget int64
}

// read unfolds one entry of the zip.
func (r *reader) read(name string) ([]byte, error) {
	f := r.files[name]
	if f == nil {
		return nil, invalid("the zip lacks %s", name)
	}
	if f.UncompressedSize64 > uint64(max(r.budget, 0)) {
		return nil, errs.New(errs.TooLarge, "skops: the file unfolds to far more than its size")
	}
	in, err := f.Open()
	if err != nil {
		return nil, invalid("%s: %w", name, err)
	}
	defer in.Close()
	var out bytes.Buffer
	out.Grow(int(f.UncompressedSize64))
	n, err := out.ReadFrom(io.LimitReader(in, int64(f.UncompressedSize64)+1))
	r.budget -= n
	if err != nil || n != int64(f.UncompressedSize64) {
		return nil, invalid("%s is damaged", name)
	}
	return out.Bytes(), nil
}

// value makes the value of one node of the schema.
func (r *reader) value(n map[string]any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, invalid("objects nested too deeply")
	}
	if r.budget -= 64; r.budget < 0 {
		return nil, errs.New(errs.TooLarge, "skops: the file unfolds to far more than its size")
	}
	loader, _ := n["__loader__"].(string)
	if v, known, err := r.container(loader, n, depth); known {
		return v, err
	}
	switch loader {
	case "JsonNode":
		return scalar(n)
	case "NdArrayNode":
		return r.array(n, depth)
	case "DTypeNode":
		a, err := r.child(n["content"], depth)
		if arr, ok := a.(*pickle.Array); ok && err == nil {
			return arr.Type, nil
		}
		return nil, invalid("an element type without an array (%v)", err)
	case "BytesNode", "BytearrayNode":
		name, _ := n["file"].(string)
		return r.read(name)
	}
	return nil, errs.New(errs.Unsupported, "skops: nodes of kind %q are not supported", loader)
}

// child makes the value of a nested node.
func (r *reader) child(v any, depth int) (any, error) {
	n, ok := v.(map[string]any)
	if !ok {
		return nil, invalid("a node is missing")
	}
	return r.value(n, depth+1)
}

// children makes the values of a list of nodes.
func (r *reader) children(v any, depth int) ([]any, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, invalid("a list is missing")
	}
	out := make([]any, len(list))
	for i, item := range list {
		var err error
		if out[i], err = r.child(item, depth); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// class returns the class that a node names.
func class(n map[string]any) (pickle.Global, error) {
	module, _ := n["__module__"].(string)
	name, _ := n["__class__"].(string)
	g := pickle.Global{Module: module, Name: name}
	if !pickle.Allowed(g) {
		return g, errs.New(errs.Unsupported, "the skops file names %s, which is not on the list of what a model may contain; nothing of it was run. %s", g, pickle.Advice(g))
	}
	return g, nil
}
