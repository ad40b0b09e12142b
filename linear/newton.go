package linear

import (
	"context"
	"math"
)

const (
	armijo     = 1.0 / 2048
	lossNoise  = 16 * 0x1p-52 // relative error of a mean loss
	rounding   = 1e-28        // a squared Newton decrement that no step can lower
	maxHalving = 40
)

// newton minimises the objective. It returns the parameters, the number of steps
// and whether the bound of the options was met. Newton's steps do not depend on
// units, so that without an l1 part the iterates and the rule to stop at are those
// of scikit-learn's newton-cholesky.
func (pr *problem) newton(ctx context.Context, o Options) (u []float64, steps int, done bool, err error) {
	d := pr.dim()
	u = make([]float64, d)
	step, next := make([]float64, d), make([]float64, d)
	work := make([]float64, d*d)
	now := pr.evaluate(u)
	for steps < o.MaxIter {
		if err := ctx.Err(); err != nil {
			return nil, steps, false, err
		}
		pr.complete(now.hess)
		slope := pr.direction(u, now, step, work)
		if !(slope < -rounding) {
			return u, steps, true, nil
		}
		steps++
		if o.Progress != nil {
			o.Progress(steps)
		}
		trial := pr.lineSearch(u, next, step, now, slope)
		if trial == nil { // no step helps: as near as rounding lets us
			return u, steps, pr.residual(u, now.grad) <= finalTol, nil
		}
		u, next = next, u
		now = trial
		if pr.lasso == nil && -slope/2 <= o.Tol && pr.rawGradient(now.grad) <= o.Tol {
			return u, steps, true, nil
		}
	}
	return u, steps, pr.residual(u, now.grad) <= o.Tol, nil
}

// rawGradient is the largest element of the gradient in the units of the data.
func (pr *problem) rawGradient(grad []float64) float64 {
	most := 0.0
	for i, g := range grad {
		if j := i % pr.q; j < pr.p {
			g *= pr.scale[j]
			if pr.q > pr.p {
				g += pr.center[j] * grad[i-j+pr.p]
			}
		}
		most = max(most, math.Abs(g))
	}
	return most
}

// lineSearch halves the step until the objective falls as Armijo asks, or, when
// the change is within rounding, until the gradient shrinks. It leaves the new
// point in next and returns its sums, or nil when no step helps.
func (pr *problem) lineSearch(u, next, step []float64, now *sums, slope float64) *sums {
	return pr.search(u, next, step, now, slope, 1)
}

func (pr *problem) search(u, next, step []float64, now *sums, slope float64, every int) *sums {
	before := now.loss + pr.absolute(u)
	norm := -1.0
	for t, i := 1.0, 0; i < maxHalving; t, i = t/2, i+1 {
		for j := range u {
			next[j] = u[j] + t*step[j]
		}
		s := pr.pass(next, true, every)
		change := s.loss + pr.absolute(next) - before
		if change <= t*armijo*slope {
			return s
		}
		if math.Abs(change) <= lossNoise*math.Abs(before) {
			if norm < 0 {
				norm = pr.residual(u, now.grad)
			}
			if pr.residual(next, s.grad) < norm {
				return s
			}
		}
	}
	return nil
}

// complete makes the Hessian of a multinomial model regular without moving its
// optimum: adding one number to an unpenalised parameter of all classes changes
// nothing, and the gradient has no part in that direction.
func (pr *problem) complete(h []float64) {
	if pr.blocks == 1 {
		return
	}
	d, q := pr.dim(), pr.q
	for j := range q {
		if pr.ridge[j] > 0 || pr.lasso != nil && pr.lasso[j] > 0 {
			continue
		}
		top := 0.0
		for k := range pr.blocks {
			top = max(top, h[(k*q+j)*d+k*q+j])
		}
		for k := range pr.blocks {
			for l := range pr.blocks {
				h[(k*q+j)*d+l*q+j] += top / float64(pr.blocks)
			}
		}
	}
}

// absolute is the l1 penalty at u.
func (pr *problem) absolute(u []float64) float64 {
	s := 0.0
	if pr.lasso != nil {
		for i, v := range u {
			s += pr.lasso[i%pr.q] * math.Abs(v)
		}
	}
	return s
}

// residual is the largest element of the least subgradient at u: 0 at the
// optimum.
func (pr *problem) residual(u, grad []float64) float64 {
	most := 0.0
	for i, g := range grad {
		most = max(most, math.Abs(pr.subgradient(i, u[i], g)))
	}
	return most
}

func (pr *problem) subgradient(i int, u, g float64) float64 {
	if pr.lasso == nil {
		return g
	}
	a := pr.lasso[i%pr.q]
	switch {
	case u > 0:
		return g + a
	case u < 0:
		return g - a
	case g > a:
		return g - a
	case g < -a:
		return g + a
	}
	return 0
}

// direction fills step with the Newton step and returns the slope of the
// objective along it, which is minus the squared Newton decrement.
func (pr *problem) direction(u []float64, s *sums, step, work []float64) (slope float64) {
	if pr.lasso != nil {
		return pr.proximal(u, s, step, work)
	}
	minus := make([]float64, len(u))
	for i, g := range s.grad {
		minus[i] = -g
	}
	if !solveDamped(s.hess, len(u), minus, step, work) {
		return 0
	}
	for i, g := range s.grad {
		slope += g * step[i]
	}
	return slope
}
