package azureml

import (
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// pair is one entry of a map that keeps its order.
type pair struct {
	key   string
	value any
}

// ordered is a map in the order of its file: components are sent as text, where
// the order shows. Its values are ordered, []any and scalars.
type ordered []pair

// get returns the value of key, nil when there is none.
func (o ordered) get(key string) any {
	for _, p := range o {
		if p.key == key {
			return p.value
		}
	}
	return nil
}

// in returns the map at key, nil when there is none.
func (o ordered) in(key string) ordered {
	m, _ := o.get(key).(ordered)
	return m
}

// add appends an entry that has a value. An empty map or list has none.
func (o *ordered) add(key string, v any) {
	switch x := v.(type) {
	case nil:
		return
	case ordered:
		if len(x) == 0 {
			return
		}
	case []any:
		if len(x) == 0 {
			return
		}
	}
	*o = append(*o, pair{key, v})
}

// copies appends the entries of in that have these keys, in this order.
func (o *ordered) copies(in ordered, keys ...string) {
	for _, k := range keys {
		o.add(k, in.get(k))
	}
}

// with returns a copy that has another value at key.
func (o ordered) with(key string, v any) ordered {
	out := slices.Clone(o)
	for i := range out {
		if out[i].key == key {
			out[i].value = v
		}
	}
	return out
}

// byKey turns maps into ordered ones, their keys in the order of their bytes.
func byKey(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := ordered{}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out = append(out, pair{k, byKey(v[k])})
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = byKey(x)
		}
		return out
	}
	return v
}

// plainMap returns the same as a map, to be written as JSON.
func (o ordered) plainMap() map[string]any {
	out := map[string]any{}
	for _, p := range o {
		out[p.key] = unordered(p.value)
	}
	return out
}

func unordered(v any) any {
	switch v := v.(type) {
	case ordered:
		return v.plainMap()
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = unordered(x)
		}
		return out
	}
	return v
}

// sorted returns the same with its keys in the order of their bytes, at every
// depth.
func sorted(v any) any { return byKey(unordered(v)) }

// inOrder turns YAML into ordered maps, lists and scalars, by YAML 1.1.
func inOrder(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		out := ordered{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			out = append(out, pair{n.Content[i].Value, inOrder(n.Content[i+1])})
		}
		return out
	case yaml.SequenceNode:
		out := make([]any, len(n.Content))
		for i, c := range n.Content {
			out[i] = inOrder(c)
		}
		return out
	}
	return value(n)
}

// orderedFields returns the fields of a document in their order.
func orderedFields(d *job.Document) (ordered, error) {
	text, err := d.Text()
	if err != nil {
		return nil, err
	}
	return orderedText(text, d.File)
}

// orderedText reads YAML whose top is a map.
func orderedText(text []byte, file string) (ordered, error) {
	var n yaml.Node
	if err := yaml.Unmarshal(text, &n); err != nil {
		return nil, errs.Wrap(err, "read %s", file)
	}
	if len(n.Content) == 0 || n.Content[0].Kind != yaml.MappingNode {
		return nil, errs.New(errs.Invalid, "%s: the file is no map of fields", file)
	}
	return inOrder(n.Content[0]).(ordered), nil
}
