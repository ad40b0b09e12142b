package tree

import "math"

// prune returns the tree cut back by minimal cost-complexity pruning (Breiman
// and others, Classification and Regression Trees, 1984, chapter 3): while the
// weakest branch gains at most alpha a leaf, it becomes a leaf.
func (t *Tree) prune(alpha float64) *Tree {
	p := newPruning(t)
	for p.weakest.values[1] <= alpha {
		p.cut(p.weakest.first())
	}
	return t.cutTo(p.leaf)
}

// pruning is the state of pruning a tree.
type pruning struct {
	t        *Tree
	parent   []int32
	own      []float64 // weighted impurity of each node
	branch   []float64 // sum of that over the leaves below each node
	leaves   []int     // how many those are
	leaf     []bool    // in the pruned tree
	weakest  minTree   // gain a leaf of each branch; +Inf for nodes that are none
	children []int32   // stack
}

func newPruning(t *Tree) *pruning {
	n := len(t.Left)
	p := &pruning{t: t, parent: make([]int32, n), own: make([]float64, n), branch: make([]float64, n),
		leaves: make([]int, n), leaf: make([]bool, n), weakest: newMinTree(n)}
	p.parent[0] = -1
	for i := range n {
		p.own[i] = t.Weight[i] * t.Impurity[i] / t.Weight[0]
		p.leaf[i] = t.Left[i] < 0
		if !p.leaf[i] {
			p.parent[t.Left[i]], p.parent[t.Right[i]] = int32(i), int32(i)
		}
	}
	for i := range n {
		if !p.leaf[i] {
			continue
		}
		p.branch[i] = p.own[i]
		for a := p.parent[i]; a >= 0; a = p.parent[a] {
			p.branch[a] += p.own[i]
			p.leaves[a]++
		}
	}
	for i := range n {
		if !p.leaf[i] {
			p.weakest.set(i, p.gain(i))
		}
	}
	return p
}

// gain is what a branch gains a leaf.
func (p *pruning) gain(i int) float64 {
	return (p.own[i] - p.branch[i]) / float64(p.leaves[i]-1)
}

// cut makes a branch a leaf.
func (p *pruning) cut(at int) {
	p.children = append(p.children[:0], int32(at))
	for len(p.children) > 0 {
		i := p.children[len(p.children)-1]
		p.children = p.children[:len(p.children)-1]
		if l := p.t.Left[i]; l >= 0 && !p.leaf[i] {
			p.children = append(p.children, l, p.t.Right[i])
			p.weakest.set(int(i), math.Inf(1))
		}
		p.leaf[i] = false
	}
	p.leaf[at] = true
	gone, rise := p.leaves[at]-1, p.own[at]-p.branch[at]
	p.leaves[at], p.branch[at] = 0, p.own[at]
	for a := p.parent[at]; a >= 0; a = p.parent[a] {
		p.leaves[a] -= gone
		p.branch[a] += rise
		p.weakest.set(int(a), p.gain(int(a)))
	}
}

// cutTo returns the part of the tree above and with the given leaves, in depth
// first order.
func (t *Tree) cutTo(leaf []bool) *Tree {
	out := &Tree{Outputs: t.Outputs}
	type visit struct {
		node int32
		branch
	}
	stack := []visit{{branch: branch{parent: -1}}}
	for len(stack) > 0 {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		i := v.node
		v.impurity = t.Impurity[i]
		id := out.add(v.branch, int(t.Samples[i]), t.Weight[i])
		copy(out.Value[int(id)*t.Outputs:], t.Value[int(i)*t.Outputs:][:t.Outputs])
		if leaf[i] {
			continue
		}
		out.Feature[id], out.Threshold[id], out.MissingLeft[id] = t.Feature[i], t.Threshold[i], t.MissingLeft[i]
		stack = append(stack, visit{t.Right[i], branch{parent: id}}, visit{t.Left[i], branch{parent: id, left: true}})
	}
	return out
}

// minTree knows the smallest of n numbers, and the first place where it stands,
// while they change. values[1] is the smallest.
type minTree struct {
	values []float64
	size   int
}

func newMinTree(n int) minTree {
	size := 1
	for size < n {
		size *= 2
	}
	m := minTree{make([]float64, 2*size), size}
	for i := range m.values {
		m.values[i] = math.Inf(1)
	}
	return m
}

func (m *minTree) set(i int, v float64) {
	at := i + m.size
	m.values[at] = v
	for at > 1 {
		at /= 2
		m.values[at] = min(m.values[2*at], m.values[2*at+1])
	}
}

func (m *minTree) first() int {
	at := 1
	for at < m.size {
		at *= 2
		if m.values[at] > m.values[at+1] {
			at++
		}
	}
	return at - m.size
}
