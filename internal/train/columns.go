package train

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// LeftOut is a column of the data that no feature was made of, and why.
type LeftOut struct {
	Column string `json:"column"`
	Reason string `json:"reason"`
}

var (
	idName   = regexp.MustCompile(`(?i)^(|.*[_ .-]id|id|row_?id|row|index|unnamed: ?\d+|uuid|guid|wwn|serial.*|.*serial(_?(number|no|nr))?)$|[a-z]I[dD]$`)
	dateName = regexp.MustCompile(`(?i)^@?(date|datetime|timestamp)$|_(date|datetime|timestamp)$`)
)

// mixedShare is the share of numbers among a text column's fields from which on
// the column is taken for numbers with slips in it, not for names.
const mixedShare = 0.05

// chooseFeatures returns the columns to learn from. When want is empty these are
// all numeric columns but the target, identifiers, dates and constants; what is
// left out is listed with the reason. A column that mixes numbers and other text
// is a fault unless want leaves it out.
func chooseFeatures(t *table.Table, target string, want []string) (features []string, left []LeftOut, err error) {
	if len(want) > 0 {
		return wantedFeatures(t, target, want)
	}
	for _, c := range t.Columns {
		if c.Name == target {
			continue
		}
		if reason, err := unfit(c); err != nil {
			return nil, nil, err
		} else if reason != "" {
			left = append(left, LeftOut{c.Name, reason})
			continue
		}
		features = append(features, c.Name)
	}
	if len(features) == 0 {
		return nil, nil, errs.New(errs.Invalid, "no column is left to learn from: %s", listLeftOut(left))
	}
	return features, left, nil
}

func wantedFeatures(t *table.Table, target string, want []string) ([]string, []LeftOut, error) {
	for i, name := range want {
		c := t.Column(name)
		switch {
		case c == nil:
			return nil, nil, errs.New(errs.Invalid, "--features names %q, which the data has not; its columns are %s", name, strings.Join(t.Names(), ", "))
		case name == target:
			return nil, nil, errs.New(errs.Invalid, "--features names the target %q itself", name)
		case slices.Contains(want[:i], name):
			return nil, nil, errs.New(errs.Invalid, "--features names %q twice", name)
		case c.Mixed != nil && mixedNumbers(c):
			return nil, nil, c.Mixed.Error(name)
		}
	}
	var left []LeftOut
	for _, name := range t.Names() {
		if name != target && !slices.Contains(want, name) {
			left = append(left, LeftOut{name, "not in --features"})
		}
	}
	return want, left, nil
}

// unfit says why a column is no feature, or returns "".
func unfit(c *table.Column) (reason string, err error) {
	switch {
	case idName.MatchString(c.Name):
		return "identifier", nil
	case c.Kind == table.Text && dateName.MatchString(c.Name):
		return "date", nil
	case c.Kind == table.Text && c.Mixed != nil && mixedNumbers(c):
		return "", c.Mixed.Error(c.Name)
	case c.Kind == table.Text:
		return "text", nil
	case dateName.MatchString(c.Name):
		return "date", nil
	case constant(c.Floats):
		return "constant", nil
	case countsRows(c.Floats):
		return "identifier: it counts the rows", nil
	}
	return "", nil
}

func mixedNumbers(c *table.Column) bool {
	m := c.Mixed
	return float64(m.Numbers) >= mixedShare*float64(m.Numbers+m.Others)
}

// constant reports whether at most one value occurs; missing ones count as one.
func constant(v []float64) bool {
	for _, x := range v {
		if x != v[0] && !(math.IsNaN(x) && math.IsNaN(v[0])) {
			return false
		}
	}
	return true
}

func countsRows(v []float64) bool {
	for i := range v {
		if v[i] != v[0]+float64(i) {
			return false
		}
	}
	return len(v) > 2
}

func listLeftOut(left []LeftOut) string {
	parts := make([]string, len(left))
	for i, l := range left {
		parts[i] = fmt.Sprintf("%s (%s)", l.Column, l.Reason)
	}
	return strings.Join(parts, ", ")
}

// firstLine is the 1-based line of a CSV file's first row.
const firstLine = 2

// readTarget returns the target as numbers. A text target gets 0, 1, … in the
// order of its sorted values, which are returned as names; names is nil for a
// numeric target.
func readTarget(t *table.Table, file, target string) (y []float64, names []string, err error) {
	c := t.Column(target)
	if c == nil {
		return nil, nil, &errs.Input{File: file, Row: 1, Column: target, Problem: "the data has no such column, and it is the target",
			Mend: "name one of " + strings.Join(t.Names(), ", ") + " with --target"}
	}
	missing := func(i int) error {
		return &errs.Input{File: file, Row: i + firstLine, Column: target, Problem: "the target is missing", Mend: "fill it in, or leave the row out"}
	}
	if c.Kind == table.Number {
		if i := slices.IndexFunc(c.Floats, math.IsNaN); i >= 0 {
			return nil, nil, missing(i)
		}
		return c.Floats, nil, nil
	}
	if c.Mixed != nil && mixedNumbers(c) {
		return nil, nil, c.Mixed.Error(target)
	}
	if i := slices.Index(c.Texts, ""); i >= 0 {
		return nil, nil, missing(i)
	}
	codes := codesOf(c.Texts)
	y = make([]float64, len(c.Texts))
	for i, s := range c.Texts {
		y[i] = codes[s]
	}
	return y, sortedKeys(codes), nil
}

// codesOf numbers the distinct texts that are not missing in sorted order.
func codesOf(texts []string) map[string]float64 {
	distinct := map[string]float64{}
	for _, s := range texts {
		if s != "" {
			distinct[s] = 0
		}
	}
	for i, s := range sortedKeys(distinct) {
		distinct[s] = float64(i)
	}
	return distinct
}

func sortedKeys(m map[string]float64) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// classesOf returns the distinct values in ascending order.
func classesOf(y []float64) []float64 {
	seen := map[float64]bool{}
	var out []float64
	for _, v := range y {
		if !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}
