package linear

import (
	"math"
	"slices"
)

// sums are what one pass over rows adds up: the mean loss, its gradient and its
// Hessian (dim × dim; nil when it is not wanted).
type sums struct {
	loss float64
	seen float64 // weight of the rows
	grad []float64
	hess []float64
}

func newSums(d int, hessian bool) *sums {
	s := &sums{grad: make([]float64, d)}
	if hessian {
		s.hess = make([]float64, d*d)
	}
	return s
}

func (s *sums) add(o *sums) {
	s.loss += o.loss
	s.seen += o.seen
	for i, v := range o.grad {
		s.grad[i] += v
	}
	for i, v := range o.hess {
		s.hess[i] += v
	}
}

func (s *sums) scale(by float64) {
	s.loss *= by
	for i := range s.grad {
		s.grad[i] *= by
	}
	for i := range s.hess {
		s.hess[i] *= by
	}
}

// evaluate returns the smooth part of the objective at u.
func (pr *problem) evaluate(u []float64) *sums { return pr.pass(u, true, 1) }

// pass returns the smooth part of the objective at u over one block of rows in
// every. Rows are summed in chunks whose bounds depend on the shape of the data
// alone, so that the number of workers does not show in the result.
func (pr *problem) pass(u []float64, hessian bool, every int) *sums {
	d := pr.dim()
	parts := make([]*sums, pr.chunks)
	parallel(pr.workers, pr.chunks, func(c int) {
		s := newSums(d, hessian)
		lo, hi := pr.rows*c/pr.chunks, pr.rows*(c+1)/pr.chunks
		w := pr.scratch(u)
		defer pr.spare.Put(w)
		for at := lo; at < hi; at += every * w.room {
			w.load(pr, at, min(at+w.room, hi))
			s.seen += w.total()
			w.raw()
			if pr.blocks == 1 {
				w.binary(s)
			} else {
				w.multinomial(s)
			}
		}
		parts[c] = s
	})
	total := parts[0]
	for _, s := range parts[1:] {
		total.add(s)
	}
	if pr.weight == nil || every > 1 {
		total.scale(1 / total.seen)
	}
	pr.penalise(u, total)
	return total
}

// penalise adds the l2 penalty to the sums, and mirrors the Hessian.
func (pr *problem) penalise(u []float64, s *sums) {
	d := pr.dim()
	for i, v := range u {
		r := pr.ridge[i%pr.q]
		s.loss += .5 * r * v * v
		s.grad[i] += r * v
	}
	if s.hess == nil {
		return
	}
	for i := range d {
		s.hess[i*d+i] += pr.ridge[i%pr.q]
		for j := range i {
			s.hess[j*d+i] = s.hess[i*d+j]
		}
	}
}

// scratch holds one block of rows, column by column. Rows are padded to a
// multiple of 4 and columns to a multiple of 4, with numbers that do not count.
type scratch struct {
	kernels
	room, n int // rows that fit, rows in the block rounded up to 4
	q, dim  int
	cols    []float64 // q columns, room apart; the intercept's is ones
	coef    []float64 // parameters, each block padded to a multiple of 4
	z       [][]float64
	curve   []float64
	times   [3][]float64 // columns times curve
	zero    []float64
	y       []float64 // class 1, for two classes
	grown   []float64
	line    []float64
	class   []int32
	weight  []float64
	rows    int  // rows in the block
	still   bool // all parameters are 0
}

// scratch returns a scratch for the parameters u, an old one when there is one.
func (pr *problem) scratch(u []float64) *scratch {
	w, ok := pr.spare.Get().(*scratch)
	if !ok {
		w = newScratch(pr)
	}
	w.still = !slices.ContainsFunc(u, func(v float64) bool { return v != 0 })
	wide := len(w.coef) / pr.blocks
	for k := range pr.blocks {
		copy(w.coef[k*wide:], u[k*pr.q:(k+1)*pr.q])
	}
	return w
}

func newScratch(pr *problem) *scratch {
	wide := (pr.q + 3) &^ 3
	w := &scratch{kernels: pr.kernels, room: 256, q: pr.q, dim: pr.dim(), z: make([][]float64, pr.blocks)}
	if wide > 12 {
		w.room = 128
	}
	buf := make([]float64, w.room*(wide+pr.blocks+8)+wide*pr.blocks)
	next := func(n int) []float64 { b := buf[:n:n]; buf = buf[n:]; return b }
	w.cols = next(w.room * wide)
	for k := range w.z {
		w.z[k] = next(w.room)
	}
	w.coef = next(wide * pr.blocks)
	for i := range w.times {
		w.times[i] = next(w.room)
	}
	w.curve, w.zero, w.y, w.grown, w.line = next(w.room), next(w.room), next(w.room), next(w.room), next(w.room)
	if pr.q > pr.p {
		for i := range w.room {
			w.cols[pr.p*w.room+i] = 1
		}
	}
	return w
}

func (w *scratch) load(pr *problem, lo, hi int) {
	w.rows = hi - lo
	w.n = (w.rows + 3) &^ 3
	w.class = pr.class[lo:hi]
	if pr.weight != nil {
		w.weight = pr.weight[lo:hi]
	}
	if pr.y != nil {
		copy(w.y, pr.y[lo:hi])
	}
	for j := range pr.p {
		w.standardise(w.cols[j*w.room:], pr.x.Col(j)[lo:hi], pr.center[j], 1/pr.scale[j])
	}
}

// total is the weight of the rows in the block.
func (w *scratch) total() float64 {
	if w.weight == nil {
		return float64(w.rows)
	}
	s := 0.0
	for _, v := range w.weight {
		s += v
	}
	return s
}

// raw computes the linear predictor of each parameter block.
func (w *scratch) raw() {
	if w.still && len(w.z) == 1 {
		return
	}
	wide := len(w.coef) / len(w.z)
	for k := range w.z {
		z := w.z[k][:w.n]
		clear(z)
		own := w.coef[k*wide : (k+1)*wide]
		for j := 0; j < wide; j += 4 {
			w.mix(z, w.cols[j*w.room:], w.room, (*[4]float64)(own[j:]))
		}
	}
}

// binary adds the block's logistic loss to s.
func (w *scratch) binary(s *sums) {
	z := w.z[0][:w.n]
	if w.still {
		w.halves(z)
	} else {
		w.logistic(z, w.y, w.curve, w.grown, w.line)
	}
	if w.weight == nil {
		s.loss += lossOf(w.grown[:w.rows], w.line[:w.rows])
	} else {
		for i, a := range w.weight {
			s.loss += a * (math.Log(w.grown[i]) + w.line[i])
			w.curve[i] *= a
			z[i] *= a
		}
	}
	clear(z[w.rows:])
	clear(w.curve[w.rows:w.n])
	w.accumulate(s, z, 0, 0)
}

// halves is logistic where every linear predictor is 0.
func (w *scratch) halves(z []float64) {
	y, curve, grown, line := w.y[:len(z)], w.curve[:len(z)], w.grown[:len(z)], w.line[:len(z)]
	for i := range z {
		z[i], curve[i], grown[i], line[i] = .5-y[i], .25, 2, 0
	}
}

// lossOf adds up log(grown) + line, with one logarithm of a product.
func lossOf(grown, line []float64) float64 {
	p0, p1, p2, p3 := 1.0, 1.0, 1.0, 1.0
	var l0, l1, l2, l3 float64
	n := len(grown) &^ 3
	for i := 0; i < n; i += 4 {
		g, v := (*[4]float64)(grown[i:]), (*[4]float64)(line[i:])
		p0, p1, p2, p3 = p0*g[0], p1*g[1], p2*g[2], p3*g[3]
		l0, l1, l2, l3 = l0+v[0], l1+v[1], l2+v[2], l3+v[3]
	}
	for i := n; i < len(grown); i++ {
		p0 *= grown[i]
		l0 += line[i]
	}
	return math.Log(p0*p1*(p2*p3)) + ((l0 + l2) + (l1 + l3))
}

// multinomial adds the block's multinomial loss to s.
func (w *scratch) multinomial(s *sums) {
	w.probabilities(s)
	for k, a := range w.z {
		for l, b := range w.z[:k+1] {
			for i := range w.rows {
				h := -a[i] * b[i]
				if k == l {
					h += a[i]
				}
				if w.weight != nil {
					h *= w.weight[i]
				}
				w.curve[i] = h
			}
			clear(w.curve[w.rows:w.n])
			if k != l && s.hess == nil {
				continue
			}
			if k != l {
				w.accumulate(s, nil, k, l)
				continue
			}
			for i := range w.rows {
				w.grown[i] = a[i]
				if int(w.class[i]) == k {
					w.grown[i]--
				}
				if w.weight != nil {
					w.grown[i] *= w.weight[i]
				}
			}
			clear(w.grown[w.rows:w.n])
			w.accumulate(s, w.grown[:w.n], k, k)
		}
	}
}

// probabilities turns raw values into probabilities and adds up the loss.
func (w *scratch) probabilities(s *sums) {
	for i := range w.rows {
		top, sum := math.Inf(-1), 0.0
		for _, z := range w.z {
			top = max(top, z[i])
		}
		own := w.z[w.class[i]][i]
		for _, z := range w.z {
			z[i] = expNegative(z[i] - top)
			sum += z[i]
		}
		loss := top - own + math.Log(sum)
		if w.weight != nil {
			loss *= w.weight[i]
		}
		s.loss += loss
		for _, z := range w.z {
			z[i] /= sum
		}
	}
}

// accumulate adds Xᵀ diag(curve) X to block (k, l) of the Hessian, l ≤ k, and,
// when there are residuals, Xᵀ residual to block k of the gradient. It goes
// through the columns downwards, three at a time, the residuals first, since the
// lower triangle wants fewer partners the lower the column.
func (w *scratch) accumulate(s *sums, residual []float64, k, l int) {
	curve := w.curve[:w.n]
	var out [12]float64
	at := w.q - 1
	if s.hess == nil {
		at = -1
	}
	for at >= 0 || residual != nil {
		var cols [3]int
		var a [3][]float64
		need := 0
		for r := range 3 {
			a[r], cols[r] = w.zero[:w.n], -1
			switch {
			case residual != nil:
				a[r], cols[r], need = residual, w.q, w.q
				residual = nil
			case at >= 0:
				a[r], cols[r] = w.times[r][:w.n], at
				w.mul(a[r], w.cols[at*w.room:at*w.room+w.n], curve)
				need = max(need, w.partners(at, k == l))
				at--
			}
		}
		for b := 0; b < need; b += 4 {
			w.tile(&out, a, w.cols[b*w.room:], w.room)
			for r, c := range cols {
				w.spread(s, c, k, l, b, (*[4]float64)(out[4*r:]))
			}
		}
	}
}

// partners is the number of columns that column c of a Hessian block meets.
func (w *scratch) partners(c int, diagonal bool) int {
	if diagonal {
		return c + 1
	}
	return w.q
}

// spread adds the inner products of column c with columns b to b+3 to where they
// belong; column q stands for the residuals, -1 for none.
func (w *scratch) spread(s *sums, c, k, l, b int, v *[4]float64) {
	var dst []float64
	switch c {
	case -1:
		return
	case w.q:
		dst = s.grad[k*w.q+b : k*w.q+min(b+4, w.q)]
	default:
		end := min(b+4, w.partners(c, k == l))
		if end <= b {
			return
		}
		row := s.hess[(k*w.q+c)*w.dim+l*w.q:]
		dst = row[b:end]
	}
	for i := range dst {
		dst[i] += v[i]
	}
}
