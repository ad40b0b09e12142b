package model

import (
	"fmt"
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/model/mlfolder"
	"github.com/drivecast/drivecast/table"
)

// Model is an estimator with everything that is needed to ask it: the names and
// types of its columns, how text becomes numbers, what its classes are called,
// and where it comes from.
type Model struct {
	Estimator Estimator
	Names     []string            // the estimator's own column names, or nil
	Signature *mlfolder.Signature // what MLflow enforces; nil when the model has none
	Meta      *mlfolder.MLmodel   // origin; nil for a plain file
	Encoders  []Encoder           // text columns that the model reads as numbers
	LabelType string              // mlfolder.Long, Double, String or Boolean
	Labels    []string            // class labels that are text, one a class; nil otherwise
	Threshold float64             // a binary classifier's second class is predicted at or above it; 0: the likelier class
	Risk      Risk                // the zero value stands for DefaultRisk
	Base      []float64           // typical value of each column, against which a linear model is explained; nil: 0
	Method    string              // what a plain prediction is: "predict" (or ""), "predict_proba", or "raw": the last class's probability, as boosters answer
	Listed    bool                // a plain prediction is a list of one, as some libraries answer
	Limits    Limits              // rows that the source library refuses
	Known     []Known             // columns that take known numbers only
	Unused    []bool              // columns that the model drops at once: they may hold anything, or be missing; nil: none
	Source    string              // path it was opened from
	Format    string              // what the estimator was read from, as in "scikit-learn 1.3.0 pickle"
}

// Limits says which values a model's own library refuses. A server refuses them
// too; batch scoring answers all the same.
type Limits struct {
	NoMissing bool    // NaN is refused
	Above     float64 // magnitudes above it are refused, infinity included; 0: none are
}

// Refuses returns an error of kind Invalid when rows x hold a value that the
// model refuses.
func (m *Model) Refuses(x []float64) error {
	for _, k := range m.Known {
		for i := k.Column; i < len(x); i += m.Estimator.Features() {
			if err := k.refuses(x[i], m.columnName(k.Column)); err != nil {
				return err
			}
		}
	}
	if m.Limits == (Limits{}) {
		return nil
	}
	for _, v := range x {
		switch {
		case v != v:
			if m.Limits.NoMissing {
				return errs.New(errs.Invalid, "Input X contains NaN. The model does not accept missing values")
			}
		case m.Limits.Above > 0 && math.Abs(v) > m.Limits.Above:
			return errs.New(errs.Invalid, "Input X contains infinity or a value too large for the model")
		}
	}
	return nil
}

// Known says that a column holds categories that are numbers, and that the
// model's library refuses others.
type Known struct {
	Column int
	Values []float64
}

func (k *Known) refuses(v float64, column string) error {
	if math.IsNaN(v) || slices.Contains(k.Values, v) {
		return nil
	}
	return &errs.Input{Column: column, Problem: fmt.Sprintf("the model does not know the category %v", v), Mend: fmt.Sprintf("it was fitted to %v", k.Values)}
}

// Risk holds the probabilities at and above which a drive is at medium and at
// high risk.
type Risk struct {
	Medium float64 `json:"medium"`
	High   float64 `json:"high"`
}

// DefaultRisk is used when a model states nothing else.
var DefaultRisk = Risk{Medium: 0.3, High: 0.7}

// Level returns "LOW", "MEDIUM" or "HIGH" for probability p, and "UNKNOWN" for
// NaN.
func (r Risk) Level(p float64) string {
	if r == (Risk{}) {
		r = DefaultRisk
	}
	switch {
	case math.IsNaN(p):
		return "UNKNOWN"
	case p >= r.High:
		return "HIGH"
	case p >= r.Medium:
		return "MEDIUM"
	}
	return "LOW"
}

// Columns returns the names of the columns that a row must have, in order: those
// of the signature, else the estimator's own, else nil (columns are taken by
// position).
func (m *Model) Columns() []string {
	if m.Signature != nil {
		if names := mlfolder.Names(m.Signature.Inputs); len(names) >= m.Estimator.Features() {
			return names
		}
	}
	return m.Names
}

// Outputs returns the number of scores a row: classes of a classifier, 1 for a
// regressor.
func (m *Model) Outputs() int { return max(len(m.Estimator.Classes()), 1) }

// Classifier reports whether the scores are class probabilities.
func (m *Model) Classifier() bool { return len(m.Estimator.Classes()) > 0 }

// Decider is an Estimator whose predicted class is not simply the likeliest one.
type Decider interface {
	Estimator
	// Decide writes the predicted class (an index into Classes) of each row of x
	// to dst, given the scores of these rows.
	Decide(dst []int, scores, x []float64)
}

// Decide writes the predicted class of each row of x, an index into the
// estimator's classes, to dst: by Threshold where the model has one, as the
// estimator decides where it has a rule of its own, else the likelier class, the
// first of equals.
func (m *Model) Decide(dst []int, scores, x []float64) {
	k := m.Outputs()
	if m.Threshold > 0 && k == 2 {
		for r := range dst {
			dst[r] = 0
			if scores[r*2+1] >= m.Threshold {
				dst[r] = 1
			}
		}
		return
	}
	if d, ok := m.Estimator.(Decider); ok {
		d.Decide(dst, scores, x)
		return
	}
	for r := range dst {
		dst[r] = argmax(scores[r*k : (r+1)*k])
	}
}

func argmax(v []float64) int {
	best := 0
	for i, x := range v {
		if x > v[best] {
			best = i
		}
	}
	return best
}

// Explain writes each column's contribution for one row to dst and returns the
// base value and the scale, as Explainer states. It returns an error of kind
// Unsupported when the estimator cannot be explained.
func (m *Model) Explain(dst, row []float64) (base float64, space string, err error) {
	if !m.Explainable() {
		return 0, "", errs.New(errs.Unsupported, "a model of this kind (%s) cannot be explained", m.Format)
	}
	switch e := m.Estimator.(type) {
	case Explainer:
		base, space = e.Explain(dst, row)
		return base, space, nil
	case *linear.Logistic:
		last := len(e.Coef) - 1
		base = e.Intercept[last]
		for i, w := range e.Coef[last] {
			typical := 0.0
			if m.Base != nil {
				typical = m.Base[i]
			}
			base += w * typical
			dst[i] = w * (row[i] - typical)
		}
		return base, "log-odds", nil
	}
	return 0, "", errs.New(errs.Unsupported, "a model of this kind (%s) cannot be explained", m.Format)
}

// Explainable reports whether Explain works.
func (m *Model) Explainable() bool {
	switch e := m.Estimator.(type) {
	case interface{ Explainable() bool }:
		return e.Explainable()
	case Explainer, *linear.Logistic:
		return true
	}
	return false
}

// Infer makes the signature of a model that was fitted to the named columns of
// t: whole numbers without gaps are long, other numbers double, text string. The
// one output has the type label.
func Infer(t *table.Table, columns []string, label string) (*mlfolder.Signature, error) {
	s := &mlfolder.Signature{}
	for _, name := range columns {
		c := t.Column(name)
		if c == nil {
			return nil, &errs.Input{Column: name, Problem: "there is no such column"}
		}
		s.Inputs = append(s.Inputs, mlfolder.Field{Name: name, Type: columnType(c)})
	}
	s.Outputs = []mlfolder.Field{{Type: mlfolder.TensorT, Tensor: &mlfolder.Tensor{DType: dtypes[label], Shape: []int{-1}}}}
	return s, nil
}

// dtypes maps column types to NumPy's names.
var dtypes = map[string]string{
	mlfolder.Long: "int64", mlfolder.Double: "float64", mlfolder.String: "str", mlfolder.Boolean: "bool",
}

func columnType(c *table.Column) string {
	switch {
	case c.Kind == table.Text:
		return mlfolder.String
	case len(c.Floats) > 0 && !slices.ContainsFunc(c.Floats, func(v float64) bool { return v != math.Trunc(v) || math.Abs(v) >= 1<<53 }):
		return mlfolder.Long
	}
	return mlfolder.Double
}
