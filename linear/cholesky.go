package linear

import "math"

// cholesky factors the symmetric matrix a (n × n, lower triangle read) into
// L Lᵀ, which replaces the lower triangle. ok is false when a pivot is not above
// eps times its diagonal element: the matrix is not safely positive definite.
func cholesky(a []float64, n int, eps float64) (ok bool) {
	for j := range n {
		rowJ := a[j*n : j*n+j+1]
		d := rowJ[j]
		s := d
		for _, v := range rowJ[:j] {
			s -= v * v
		}
		if !(s > eps*d) {
			return false
		}
		s = math.Sqrt(s)
		rowJ[j] = s
		for i := j + 1; i < n; i++ {
			rowI := a[i*n : i*n+j+1]
			t := rowI[j]
			for k, v := range rowJ[:j] {
				t -= v * rowI[k]
			}
			rowI[j] = t / s
		}
	}
	return true
}

// solveCholesky solves L Lᵀ x = b in place of b.
func solveCholesky(l []float64, n int, b []float64) {
	for i := range n {
		s := b[i]
		for k, v := range l[i*n : i*n+i] {
			s -= v * b[k]
		}
		b[i] = s / l[i*n+i]
	}
	for i := n - 1; i >= 0; i-- {
		s := b[i]
		for k := i + 1; k < n; k++ {
			s -= l[k*n+i] * b[k]
		}
		b[i] = s / l[i*n+i]
	}
}

// solveDamped solves (H + δ diag) x = b for the smallest δ of 0, 1e-9, 1e-7, …
// relative to the largest diagonal element that makes the matrix safely positive
// definite. When H is singular and b lies in its range, as a gradient does, x is
// then the least-norm solution up to δ. work has len(h) elements.
func solveDamped(h []float64, n int, b, x, work []float64) (ok bool) {
	top := 0.0
	for i := range n {
		top = math.Max(top, h[i*n+i])
	}
	for delta := 0.0; delta < 1e3; delta = math.Max(delta*100, 1e-9) {
		copy(work, h)
		for i := range n {
			work[i*n+i] += delta * top
			if work[i*n+i] == 0 {
				work[i*n+i] = 1
			}
		}
		if cholesky(work, n, 1e-14*float64(n)) {
			copy(x, b)
			solveCholesky(work, n, x)
			return true
		}
	}
	return false
}
