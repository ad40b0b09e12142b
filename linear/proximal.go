package linear

import "math"

// maxSweeps bounds the coordinate descent of one step; the next step goes on.
const maxSweeps = 1000

// proximal fills step with the minimiser of the quadratic model with the l1
// penalty, gᵀd + ½ dᵀHd + Σ α|u+d|, found by coordinate descent and then, once
// the signs are known, exactly. It returns the model's slope, ≤ 0.
func (pr *problem) proximal(u []float64, s *sums, step, work []float64) (slope float64) {
	n := len(u)
	clear(step)
	slack := append([]float64(nil), s.grad...) // gradient of the smooth model at step
	for sweep := range maxSweeps {
		most := 0.0
		for i := range n {
			h := s.hess[i*n+i]
			if h <= 0 {
				continue
			}
			at := u[i] + step[i]
			to := soft(at-slack[i]/h, pr.lasso[i%pr.q]/h)
			move := to - at
			if move == 0 {
				continue
			}
			step[i] = to - u[i]
			for j, v := range s.hess[i*n : (i+1)*n] {
				slack[j] += v * move
			}
			most = max(most, move*move*h)
		}
		if most < 1e-24 || sweep%10 == 9 && pr.polish(u, s, step, slack, work) {
			break
		}
	}
	for i, d := range step {
		slope += pr.change(i, u[i], s.grad[i], d)
	}
	return slope
}

// change is g·d + α(|u+d| - |u|), without the cancellation when u keeps its sign.
func (pr *problem) change(i int, u, g, d float64) float64 {
	a := pr.lasso[i%pr.q]
	switch {
	case u > 0 && u+d >= 0:
		return (g + a) * d
	case u < 0 && u+d <= 0:
		return (g - a) * d
	}
	return g*d + a*(math.Abs(u+d)-math.Abs(u))
}

func soft(v, by float64) float64 {
	return math.Copysign(max(math.Abs(v)-by, 0), v)
}

// polish solves the model exactly on the parameters that are not zero, given
// their signs, and keeps the answer when it satisfies the conditions of the
// optimum; slack is then brought up to date.
func (pr *problem) polish(u []float64, s *sums, step, slack, work []float64) bool {
	n := len(u)
	var active []int
	for i := range n {
		if u[i]+step[i] != 0 || pr.lasso[i%pr.q] == 0 {
			active = append(active, i)
		}
	}
	m := len(active)
	h, b, x := make([]float64, m*m), make([]float64, m), make([]float64, m)
	for a, i := range active {
		sign := math.Copysign(pr.lasso[i%pr.q], u[i]+step[i])
		b[a] = -s.grad[i] - sign
		for j := range n { // parameters at zero stay there
			if u[j]+step[j] == 0 && pr.lasso[j%pr.q] > 0 {
				b[a] += s.hess[i*n+j] * u[j]
			}
		}
		for c, j := range active {
			h[a*m+c] = s.hess[i*n+j]
		}
	}
	if !solveDamped(h, m, b, x, work[:m*m]) {
		return false
	}
	try := make([]float64, n)
	for i := range n {
		try[i] = -u[i]
	}
	for a, i := range active {
		if pr.lasso[i%pr.q] > 0 && (u[i]+x[a])*(u[i]+step[i]) <= 0 {
			return false
		}
		try[i] = x[a]
	}
	after := append([]float64(nil), s.grad...)
	for i := range n {
		for j, v := range try {
			after[i] += s.hess[i*n+j] * v
		}
	}
	for i := range n {
		if math.Abs(pr.subgradient(i, u[i]+try[i], after[i])) > 1e-12*(1+math.Abs(s.grad[i])) {
			return false
		}
	}
	copy(step, try)
	copy(slack, after)
	return true
}
