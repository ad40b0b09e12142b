package onnx

import (
	"math"
	"slices"
	"strconv"

	"github.com/drivecast/drivecast/errs"
)

// oneHot builds OneHotEncoder: a column of zeros and ones for each category.
func oneHot(n *node) (operator, error) {
	ints, texts := n.get("cats_int64s").ints, n.get("cats_strings").strings
	k := max(len(ints), len(texts))
	if k == 0 {
		return nil, invalid("it has no categories")
	}
	zeros := n.integer("zeros", 1) != 0
	return func(in []*tensor) ([]*tensor, error) {
		t := in[0]
		out, err := (&tensor{elem: typeFloat}).like(append(slices.Clone(t.shape), int64(k)))
		if err != nil {
			return nil, err
		}
		out.nums = make([]float64, out.count())
		for i := range len(t.nums) + len(t.strings) {
			at := -1
			if t.strings != nil {
				at = slices.Index(texts, t.strings[i])
			} else if !math.IsNaN(t.nums[i]) {
				at = slices.Index(ints, int64(t.nums[i]))
			}
			if at >= 0 {
				out.nums[i*k+at] = 1
			} else if !zeros {
				return nil, invalid("a category that is not known")
			}
		}
		return []*tensor{out}, nil
	}, nil
}

// side is the keys or the values of a LabelEncoder, or its default.
type side struct {
	nums  []float64
	texts []string
	elem  int
}

func (n *node) side(tensorName, prefix string) side {
	if t := n.get(tensorName).t; t != nil {
		return side{t.nums, t.strings, t.elem}
	}
	if a := n.get(prefix + "strings"); len(a.strings) > 0 {
		return side{texts: a.strings, elem: typeString}
	}
	s := side{elem: typeInt64}
	for _, v := range n.get(prefix + "int64s").ints {
		s.nums = append(s.nums, float64(v))
	}
	if a := n.get(prefix + "floats"); len(a.floats) > 0 {
		s.elem = typeFloat
		for _, v := range a.floats {
			s.nums = append(s.nums, float64(v))
		}
	}
	return s
}

// labelEncoder builds LabelEncoder, which replaces keys by values.
func labelEncoder(n *node) (operator, error) {
	keys, values := n.side("keys_tensor", "keys_"), n.side("values_tensor", "values_")
	if old := n.get("classes_strings").strings; len(old) > 0 { // the first version: texts to places
		keys, values = side{texts: old, elem: typeString}, side{elem: typeInt64}
		for i := range old {
			values.nums = append(values.nums, float64(i))
		}
	}
	k := len(keys.nums) + len(keys.texts)
	if k == 0 || k != len(values.nums)+len(values.texts) {
		return nil, invalid("%d keys for %d values", k, len(values.nums)+len(values.texts))
	}
	otherText, other := n.get("default_string").s, float64(n.integer("default_int64", -1))
	if otherText == "" {
		otherText = "_Unused"
	}
	if values.elem != typeInt64 {
		other = float64(n.get("default_float").f)
	}
	if t := n.get("default_tensor").t; t != nil && len(t.nums) == 1 {
		other = t.nums[0]
	} else if t != nil && len(t.strings) == 1 {
		otherText = t.strings[0]
	}
	return func(in []*tensor) ([]*tensor, error) {
		t := in[0]
		if (t.strings != nil) != (keys.texts != nil) && len(t.nums)+len(t.strings) > 0 {
			return nil, invalid("keys of another type than the input")
		}
		out := &tensor{elem: values.elem, shape: t.shape}
		for i := range len(t.nums) + len(t.strings) {
			at := keys.find(t, i)
			switch {
			case values.texts != nil && at >= 0:
				out.strings = append(out.strings, values.texts[at])
			case values.texts != nil:
				out.strings = append(out.strings, otherText)
			case at >= 0:
				out.nums = append(out.nums, values.nums[at])
			default:
				out.nums = append(out.nums, other)
			}
		}
		return []*tensor{out}, nil
	}, nil
}

// find returns the place of element i of t among the keys, -1 when it is none. NaN
// finds NaN.
func (s *side) find(t *tensor, i int) int {
	if t.strings != nil {
		return slices.Index(s.texts, t.strings[i])
	}
	v := t.nums[i]
	return slices.IndexFunc(s.nums, func(k float64) bool { return k == v || k != k && v != v })
}

// compareTexts is Equal of texts whose shapes fit by NumPy's rules.
func compareTexts(in []*tensor) ([]*tensor, error) {
	a, b := in[0], in[1]
	if a.strings == nil || b.strings == nil {
		return nil, invalid("a text and a number")
	}
	places := map[string]float64{}
	numbers := func(t *tensor) *tensor {
		out := &tensor{elem: typeInt64, shape: t.shape}
		for _, s := range t.strings {
			if _, ok := places[s]; !ok {
				places[s] = float64(len(places))
			}
			out.nums = append(out.nums, places[s])
		}
		return out
	}
	return broadcast([]*tensor{numbers(a), numbers(b)}, pairwise["Equal"], true)
}

// whereTexts is Where of texts.
func whereTexts(in []*tensor) ([]*tensor, error) {
	if len(in) != 3 || in[1].strings == nil || in[2].strings == nil {
		return nil, invalid("a text and a number")
	}
	all := slices.Concat(in[1].strings, in[2].strings)
	places := func(t *tensor, from int) *tensor {
		out := &tensor{elem: typeInt64, shape: t.shape}
		for i := range t.strings {
			out.nums = append(out.nums, float64(from+i))
		}
		return out
	}
	picked, err := where([]*tensor{in[0], places(in[1], 0), places(in[2], len(in[1].strings))})
	if err != nil {
		return nil, err
	}
	out := &tensor{elem: typeString, shape: picked[0].shape}
	for _, v := range picked[0].nums {
		out.strings = append(out.strings, all[int(v)])
	}
	return []*tensor{out}, nil
}

// castTexts changes texts to numbers, or numbers to texts.
func castTexts(t *tensor, to int) ([]*tensor, error) {
	out := &tensor{elem: to, shape: t.shape}
	switch {
	case to == typeString && t.strings != nil:
		return []*tensor{t}, nil
	case to == typeString && (t.elem == typeInt64 || t.elem == typeInt32):
		for _, v := range t.nums {
			out.strings = append(out.strings, strconv.FormatInt(int64(v), 10))
		}
		return []*tensor{out}, nil
	case to == typeString:
		return nil, errs.New(errs.Unsupported, "a cast of element type %d to text", t.elem)
	}
	for _, s := range t.strings {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return nil, invalid("the text %q is no number", s)
		}
		out.nums = append(out.nums, v)
	}
	return []*tensor{out}, nil
}
