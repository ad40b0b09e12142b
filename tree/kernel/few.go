package kernel

// With few columns a leaf meets few cases: which columns' tests on its path the
// row satisfies. What it gives each column in each case is then written down once
// (Yang, Fast TreeSHAP, arXiv 2109.09847, has the idea), and a walk that stops
// where no column is satisfied any more adds it up.
const (
	fewColumns = 4
	fewLeaves  = 1 << 16 // of an ensemble: the tables stay below 32 MiB
)

// fewTree is a tree of an ensemble of few columns, nodes as in pathTree.
type fewTree struct {
	p     *pathTree
	nodes []fewNode
	gives []float64 // leaf by leaf: cases × columns
	none  []float64 // node by node: what the leaves below give when no column is satisfied
}

// fewNode is what the walk needs at one node.
type fewNode struct {
	right, feature int32
	leaf           int32 // number of the leaf
	tested         uint8 // columns that the path to any leaf below tests
}

// few prepares the trees; nil when columns or leaves are too many.
func (x *Explainer) fewTrees() []fewTree {
	leaves := 0
	for k := range x.trees {
		leaves += (len(x.trees[k].nodes) + 1) / 2
	}
	if x.inputs > fewColumns || leaves > fewLeaves {
		return nil
	}
	out := make([]fewTree, len(x.trees))
	for k := range out {
		p := &x.trees[k]
		out[k] = fewTree{p: p, nodes: make([]fewNode, len(p.nodes)), none: make([]float64, len(p.nodes)*x.inputs)}
		z := make([]float64, x.inputs)
		for c := range z {
			z[c] = 1
		}
		out[k].fill(0, x.inputs, z, 0)
	}
	return out
}

// fill prepares node i and those below it. z holds the share of training weight
// that satisfies each column's tests so far, tested which columns were tested.
func (f *fewTree) fill(i int32, n int, z []float64, tested uint8) uint8 {
	nd, out := &f.p.nodes[i], &f.nodes[i]
	out.right = nd.right
	none := f.none[int(i)*n : int(i+1)*n]
	if nd.right < 0 {
		out.leaf, out.tested = int32(len(f.gives)/(n<<n)), tested
		for mask := range 1 << n {
			f.gives = append(f.gives, f.leaf(nd.value, z, tested, mask)...)
		}
		copy(none, f.gives[int(out.leaf)*(n<<n):])
		return tested
	}
	c := f.p.src.Feature[i]
	out.feature = c
	before := z[c]
	z[c] = before * nd.rl
	out.tested = f.fill(i+1, n, z, tested|1<<c)
	z[c] = before * nd.rr
	out.tested |= f.fill(nd.right, n, z, tested|1<<c)
	z[c] = before
	for k := range none {
		none[k] = f.none[int(i+1)*n+k] + f.none[int(nd.right)*n+k]
	}
	return out.tested
}

// leaf returns what a leaf gives each column when those of mask are satisfied.
func (f *fewTree) leaf(value float64, z []float64, tested uint8, mask int) []float64 {
	out := make([]float64, len(z))
	points, weights := f.p.points, f.p.weight
	for c := range out {
		if tested>>c&1 == 0 {
			continue
		}
		for q, t := range points {
			v := weights[q]
			for d := range z {
				if o := float64(mask >> d & 1); d != c && tested>>d&1 != 0 {
					v *= z[d] + t*(o-z[d])
				}
			}
			out[c] += v
		}
		out[c] *= value * (float64(mask>>c&1) - z[c])
	}
	return out
}

// fewStep is a node still to be visited and the columns satisfied there.
type fewStep struct {
	node  int32
	alive uint8
}

// explain adds what the tree gives each column for one row to dst.
func (f *fewTree) explain(dst, row []float64, how Compare, stack []fewStep) []fewStep {
	n := len(dst)
	stack = append(stack[:0], fewStep{0, 1<<n - 1})
	for len(stack) > 0 {
		s := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for {
			nd := &f.nodes[s.node]
			if s.alive&nd.tested == 0 {
				for k, v := range f.none[int(s.node)*n : int(s.node+1)*n] {
					dst[k] += v
				}
				break
			}
			if nd.right < 0 {
				at := (int(nd.leaf)<<n + int(s.alive)) * n
				for k, v := range f.gives[at : at+n] {
					dst[k] += v
				}
				break
			}
			other := fewStep{nd.right, s.alive}
			if bit := uint8(1) << nd.feature; s.alive&bit != 0 {
				if f.p.src.goesLeft(s.node, row[nd.feature], how) {
					other.alive &^= bit
				} else {
					s.alive &^= bit
				}
			}
			stack = append(stack, other)
			s.node++
		}
	}
	return stack
}
