package native

import (
	"encoding/json"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/linear"
)

// regressionDoc describes a linear.Regression; Intercept is an array of one.
type regressionDoc struct {
	Kind      string `json:"kind"` // "linear"
	Features  int    `json:"features"`
	Rank      int    `json:"rank"`
	Coef      int    `json:"coef"`
	Intercept int    `json:"intercept"`
	Mean      *int   `json:"mean,omitempty"`
}

func encodeRegression(m *linear.Regression) ([]byte, error) {
	if len(m.Coef) == 0 || m.Mean != nil && len(m.Mean) != len(m.Coef) {
		return nil, errs.New(errs.Invalid, "a regression of %d columns with %d means", len(m.Coef), len(m.Mean))
	}
	a := &arrays{}
	doc := regressionDoc{Kind: "linear", Features: len(m.Coef), Rank: m.Rank, Coef: put(a, m.Coef), Intercept: put(a, []float64{m.Intercept})}
	if m.Mean != nil {
		at := put(a, m.Mean)
		doc.Mean = &at
	}
	return seal(doc, a)
}

func decodeRegression(desc json.RawMessage, r *reader) (any, error) {
	var doc regressionDoc
	if err := json.Unmarshal(desc, &doc); err != nil {
		return nil, errs.New(errs.Invalid, "description: %w", err)
	}
	m := &linear.Regression{Rank: doc.Rank}
	var intercept []float64
	var err error
	fetch(r, &err, doc.Coef, &m.Coef)
	fetch(r, &err, doc.Intercept, &intercept)
	if doc.Mean != nil {
		fetch(r, &err, *doc.Mean, &m.Mean)
	}
	if err != nil {
		return nil, err
	}
	if doc.Features < 1 || len(m.Coef) != doc.Features || len(intercept) != 1 || doc.Mean != nil && len(m.Mean) != doc.Features {
		return nil, errs.New(errs.Invalid, "weights, means and columns do not fit together")
	}
	m.Intercept = intercept[0]
	return m, nil
}
