package boosted

import (
	"math"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/tree/kernel"
)

// oblivious is one of CatBoost's symmetric trees: bit i of the leaf's index says
// whether the row passes split i.
type oblivious struct {
	splits  []catSplit
	values  []float64 // leaves × outputs
	weights []float64 // of the training rows of each leaf, or nil
}

// catSplit is passed when float32(x) > border; a missing value is passed when
// missing says so.
type catSplit struct {
	col     int
	border  float32
	missing bool
}

// catColumn is a numeric column: its place in a row and its name.
type catColumn struct {
	at      int
	name    string
	missing bool // a missing value passes every split
}

// catModel is what both of CatBoost's formats hold. Only one of trees and grown
// is filled.
type catModel struct {
	columns []catColumn
	trees   []oblivious
	grown   []kernel.Tree // trees that are not symmetric, outputs values a node
	outputs int
	scale   float64
	bias    []float64
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
	for _, key := range []string{"categorical_features", "ctrs", "text_features", "embedding_features"} {
		if len(info.list(key)) > 0 {
			return nil, errs.New(errs.Unsupported, "%s; encode them as numbers before fitting", strings.ReplaceAll(key, "_", " "))
		}
	}
	c := catModel{outputs: 1, scale: 1, bias: []float64{0}}
	for _, v := range info.list("float_features") {
		f, _ := v.(object)
		at := f.num("flat_feature_index", -1)
		if at != math.Trunc(at) || math.Abs(at) > maxColumns {
			return nil, invalid("the column %v", at)
		}
		c.columns = append(c.columns, catColumn{int(at), f.str("feature_id"), f.str("nan_value_treatment") == "AsTrue"})
	}
	if sb := o.list("scale_and_bias"); len(sb) == 2 {
		c.scale, _ = sb[0].(float64)
		c.bias, _ = sb[1].([]float64)
	}
	c.outputs = max(len(c.bias), 1)
	for i, v := range o.list("oblivious_trees") {
		t, _ := v.(object)
		tree, err := c.oblivious(t)
		if err != nil {
			return nil, errs.Wrap(err, "tree %d", i)
		}
		c.trees = append(c.trees, *tree)
	}
	for i, v := range o.list("trees") {
		t, _ := v.(object)
		g := catGrown{outputs: c.outputs}
		if err := g.nested(t, c.columns, 0); err != nil {
			return nil, errs.Wrap(err, "tree %d", i)
		}
		c.grown = append(c.grown, g.out)
	}
	return c.model(o.at("model_info"))
}

// maxColumns bounds the width of a row.
const maxColumns = 1 << 20

// model makes the ensemble.
func (c *catModel) model(info object) (*Model, error) {
	m := &Model{Library: "CatBoost", outputs: c.outputs, scale: c.scale}
	var names []string
	for _, col := range c.columns {
		if col.at < 0 || col.at >= maxColumns {
			return nil, invalid("the column %d", col.at)
		}
		names = append(names, col.name)
		m.cols = max(m.cols, col.at+1)
	}
	if m.cols == 0 || len(c.trees) == 0 && len(c.grown) == 0 {
		return nil, invalid("it has no numeric columns or no trees")
	}
	e := c.ensemble(m.cols)
	for k := range e.Trees {
		if err := checkTree(&e.Trees[k], m.cols); err != nil {
			return nil, errs.Wrap(err, "tree %d", k)
		}
	}
	if len(e.Trees) > 0 {
		m.explain = e
		if len(c.bias) == c.outputs {
			m.base = c.bias[c.outputs-1]
		}
	}
	m.raw = c.raw
	if len(names) == m.cols {
		m.Names = names
		for i, s := range names {
			if s == "" || s == strconv.Itoa(i) {
				m.Names = nil
				break
			}
		}
	}
	return m, m.catObjective(info)
}

// raw writes the raw answers of a row.
func (c *catModel) raw(dst, row []float64) {
	clear(dst)
	for i := range c.trees {
		c.trees[i].add(dst, row)
	}
	for i := range c.grown {
		t := &c.grown[i]
		leaf := t.Leaf(row, kernel.LessEqual32) * len(dst)
		for k := range dst {
			dst[k] += t.Value[leaf+k]
		}
	}
	for k := range dst {
		dst[k] *= c.scale
		if k < len(c.bias) {
			dst[k] += c.bias[k]
		}
	}
}

// oblivious reads a symmetric tree of the JSON format.
func (c *catModel) oblivious(o object) (*oblivious, error) {
	t := &oblivious{values: o.nums("leaf_values"), weights: o.nums("leaf_weights")}
	for _, v := range o.list("splits") {
		s, _ := v.(object)
		split, err := jsonSplit(s, c.columns)
		if err != nil {
			return nil, err
		}
		t.splits = append(t.splits, split)
	}
	if len(t.splits) > 16 || len(t.values) != c.outputs<<len(t.splits) {
		return nil, invalid("%d leaf values for %d splits and %d outputs", len(t.values), len(t.splits), c.outputs)
	}
	if len(t.weights) != 1<<len(t.splits) {
		t.weights = nil
	}
	return t, nil
}

func jsonSplit(s object, columns []catColumn) (catSplit, error) {
	if kind := s.str("split_type"); kind != "FloatFeature" {
		return catSplit{}, errs.New(errs.Unsupported, "splits of type %q", kind)
	}
	f := s.num("float_feature_index", -1)
	if !(f >= 0 && int(f) < len(columns)) {
		return catSplit{}, invalid("a split of column %v", f)
	}
	col := columns[int(f)]
	return catSplit{col.at, float32(s.num("border", 0)), col.missing}, nil
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
