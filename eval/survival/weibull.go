package survival

import (
	"context"
	"math"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// Weibull is a fitted accelerated-failure-time model: survival is
// exp(-(t/λ)^Shape) with ln λ = Intercept + Σ Coef·x. A coefficient of ln 2
// doubles every lifetime; a Shape above 1 means wearing out, below 1 early deaths.
type Weibull struct {
	Coef       []float64
	Intercept  float64
	Shape      float64
	SE         []float64 // of Coef, Intercept and ln Shape; NaN where not defined
	LogLik     float64
	Iterations int
	Converged  bool
}

// Scale returns λ of a row: the time by which 63.2 % have failed.
func (m *Weibull) Scale(row []float64) float64 { return math.Exp(m.Intercept + dot(m.Coef, row)) }

// Survival returns the chance that a row is running at time t ≥ 0.
func (m *Weibull) Survival(row []float64, t float64) float64 {
	return math.Exp(-math.Pow(t/m.Scale(row), m.Shape))
}

// FitWeibull fits the model by maximum likelihood (Kalbfleisch and Prentice,
// 2002, §3.6), with weights and late entry. x may have no columns. Times must be
// above 0 and entries 0 or more; those, no failure at all, and cells that are not
// finite are of kind Invalid.
func FitWeibull(ctx context.Context, x *table.Matrix, d *Data) (*Weibull, error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	time, failed := 0.0, 0.0
	for i, t := range d.Time {
		if t <= 0 || d.Entry != nil && d.Entry[i] < 0 {
			return nil, errs.New(errs.Invalid, "row %d: Weibull lifetimes are above 0, entries 0 or more", i)
		}
		time += d.weight(i) * t
		if d.Failed[i] {
			failed += d.weight(i)
		}
	}
	if failed == 0 {
		return nil, errs.New(errs.Invalid, "no row failed: there is nothing to learn from")
	}
	c, err := newColumns(x, d)
	if err != nil {
		return nil, err
	}
	theta := make([]float64, c.p+2)
	theta[c.p] = math.Log(time / failed)
	s, n, done, err := maximise(ctx, theta, func(theta []float64) surface { return weibull(c, d, theta) })
	if err != nil {
		return nil, err
	}
	m := &Weibull{Intercept: theta[c.p], Shape: math.Exp(theta[c.p+1]), LogLik: s.value, Iterations: n, Converged: done}
	m.SE = deviations(s.hess, c.p+2)
	for j := range c.p {
		m.Coef = append(m.Coef, theta[j]/c.scale[j])
		m.SE[j] /= c.scale[j]
		m.Intercept -= m.Coef[j] * c.mean[j]
	}
	m.SE[c.p] = interceptSE(s.hess, c)
	return m, nil
}

// interceptSE is the standard error of the intercept in raw units.
func interceptSE(hess []float64, c *columns) float64 {
	n := c.p + 2
	a, to := make([]float64, n*n), make([]float64, n)
	for i, h := range hess {
		a[i] = -h
	}
	for j := range c.p {
		to[j] = -c.mean[j] / c.scale[j]
	}
	to[c.p] = 1
	if !factor(a, n) {
		return math.NaN()
	}
	v := append([]float64(nil), to...)
	backSolve(a, n, v)
	return math.Sqrt(dot(v, to))
}

// weibull is the log likelihood; parameters are coefficients, intercept, ln shape.
func weibull(c *columns, d *Data, theta []float64) surface {
	n, p := len(theta), c.p
	s := surface{grad: make([]float64, n), hess: make([]float64, n*n)}
	row := make([]float64, p+1)
	row[p] = 1
	a := theta[p+1]
	shape := math.Exp(a)
	for i, t := range d.Time {
		copy(row, c.row(i))
		eta, w := dot(row, theta[:p+1]), d.weight(i)
		hit := 0.0
		if d.Failed[i] {
			hit = 1
		}
		u := shape * (math.Log(t) - eta)
		e := math.Exp(u)
		value := hit*(a+u-math.Log(t)) - e
		net, first, second := hit-e, hit*u-u*e, hit*u-(u+u*u)*e
		flat, cross := -e, -u*e
		if d.Entry != nil && d.Entry[i] > 0 {
			v := shape * (math.Log(d.Entry[i]) - eta)
			g := math.Exp(v)
			value += g
			net, first, second = net+g, first+v*g, second+(v+v*v)*g
			flat, cross = flat+g, cross+v*g
		}
		s.value += w * value
		s.grad[p+1] += w * (hit + first)
		s.hess[n*n-1] += w * second
		for j, x := range row {
			s.grad[j] -= w * shape * net * x
			mixed := -w * shape * (net + cross) * x
			s.hess[j*n+p+1] += mixed
			s.hess[(p+1)*n+j] += mixed
			for k, y := range row {
				s.hess[j*n+k] += w * shape * shape * flat * x * y
			}
		}
	}
	return s
}
