package native

import (
	"encoding/json"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/forecast"
	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/tree"
	"github.com/drivecast/drivecast/tree/hist"
)

// forestDoc describes a tree.Forest: trees lie one after the other in each
// array, Starts[i] being the first node of tree i and the last entry the count.
type forestDoc struct {
	Kind      string    `json:"kind"` // "forest"
	Features  int       `json:"features"`
	Classes   []float64 `json:"classes"` // null for a regressor
	Starts    int       `json:"starts"`
	Left      int       `json:"left"`
	Right     int       `json:"right"`
	Feature   int       `json:"feature"`
	Threshold int       `json:"threshold"`
	Missing   int       `json:"missing_left"` // -1: no tree saw a missing value
	Impurity  int       `json:"impurity"`
	Samples   int       `json:"samples"`
	Weight    int       `json:"weight"`
	Value     int       `json:"value"`
}

// logisticDoc describes a linear.Logistic; Coef is row-major.
type logisticDoc struct {
	Kind      string    `json:"kind"` // "logistic"
	Features  int       `json:"features"`
	Classes   []float64 `json:"classes"`
	Coef      int       `json:"coef"`
	Intercept int       `json:"intercept"`
	Mean      *int      `json:"mean,omitempty"`
	Fill      *int      `json:"fill,omitempty"`
}

// Encode returns the file of a *tree.Forest, *hist.Boosted, *linear.Logistic or
// *linear.Regression, or a *forecast.Model of such. Another type is of kind
// Unsupported.
func Encode(estimator any) ([]byte, error) {
	switch e := estimator.(type) {
	case *tree.Forest:
		return encodeForest(e)
	case *hist.Boosted:
		return encodeBoosted(e)
	case *linear.Logistic:
		return encodeLogistic(e)
	case *forecast.Model:
		return encodeForecast(e)
	case *linear.Regression:
		return encodeRegression(e)
	}
	return nil, errs.New(errs.Unsupported, "this kind of model cannot be written as a drivecast model file; trees, forests, boosting, logistic and linear regression can")
}

// Decode reads a file that Encode wrote and returns the same type. Damage is of
// kind Invalid, a newer version of kind Unsupported.
func Decode(file []byte) (any, error) {
	desc, r, err := open(file)
	if err != nil {
		return nil, err
	}
	return decodeKind(desc, r, true)
}

// decodeKind reads an opened file; outer says that it may be made of others.
func decodeKind(desc json.RawMessage, r *reader, outer bool) (any, error) {
	var kind struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal(desc, &kind); err != nil {
		return nil, errs.New(errs.Invalid, "description: %w", err)
	}
	switch kind.Kind {
	case "forest":
		return decodeForest(desc, r)
	case "boosted":
		return decodeBoosted(desc, r)
	case "forecast":
		if !outer {
			return nil, errs.New(errs.Invalid, "a forecast inside a forecast")
		}
		return decodeForecast(desc, r)
	case "logistic":
		return decodeLogistic(desc, r)
	case "linear":
		return decodeRegression(desc, r)
	}
	return nil, errs.New(errs.Unsupported, "models of kind %q: use a newer drivecast", kind.Kind)
}

func encodeLogistic(m *linear.Logistic) ([]byte, error) {
	a := &arrays{}
	var coef []float64
	for _, row := range m.Coef {
		coef = append(coef, row...)
	}
	doc := logisticDoc{Kind: "logistic", Features: m.Features(), Classes: m.Labels}
	doc.Coef, doc.Intercept = put(a, coef), put(a, m.Intercept)
	if m.Mean != nil {
		at := put(a, m.Mean)
		doc.Mean = &at
	}
	if m.Fill != nil {
		at := put(a, m.Fill)
		doc.Fill = &at
	}
	return seal(doc, a)
}

func decodeLogistic(desc json.RawMessage, r *reader) (any, error) {
	var doc logisticDoc
	if err := json.Unmarshal(desc, &doc); err != nil {
		return nil, errs.New(errs.Invalid, "description: %w", err)
	}
	coef, err := get[float64](r, doc.Coef)
	if err != nil {
		return nil, err
	}
	intercept, err := get[float64](r, doc.Intercept)
	if err != nil {
		return nil, err
	}
	rows := len(intercept)
	if doc.Features < 1 || rows < 1 || len(coef)%rows != 0 || len(coef)/rows != doc.Features ||
		len(doc.Classes) < 2 || rows != len(doc.Classes) && (rows != 1 || len(doc.Classes) != 2) {
		return nil, errs.New(errs.Invalid, "weights, classes and columns do not fit together")
	}
	m := &linear.Logistic{Intercept: intercept, Labels: doc.Classes}
	for i := range rows {
		m.Coef = append(m.Coef, coef[i*doc.Features:(i+1)*doc.Features])
	}
	for _, f := range []struct {
		at *int
		to *[]float64
	}{{doc.Mean, &m.Mean}, {doc.Fill, &m.Fill}} {
		if f.at == nil {
			continue
		}
		if *f.to, err = get[float64](r, *f.at); err != nil {
			return nil, err
		}
		if len(*f.to) != doc.Features {
			return nil, errs.New(errs.Invalid, "means or fill values do not fit the columns")
		}
	}
	return m, nil
}
