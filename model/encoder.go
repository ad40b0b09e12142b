package model

import (
	"math"
	"slices"
	"sort"
	"strconv"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// Encoder turns text into the number that a model was fitted to, so that a raw
// value ("ST4000DM000") can be scored.
type Encoder struct {
	// Column is the model's column; text found there is encoded.
	Column string `json:"column"`
	// Source is the text column that Column was made from: it is read when the
	// input has no Column. It may equal Column.
	Source string `json:"source"`
	// Texts are the known values in ascending order, Codes their numbers.
	Texts []string  `json:"texts"`
	Codes []float64 `json:"codes"`
	// Missing says that unknown text counts as a missing number; otherwise it is
	// an error. Empty text is always missing.
	Missing bool `json:"unknown_is_missing"`
	// TextOnly says that the column holds nothing but texts: a number found there is
	// the text that it is written as.
	TextOnly bool `json:"text_only,omitempty"`
	// Other is the number of unknown text, for a model that provides for it.
	Other *float64 `json:"unknown_code,omitempty"`
}

// NewEncoder makes the encoder of column from pairs seen in training: texts[i]
// went with codes[i]. ok is false when one text went with two numbers or a text
// with none, so that the pairs are no mapping.
func NewEncoder(column, source string, texts []string, codes []float64) (e Encoder, ok bool) {
	seen := map[string]float64{}
	for i, s := range texts {
		if s == "" {
			continue
		}
		if old, dup := seen[s]; math.IsNaN(codes[i]) || dup && old != codes[i] {
			return Encoder{}, false
		}
		seen[s] = codes[i]
	}
	e = Encoder{Column: column, Source: source}
	for s := range seen {
		e.Texts = append(e.Texts, s)
	}
	slices.Sort(e.Texts)
	for _, s := range e.Texts {
		e.Codes = append(e.Codes, seen[s])
	}
	return e, len(e.Texts) > 0
}

// Code returns the number of text s. Empty text is NaN. Unknown text is NaN, or
// an error of kind Invalid that lists some known values.
func (e *Encoder) Code(s string) (float64, error) {
	if s == "" {
		return math.NaN(), nil
	}
	i := sort.SearchStrings(e.Texts, s)
	if i < len(e.Texts) && e.Texts[i] == s {
		return e.Codes[i], nil
	}
	if e.Other != nil {
		return *e.Other, nil
	}
	if e.Missing {
		return math.NaN(), nil
	}
	return 0, &errs.Input{
		Column: e.Column, Problem: "the model does not know the value " + quoteShort(s),
		Mend: "it was fitted to " + list(e.Texts),
	}
}

// Number returns the number of value v, which was found where text belongs: as it
// is, or by its text where the column holds texts only.
func (e *Encoder) Number(v float64) (float64, error) {
	if e == nil || !e.TextOnly || math.IsNaN(v) {
		return v, nil
	}
	return e.Code(strconv.FormatFloat(v, 'f', -1, 64))
}

// TextColumns returns the columns that are text whatever they hold.
func (m *Model) TextColumns() []string {
	var out []string
	for i := range m.Encoders {
		if m.Encoders[i].TextOnly {
			out = append(out, m.Encoders[i].Column)
		}
	}
	return out
}

func (e *Encoder) check() error {
	if len(e.Texts) != len(e.Codes) || !slices.IsSorted(e.Texts) {
		return errs.New(errs.Invalid, "the encoder of column %q is damaged", e.Column)
	}
	return nil
}

func quoteShort(s string) string {
	if len(s) > 60 {
		s = s[:57] + "..."
	}
	return `"` + s + `"`
}

func list(texts []string) string {
	const most = 5
	out := ""
	for i, s := range texts {
		if i == most {
			return out + ", …"
		}
		if i > 0 {
			out += ", "
		}
		out += quoteShort(s)
	}
	return out
}

// Encoder returns the encoder of the named column, or nil.
func (m *Model) Encoder(column string) *Encoder {
	for i := range m.Encoders {
		if m.Encoders[i].Column == column {
			return &m.Encoders[i]
		}
	}
	return nil
}

// Matrix returns rows lo to hi of t as the estimator takes them: row-major,
// columns chosen by signature, else by the estimator's own names, else by
// position; text encoded; empty cells NaN. Optional columns that t lacks are
// NaN. A missing column, text where a number belongs and too few columns are of
// kind Invalid.
func (m *Model) Matrix(t *table.Table, lo, hi int) ([]float64, error) {
	n := m.Estimator.Features()
	out := make([]float64, (hi-lo)*n)
	names := m.Columns()
	if names == nil && len(t.Columns) != n {
		return nil, errs.New(errs.Invalid, "the model has no signature and takes %d columns by position, the input has %d; give it just those, or save it with a signature", n, len(t.Columns))
	}
	if len(names) > n {
		names = names[:n]
	}
	for j := range n {
		c, enc, err := m.source(t, names, j)
		if err != nil {
			return nil, err
		}
		for r := lo; r < hi; r++ {
			v := math.NaN()
			switch {
			case c == nil:
			case c.Kind == table.Number:
				if v, err = enc.Number(c.Floats[r]); err == nil {
					err = m.knows(j, v)
				}
			case enc == nil: // texts that are truth values
				v = truth(c.Texts[r])
			default:
				v, err = enc.Code(c.Texts[r])
			}
			if in, ok := err.(*errs.Input); ok {
				in.Row = r + 2
				return nil, in
			}
			out[(r-lo)*n+j] = v
		}
	}
	return out, nil
}

// knows refuses a number that column j of the estimator does not take.
func (m *Model) knows(j int, v float64) error {
	for i := range m.Known {
		if k := &m.Known[i]; k.Column == j {
			return k.refuses(v, m.columnName(j))
		}
	}
	return nil
}

// source finds the column of t that feeds column j of the estimator.
func (m *Model) source(t *table.Table, names []string, j int) (*table.Column, *Encoder, error) {
	if j < len(m.Unused) && m.Unused[j] {
		return nil, nil, nil
	}
	if names == nil {
		c := t.Columns[j]
		enc := m.Encoder(m.columnName(j))
		if c.Kind == table.Text && enc == nil && !truths(c.Texts) {
			return nil, nil, &errs.Input{Column: c.Name, Problem: "holds text, the model takes numbers"}
		}
		return c, enc, nil
	}
	name := names[j]
	enc := m.Encoder(name)
	c := t.Column(name)
	if c == nil && enc != nil {
		c = t.Column(enc.Source)
		if c != nil && c.Kind != table.Text {
			c = nil
		}
	}
	if c == nil {
		if m.optional(j) {
			return nil, nil, nil
		}
		return nil, nil, &errs.Input{Column: name, Problem: "the model needs this column and the input lacks it", Mend: "the model takes " + list(names)}
	}
	if c.Kind == table.Text && enc == nil && !truths(c.Texts) {
		if allEmpty(c.Texts) {
			return nil, nil, nil
		}
		return nil, nil, textProblem(c)
	}
	return c, enc, nil
}

func (m *Model) optional(j int) bool {
	return m.Signature != nil && j < len(m.Signature.Inputs) && m.Signature.Inputs[j].Optional
}

// truth returns 1 for true, 0 for false, as pandas writes truth values.
func truth(s string) float64 {
	switch s {
	case "True", "true", "TRUE":
		return 1
	case "False", "false", "FALSE":
		return 0
	}
	return math.NaN()
}

// truths reports whether all texts are truth values or empty, and some are not empty.
func truths(texts []string) bool {
	return !allEmpty(texts) && !slices.ContainsFunc(texts, func(s string) bool { return s != "" && math.IsNaN(truth(s)) })
}

func allEmpty(texts []string) bool {
	return !slices.ContainsFunc(texts, func(s string) bool { return s != "" })
}

func textProblem(c *table.Column) error {
	for r, s := range c.Texts {
		if s != "" {
			return &errs.Input{Row: r + 2, Column: c.Name, Problem: quoteShort(s) + " is text where the model takes a number"}
		}
	}
	return nil
}
