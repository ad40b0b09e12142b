package eval

import (
	"math"
	"slices"
)

// Curve is a line through the points (X[i], Y[i]), reached by calling positive
// every score of at least Threshold[i].
type Curve struct {
	X, Y, Threshold []float64
}

// ROC is the detection rate (Y) against the false-alarm rate (X), from (0, 0) at
// threshold +Inf. Unless all is set, points on the line between their neighbours
// are left out. A rate of a class that is absent is NaN.
func (r *Ranking) ROC(all bool) Curve {
	c := Curve{X: []float64{0}, Y: []float64{0}, Threshold: []float64{math.Inf(1)}}
	for i, t := range r.Threshold {
		if all || r.corner(i) {
			c.X, c.Y, c.Threshold = append(c.X, r.FP[i]), append(c.Y, r.TP[i]), append(c.Threshold, t)
		}
	}
	divide(c.X, r.Negatives(), math.NaN())
	divide(c.Y, r.Positives(), math.NaN())
	return c
}

// divide divides v by by; by 0 fills it with none.
func divide(v []float64, by, none float64) {
	for i := range v {
		if by > 0 {
			v[i] /= by
		} else {
			v[i] = none
		}
	}
}

// PrecisionRecall is the precision (Y) against the recall (X), by ascending
// threshold, ending at recall 0 and precision 1 with threshold +Inf. With no
// positive the recall is 1, as in scikit-learn.
func (r *Ranking) PrecisionRecall() Curve {
	n := len(r.TP)
	c := Curve{X: slices.Clone(r.TP), Y: make([]float64, n, n+1), Threshold: slices.Clone(r.Threshold)}
	for i, tp := range r.TP {
		if all := tp + r.FP[i]; all != 0 {
			c.Y[i] = tp / all
		}
	}
	divide(c.X, r.Positives(), 1)
	slices.Reverse(c.X)
	slices.Reverse(c.Y)
	slices.Reverse(c.Threshold)
	c.X, c.Y, c.Threshold = append(c.X, 0), append(c.Y, 1), append(c.Threshold, math.Inf(1))
	return c
}

// DET is the rate of misses (Y) against the false-alarm rate (X), by ascending
// threshold (Martin and others, 1997). It starts at the highest threshold that
// misses nothing and ends at the lowest without a false alarm. It is empty when
// the truth has one class; a class of weight 0 has NaN for its rate.
func (r *Ranking) DET() Curve {
	p, n := r.Positives(), r.Negatives()
	if !r.both {
		return Curve{}
	}
	fp := append([]float64{0}, r.FP...)
	tp := append([]float64{0}, r.TP...)
	at := append([]float64{math.Inf(1)}, r.Threshold...)
	first := 0
	for first+1 < len(fp) && fp[first+1] == fp[0] {
		first++
	}
	end := 0
	for tp[end] != p {
		end++
	}
	var c Curve
	for i := end; i >= first; i-- {
		c.X, c.Y, c.Threshold = append(c.X, fp[i]/n), append(c.Y, (p-tp[i])/p), append(c.Threshold, at[i])
	}
	return c
}

// Point is a way to run a classifier: call positive every score of at least
// Threshold.
type Point struct {
	Threshold  float64 `json:"threshold"`
	Detection  float64 `json:"detection_rate"`
	FalseAlarm float64 `json:"false_alarm_rate"`
	Precision  float64 `json:"precision"` // NaN when nothing is called positive
}

func (r *Ranking) point(i int) Point {
	if i < 0 {
		return Point{Threshold: math.Inf(1), Precision: math.NaN(), Detection: 0 / r.Positives(), FalseAlarm: 0 / r.Negatives()}
	}
	return Point{r.Threshold[i], r.TP[i] / r.Positives(), r.FP[i] / r.Negatives(), r.TP[i] / (r.TP[i] + r.FP[i])}
}

// AtFalseAlarm is the point of the highest detection rate whose false-alarm rate
// is at most limit; threshold +Inf when there is none better than silence.
func (r *Ranking) AtFalseAlarm(limit float64) Point {
	best := -1
	for i, fp := range r.FP {
		if fp/r.Negatives() > limit {
			break
		}
		if best < 0 && r.TP[i] > 0 || best >= 0 && r.TP[i] > r.TP[best] {
			best = i
		}
	}
	return r.point(best)
}

// AtDetection is the point of the lowest false-alarm rate whose detection rate is
// at least goal.
func (r *Ranking) AtDetection(goal float64) Point {
	for i, tp := range r.TP {
		if tp/r.Positives() >= goal {
			return r.point(i)
		}
	}
	return r.point(len(r.TP) - 1)
}

// Cheapest is the point of the least cost on these rows, a false alarm costing
// falseAlarm and a miss costing miss, with that cost as a mean over the rows. Of
// equal ones it is the highest threshold.
func (r *Ranking) Cheapest(falseAlarm, miss float64) (at Point, cost float64) {
	p, n := r.Positives(), r.Negatives()
	best, least := -1, miss*p
	for i := range r.TP {
		if c := falseAlarm*r.FP[i] + miss*(p-r.TP[i]); c < least {
			best, least = i, c
		}
	}
	return r.point(best), least / (p + n)
}

// CostThreshold is the probability from which on acting is cheaper than not, for
// calibrated probabilities: falseAlarm / (falseAlarm + miss) (Elkan, 2001). It is
// NaN when both costs are 0.
func CostThreshold(falseAlarm, miss float64) float64 { return falseAlarm / (falseAlarm + miss) }

// CostCurve is the least normalised expected cost (Y) at each probability cost
// (X), n+1 points evenly from 0 to 1 (Drummond and Holte, 2006). The probability
// cost is p·miss / (p·miss + (1-p)·falseAlarm) for prevalence p; a cost of 1 is
// that of the worst classifier. Threshold is the best one at that point.
func (r *Ranking) CostCurve(n int) Curve {
	hull := r.ROC(false)
	c := Curve{X: make([]float64, n+1), Y: make([]float64, n+1), Threshold: make([]float64, n+1)}
	for i := range n + 1 {
		x := float64(i) / float64(n)
		c.X[i], c.Y[i] = x, math.Inf(1)
		for j := range hull.X {
			if y := (1-hull.Y[j])*x + hull.X[j]*(1-x); y < c.Y[i] || math.IsNaN(y) {
				c.Y[i], c.Threshold[i] = y, hull.Threshold[j]
			}
		}
	}
	return c
}
