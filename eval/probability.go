package eval

import (
	"math"

	"github.com/drivecast/drivecast/errs"
)

// Forecast is a set of rows with a probability for each class, for metrics of
// any number of classes, two included.
type Forecast struct {
	Truth   []int     // class of each row, 0 to Classes-1
	Classes int       // 2 or more
	P       []float64 // row-major, len(Truth) × Classes, in [0, 1]
	Weight  []float64 // of each row; nil: 1
}

// Check reports the first fault of f, of kind Invalid. The metrics expect a
// forecast without one.
func (f *Forecast) Check() error {
	if f.Classes < 2 {
		return errs.New(errs.Invalid, "%d classes: there should be 2 or more", f.Classes)
	}
	if len(f.P) != len(f.Truth)*f.Classes {
		return errs.New(errs.Invalid, "%d rows of %d classes but %d probabilities", len(f.Truth), f.Classes, len(f.P))
	}
	if err := checkLengths(len(f.Truth), len(f.Truth), f.Weight); err != nil {
		return err
	}
	for i, t := range f.Truth {
		if uint(t) >= uint(f.Classes) {
			return errs.New(errs.Invalid, "row %d: class %d, there are %d classes", i, t, f.Classes)
		}
	}
	return checkProbabilities(f.P)
}

// Binary makes the forecast of two classes from the probability of class 1.
func Binary(truth []int, p, weight []float64) *Forecast {
	f := &Forecast{Truth: truth, Classes: 2, P: make([]float64, 2*len(p)), Weight: weight}
	for i, v := range p {
		f.P[2*i], f.P[2*i+1] = 1-v, v
	}
	return f
}

// LogLoss is the mean negative log-likelihood of the truth; probabilities are
// kept 2⁻⁵² away from 0 and 1.
func (f *Forecast) LogLoss() float64 {
	parts := make([]float64, len(f.Truth))
	for i, t := range f.Truth {
		parts[i] = -math.Log(min(max(f.P[i*f.Classes+t], epsilon), 1-epsilon))
	}
	return average(parts, f.Weight)
}

// Brier is the mean squared distance of the probabilities from the truth, halved
// for two classes, as scikit-learn has it (Brier, 1950).
func (f *Forecast) Brier() float64 {
	parts := make([]float64, len(f.Truth))
	for i := range f.Truth {
		for c := range f.Classes {
			d := f.P[i*f.Classes+c]
			if f.Truth[i] == c {
				d = 1 - d
			}
			parts[i] += d * d
		}
	}
	if f.Classes == 2 {
		return average(parts, f.Weight) / 2
	}
	return average(parts, f.Weight)
}

// null is the forecast that gives each row the shares of the classes.
func (f *Forecast) null() *Forecast {
	share := make([]float64, f.Classes)
	all := 0.0
	for i, t := range f.Truth {
		w := 1.0
		if f.Weight != nil {
			w = f.Weight[i]
		}
		share[t] += w
		all += w
	}
	out := &Forecast{Truth: f.Truth, Classes: f.Classes, P: make([]float64, len(f.P)), Weight: f.Weight}
	for i := range out.P {
		out.P[i] = share[i%f.Classes] / all
	}
	return out
}

// D2LogLoss is 1 less the log loss over that of the classes' shares: 1 is
// perfect, 0 no better than the shares. It is NaN for fewer than 2 rows.
func (f *Forecast) D2LogLoss() float64 { return f.d2((*Forecast).LogLoss) }

// D2Brier is 1 less the Brier score over that of the classes' shares (the Brier
// skill score). It is NaN for fewer than 2 rows.
func (f *Forecast) D2Brier() float64 { return f.d2((*Forecast).Brier) }

func (f *Forecast) d2(loss func(*Forecast) float64) float64 {
	if len(f.Truth) < 2 {
		return math.NaN()
	}
	return 1 - loss(f)/loss(f.null())
}

// TopK is the share of rows whose class is among the k most probable; of equal
// probabilities the higher class number comes first, as in scikit-learn.
func (f *Forecast) TopK(k int) float64 {
	hits := make([]float64, len(f.Truth))
	for i, t := range f.Truth {
		row := f.P[i*f.Classes : (i+1)*f.Classes]
		before := 0
		for c, p := range row {
			if p > row[t] || p == row[t] && c > t {
				before++
			}
		}
		if before < k {
			hits[i] = 1
		}
	}
	return average(hits, f.Weight)
}

// Decisions returns the most probable class of each row, the first of equal ones.
func (f *Forecast) Decisions() []int {
	out := make([]int, len(f.Truth))
	for i := range out {
		row := f.P[i*f.Classes : (i+1)*f.Classes]
		for c, p := range row {
			if p > row[out[i]] {
				out[i] = c
			}
		}
	}
	return out
}
