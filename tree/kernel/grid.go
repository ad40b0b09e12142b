package kernel

import "slices"

// With up to three columns there are at most six sets of columns that are neither
// none nor all. What a tree answers when just such a set is known depends on one or two
// columns, and only on between which of the tree's thresholds they lie: it is written
// down for every such cell. A row's Shapley values are then a few looked-up numbers
// and the leaf it falls into.
const (
	gridColumns = 3
	gridCells   = 2 << 20 // of an ensemble: the tables stay below 16 MiB
)

// gridTree is a tree of an ensemble of few columns.
type gridTree struct {
	p     *pathTree
	mean  float64
	cuts  [gridColumns][]float64 // thresholds of each column, ascending
	known [1 << gridColumns][]float64
}

// gridLeaf is where a leaf is: cells from low to high of each column, and whether a
// missing value gets there, which has the cell behind the last.
type gridLeaf struct {
	low, high [gridColumns]int
	missing   [gridColumns]bool
	share     [gridColumns]float64 // of the training weight that satisfies the column's tests
}

// gridTrees prepares the trees; nil when columns or cells are too many, or a test is
// of categories.
func (x *Explainer) gridTrees() []gridTree {
	if x.inputs > gridColumns {
		return nil
	}
	out, cells := make([]gridTree, len(x.trees)), 0
	for k := range out {
		g := &out[k]
		g.p = &x.trees[k]
		if g.p.src.Category != nil {
			return nil
		}
		for i, nd := range g.p.nodes {
			if c := g.p.src.Feature[i]; nd.right >= 0 {
				g.cuts[c] = append(g.cuts[c], cutOf(g.p.src.Threshold[i], x.compare))
			}
		}
		for c := range g.cuts {
			slices.Sort(g.cuts[c])
			g.cuts[c] = slices.Compact(g.cuts[c])
		}
		for set := 1; set < 1<<x.inputs-1; set++ {
			cells += g.size(set)
		}
		if cells > gridCells {
			return nil
		}
	}
	for k := range out {
		out[k].prepare(x.inputs, x.compare)
	}
	return out
}

// cutOf is a threshold as rows are compared with it.
func cutOf(threshold float64, how Compare) float64 {
	if how == Less32 {
		return float64(float32(threshold))
	}
	return threshold
}

// size is how many cells a set of columns has.
func (g *gridTree) size(set int) int {
	n := 1
	for c := range gridColumns {
		if set>>c&1 != 0 {
			n *= len(g.cuts[c]) + 2
		}
	}
	return n
}

func (g *gridTree) prepare(inputs int, how Compare) {
	for set := 1; set < 1<<inputs-1; set++ {
		g.known[set] = make([]float64, g.size(set))
	}
	g.mean = g.p.mean()
	var all gridLeaf
	for c := range all.high {
		all.high[c], all.missing[c], all.share[c] = len(g.cuts[c]), true, 1
	}
	g.spread(0, all, inputs, how)
}

// spread adds the leaves below node i to the tables.
func (g *gridTree) spread(i int32, at gridLeaf, inputs int, how Compare) {
	nd := &g.p.nodes[i]
	if nd.right < 0 {
		for set := 1; set < 1<<inputs-1; set++ {
			g.add(set, &at, nd.value)
		}
		return
	}
	c := g.p.src.Feature[i]
	cut, _ := slices.BinarySearch(g.cuts[c], cutOf(g.p.src.Threshold[i], how))
	left, right := at, at
	left.high[c], right.low[c] = min(at.high[c], cut), max(at.low[c], cut+1)
	left.missing[c] = at.missing[c] && g.p.src.MissingLeft[i]
	right.missing[c] = at.missing[c] && !g.p.src.MissingLeft[i]
	left.share[c], right.share[c] = at.share[c]*nd.rl, at.share[c]*nd.rr
	g.spread(i+1, left, inputs, how)
	g.spread(nd.right, right, inputs, how)
}

// add gives a leaf's value, times the shares of the columns that are not known, to all
// cells of a set from which it is reached.
func (g *gridTree) add(set int, at *gridLeaf, value float64) {
	var cells [2][]int
	dims, width := 0, 1
	for c := range gridColumns {
		if set>>c&1 == 0 {
			value *= at.share[c]
			continue
		}
		width = len(g.cuts[c]) + 2
		for k := at.low[c]; k <= at.high[c]; k++ {
			cells[dims] = append(cells[dims], k)
		}
		if at.missing[c] {
			cells[dims] = append(cells[dims], width-1)
		}
		dims++
	}
	table := g.known[set]
	if dims == 1 {
		for _, a := range cells[0] {
			table[a] += value
		}
		return
	}
	for _, a := range cells[0] {
		row := table[a*width : (a+1)*width]
		for _, b := range cells[1] {
			row[b] += value
		}
	}
}

// cell says between which cuts v lies: how many it does not go left of.
func cell(cuts []float64, v float64, how Compare) int {
	if v != v {
		return len(cuts) + 1
	}
	if how != LessEqual64 {
		v = float64(float32(v))
	}
	lo, n := 0, len(cuts)
	for n > 0 {
		half := n / 2
		if cut := cuts[lo+half]; cut < v || how == Less32 && cut == v {
			lo, n = lo+half+1, n-half-1
		} else {
			n = half
		}
	}
	return lo
}

// explain adds what the tree gives each column for one row to dst.
func (g *gridTree) explain(dst, row []float64, how Compare) {
	var at [gridColumns]int
	for c := range row {
		at[c] = cell(g.cuts[c], row[c], how)
	}
	leaf := g.p.nodes[g.p.src.Leaf(row, how)].value
	switch len(row) {
	case 1:
		dst[0] += leaf - g.mean
	case 2:
		a, b := g.known[1][at[0]], g.known[2][at[1]]
		dst[0] += ((a - g.mean) + (leaf - b)) / 2
		dst[1] += ((b - g.mean) + (leaf - a)) / 2
	case 3:
		w1, w2 := len(g.cuts[1])+2, len(g.cuts[2])+2
		a, b, c := g.known[1][at[0]], g.known[2][at[1]], g.known[4][at[2]]
		ab, ac, bc := g.known[3][at[0]*w1+at[1]], g.known[5][at[0]*w2+at[2]], g.known[6][at[1]*w2+at[2]]
		dst[0] += (2*(a-g.mean) + (ab - b) + (ac - c) + 2*(leaf-bc)) / 6
		dst[1] += (2*(b-g.mean) + (ab - a) + (bc - c) + 2*(leaf-ac)) / 6
		dst[2] += (2*(c-g.mean) + (ac - a) + (bc - b) + 2*(leaf-ab)) / 6
	}
}
