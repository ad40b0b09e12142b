package boosted

import (
	"github.com/drivecast/drivecast/tree/kernel"
)

// maxCatDepth bounds trees that are not symmetric.
const maxCatDepth = 1000

// catGrown turns one of CatBoost's trees that are not symmetric into a plain
// tree. In a cbm file a node says how many places further its children are, 0
// standing for a child that is missing: then the node itself is the leaf.
type catGrown struct {
	splits          []catSplit
	tests, leaves   []int32
	left, right     []int32
	values, weights []float64
	outputs         int
	out             kernel.Tree
}

// node appends a node that passes split s, or a leaf when s is nil.
func (g *catGrown) node(s *catSplit, value []float64, weight float64) int32 {
	t, at := &g.out, int32(len(g.out.Left))
	t.Left, t.Right, t.Cover = append(t.Left, -1), append(t.Right, -1), append(t.Cover, weight)
	if s == nil {
		s = &catSplit{}
	}
	t.Feature, t.Threshold, t.MissingLeft = append(t.Feature, int32(s.col)), append(t.Threshold, float64(s.border)), append(t.MissingLeft, !s.missing)
	if value == nil {
		value = make([]float64, g.outputs)
	}
	t.Value = append(t.Value, value...)
	return at
}

// grow appends node i of a cbm file and what is below it.
func (g *catGrown) grow(i int) error {
	if len(g.out.Left) > 2*len(g.tests) {
		return invalid("its nodes are not a tree")
	}
	if g.left[i] == 0 && g.right[i] == 0 {
		return g.leaf(i)
	}
	at := g.node(&g.splits[g.tests[i]], nil, 0)
	for side, step := range []int32{g.left[i], g.right[i]} {
		child := int32(len(g.out.Left))
		if side == 0 {
			g.out.Left[at] = child
		} else {
			g.out.Right[at] = child
		}
		var err error
		switch {
		case step == 0:
			err = g.leaf(i)
		case i+int(step) >= len(g.tests):
			err = invalid("node %d has no child %d", i, step)
		default:
			err = g.grow(i + int(step))
		}
		if err != nil {
			return err
		}
	}
	g.sum(at)
	return nil
}

func (g *catGrown) leaf(i int) error {
	at, w := int(g.leaves[i]), 0.0
	if at < 0 || at > len(g.values)-g.outputs {
		return invalid("node %d has the leaf %d", i, at)
	}
	if k := at / g.outputs; k < len(g.weights) {
		w = g.weights[k]
	}
	g.node(nil, g.values[at:at+g.outputs], w)
	return nil
}

// sum gives an inner node the weight of its children.
func (g *catGrown) sum(at int32) {
	g.out.Cover[at] = g.out.Cover[g.out.Left[at]] + g.out.Cover[g.out.Right[at]]
}

// nested appends a node of the JSON format and what is below it.
func (g *catGrown) nested(o object, columns []catColumn, depth int) error {
	if depth > maxCatDepth {
		return invalid("it is too deep")
	}
	if o["split"] == nil {
		value := o.nums("value")
		if v, ok := o["value"].(float64); ok {
			value = []float64{v}
		}
		if len(value) != g.outputs {
			return invalid("a leaf has %d values for %d outputs", len(value), g.outputs)
		}
		g.node(nil, value, o.num("weight", 0))
		return nil
	}
	s, err := jsonSplit(o.at("split"), columns)
	if err != nil {
		return err
	}
	at := g.node(&s, nil, 0)
	g.out.Left[at] = int32(len(g.out.Left))
	if err := g.nested(o.at("left"), columns, depth+1); err != nil {
		return err
	}
	g.out.Right[at] = int32(len(g.out.Left))
	if err := g.nested(o.at("right"), columns, depth+1); err != nil {
		return err
	}
	g.sum(at)
	return nil
}

// maxCatNodes bounds the nodes of symmetric trees that are written out to be
// explained.
const maxCatNodes = 1 << 23

// ensemble returns the trees of the last output as plain ones, without trees when
// they are too many or have no weights.
func (c *catModel) ensemble(cols int) *kernel.Ensemble {
	e := &kernel.Ensemble{Features: cols, Outputs: 1, Compare: kernel.LessEqual32}
	nodes := 0
	for i := range c.trees {
		nodes += 2 << len(c.trees[i].splits)
		if nodes > maxCatNodes || c.trees[i].weights == nil {
			return e
		}
	}
	for i := range c.trees {
		g := catGrown{outputs: 1}
		c.trees[i].plain(&g, len(c.trees[i].splits), 0, c.outputs)
		e.Trees = append(e.Trees, g.out)
	}
	for _, t := range c.grown {
		t.Value = make([]float64, len(t.Left))
		for i := range t.Value {
			t.Value[i] = c.grown[len(e.Trees)].Value[(i+1)*c.outputs-1]
		}
		e.Trees = append(e.Trees, t)
	}
	return e
}

// plain appends the node of the leaves whose index has the given upper bits.
func (t *oblivious) plain(g *catGrown, left, leaf, outputs int) {
	if left == 0 {
		g.node(nil, t.values[(leaf+1)*outputs-1:(leaf+1)*outputs], t.weights[leaf])
		return
	}
	at := g.node(&t.splits[left-1], nil, 0)
	g.out.Left[at] = int32(len(g.out.Left))
	t.plain(g, left-1, leaf, outputs)
	g.out.Right[at] = int32(len(g.out.Left))
	t.plain(g, left-1, leaf|1<<(left-1), outputs)
	g.sum(at)
}
