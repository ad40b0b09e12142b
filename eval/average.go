package eval

import "math"

// Average says how figures of several classes become one.
type Average uint8

// Macro is the plain mean over classes, Micro the figure of all classes' counts
// together, Weighted the mean weighted by each class's share of the truth.
const (
	Macro Average = iota
	Micro
	Weighted
)

// Class holds the figures of one class against the rest.
type Class struct {
	TP, FP, FN, TN float64
	zero           float64
}

// Class returns the counts of class c against the rest.
func (t *Table) Class(c int) Class {
	out := Class{TP: t.Count[c][c], zero: t.ZeroDivision}
	for a, row := range t.Count {
		for b, v := range row {
			switch {
			case a != c && b != c:
				out.TN += v
			case a != c:
				out.FP += v
			case b != c:
				out.FN += v
			}
		}
	}
	return out
}

// each returns the counts of every class; TN comes by subtraction.
func (t *Table) each() []Class {
	out := make([]Class, len(t.Count))
	all := 0.0
	for a, row := range t.Count {
		for b, v := range row {
			all += v
			if a == b {
				out[a].TP = v
				continue
			}
			out[a].FN += v
			out[b].FP += v
		}
	}
	for c := range out {
		own := &out[c]
		own.TN, own.zero = all-own.TP-own.FP-own.FN, t.ZeroDivision
	}
	return out
}

func (c Class) ratio(a, b float64) float64 {
	if b == 0 {
		return c.zero
	}
	return a / b
}

// Precision is the share of decisions for the class that were right.
func (c Class) Precision() float64 { return c.ratio(c.TP, c.TP+c.FP) }

// Recall is the share of the class that was found.
func (c Class) Recall() float64 { return c.ratio(c.TP, c.TP+c.FN) }

// FBeta is the weighted harmonic mean of precision and recall, in which recall
// counts beta times as much: 0 is precision, +Inf recall (van Rijsbergen, 1979).
func (c Class) FBeta(beta float64) float64 {
	switch {
	case beta == 0:
		return c.Precision()
	case math.IsInf(beta, 1):
		return c.Recall()
	}
	b := beta * beta
	return c.ratio((1+b)*c.TP, b*(c.TP+c.FN)+(c.TP+c.FP))
}

// F1 is FBeta(1).
func (c Class) F1() float64 { return c.FBeta(1) }

// Jaccard is the intersection of truth and decision over their union.
func (c Class) Jaccard() float64 { return c.ratio(c.TP, c.TP+c.FP+c.FN) }

// LikelihoodRatios are recall / false-alarm rate and miss rate / specificity:
// how much a positive and a negative answer move the odds. They are NaN where
// their denominators are 0.
func (c Class) LikelihoodRatios() (positive, negative float64) {
	positive, negative = math.NaN(), math.NaN()
	p, n := c.TP+c.FN, c.FP+c.TN
	if c.FP*p != 0 {
		positive = c.TP * n / (c.FP * p)
	}
	if c.TN*p != 0 {
		negative = c.FN * n / (c.TN * p)
	}
	return positive, negative
}

// Precision is the average precision of decisions over classes.
func (t *Table) Precision(by Average) float64 { return t.average(by, Class.Precision) }

// Recall is the average recall over classes.
func (t *Table) Recall(by Average) float64 { return t.average(by, Class.Recall) }

// FBeta is the average F-beta over classes.
func (t *Table) FBeta(beta float64, by Average) float64 {
	return t.average(by, func(c Class) float64 { return c.FBeta(beta) })
}

// F1 is FBeta with beta 1.
func (t *Table) F1(by Average) float64 { return t.FBeta(1, by) }

// Jaccard is the average Jaccard index over classes.
func (t *Table) Jaccard(by Average) float64 { return t.average(by, Class.Jaccard) }

// average applies of to the classes that are shown. NaNs are left out; when the
// weights of the others are all 0 they count alike.
func (t *Table) average(by Average, of func(Class) float64) float64 {
	pool := Class{zero: t.ZeroDivision}
	s, plain, weights, n := 0.0, 0.0, 0.0, 0.0
	for c, own := range t.each() {
		if !t.Shown[c] {
			continue
		}
		pool.TP, pool.FP, pool.FN, pool.TN = pool.TP+own.TP, pool.FP+own.FP, pool.FN+own.FN, pool.TN+own.TN
		v := of(own)
		if math.IsNaN(v) {
			continue
		}
		w := own.TP + own.FN
		s += v * w
		weights += w
		plain += v
		n++
	}
	switch {
	case by == Micro:
		return of(pool)
	case n == 0:
		return math.NaN()
	case by == Weighted && weights > 0:
		return s / weights
	}
	return plain / n
}
