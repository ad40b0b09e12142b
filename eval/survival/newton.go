package survival

import (
	"context"
	"math"
)

// surface is an objective to be maximised with its slope and curvature (n × n).
type surface struct {
	value float64
	grad  []float64
	hess  []float64
}

const maxSteps = 100

// maximise climbs from theta by Newton's method with step halving (Boyd and
// Vandenberghe, 2004, §9.5), lifting the curvature where it is flat or upward. It
// stops when a step promises less than 1e-20 of value per row. theta is moved.
func maximise(ctx context.Context, theta []float64, at func(theta []float64) surface) (s surface, steps int, done bool, err error) {
	n := len(theta)
	s = at(theta)
	next, step := make([]float64, n), make([]float64, n)
	for ; steps < maxSteps; steps++ {
		if err := ctx.Err(); err != nil {
			return s, steps, false, err
		}
		if !climb(s, step) {
			return s, steps, false, nil
		}
		gain := 0.0
		for i, g := range s.grad {
			gain += g * step[i]
		}
		if gain < 1e-22*(1+math.Abs(s.value)) {
			return s, steps, true, nil
		}
		moved := false
		for t := 1.0; t > 1e-9; t /= 2 {
			for i := range theta {
				next[i] = theta[i] + t*step[i]
			}
			trial := at(next)
			if trial.value >= s.value+1e-4*t*gain-1e-15*math.Abs(s.value) {
				copy(theta, next)
				s, moved = trial, true
				break
			}
		}
		if !moved {
			return s, steps, gain < 1e-9*(1+math.Abs(s.value)), nil
		}
	}
	return s, steps, false, nil
}

// climb solves -H step = gradient.
func climb(s surface, step []float64) bool {
	n := len(s.grad)
	top := 0.0
	for i := range n {
		top = math.Max(top, math.Abs(s.hess[i*n+i]))
	}
	if top == 0 {
		top = 1
	}
	a := make([]float64, n*n)
	for lift := 0.0; lift < 1e6; lift = math.Max(10*lift, 1e-9) {
		for i, h := range s.hess {
			a[i] = -h
		}
		for i := range n {
			a[i*n+i] += lift * top
		}
		if factor(a, n) {
			copy(step, s.grad)
			backSolve(a, n, step)
			return true
		}
	}
	return false
}

// factor replaces the lower triangle of a by its Cholesky factor; false when a is
// not safely positive definite.
func factor(a []float64, n int) bool {
	for j := range n {
		d := a[j*n+j]
		v := d
		for k := range j {
			v -= a[j*n+k] * a[j*n+k]
		}
		if !(v > 1e-13*d) {
			return false
		}
		v = math.Sqrt(v)
		a[j*n+j] = v
		for i := j + 1; i < n; i++ {
			t := a[i*n+j]
			for k := range j {
				t -= a[i*n+k] * a[j*n+k]
			}
			a[i*n+j] = t / v
		}
	}
	return true
}

func backSolve(l []float64, n int, b []float64) {
	for i := range n {
		for k := range i {
			b[i] -= l[i*n+k] * b[k]
		}
		b[i] /= l[i*n+i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			b[i] -= l[k*n+i] * b[k]
		}
		b[i] /= l[i*n+i]
	}
}

// deviations returns the square roots of the diagonal of the inverse of -H; NaN
// where H is flat.
func deviations(hess []float64, n int) []float64 {
	a, out := make([]float64, n*n), make([]float64, n)
	for i, h := range hess {
		a[i] = -h
	}
	ok := factor(a, n)
	for i := range out {
		e := make([]float64, n)
		e[i] = 1
		if out[i] = math.NaN(); ok {
			backSolve(a, n, e)
			out[i] = math.Sqrt(e[i])
		}
	}
	return out
}
