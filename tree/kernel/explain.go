package kernel

import (
	"math"
	"slices"
	"sync"

	"github.com/drivecast/drivecast/errs"
)

// Explainer computes path-dependent Shapley values of a sum of trees, exactly.
//
// Leaf l of a tree, reached through k distinct columns, is a game of its own:
// when the columns of a set S are known it pays
//
//	value(l) · Π_{j in S} o_j · Π_{j not in S} z_j
//
// where o_j says whether the row satisfies every test of column j on the path
// and z_j is the share of training weight that does. Its multilinear extension
// along the diagonal is a product of k linear factors z+t(o-z), and a Shapley
// value is an integral of such products over t in (0,1): a polynomial of degree
// k-1, which Gauss–Legendre quadrature with ⌈k/2⌉ points integrates exactly
// (Wettenstein, Mitchell and Yu, Quadrature TreeSHAP, arXiv 2605.04497). Two
// sweeps over the nodes in depth-first order give all columns at once: the first
// carries products down, the second carries sums up. At a node that tests column
// i, tested before with share z (or z = 1) and f = z+t(1-z), column i gains
//
//	z_cold · Σ_q w_q P(q)/f(q)² (U_hot(q) - U_cold(q))
//
// where hot is the child the row goes to, P the product of factors above the node
// and U the sums below a child. Time is proportional to nodes × points.
type Explainer struct {
	trees   []pathTree
	grid    []gridTree // the same trees when columns are very few, else nil
	few     []fewTree  // when they are few
	inputs  int
	compare Compare
	base    float64
	scratch sync.Pool
}

// pathTree is a tree in depth-first order: the left child of node i is i+1.
type pathTree struct {
	src    Tree // the tree in its new order
	nodes  []pathNode
	points []float64 // quadrature points in (0,1), and their weights
	weight []float64
	inv    []float64 // 1/f at each point, for nodes whose column was tested before
}

// pathNode is what one node needs besides its test.
type pathNode struct {
	right  int32   // -1 at a leaf
	prev   int32   // child node under the nearest ancestor that tests the same column, or -1
	share  float64 // z at prev, 1 without one
	zl, zr float64 // cumulative shares of the children
	rl, rr float64 // shares of the children in this node's weight
	value  float64
	inv    int32 // place of the reciprocals of f in pathTree.inv, when tested before
}

// pathStep is the latest test of a column on a path: the child it leads to and
// the share of weight that meets all tests of that column so far.
type pathStep struct {
	child int32
	share float64
}

type scratch struct {
	down, up []float64
	hot      []bool
	steps    []fewStep
}

// NewExplainer prepares the trees of e, all adding to one answer: value number
// output of each leaf. It returns an error of kind Invalid when a tree is not
// one, or has no covers.
func NewExplainer(e *Ensemble, output int) (*Explainer, error) {
	x := &Explainer{inputs: e.Features, compare: e.Compare}
	most := 0
	for k := range e.Trees {
		p, err := newPathTree(e, k, output)
		if err != nil {
			return nil, err
		}
		x.trees = append(x.trees, p)
		x.base += p.mean()
		most = max(most, len(p.nodes)*len(p.points))
	}
	if x.grid = x.gridTrees(); x.grid == nil {
		x.few = x.fewTrees()
	}
	x.scratch.New = func() any {
		if x.few != nil || x.grid != nil {
			return &scratch{}
		}
		return &scratch{down: make([]float64, most), up: make([]float64, most), hot: make([]bool, most)}
	}
	return x, nil
}

func newPathTree(e *Ensemble, k, output int) (pathTree, error) {
	order, err := e.preorder(k)
	if err != nil {
		return pathTree{}, err
	}
	t := &e.Trees[k]
	if len(t.Cover) != len(t.Left) {
		return pathTree{}, errs.New(errs.Invalid, "tree %d: it has no covers, so its paths have no shares", k)
	}
	p := pathTree{src: t.reordered(order), nodes: make([]pathNode, len(order))}
	for i, old := range order {
		p.nodes[i].value = t.Value[int(old)*e.Outputs+output]
	}
	most := p.link(0, map[int32]pathStep{})
	p.points, p.weight = gaussLegendre(max(1, (most+1)/2))
	p.inv = slices.Repeat([]float64{1}, len(p.points))
	for i := range p.nodes {
		if nd := &p.nodes[i]; nd.right >= 0 && nd.prev >= 0 {
			nd.inv = int32(len(p.inv))
			for _, t := range p.points {
				p.inv = append(p.inv, 1/(nd.share+t*(1-nd.share)))
			}
		}
	}
	return p, nil
}

// reordered returns t's tests and covers with its nodes in the given order.
func (t *Tree) reordered(order []int32) Tree {
	n := len(order)
	place := make([]int32, len(t.Left))
	for i, old := range order {
		place[old] = int32(i)
	}
	out := Tree{
		Left: make([]int32, n), Right: make([]int32, n), Feature: make([]int32, n),
		Threshold: make([]float64, n), MissingLeft: make([]bool, n), Cover: make([]float64, n),
	}
	if t.Category != nil {
		out.Category = make([]Bitset, n)
	}
	for i, old := range order {
		out.Left[i], out.Right[i] = -1, -1
		if t.Left[old] >= 0 {
			out.Left[i], out.Right[i], out.Feature[i] = place[t.Left[old]], place[t.Right[old]], t.Feature[old]
		}
		out.Threshold[i], out.Cover[i] = t.Threshold[old], t.Cover[old]
		out.MissingLeft[i] = t.MissingLeft != nil && t.MissingLeft[old]
		if t.Category != nil {
			out.Category[i] = t.Category[old]
		}
	}
	return out
}

// link fills shares and earlier tests below node i, and returns the largest
// number of distinct columns on a path that starts at the root and passes i.
// last maps a column to its latest test on that path.
func (p *pathTree) link(i int32, last map[int32]pathStep) int {
	nd, l, r := &p.nodes[i], p.src.Left[i], p.src.Right[i]
	nd.right, nd.prev, nd.share = r, -1, 1
	if l < 0 {
		return len(last)
	}
	col := p.src.Feature[i]
	before, tested := last[col]
	if tested {
		nd.prev, nd.share = before.child, before.share
	}
	nd.rl, nd.rr = 0.5, 0.5
	if sum := p.src.Cover[l] + p.src.Cover[r]; sum > 0 {
		nd.rl, nd.rr = p.src.Cover[l]/sum, p.src.Cover[r]/sum
	}
	nd.zl, nd.zr = nd.share*nd.rl, nd.share*nd.rr
	last[col] = pathStep{l, nd.zl}
	most := p.link(l, last)
	last[col] = pathStep{r, nd.zr}
	most = max(most, p.link(r, last))
	if tested {
		last[col] = before
	} else {
		delete(last, col)
	}
	return most
}

// mean returns the weighted mean of the leaves: what the tree answers when
// nothing is known.
func (p *pathTree) mean() float64 {
	reach := make([]float64, len(p.nodes))
	reach[0] = 1
	var sum float64
	for i := range p.nodes {
		nd := &p.nodes[i]
		if nd.right < 0 {
			sum += reach[i] * nd.value
			continue
		}
		reach[i+1], reach[nd.right] = reach[i]*nd.rl, reach[i]*nd.rr
	}
	return sum
}

// Base returns the answer when nothing is known: the sum over trees of the
// weighted mean of their leaves.
func (x *Explainer) Base() float64 { return x.base }

// Explain adds each column's contribution for one row to dst. Row and dst have
// one element a column. Base plus the contributions equals the sum of the leaves
// that the row falls into. It is safe for concurrent use.
func (x *Explainer) Explain(dst, row []float64) {
	if x.grid != nil {
		for k := range x.grid {
			x.grid[k].explain(dst, row, x.compare)
		}
		return
	}
	s := x.scratch.Get().(*scratch)
	for k := range x.few {
		s.steps = x.few[k].explain(dst, row, x.compare, s.steps)
	}
	for k := range x.trees[len(x.few):] {
		x.trees[k].descend(s, row, x.compare)
		x.trees[k].ascend(s, dst)
	}
	x.scratch.Put(s)
}

// descend writes, for each inner node, the product of factors above it to
// s.down, and for each child whether all tests of its column so far are met to s.hot.
func (p *pathTree) descend(s *scratch, row []float64, how Compare) {
	q := len(p.points)
	for k := range q {
		s.down[k] = 1
	}
	for i := range p.nodes {
		nd := &p.nodes[i]
		if nd.right < 0 {
			continue
		}
		at, l, r := i*q, (i+1)*q, int(nd.right)*q
		down, dl, dr := s.down[at:at+q], s.down[l:l+q], s.down[r:r+q]
		if nd.prev >= 0 && !s.hot[nd.prev] {
			s.hot[i+1], s.hot[nd.right] = false, false
			for k, v := range down {
				dl[k], dr[k] = v*nd.rl, v*nd.rr
			}
			continue
		}
		left := p.src.goesLeft(int32(i), row[p.src.Feature[i]], how)
		s.hot[i+1], s.hot[nd.right] = left, !left
		zh, zc := nd.zl, nd.zr
		if !left {
			dl, dr, zh, zc = dr, dl, nd.zr, nd.zl
		}
		inv := p.inv[nd.inv:][:len(p.points)]
		down, dl, dr = down[:len(p.points)], dl[:len(p.points)], dr[:len(p.points)]
		for k, t := range p.points {
			v := down[k] * inv[k]
			dl[k], dr[k] = v*(zh+t*(1-zh)), v*zc*(1-t)
		}
	}
}

// ascend sums leaves upwards and adds what each inner node gives its column.
func (p *pathTree) ascend(s *scratch, dst []float64) {
	q := len(p.points)
	for i := len(p.nodes) - 1; i >= 0; i-- {
		nd := &p.nodes[i]
		at := i * q
		up := s.up[at : at+q]
		if nd.right < 0 {
			for k := range up {
				up[k] = nd.value
			}
			continue
		}
		l, r := at+q, int(nd.right)*q
		ul, ur := s.up[l:l+q], s.up[r:r+q]
		if nd.prev >= 0 && !s.hot[nd.prev] {
			for k := range up {
				up[k] = nd.rl*ul[k] + nd.rr*ur[k]
			}
			continue
		}
		zh, zc := nd.zl, nd.zr
		if !s.hot[i+1] {
			ul, ur, zh, zc = ur, ul, nd.zr, nd.zl
		}
		n := len(p.points)
		down, inv, weight := s.down[at:][:n], p.inv[nd.inv:][:n], p.weight[:n]
		ul, ur, up = ul[:n], ur[:n], up[:n]
		var gain float64
		for k, t := range p.points {
			f := inv[k]
			gain += weight[k] * down[k] * f * f * (ul[k] - ur[k])
			up[k] = f * ((zh+t*(1-zh))*ul[k] + zc*(1-t)*ur[k])
		}
		dst[p.src.Feature[i]] += zc * gain
	}
}

// gaussLegendre returns the points in (0,1) and weights, summing to 1, of the
// quadrature with n points: exact for polynomials of degree 2n-1.
func gaussLegendre(n int) (points, weights []float64) {
	points, weights = make([]float64, n), make([]float64, n)
	for i := range n {
		x := math.Cos(math.Pi * (float64(i) + 0.75) / (float64(n) + 0.5))
		var slope float64
		for range 100 {
			p, before := 1.0, 0.0
			for j := 1; j <= n; j++ {
				p, before = (float64(2*j-1)*x*p-float64(j-1)*before)/float64(j), p
			}
			slope = float64(n) * (x*p - before) / (x*x - 1)
			step := p / slope
			x -= step
			if math.Abs(step) < 1e-16 {
				break
			}
		}
		points[i], weights[i] = (1+x)/2, 1/((1-x*x)*slope*slope)
	}
	return points, weights
}
