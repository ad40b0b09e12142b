package sklearn

import (
	"math"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model/pickle"
)

// node is an object that is being read.
type node struct {
	o    *pickle.Object
	path string
}

func (n node) bad(format string, args ...any) error { return errs.New(errs.Invalid, format, args...) }

// has reports whether the attribute is there and not None.
func (n node) has(name string) bool {
	v, ok := n.o.Attr(name)
	return ok && v != nil
}

// array returns an attribute that is an array; a scalar becomes one of length 1.
func (n node) array(name string) (*pickle.Array, error) {
	v, ok := n.o.Attr(name)
	if a, isArray := v.(*pickle.Array); isArray {
		return a, nil
	}
	if !ok {
		return nil, n.bad("the attribute %s is missing: was it fitted?", name)
	}
	return nil, n.bad("%s is %s, not an array", name, pickle.Describe(v))
}

// floats returns an attribute as numbers, row by row, and its shape. Numbers and
// lists of numbers count as arrays.
func (n node) floats(name string) (v []float64, shape []int, err error) {
	raw, ok := n.o.Attr(name)
	if !ok {
		return nil, nil, n.bad("the attribute %s is missing: was it fitted?", name)
	}
	switch x := raw.(type) {
	case *pickle.Array:
		v, err = x.Floats()
		return v, x.Shape, err
	case *pickle.List:
		for _, item := range x.Items {
			f, ok := pickle.Float(item)
			if !ok {
				return nil, nil, n.bad("%s holds %s", name, pickle.Describe(item))
			}
			v = append(v, f)
		}
		return v, []int{len(v)}, nil
	}
	f, ok := pickle.Float(raw)
	if !ok || raw == nil {
		return nil, nil, n.bad("%s is %s", name, pickle.Describe(raw))
	}
	return []float64{f}, []int{}, nil
}

// vector returns an attribute that must have the given number of elements.
func (n node) vector(name string, length int) ([]float64, error) {
	v, _, err := n.floats(name)
	if err == nil && len(v) != length {
		err = n.bad("%s has %d elements, %d are needed", name, len(v), length)
	}
	return v, err
}

// matrix returns a two-dimensional attribute as rows.
func (n node) matrix(name string) ([][]float64, error) {
	v, shape, err := n.floats(name)
	if err != nil {
		return nil, err
	}
	if len(shape) == 1 {
		shape = []int{1, shape[0]}
	}
	if len(shape) != 2 || shape[0] == 0 || shape[1] == 0 {
		return nil, n.bad("%s has the shape %v, a matrix is needed", name, shape)
	}
	out := make([][]float64, shape[0])
	for i := range out {
		out[i] = v[i*shape[1] : (i+1)*shape[1]]
	}
	return out, nil
}

// float returns an attribute that is one number; fallback when it is absent or
// None.
func (n node) float(name string, fallback float64) float64 {
	if v, ok := n.o.Attr(name); ok && v != nil {
		if f, ok := pickle.Float(v); ok {
			return f
		}
	}
	return fallback
}

// text returns an attribute that is text; fallback when it is not.
func (n node) text(name, fallback string) string {
	if v, ok := n.o.Attr(name); ok {
		if s, ok := v.(string); ok {
			return s
		}
	}
	return fallback
}

// flag returns an attribute that is a truth value; fallback when it is not.
func (n node) flag(name string, fallback bool) bool {
	if v, ok := n.o.Attr(name); ok {
		if f, ok := v.(bool); ok {
			return f
		}
	}
	return fallback
}

// items returns an attribute that is a list, a tuple or an array of objects.
func (n node) items(name string) ([]any, error) {
	v, ok := n.o.Attr(name)
	if !ok {
		return nil, n.bad("the attribute %s is missing: was it fitted?", name)
	}
	return itemsOf(v)
}

func itemsOf(v any) ([]any, error) {
	switch v := v.(type) {
	case *pickle.List:
		return v.Items, nil
	case pickle.Tuple:
		return v, nil
	case *pickle.Array:
		return v.Values()
	}
	return nil, errs.New(errs.Invalid, "%s where a list belongs", pickle.Describe(v))
}

// object returns an attribute that is an object.
func (n node) object(name string) (node, error) {
	v, ok := n.o.Attr(name)
	o, isObject := v.(*pickle.Object)
	if !ok || !isObject {
		return node{}, n.bad("%s is %s, not an object", name, pickle.Describe(v))
	}
	return node{o, n.path + "." + name}, nil
}

// steps returns the objects of a pipeline, passthrough steps left out.
func (n node) steps() ([]*pickle.Object, error) {
	items, err := n.items("steps")
	if err != nil {
		return nil, err
	}
	var out []*pickle.Object
	for _, item := range items {
		pair, err := itemsOf(item)
		if err != nil || len(pair) != 2 {
			return nil, n.bad("a step is no pair of a name and an object")
		}
		switch step := pair[1].(type) {
		case *pickle.Object:
			out = append(out, step)
		case nil:
		case string:
			if step != "passthrough" {
				return nil, n.bad("a step is the text %q", step)
			}
		default:
			return nil, n.bad("a step is %s", pickle.Describe(step))
		}
	}
	return out, nil
}

// classLabels returns the attribute classes_ as numbers.
func (n node) classLabels() ([]float64, error) {
	if !n.has("classes_") && n.has("_label_binarizer") { // RidgeClassifier before 1.4
		if inner, err := n.object("_label_binarizer"); err == nil {
			return inner.classLabels()
		}
	}
	a, err := n.array("classes_")
	if err != nil {
		return nil, err
	}
	nums, _, _, err := classes(a)
	return nums, err
}

// features returns n_features_in_, or what older versions called it; 0 when the
// object does not say.
func (n node) features() int {
	for _, name := range []string{"n_features_in_", "n_features_", "_n_features"} {
		if f := n.float(name, 0); f >= 1 && f == math.Trunc(f) && f < 1<<24 {
			return int(f)
		}
	}
	return 0
}
