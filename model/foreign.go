package model

import (
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model/boosted"
	"github.com/drivecast/drivecast/model/mlfolder"
	"github.com/drivecast/drivecast/model/pickle"
	"github.com/drivecast/drivecast/model/sklearn"
	"github.com/drivecast/drivecast/model/skops"
)

// decodePickle opens a scikit-learn pickle or joblib file.
func decodePickle(data []byte) (*Model, error) {
	v, err := pickle.Load(data)
	if err != nil {
		return nil, err
	}
	return fromSklearn(v, "pickle")
}

// decodeSkops opens a skops file.
func decodeSkops(data []byte) (*Model, error) {
	v, err := skops.Load(data)
	if err != nil {
		return nil, err
	}
	return fromSklearn(v, "skops")
}

// fromSklearn makes a model of a fitted scikit-learn object.
func fromSklearn(v any, container string) (*Model, error) {
	f, err := sklearn.Decode(v, otherLibrary)
	if err != nil {
		return nil, err
	}
	est, ok := f.Estimator.(Estimator)
	if !ok {
		return nil, errs.New(errs.Unsupported, "%s is not an estimator", f.Class)
	}
	m := &Model{Estimator: est, Names: f.Names, Labels: f.Labels, LabelType: f.LabelType}
	m.Limits, m.Unused = Limits{NoMissing: !f.Missing, Above: f.Above}, f.Unused
	if b, ok := est.(*boosted.Model); ok {
		m.adopt(b)
	}
	m.Format = strings.TrimSpace("scikit-learn "+f.Version) + " " + container + ", " + f.Class
	if m.LabelType == mlfolder.String && m.Labels == nil {
		m.LabelType = ""
	}
	for _, t := range f.Texts {
		m.Encoders = append(m.Encoders, positions(m.columnName(t.Column), t.Values, t.Strict))
	}
	return m, nil
}

// positions is the encoder of a text column into places in a list; unless strict,
// -1 stands for any other text.
func positions(column string, values []string, strict bool) Encoder {
	codes := make([]float64, len(values))
	for i := range codes {
		codes[i] = float64(i)
	}
	e, _ := NewEncoder(column, column, values, codes)
	e.TextOnly = true
	if other := -1.0; !strict {
		e.Other = &other
	}
	return e
}
