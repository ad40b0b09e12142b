package linear

import (
	"context"
	"math"
)

const (
	largeRows   = 1 << 17 // from here on a sample of the rows is solved first
	sampleEvery = 16      // one block of rows in so many
	sampleSteps = 12
	settled     = 1e-12 // distance to the optimum, in standard deviations, that no step is worth
)

// large reports whether the problem is one for newtonLarge.
func (pr *problem) large() bool { return pr.rows >= largeRows && pr.lasso == nil }

// newtonLarge solves a problem of many rows in few passes over them. It starts
// at the optimum of a sample of evenly spaced blocks of rows, which is near that
// of all; there two Newton steps are taken, and then steps that keep the last
// Hessian (the chord method; Ortega & Rheinboldt 1970, §7.1), whose error shrinks
// by the square of the sample's at each. It goes on to rounding, not to the
// options' bound. ok is false when a step does not help: the plain method will.
func (pr *problem) newtonLarge(ctx context.Context, o Options) (u []float64, steps int, ok bool, err error) {
	d := pr.dim()
	u, steps, err = pr.sampled(ctx, o)
	if err != nil {
		return nil, 0, false, err
	}
	step, next, work := make([]float64, d), make([]float64, d), make([]float64, d*d)
	var hess []float64
	before, loss := math.Inf(1), math.Inf(1)
	for fresh := 0; steps < o.MaxIter; fresh++ {
		if err := ctx.Err(); err != nil {
			return nil, 0, false, err
		}
		now := pr.pass(u, fresh < 2, 1)
		if now.hess != nil {
			pr.complete(now.hess)
			hess = now.hess
		}
		now.hess = hess
		slope := pr.direction(u, now, step, work)
		length := math.Sqrt(math.Max(0, -slope))
		if math.IsNaN(now.loss) || now.loss > loss+lossNoise*math.Abs(loss) || length > before/2 && length > settled {
			return nil, 0, false, nil
		}
		for i := range u {
			next[i] = u[i] + step[i]
		}
		u, next = next, u
		steps++
		if o.Progress != nil {
			o.Progress(steps)
		}
		if length <= settled || fresh > 0 && length*(length/before) <= settled {
			return u, steps, true, nil
		}
		before, loss = length, now.loss
	}
	return nil, 0, false, nil
}

// sampled returns the optimum of the sample of rows.
func (pr *problem) sampled(ctx context.Context, o Options) (u []float64, steps int, err error) {
	d := pr.dim()
	u = make([]float64, d)
	step, next, work := make([]float64, d), make([]float64, d), make([]float64, d*d)
	now := pr.pass(u, true, sampleEvery)
	for range sampleSteps {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		pr.complete(now.hess)
		slope := pr.direction(u, now, step, work)
		if !(slope < -1e-8) {
			break
		}
		trial := pr.search(u, next, step, now, slope, sampleEvery)
		if trial == nil {
			break
		}
		u, next, now = next, u, trial
		steps++
	}
	return u, steps, nil
}
