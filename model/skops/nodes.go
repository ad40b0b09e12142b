package skops

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/model/pickle"
)

// container makes the value of a node that holds others; known is false for
// another kind of node.
func (r *reader) container(kind string, n map[string]any, depth int) (v any, known bool, err error) {
	switch kind {
	case "ListNode", "TupleNode", "SetNode":
		items, err := r.children(n["content"], depth)
		switch kind {
		case "ListNode":
			return &pickle.List{Items: items}, true, err
		case "TupleNode":
			return pickle.Tuple(items), true, err
		}
		return &pickle.Set{Items: items}, true, err
	case "DictNode", "DefaultDictNode", "_DictWithDeprecatedKeysNode":
		v, err = r.dict(n, depth)
	case "ObjectNode", "TreeNode", "LossNode", "ConstructorFromReduceNode", "RandomStateNode", "RandomGeneratorNode":
		v, err = r.object(n, depth)
	case "TypeNode":
		v, err = class(n)
	case "SliceNode":
		c, _ := n["content"].(map[string]any)
		o := &pickle.Object{Class: pickle.Global{Module: "builtins", Name: "slice"}}
		for _, key := range []string{"start", "stop", "step"} {
			f, isNumber := c[key].(float64)
			if isNumber && f == math.Trunc(f) {
				o.Args = append(o.Args, int64(f))
			} else {
				o.Args = append(o.Args, nil)
			}
		}
		v = o
	case "PartialNode":
		v, err = r.partial(n, depth)
	case "FunctionNode", "MethodNode", "OperatorFuncNode", "SparseMatrixNode", "MaskedArrayNode":
		g, err := class(n)
		return &pickle.Object{Class: g}, true, err
	default:
		return nil, false, nil
	}
	return v, true, err
}

// partial makes what a pickle makes of functools.partial: the function as argument,
// and a state of the function, its arguments and its keywords. None is called.
func (r *reader) partial(n map[string]any, depth int) (any, error) {
	g, err := class(n)
	if err != nil {
		return nil, err
	}
	content, _ := n["content"].(map[string]any)
	state := make(pickle.Tuple, 3)
	for i, key := range []string{"func", "args", "kwds"} {
		if state[i], err = r.child(content[key], depth); err != nil {
			return nil, err
		}
	}
	return &pickle.Object{Class: g, Args: state[:1], State: state}, nil
}

func (r *reader) dict(n map[string]any, depth int) (any, error) {
	content, ok := n["content"].(map[string]any)
	if inner, nested := content["main"].(map[string]any); nested && inner["__loader__"] != nil && content["__loader__"] == nil {
		return r.child(inner, depth)
	}
	if !ok {
		return nil, invalid("a dict without content")
	}
	keys := make([]string, 0, len(content))
	for k := range content {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	d := &pickle.Dict{}
	for _, k := range keys {
		v, err := r.child(content[k], depth)
		if err != nil {
			return nil, err
		}
		d.Set(k, v)
	}
	return d, nil
}

// object makes an instance: its constructor's arguments and its state.
func (r *reader) object(n map[string]any, depth int) (any, error) {
	g, err := class(n)
	if err != nil {
		return nil, err
	}
	o := &pickle.Object{Class: g}
	switch n["__loader__"] {
	case "RandomStateNode", "RandomGeneratorNode":
		return o, nil
	case "ConstructorFromReduceNode":
		args, err := r.child(n["content"], depth)
		o.Args, _ = args.(pickle.Tuple)
		return o, err
	}
	if reduce, ok := n["__reduce__"].(map[string]any); ok {
		args, err := r.child(reduce["args"], depth)
		if err != nil {
			return nil, err
		}
		o.Args, _ = args.(pickle.Tuple)
	}
	if n["content"] != nil {
		o.State, err = r.child(n["content"], depth)
	}
	return o, err
}

// scalar reads a JsonNode, whose content is a JSON text within the JSON.
func scalar(n map[string]any) (any, error) {
	text, _ := n["content"].(string)
	switch text {
	case "null":
		return nil, nil
	case "true", "false":
		return text == "true", nil
	case "NaN":
		return math.NaN(), nil
	case "Infinity":
		return math.Inf(1), nil
	case "-Infinity":
		return math.Inf(-1), nil
	}
	if !strings.ContainsAny(text, `"[{.eE`) {
		if v, err := strconv.ParseInt(text, 10, 64); err == nil {
			return v, nil
		}
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return nil, invalid("%.40q is no value", text)
	}
	switch v.(type) {
	case string, float64:
		return v, nil
	}
	return &pickle.List{}, nil // a list or a dict that only parameters hold
}

// array reads an array, or a NumPy number.
func (r *reader) array(n map[string]any, depth int) (any, error) {
	if n["type"] == "json" {
		return r.objects(n, depth)
	}
	name, _ := n["file"].(string)
	a := r.arrays[name]
	if a == nil {
		raw, err := r.read(name)
		if err != nil {
			return nil, err
		}
		if a, err = parseNPY(raw); err != nil {
			return nil, err
		}
		r.arrays[name] = a
	}
	if n["__class__"] != "ndarray" && a.Len() == 1 && len(a.Type.Fields) == 0 {
		v, err := a.Values()
		if err != nil {
			return nil, err
		}
		return v[0], nil
	}
	return a, nil
}

// objects reads an array of objects: nested lists of nodes, and a shape.
func (r *reader) objects(n map[string]any, depth int) (any, error) {
	sv, err := r.child(n["shape"], depth)
	if err != nil {
		return nil, err
	}
	var shape []int
	dims, _ := sv.(pickle.Tuple)
	for _, d := range dims {
		v, ok := d.(int64)
		if !ok || v < 0 || v > math.MaxInt32 {
			return nil, invalid("an array with the shape %v", dims)
		}
		shape = append(shape, int(v))
	}
	items, err := r.children(n["content"], depth)
	if err != nil {
		return nil, err
	}
	for range max(len(shape)-1, 0) {
		var flat []any
		for _, item := range items {
			l, ok := item.(*pickle.List)
			if !ok {
				return nil, invalid("an array of objects that is not as deep as its shape")
			}
			flat = append(flat, l.Items...)
		}
		items = flat
	}
	return pickle.NewArray(&pickle.DType{Kind: 'O', Size: 8}, shape, false, nil, items)
}
