package survival

import (
	"context"
	"math"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// Cox is a fitted proportional-hazards model: the hazard of a row is that of the
// average row times exp(Risk).
type Cox struct {
	Coef       []float64
	SE         []float64 // standard errors; NaN where they are not defined
	Mean       []float64 // of each column in training
	Baseline   *Curve    // cumulative hazard of the average row (Breslow, 1974)
	LogLik     float64   // log partial likelihood, penalty left out
	NullLogLik float64   // with all coefficients 0
	Iterations int
	Converged  bool
}

// Risk returns the log hazard ratio of a row to the average row.
func (m *Cox) Risk(row []float64) float64 {
	s := 0.0
	for j, c := range m.Coef {
		s += c * (row[j] - m.Mean[j])
	}
	return s
}

// Survival returns the chance that a row is running at time t.
func (m *Cox) Survival(row []float64, t float64) float64 {
	return math.Exp(-m.Baseline.At(t) * math.Exp(m.Risk(row)))
}

// FitCox fits Cox's model (Cox, 1972) to its optimum, with Efron's treatment of
// failures at one time (Efron, 1977), weights and late entry. ridge ≥ 0 is the
// strength of a penalty ½·ridge·Σcoef²; use it when columns are collinear or
// divide failures from the rest, since without one the fit then ends with large
// coefficients and Converged false. No failure at all and cells that are not
// finite are of kind Invalid.
func FitCox(ctx context.Context, x *table.Matrix, d *Data, ridge float64) (*Cox, error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	if !(ridge >= 0) || math.IsInf(ridge, 1) {
		return nil, errs.New(errs.Usage, "the ridge penalty is %v, it should be 0 or more", ridge)
	}
	c, err := newColumns(x, d)
	if err != nil {
		return nil, err
	}
	f := newCoxFit(c, d, ridge)
	if len(f.deaths) == 0 {
		return nil, errs.New(errs.Invalid, "no row failed: there is nothing to learn from")
	}
	theta := make([]float64, c.p)
	m := &Cox{Mean: c.mean, NullLogLik: f.at(theta).value}
	s, n, done, err := maximise(ctx, theta, f.at)
	if err != nil {
		return nil, err
	}
	m.Iterations, m.Converged = n, done
	m.LogLik, m.SE = s.value, deviations(s.hess, c.p)
	m.Coef = make([]float64, c.p)
	for j, v := range theta {
		m.Coef[j] = v / c.scale[j]
		m.SE[j] /= c.scale[j]
		m.LogLik += .5 * f.ridge[j] * v * v
	}
	m.Baseline = f.breslow(theta)
	return m, nil
}

// coxFit is the problem in standardised columns.
type coxFit struct {
	c      *columns
	d      *Data
	ridge  []float64
	ends   []int // rows by descending time
	enters []int // rows by descending entry
	deaths [][]int
}

func newCoxFit(c *columns, d *Data, ridge float64) *coxFit {
	f := &coxFit{c: c, d: d, ends: reversed(d.byTime()), enters: reversed(d.byEntry())}
	for _, s := range c.scale {
		f.ridge = append(f.ridge, ridge/(s*s))
	}
	for lo := 0; lo < len(f.ends); {
		t, hi := d.Time[f.ends[lo]], lo
		var dead []int
		for hi < len(f.ends) && d.Time[f.ends[hi]] == t {
			if i := f.ends[hi]; d.Failed[i] && d.weight(i) > 0 {
				dead = append(dead, i)
			}
			hi++
		}
		if dead != nil {
			f.deaths = append(f.deaths, dead)
		}
		lo = hi
	}
	return f
}

func reversed(v []int) []int {
	out := make([]int, len(v))
	for i, x := range v {
		out[len(v)-1-i] = x
	}
	return out
}

// risk holds the sums over the rows at risk: of weights times hazard ratios, and
// those times the columns and their products.
type risk struct {
	s0     float64
	s1, s2 []float64
}

func newRisk(p int) risk { return risk{s1: make([]float64, p), s2: make([]float64, p*p)} }

func (r *risk) add(w float64, row []float64) {
	r.s0 += w
	p := len(row)
	for a, v := range row {
		wv := w * v
		r.s1[a] += wv
		for b, u := range row[:a+1] {
			r.s2[a*p+b] += wv * u
		}
	}
}

// ratios returns weight times hazard ratio of each row, scaled by exp(-shift).
func (f *coxFit) ratios(theta []float64) (w []float64, eta []float64, shift float64) {
	eta, w = make([]float64, len(f.d.Time)), make([]float64, len(f.d.Time))
	shift = math.Inf(-1)
	for i := range eta {
		eta[i] = dot(theta, f.c.row(i))
		shift = math.Max(shift, eta[i])
	}
	for i := range w {
		w[i] = f.d.weight(i) * math.Exp(eta[i]-shift)
	}
	return w, eta, shift
}

// at is the penalised log partial likelihood.
func (f *coxFit) at(theta []float64) surface {
	p := f.c.p
	s := surface{grad: make([]float64, p), hess: make([]float64, p*p)}
	w, eta, shift := f.ratios(theta)
	all := newRisk(p)
	in, out := 0, 0
	for _, dead := range f.deaths {
		t := f.d.Time[dead[0]]
		for in < len(f.ends) && f.d.Time[f.ends[in]] >= t {
			all.add(w[f.ends[in]], f.c.row(f.ends[in]))
			in++
		}
		for out < len(f.enters) && f.d.Entry[f.enters[out]] >= t {
			all.add(-w[f.enters[out]], f.c.row(f.enters[out]))
			out++
		}
		tied, sum := newRisk(p), 0.0
		for _, i := range dead {
			tied.add(w[i], f.c.row(i))
			sum += f.d.weight(i)
			s.value += f.d.weight(i) * (eta[i] - shift)
			for a, v := range f.c.row(i) {
				s.grad[a] += f.d.weight(i) * v
			}
		}
		s.efron(all, tied, len(dead), sum/float64(len(dead)))
	}
	for a := range p {
		s.value -= .5 * f.ridge[a] * theta[a] * theta[a]
		s.grad[a] -= f.ridge[a] * theta[a]
		s.hess[a*p+a] -= f.ridge[a]
		for b := range a {
			s.hess[b*p+a] = s.hess[a*p+b]
		}
	}
	return s
}

// efron takes off the part of n failures at one time.
func (s *surface) efron(all, tied risk, n int, weight float64) {
	p := len(s.grad)
	mean := make([]float64, p)
	for l := range n {
		share := float64(l) / float64(n)
		s0 := all.s0 - share*tied.s0
		s.value -= weight * math.Log(s0)
		for a := range p {
			mean[a] = (all.s1[a] - share*tied.s1[a]) / s0
			s.grad[a] -= weight * mean[a]
			for b := range a + 1 {
				s.hess[a*p+b] -= weight * ((all.s2[a*p+b]-share*tied.s2[a*p+b])/s0 - mean[a]*mean[b])
			}
		}
	}
}

// breslow returns the cumulative hazard of the average row.
func (f *coxFit) breslow(theta []float64) *Curve {
	w, _, shift := f.ratios(theta)
	scaled := &Data{Time: f.d.Time, Failed: f.d.Failed, Entry: f.d.Entry, Weight: w}
	c, h := &Curve{}, 0.0
	for _, m := range scaled.moments() {
		failed := 0.0
		for _, i := range m.rows {
			if f.d.Failed[i] {
				failed += f.d.weight(i)
			}
		}
		if failed > 0 {
			h += failed / (m.risk * math.Exp(shift))
		}
		c.append(moment{time: m.time, risk: m.risk, failed: failed}, h, math.NaN())
	}
	return c
}
