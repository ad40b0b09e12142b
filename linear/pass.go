package linear

import "math"

// sums are what one pass over rows adds up: the mean loss, its gradient and its
// Hessian (lower triangle, dim × dim) without penalties.
type sums struct {
	loss float64
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
	for i, v := range o.grad {
		s.grad[i] += v
	}
	for i, v := range o.hess {
		s.hess[i] += v
	}
}

// evaluate returns the penalised smooth part of the objective at u. Rows are
// summed in chunks whose bounds depend on the shape of the data alone, so that
// the number of workers does not show in the result.
func (pr *problem) evaluate(u []float64, hessian bool) *sums {
	d := pr.dim()
	parts := make([]*sums, pr.chunks)
	parallel(pr.workers, pr.chunks, func(c int) {
		s := newSums(d, hessian)
		lo, hi := pr.x.Rows*c/pr.chunks, pr.x.Rows*(c+1)/pr.chunks
		w := newScratch(pr)
		for at := lo; at < hi; at += blockRows {
			w.load(pr, at, min(at+blockRows, hi))
			w.raw(pr, u)
			if pr.blocks == 1 {
				w.binary(pr, s)
			} else {
				w.multinomial(pr, s)
			}
		}
		parts[c] = s
	})
	total := parts[0]
	for _, s := range parts[1:] {
		total.add(s)
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

// scratch holds one block of rows, column by column.
type scratch struct {
	n     int         // rows in the block
	cols  [][]float64 // q standardised columns, the intercept's is ones
	z     [][]float64 // raw predictions, then residuals, a parameter block
	curve []float64   // second derivatives
	tmp   []float64
	class []int32
	share []float64 // weights
}

func newScratch(pr *problem) *scratch {
	w := &scratch{cols: make([][]float64, pr.q), z: make([][]float64, pr.blocks)}
	buf := make([]float64, blockRows*(pr.q+pr.blocks+3))
	next := func() []float64 { b := buf[:blockRows:blockRows]; buf = buf[blockRows:]; return b }
	for j := range w.cols {
		w.cols[j] = next()
	}
	for k := range w.z {
		w.z[k] = next()
	}
	w.curve, w.tmp, w.share = next(), next(), next()
	for i := range w.share {
		w.share[i] = 1 / float64(pr.x.Rows)
		if pr.q > pr.p {
			w.cols[pr.p][i] = 1
		}
	}
	return w
}

func (w *scratch) load(pr *problem, lo, hi int) {
	w.n = hi - lo
	w.class = pr.class[lo:hi]
	if pr.weight != nil {
		w.share = pr.weight[lo:hi]
	}
	for j := range pr.p {
		m, s, dst := pr.center[j], 1/pr.scale[j], w.cols[j]
		for i, v := range pr.x.Col(j)[lo:hi] {
			dst[i] = (v - m) * s
		}
	}
}

// raw computes the linear predictor of each parameter block.
func (w *scratch) raw(pr *problem, u []float64) {
	for k := range w.z {
		z := w.z[k][:w.n]
		clear(z)
		for j, c := range u[k*pr.q : (k+1)*pr.q] {
			if c == 0 {
				continue
			}
			for i, v := range w.cols[j][:len(z)] {
				z[i] += c * v
			}
		}
	}
}

// binary adds the block's logistic loss to s.
func (w *scratch) binary(pr *problem, s *sums) {
	z := w.z[0][:w.n]
	for i, v := range z {
		loss, p := logLoss(v, w.class[i])
		a := w.share[i]
		s.loss += a * loss
		w.curve[i] = a * p * (1 - p)
		z[i] = a * (p - float64(w.class[i]))
	}
	for j := range pr.q {
		s.grad[j] += inner(w.cols[j][:w.n], z)
	}
	if s.hess != nil {
		w.curvature(pr, w.curve, s.hess, 0, 0)
	}
}

// logLoss returns log(1 + exp(-m)) for the margin m of class c at raw value z,
// and the probability of class 1.
func logLoss(z float64, c int32) (loss, p float64) {
	e := math.Exp(-math.Abs(z))
	p = 1 / (1 + e)
	if z < 0 {
		p = e / (1 + e)
	}
	loss = math.Log1p(e)
	if (c == 1) == (z < 0) {
		loss += math.Abs(z)
	}
	return loss, p
}

// multinomial adds the block's multinomial loss to s.
func (w *scratch) multinomial(pr *problem, s *sums) {
	for i := range w.n {
		top, sum := math.Inf(-1), 0.0
		for _, z := range w.z {
			top = max(top, z[i])
		}
		own := w.z[w.class[i]][i]
		for _, z := range w.z {
			z[i] = math.Exp(z[i] - top)
			sum += z[i]
		}
		s.loss += w.share[i] * (top - own + math.Log(sum))
		for _, z := range w.z {
			z[i] /= sum
		}
	}
	if s.hess != nil {
		for k, a := range w.z {
			for l, b := range w.z[:k+1] {
				for i := range w.n {
					h := -a[i] * b[i]
					if k == l {
						h += a[i]
					}
					w.curve[i] = w.share[i] * h
				}
				w.curvature(pr, w.curve, s.hess, k, l)
			}
		}
	}
	for k, z := range w.z {
		for i := range w.n {
			hit := 0.0
			if int(w.class[i]) == k {
				hit = 1
			}
			z[i] = w.share[i] * (z[i] - hit)
		}
		for j := range pr.q {
			s.grad[k*pr.q+j] += inner(w.cols[j][:w.n], z[:w.n])
		}
	}
}

// curvature adds Xᵀ diag(curve) X to block (k, l) of the Hessian, l ≤ k.
func (w *scratch) curvature(pr *problem, curve, hess []float64, k, l int) {
	d, q := pr.dim(), pr.q
	for a := range q {
		t := w.tmp[:w.n]
		for i, v := range w.cols[a][:w.n] {
			t[i] = v * curve[i]
		}
		to := q
		if k == l {
			to = a + 1
		}
		row := hess[(k*q+a)*d+l*q:]
		for b := range to {
			row[b] += inner(t, w.cols[b][:w.n])
		}
	}
}

// inner is the dot product, summed in four lanes.
func inner(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		x, y := a[i:i+4:i+4], b[i:i+4:i+4]
		s0 += x[0] * y[0]
		s1 += x[1] * y[1]
		s2 += x[2] * y[2]
		s3 += x[3] * y[3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return (s0 + s1) + (s2 + s3)
}
