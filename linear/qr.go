package linear

import (
	"math"

	"github.com/drivecast/drivecast/table"
)

// leastSquares returns the x of least norm among those that minimise ‖a·x - b‖,
// by Householder reflections with column pivoting and, when columns depend on one
// another, a second factorisation of what is left (complete orthogonal
// decomposition: Golub and Van Loan, Matrix Computations, 2013, §5.5). a and b
// are used up. rank counts the columns that tell something.
func leastSquares(a *table.Matrix, b []float64) (x []float64, rank int) {
	p, m := a.Cols, a.Rows
	order := make([]int, p)
	for j := range order {
		order[j] = j
	}
	steps := min(m, p)
	diagonal := make([]float64, steps)
	bound := 0.0
	for k := range steps {
		best, most := k, -1.0
		for j := k; j < p; j++ {
			if s := length(a.Col(order[j])[k:]); s > most {
				best, most = j, s
			}
		}
		order[k], order[best] = order[best], order[k]
		if k == 0 {
			bound = most * float64(max(m, p)) * 0x1p-52
		}
		if most <= bound {
			break
		}
		rank++
		v := a.Col(order[k])[k:]
		diagonal[k] = reflector(v)
		for j := k + 1; j < p; j++ {
			mirror(v, a.Col(order[j])[k:])
		}
		mirror(v, b[k:])
	}
	// R = [R11 R12] z = b: with all columns R11 is square, else the z of least norm
	// is Q·(Lᵀ)⁻¹b for Rᵀ = Q·L.
	z := make([]float64, p)
	at := func(i, j int) float64 { // element i, j of R
		if i == j {
			return diagonal[i]
		}
		return a.Col(order[j])[i]
	}
	if rank == p {
		copy(z, b[:p])
		solveUpper(z, at)
	} else {
		leastNorm(z, b[:rank], at)
	}
	x = make([]float64, p)
	for j, c := range order {
		x[c] = z[j]
	}
	return x, rank
}

// leastNorm writes the solution of least norm of R·z = c to z, R being
// len(c) × len(z).
func leastNorm(z, c []float64, at func(i, j int) float64) {
	r, p := len(c), len(z)
	t := table.NewMatrix(p, r) // Rᵀ
	for i := range r {
		for j := i; j < p; j++ {
			t.Col(i)[j] = at(i, j)
		}
	}
	diagonal := make([]float64, r)
	for k := range r {
		v := t.Col(k)[k:]
		diagonal[k] = reflector(v)
		for j := k + 1; j < r; j++ {
			mirror(v, t.Col(j)[k:])
		}
	}
	for i := range r { // the transpose of an upper triangle, from above
		s := c[i]
		for k := range i {
			s -= float64(t.Col(i)[k] * z[k])
		}
		z[i] = s / diagonal[i]
	}
	for k := r - 1; k >= 0; k-- {
		mirror(t.Col(k)[k:], z[k:])
	}
}

// solveUpper solves R·x = b in place of b.
func solveUpper(b []float64, at func(i, j int) float64) {
	for i := len(b) - 1; i >= 0; i-- {
		s := b[i]
		for j := i + 1; j < len(b); j++ {
			s -= float64(at(i, j) * b[j])
		}
		b[i] = s / at(i, i)
	}
}

// reflector turns v into the unit vector u of the reflection 1 - 2uuᵀ that maps v
// to a multiple of its first axis, and returns that multiple.
func reflector(v []float64) float64 {
	norm := length(v)
	if norm == 0 {
		return 0
	}
	alpha := -math.Copysign(norm, v[0])
	v[0] -= alpha
	scale := length(v)
	for i := range v {
		v[i] /= scale
	}
	return alpha
}

// mirror applies 1 - 2uuᵀ to w.
func mirror(u, w []float64) {
	s := 0.0
	for i, v := range u {
		s += float64(v * w[i])
	}
	s *= 2
	for i, v := range u {
		w[i] -= float64(s * v)
	}
}

// length is the Euclidean norm, without overflow.
func length(v []float64) float64 {
	top := 0.0
	for _, x := range v {
		top = math.Max(top, math.Abs(x))
	}
	if top == 0 {
		return 0
	}
	s := 0.0
	for _, x := range v {
		s += float64((x / top) * (x / top))
	}
	return top * math.Sqrt(s)
}
