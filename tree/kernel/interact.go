package kernel

// Interactions adds the path-dependent Shapley interaction value of every pair
// of columns for one row to dst, columns × columns, and leaves the diagonal
// alone: half of what two columns gain together beyond what each gains alone, so
// that row c of dst, with the diagonal set to column c's contribution less the
// rest of the row, sums to that contribution (Lundberg and others, Nature
// Machine Intelligence 2, 2020, section "SHAP interaction values"). With the
// factors of a leaf as Explainer states, a pair's index is the integral of the
// product of the other columns' factors, times (o_i-z_i)(o_j-z_j). Time is
// proportional to leaves × columns² of a path × points.
func (x *Explainer) Interactions(dst, row []float64) {
	for k := range x.trees {
		p := &x.trees[k]
		w := &pairs{p: p, row: row, how: x.compare, dst: dst, n: x.inputs, at: make([]int, x.inputs)}
		for c := range w.at {
			w.at[c] = -1
		}
		w.visit(0)
	}
}

// pairs is a walk over the leaves of a tree with the factors of the path.
type pairs struct {
	p   *pathTree
	row []float64
	how Compare
	dst []float64
	n   int

	at   []int // place of a column in cols, -1 when the path does not test it
	cols []pairFactor
	prod []float64
}

type pairFactor struct {
	col  int32
	o, z float64
}

func (w *pairs) visit(i int32) {
	nd := &w.p.nodes[i]
	if nd.right < 0 {
		w.leaf(nd.value)
		return
	}
	c := w.p.src.Feature[i]
	left := w.p.src.goesLeft(i, w.row[c], w.how)
	k := w.at[c]
	fresh := k < 0
	if fresh {
		k = len(w.cols)
		w.at[c] = k
		w.cols = append(w.cols, pairFactor{c, 1, 1})
	}
	before := w.cols[k]
	for side, child := range []int32{i + 1, nd.right} {
		f := before
		f.z *= [2]float64{nd.rl, nd.rr}[side]
		if left != (side == 0) {
			f.o = 0
		}
		w.cols[k] = f
		if f.o > 0 || f.z > 0 { // else nothing below can be reached
			w.visit(child)
		}
	}
	w.cols[k] = before
	if fresh {
		w.cols = w.cols[:k]
		w.at[c] = -1
	}
}

func (w *pairs) leaf(value float64) {
	if len(w.cols) < 2 {
		return
	}
	q := len(w.p.points)
	w.prod = w.prod[:0]
	for k, t := range w.p.points {
		v := w.p.weight[k] * value / 2
		for _, f := range w.cols {
			v *= f.z + t*(f.o-f.z)
		}
		w.prod = append(w.prod, v)
	}
	for i, a := range w.cols {
		for _, b := range w.cols[:i] {
			var sum float64
			for k := range q {
				t := w.p.points[k]
				sum += w.prod[k] / ((a.z + t*(a.o-a.z)) * (b.z + t*(b.o-b.z)))
			}
			sum *= (a.o - a.z) * (b.o - b.z)
			w.dst[int(a.col)*w.n+int(b.col)] += sum
			w.dst[int(b.col)*w.n+int(a.col)] += sum
		}
	}
}
