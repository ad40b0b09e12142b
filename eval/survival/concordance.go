package survival

import (
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
)

// Concordance says how well a risk orders failures.
type Concordance struct {
	Index      float64 // (Concordant + Tied/2) / all comparable pairs; NaN without any
	Concordant float64 // pairs whose earlier failure has the higher risk
	Discordant float64
	Tied       float64 // pairs of equal risk
}

// Harrell returns Harrell's C-index (Harrell, Lee and Mark, 1996): among pairs of
// which one is known to have failed first, the share in which it has the higher
// risk, ties one half. Two failures at one time do not make a pair; a failure and
// a censoring at one time do. Entry and Weight are not read. It takes O(n log n).
func Harrell(d *Data, risk []float64) (Concordance, error) {
	if err := checkRisk(d, risk); err != nil {
		return Concordance{}, err
	}
	return concordance(d, risk, math.Inf(1), func(int) float64 { return 1 }), nil
}

// Uno returns the C-index with pairs weighted by the inverse square of the
// chance of not being censored before the failure (Uno and others, 2011), which
// takes away the influence of the censoring. The chance is estimated from train;
// only failures before limit count (+Inf: all). When the chance at such a failure
// is 0, the error is of kind Invalid: lower the limit.
func Uno(train, d *Data, risk []float64, limit float64) (Concordance, error) {
	if err := checkRisk(d, risk); err != nil {
		return Concordance{}, err
	}
	if err := train.Check(); err != nil {
		return Concordance{}, err
	}
	g := censoring(train)
	for i, t := range d.Time {
		if d.Failed[i] && t < limit && !(g.At(t) > 0) {
			return Concordance{}, errs.New(errs.Invalid, "row %d: all are censored before its failure at %v; set a limit below", i, t)
		}
	}
	return concordance(d, risk, limit, func(i int) float64 {
		p := g.At(d.Time[i])
		return 1 / (p * p)
	}), nil
}

func checkRisk(d *Data, risk []float64) error {
	if err := d.Check(); err != nil {
		return err
	}
	if len(risk) != len(d.Time) {
		return errs.New(errs.Invalid, "%d rows but %d risks", len(d.Time), len(risk))
	}
	for i, r := range risk {
		if math.IsNaN(r) {
			return errs.New(errs.Invalid, "row %d: the risk is NaN", i)
		}
	}
	return nil
}

// censoring is the Kaplan–Meier curve of being censored, for which failures at
// the same time come first.
func censoring(d *Data) *Curve {
	ms := d.moments()
	for i := range ms {
		m := &ms[i]
		m.risk -= m.failed
		m.failed, m.censored = m.censored, 0
	}
	return kaplanMeier(ms, .95)
}

// concordance walks back in time with the risks of those still running in a tree
// of counts.
func concordance(d *Data, risk []float64, limit float64, weight func(i int) float64) Concordance {
	ranks := slices.Clone(risk)
	slices.Sort(ranks)
	ranks = slices.Compact(ranks)
	later := make(counts, len(ranks)+1)
	at := func(i int) int { r, _ := slices.BinarySearch(ranks, risk[i]); return r }
	var c Concordance
	ms := d.moments()
	for k := len(ms) - 1; k >= 0; k-- {
		m := ms[k]
		for _, i := range m.rows {
			if !d.Failed[i] {
				later.add(at(i))
			}
		}
		for _, i := range m.rows {
			if d.Failed[i] && d.Time[i] < limit {
				r, w := at(i), weight(i)
				below, upTo := later.below(r), later.below(r+1)
				c.Concordant += w * below
				c.Tied += w * (upTo - below)
				c.Discordant += w * (later.below(len(ranks)) - upTo)
			}
		}
		for _, i := range m.rows {
			if d.Failed[i] {
				later.add(at(i))
			}
		}
	}
	c.Index = (c.Concordant + c.Tied/2) / (c.Concordant + c.Tied + c.Discordant)
	return c
}

// counts is a binary indexed tree (Fenwick, 1994).
type counts []float64

func (c counts) add(i int) {
	for i++; i < len(c); i += i & -i {
		c[i]++
	}
}

func (c counts) below(i int) float64 {
	s := 0.0
	for ; i > 0; i -= i & -i {
		s += c[i]
	}
	return s
}
