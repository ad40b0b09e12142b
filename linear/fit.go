package linear

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// Options are the parameters of logistic regression, with scikit-learn's
// meanings. Start from Defaults.
type Options struct {
	C            float64             // inverse strength of the L2 penalty, above 0; +Inf for none
	FitIntercept bool                // learn a constant, which is not penalised
	ClassWeight  map[float64]float64 // weight of each class; nil: 1
	Balanced     bool                // weigh classes by the inverse of their share of all weight; ClassWeight must be nil
	MaxIter      int                 // steps at most
	Workers      int                 // goroutines; 0 for one a processor. The answer is the same for any number.
	Progress     func(iteration int) // called after each step; may be nil
}

// Defaults returns C = 1, an intercept, and at most 100 steps.
func Defaults() Options { return Options{C: 1, FitIntercept: true, MaxIter: 100} }

// FitLogistic fits logistic regression with an L2 penalty: it minimises
//
//	C · Σ weight · log loss + ½ · Σ coef²
//
// to its optimum, whatever the units of the columns. NaN and ±Inf in x are errors
// of kind Invalid that name column and row. y holds class labels, at least two
// different ones; weights, none negative, may be nil. Without a penalty, classes
// that a plane divides have no optimum: the fit then ends after MaxIter steps
// with large coefficients.
func FitLogistic(ctx context.Context, x *table.Matrix, y, weights []float64, opt Options) (*Logistic, error) {
	if err := check(x, y, weights, opt); err != nil {
		return nil, err
	}
	labels := slices.Clone(y)
	slices.Sort(labels)
	labels = slices.Compact(labels)
	if len(labels) < 2 {
		return nil, errs.New(errs.Invalid, "the target has one class, %v; at least two are needed to tell them apart", labels[0])
	}
	w, err := rowWeights(y, weights, labels, opt)
	if err != nil {
		return nil, err
	}
	scaler := NewScaler(x)
	p := newProblem(scaler.Apply(x), y, w, labels, scaler, opt)
	if err := p.minimise(ctx, opt); err != nil {
		return nil, err
	}
	m := p.model(scaler)
	m.Labels, m.Mean = labels, scaler.Mean
	return m, nil
}

func check(x *table.Matrix, y, weights []float64, opt Options) error {
	switch {
	case !(opt.C > 0):
		return errs.New(errs.Usage, "C must be above 0, not %v", opt.C)
	case opt.MaxIter < 1:
		return errs.New(errs.Usage, "max_iter must be a whole number from 1")
	case x.Rows == 0 || x.Cols == 0:
		return errs.New(errs.Invalid, "there is no data to learn from: %d rows of %d columns", x.Rows, x.Cols)
	case len(y) != x.Rows || weights != nil && len(weights) != x.Rows:
		return errs.New(errs.Invalid, "%d rows have %d targets and %d weights", x.Rows, len(y), len(weights))
	}
	for c := range x.Cols {
		for r, v := range x.Col(c) {
			if v-v != 0 {
				name := fmt.Sprint(c)
				if x.Names != nil {
					name = fmt.Sprintf("%q", x.Names[c])
				}
				return errs.New(errs.Invalid, "column %s, row %d: logistic regression takes no %v; fill missing values first", name, r, v)
			}
		}
	}
	for r, v := range y {
		if v-v != 0 {
			return errs.New(errs.Invalid, "row %d: the target is %v", r, v)
		}
	}
	return nil
}

// rowWeights multiplies the weights of rows and of their classes.
func rowWeights(y, weights, labels []float64, opt Options) ([]float64, error) {
	byClass := make(map[float64]float64, len(labels))
	for _, l := range labels {
		byClass[l] = 1
	}
	switch {
	case opt.Balanced:
		total, counts := 0.0, map[float64]float64{}
		for i, v := range y {
			n := 1.0
			if weights != nil {
				n = weights[i]
			}
			counts[v] += n
			total += n
		}
		for l, n := range counts {
			byClass[l] = total / (float64(len(labels)) * n)
		}
	default:
		for l, w := range opt.ClassWeight {
			if _, known := byClass[l]; !known || !(w >= 0) {
				return nil, errs.New(errs.Usage, "class_weight %v of class %v: the class must be in the data and the weight 0 or more", w, l)
			}
			byClass[l] = w
		}
	}
	out := make([]float64, len(y))
	total := 0.0
	for i, v := range y {
		out[i] = byClass[v]
		if weights != nil {
			if !(weights[i] >= 0) || math.IsInf(weights[i], 1) {
				return nil, errs.New(errs.Invalid, "row %d: the weight %v is not a number from 0", i, weights[i])
			}
			out[i] *= weights[i]
		}
		total += out[i]
	}
	if total == 0 {
		return nil, errs.New(errs.Invalid, "all weights are zero; give at least one row some weight")
	}
	return out, nil
}

// Scaler shifts columns to mean 0 and scales them to variance 1.
type Scaler struct {
	Mean  []float64 // of each column; missing values do not count
	Scale []float64 // standard deviation of each column, 1 where that is 0
}

// NewScaler measures the columns of x. NaN does not count; a column without a
// number has mean 0.
func NewScaler(x *table.Matrix) *Scaler {
	s := &Scaler{Mean: make([]float64, x.Cols), Scale: make([]float64, x.Cols)}
	for c := range x.Cols {
		n, sum := 0.0, 0.0
		for _, v := range x.Col(c) {
			if v == v {
				n++
				sum += v
			}
		}
		s.Scale[c] = 1
		if n == 0 {
			continue
		}
		mean, squares := sum/n, 0.0
		for _, v := range x.Col(c) {
			if v == v {
				squares += float64((v - mean) * (v - mean))
			}
		}
		s.Mean[c] = mean
		if sd := math.Sqrt(squares / n); sd > 1e-14*math.Abs(mean) && sd > 0 {
			s.Scale[c] = sd
		}
	}
	return s
}

// Apply returns the scaled columns in a new matrix.
func (s *Scaler) Apply(x *table.Matrix) *table.Matrix {
	out := table.NewMatrix(x.Rows, x.Cols)
	out.Names = x.Names
	for c := range x.Cols {
		dst := out.Col(c)
		for r, v := range x.Col(c) {
			dst[r] = (v - s.Mean[c]) / s.Scale[c]
		}
	}
	return out
}

// Unscale turns a model of scaled columns into the same model of raw ones.
func (s *Scaler) Unscale(m *Logistic) *Logistic {
	out := &Logistic{Labels: m.Labels, Mean: s.Mean}
	for k, coef := range m.Coef {
		raw, b := make([]float64, len(coef)), m.Intercept[k]
		for j, w := range coef {
			raw[j] = w / s.Scale[j]
			b -= raw[j] * s.Mean[j]
		}
		out.Coef = append(out.Coef, raw)
		out.Intercept = append(out.Intercept, b)
	}
	if m.Fill != nil {
		out.Fill = make([]float64, len(m.Fill))
		for j, v := range m.Fill {
			out.Fill[j] = float64(v*s.Scale[j]) + s.Mean[j]
		}
	}
	return out
}
