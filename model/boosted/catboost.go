package boosted

import (
	"math"
	"strconv"

	"github.com/drivecast/drivecast/errs"
)

// oblivious is one of CatBoost's trees: bit i of the leaf's index says whether
// the row passes split i.
type oblivious struct {
	splits []catSplit
	values []float64 // leaves × outputs
}

// catSplit is passed when float32(x) > border; a missing value is passed when
// missing says so.
type catSplit struct {
	col     int
	border  float32
	missing bool
}

// CatBoost reads a model that CatBoost saved with format="json".
func CatBoost(data []byte) (*Model, error) {
	o, err := parseJSON(data)
	if err == nil {
		var m *Model
		if m, err = catboost(o); err == nil {
			return m, nil
		}
	}
	return nil, errs.Wrap(err, "CatBoost")
}

func catboost(o object) (*Model, error) {
	info := o.at("features_info")
	if len(info.list("categorical_features")) > 0 || len(info.list("ctrs")) > 0 {
		return nil, errs.New(errs.Unsupported, "categorical columns; encode them before fitting, or export the model to ONNX")
	}
	m := &Model{Library: "CatBoost"}
	var cols []int
	var missing []bool
	var names []string
	for _, v := range info.list("float_features") {
		f, _ := v.(object)
		at := f.num("flat_feature_index", -1)
		if at < 0 || at > 1<<20 || at != math.Trunc(at) {
			return nil, invalid("the column %v", at)
		}
		cols, missing = append(cols, int(at)), append(missing, f.str("nan_value_treatment") == "AsTrue")
		names = append(names, f.str("feature_id"))
		m.cols = max(m.cols, int(at)+1)
	}
	list := o.list("oblivious_trees")
	if m.cols == 0 || list == nil {
		return nil, errs.New(errs.Unsupported, "only symmetric trees over numeric columns are supported")
	}
	m.outputs = 1
	scale, bias := 1.0, []float64{0}
	if sb := o.list("scale_and_bias"); len(sb) == 2 {
		scale, _ = sb[0].(float64)
		bias, _ = sb[1].([]float64)
	}
	m.outputs = max(len(bias), 1)
	var trees []oblivious
	for i, v := range list {
		t, _ := v.(object)
		tree, err := catTree(t, cols, missing, m.outputs)
		if err != nil {
			return nil, errs.Wrap(err, "tree %d", i)
		}
		trees = append(trees, *tree)
	}
	m.raw = func(dst, row []float64) {
		clear(dst)
		for i := range trees {
			trees[i].add(dst, row)
		}
		for c := range dst {
			dst[c] *= scale
			if c < len(bias) {
				dst[c] += bias[c]
			}
		}
	}
	if len(names) == m.cols {
		m.Names = names
		for i, s := range names {
			if s == "" || s == strconv.Itoa(i) {
				m.Names = nil
				break
			}
		}
	}
	return m, m.catObjective(o.at("model_info"))
}

func catTree(o object, cols []int, missing []bool, k int) (*oblivious, error) {
	t := &oblivious{values: o.nums("leaf_values")}
	for _, v := range o.list("splits") {
		s, _ := v.(object)
		if kind := s.str("split_type"); kind != "FloatFeature" {
			return nil, errs.New(errs.Unsupported, "splits of type %q", kind)
		}
		f := s.num("float_feature_index", -1)
		if f < 0 || int(f) >= len(cols) {
			return nil, invalid("a split of column %v", f)
		}
		t.splits = append(t.splits, catSplit{cols[int(f)], float32(s.num("border", 0)), missing[int(f)]})
	}
	if len(t.splits) > 16 || len(t.values) != k<<len(t.splits) {
		return nil, invalid("%d leaf values for %d splits and %d outputs", len(t.values), len(t.splits), k)
	}
	return t, nil
}

func (t *oblivious) add(dst, row []float64) {
	leaf := 0
	for i, s := range t.splits {
		v := row[s.col]
		if pass := float32(v) > s.border; pass || math.IsNaN(v) && s.missing {
			leaf |= 1 << i
		}
	}
	for c := range dst {
		dst[c] += t.values[leaf*len(dst)+c]
	}
}

// catObjective sets classes and answers by the loss and the class names.
func (m *Model) catObjective(info object) error {
	loss := info.at("params", "loss_function").str("type")
	if loss == "" {
		loss = info.at("params").str("loss_function")
	}
	class := info.at("class_params")
	var names []any
	if n := class.nums("class_names"); n != nil {
		for _, v := range n {
			names = append(names, v)
		}
	} else {
		names = class.list("class_names")
	}
	k := m.outputs
	switch loss {
	case "Logloss", "CrossEntropy":
		k = 2
		m.answer = func(dst, raw []float64) {
			dst[1] = sigmoid(raw[0])
			dst[0] = 1 - dst[1]
		}
	case "MultiClass":
		m.answer = softmax
	case "MultiClassOneVsAll":
		m.answer = func(dst, raw []float64) {
			for c, v := range raw {
				dst[c] = sigmoid(v)
			}
		}
	case "Poisson", "Tweedie":
		m.answer = func(dst, raw []float64) { dst[0] = math.Exp(raw[0]) }
		k = 0
	default:
		m.answer = func(dst, raw []float64) { dst[0] = raw[0] }
		k = 0
	}
	if k == 0 {
		if m.outputs > 1 {
			return errs.New(errs.Unsupported, "several outputs")
		}
		return nil
	}
	m.classes, m.LabelType = counted(k), "long"
	if len(names) != k {
		return nil
	}
	for c, n := range names {
		switch n := n.(type) {
		case float64:
			m.classes[c] = n
		case string:
			m.LabelType = "string"
			m.Labels = append(m.Labels, n)
		}
	}
	if m.Labels != nil && len(m.Labels) != k {
		return invalid("class names of mixed types")
	}
	return nil
}
