package boosted

import (
	"encoding/binary"
	"encoding/json"
	"math"

	"github.com/drivecast/drivecast/errs"
)

// A cbm file is the text "CBM1", the length of a FlatBuffers table as four bytes,
// the table, and parts for categorical columns. The table's fields are known by
// number, in the order that CatBoost added them.
const (
	cbmTrees = 1 // field of the outermost table
	cbmInfo  = 2

	cbmDimension = 0 // fields of the trees
	cbmSplits    = 1
	cbmSizes     = 2
	cbmStarts    = 3
	cbmCats      = 4
	cbmFloats    = 5
	cbmOneHot    = 6
	cbmCtrs      = 7
	cbmValues    = 8
	cbmWeights   = 9
	cbmSteps     = 10
	cbmLeaves    = 11
	cbmTexts     = 12
	cbmEstimated = 13
	cbmScale     = 14
	cbmBias      = 15
	cbmBiases    = 16

	cbmFlatIndex = 2 // fields of a column
	cbmBorders   = 3
	cbmName      = 4
	cbmNaN       = 5
)

// CatBoostBinary reads a model that CatBoost saved in its own format, cbm.
// Columns of categories, of texts and of embeddings are of kind Unsupported.
func CatBoostBinary(data []byte) (*Model, error) {
	if len(data) < 12 || string(data[:4]) != "CBM1" || uint64(binary.LittleEndian.Uint32(data[4:])) > uint64(len(data)-8) {
		return nil, errs.Wrap(invalid("the file is cut off"), "CatBoost")
	}
	m, err := cbm(flat(data[8 : 8+binary.LittleEndian.Uint32(data[4:])]))
	return m, errs.Wrap(err, "CatBoost")
}

func cbm(f flat) (m *Model, err error) {
	defer func() {
		if r := recover(); r != nil {
			if r != any(errFlat) {
				panic(r)
			}
			m, err = nil, errFlat
		}
	}()
	root := f.root()
	t := root.table(cbmTrees)
	for field, what := range map[int]string{cbmCats: "categorical columns", cbmOneHot: "categorical columns", cbmCtrs: "categorical columns", cbmTexts: "columns of text", cbmEstimated: "columns of text or embeddings"} {
		if _, n := t.vector(field, 4); n > 0 {
			return nil, errs.New(errs.Unsupported, "%s; encode them as numbers before fitting", what)
		}
	}
	c := catModel{outputs: int(t.num(cbmDimension, 1)), scale: t.double(cbmScale, 1)}
	if c.outputs < 1 || c.outputs > 1<<16 {
		return nil, invalid("%d outputs", c.outputs)
	}
	if c.bias = t.doubles(cbmBiases); len(c.bias) == 0 {
		c.bias = make([]float64, c.outputs)
		c.bias[0] = t.double(cbmBias, 0)
	}
	var splits []catSplit
	for _, col := range t.tables(cbmFloats) {
		cc := catColumn{at: int(col.num(cbmFlatIndex, -1)), name: col.text(cbmName), missing: col.byte(cbmNaN) == 2}
		c.columns = append(c.columns, cc)
		at, n := col.vector(cbmBorders, 4)
		for i := range n {
			splits = append(splits, catSplit{cc.at, math.Float32frombits(f.u32(at + 4*i)), cc.missing})
		}
	}
	if err := c.cbmTrees(t, splits); err != nil {
		return nil, err
	}
	info := object{}
	for _, kv := range root.tables(cbmInfo) {
		info[kv.text(0)] = kv.text(1)
	}
	return c.model(cbmInfos(info))
}

// cbmInfos returns what the trees' maker said of classes and loss, which a cbm
// file holds as JSON in texts.
func cbmInfos(info object) object {
	out := object{}
	for _, key := range []string{"class_params", "params"} {
		text := info.str(key)
		if !json.Valid([]byte(text)) {
			continue
		}
		if o, err := parseJSON([]byte(text)); err == nil {
			out[key] = o
		}
	}
	return out
}

// cbmTrees reads the trees: symmetric ones, or general ones when there are steps.
func (c *catModel) cbmTrees(t flatTable, splits []catSplit) error {
	sizes, starts, tests := t.ints(cbmSizes), t.ints(cbmStarts), t.ints(cbmSplits)
	values, weights := t.doubles(cbmValues), t.doubles(cbmWeights)
	stepAt, steps := t.vector(cbmSteps, 4)
	leaves := t.ints(cbmLeaves)
	if len(starts) != len(sizes) || steps > 0 && (steps != len(tests) || len(leaves) != len(tests)) {
		return invalid("arrays of the trees differ in length")
	}
	for i, s := range tests {
		if s < 0 || int(s) >= len(splits) {
			if steps == 0 || t.f.u32(stepAt+4*i) != 0 {
				return invalid("split %d of %d", s, len(splits))
			}
			tests[i] = 0
		}
	}
	if steps > 0 {
		for k, size := range sizes {
			lo := int(starts[k])
			if lo < 0 || size < 1 || lo > len(tests) || int(size) > len(tests)-lo {
				return invalid("tree %d lies outside the nodes", k)
			}
			g := catGrown{splits: splits, tests: tests[lo : lo+int(size)], leaves: leaves[lo : lo+int(size)], values: values, weights: weights, outputs: c.outputs}
			for i := range g.tests {
				d := t.f.u32(stepAt + 4*(lo+i))
				g.left, g.right = append(g.left, int32(d&0xffff)), append(g.right, int32(d>>16))
			}
			if err := g.grow(0); err != nil {
				return errs.Wrap(err, "tree %d", k)
			}
			c.grown = append(c.grown, g.out)
		}
		return nil
	}
	at := 0
	for k, size := range sizes {
		lo := int(starts[k])
		if lo < 0 || size < 0 || size > 16 || lo > len(tests)-int(size) {
			return invalid("tree %d lies outside the splits", k)
		}
		n := c.outputs << size
		if len(values)-at < n {
			return invalid("tree %d has too few leaf values", k)
		}
		o := oblivious{values: values[at : at+n]}
		if w := at / c.outputs; len(weights) >= w+1<<size {
			o.weights = weights[w : w+1<<size]
		}
		at += n
		for _, s := range tests[lo : lo+int(size)] {
			o.splits = append(o.splits, splits[s])
		}
		c.trees = append(c.trees, o)
	}
	return nil
}
