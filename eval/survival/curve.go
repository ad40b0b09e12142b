package survival

import (
	"math"
	"sort"
)

// Curve is a step function of time that starts at Start and takes Value[i] from
// Time[i] on. Low and High bound it at the curve's confidence.
type Curve struct {
	Time             []float64 // distinct times at which rows end, ascending
	Value            []float64
	Low, High        []float64
	Variance         []float64
	AtRisk, Failures []float64 // weights at each time
	Start            float64
}

// At returns the value at time t.
func (c *Curve) At(t float64) float64 {
	if i := sort.Search(len(c.Time), func(i int) bool { return c.Time[i] > t }); i > 0 {
		return c.Value[i-1]
	}
	return c.Start
}

// Quantile returns the first time at which the value is at most q, such as 0.5
// for the median of a survival curve; +Inf when it stays above.
func (c *Curve) Quantile(q float64) float64 {
	for i, v := range c.Value {
		if v <= q {
			return c.Time[i]
		}
	}
	return math.Inf(1)
}

// KaplanMeier estimates the share that survives past each time (Kaplan and Meier,
// 1958), with Greenwood's variance and bounds on the log(-log) scale, at the given
// confidence such as 0.95. With late entry the estimate is conditional on
// reaching the first entry. A fault of the data is of kind Invalid.
func KaplanMeier(d *Data, confidence float64) (*Curve, error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	return kaplanMeier(d.moments(), confidence), nil
}

func kaplanMeier(moments []moment, confidence float64) *Curve {
	c, z := &Curve{Start: 1}, math.Sqrt2*math.Erfinv(confidence)
	s, greenwood := 1.0, 0.0
	for _, m := range moments {
		if m.failed > 0 {
			s *= 1 - m.failed/m.risk
			greenwood += m.failed / (m.risk * (m.risk - m.failed))
		}
		if s < 1e-15 { // all that were at risk have failed
			s = 0
		}
		c.append(m, s, s*s*greenwood)
		l, h := s, s
		if s > 0 && s < 1 {
			log := math.Log(s)
			half := z * math.Sqrt(greenwood) / log
			l, h = math.Exp(-math.Exp(math.Log(-log)-half)), math.Exp(-math.Exp(math.Log(-log)+half))
			l, h = min(l, h), max(l, h)
		}
		c.Low, c.High = append(c.Low, l), append(c.High, h)
	}
	return c
}

func (c *Curve) append(m moment, value, variance float64) {
	c.Time, c.Value, c.Variance = append(c.Time, m.time), append(c.Value, value), append(c.Variance, variance)
	c.AtRisk, c.Failures = append(c.AtRisk, m.risk), append(c.Failures, m.failed)
}

// NelsonAalen estimates the cumulative hazard, Σ failures/at risk (Nelson, 1972;
// Aalen, 1978), with bounds on the log scale.
func NelsonAalen(d *Data, confidence float64) (*Curve, error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	c, z := &Curve{}, math.Sqrt2*math.Erfinv(confidence)
	h, v := 0.0, 0.0
	for _, m := range d.moments() {
		if m.failed > 0 {
			h += m.failed / m.risk
			v += m.failed / (m.risk * m.risk)
		}
		c.append(m, h, v)
		l, u := h, h
		if h > 0 {
			f := math.Exp(z * math.Sqrt(v) / h)
			l, u = h/f, h*f
		}
		c.Low, c.High = append(c.Low, l), append(c.High, u)
	}
	return c, nil
}

// Restricted returns the mean survival time up to limit: the area under a
// Kaplan–Meier curve (Royston and Parmar, 2013). Times are expected from 0 on.
func (c *Curve) Restricted(limit float64) float64 {
	area, at, value := 0.0, 0.0, c.Start
	for i, t := range c.Time {
		if t >= limit {
			break
		}
		area += value * (t - at)
		at, value = t, c.Value[i]
	}
	return area + value*(limit-at)
}
