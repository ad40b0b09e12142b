package eval

import (
	"math"

	"github.com/drivecast/drivecast/errs"
)

// AUCEach returns the AUC of each class against the rest; NaN for a class that
// is absent, or alone.
func (f *Forecast) AUCEach() []float64 {
	out := make([]float64, f.Classes)
	for c := range out {
		out[c] = f.against(c).AUC()
	}
	return out
}

// AveragePrecisionEach returns the average precision of each class against the
// rest.
func (f *Forecast) AveragePrecisionEach() []float64 {
	out := make([]float64, f.Classes)
	for c := range out {
		out[c] = f.against(c).AveragePrecision()
	}
	return out
}

// against ranks class c against the rest by its probability.
func (f *Forecast) against(c int) *Ranking {
	truth, score := make([]int, len(f.Truth)), make([]float64, len(f.Truth))
	for i, t := range f.Truth {
		if t == c {
			truth[i] = 1
		}
		score[i] = f.P[i*f.Classes+c]
	}
	return rank(truth, score, f.Weight)
}

// pooled ranks every (row, class) pair.
func (f *Forecast) pooled() *Ranking {
	truth := make([]int, len(f.P))
	var weight []float64
	if f.Weight != nil {
		weight = make([]float64, len(f.P))
	}
	for i, t := range f.Truth {
		truth[i*f.Classes+t] = 1
		if weight != nil {
			for c := range f.Classes {
				weight[i*f.Classes+c] = f.Weight[i]
			}
		}
	}
	return rank(truth, f.P, weight)
}

// AUC is the area under the ROC curve of each class against the rest, averaged.
// For two classes it is that of class 1. A class that is absent makes it NaN,
// except that Weighted gives it no weight.
func (f *Forecast) AUC(by Average) float64 {
	return f.rankAverage(by, (*Ranking).AUC)
}

// AveragePrecision is the average precision of each class against the rest,
// averaged. For two classes it is that of class 1.
func (f *Forecast) AveragePrecision(by Average) float64 {
	return f.rankAverage(by, (*Ranking).AveragePrecision)
}

func (f *Forecast) rankAverage(by Average, of func(*Ranking) float64) float64 {
	if f.Classes == 2 {
		return of(f.against(1))
	}
	if by == Micro {
		return of(f.pooled())
	}
	share := make([]float64, f.Classes)
	for i, t := range f.Truth {
		if f.Weight == nil {
			share[t]++
		} else {
			share[t] += f.Weight[i]
		}
	}
	s, all := 0.0, 0.0
	for c, w := range share {
		if by == Macro {
			w = 1
		}
		if w > 0 {
			s += w * of(f.against(c))
			all += w
		}
	}
	if all == 0 {
		return 0
	}
	return s / all
}

// AUCPairs is the mean AUC over all pairs of classes that occur, each pair ranked
// by either class's probability (Hand and Till, 2001): Macro counts pairs alike,
// Weighted by their share of the rows. Weights of rows are not taken, as in
// scikit-learn: f.Weight and Micro are of kind Unsupported.
func (f *Forecast) AUCPairs(by Average) (float64, error) {
	if f.Weight != nil || by == Micro {
		return 0, errs.New(errs.Unsupported, "the AUC over pairs of classes takes no weights of rows and no micro average")
	}
	s, all := 0.0, 0.0
	for a := range f.Classes {
		for b := a + 1; b < f.Classes; b++ {
			ab, rows := f.pair(a, b)
			if rows == 0 {
				continue
			}
			ba, _ := f.pair(b, a)
			w := 1.0
			if by == Weighted {
				w = float64(rows) / float64(len(f.Truth))
			}
			s += w * (ab + ba) / 2
			all += w
		}
	}
	if all == 0 {
		return math.NaN(), nil
	}
	return s / all, nil
}

// pair is the AUC of class a against b by a's probability, and the number of
// rows of either; 0 when one of them does not occur.
func (f *Forecast) pair(a, b int) (auc float64, rows int) {
	var truth []int
	var score []float64
	for i, t := range f.Truth {
		if t == a || t == b {
			y := 0
			if t == a {
				y = 1
			}
			truth, score = append(truth, y), append(score, f.P[i*f.Classes+a])
		}
	}
	r := rank(truth, score, nil)
	if !r.both {
		return 0, 0
	}
	return r.AUC(), len(truth)
}
