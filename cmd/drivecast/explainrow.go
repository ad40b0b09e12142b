package main

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// told is one row in words.
type told struct {
	Row       int          `json:"row"`
	Drive     string       `json:"drive,omitempty"`
	Day       string       `json:"date,omitempty"`
	Answer    *float64     `json:"answer"` // probability of the last class, or the value; null: NaN
	Space     string       `json:"space"`
	Base      float64      `json:"base_value"`
	Reasons   []reason     `json:"reasons"`
	Flip      []changeTold `json:"counterfactual,omitempty"`
	FlipFails string       `json:"counterfactual_fails,omitempty"`
}

// reason is what one column adds.
type reason struct {
	Column string  `json:"column"`
	Value  string  `json:"value"` // as the file has it
	Since  string  `json:"since,omitempty"`
	Adds   float64 `json:"adds"`
}

type changeTold struct {
	Column string `json:"column"`
	From   string `json:"from"`
	To     string `json:"to"`
}

func (a *app) tellRow(e *explained, o *explainOptions) error {
	n, r := len(e.names), o.row-1
	score := make([]float64, e.m.Outputs())
	row := e.x[r*n : (r+1)*n]
	e.m.Estimator.Scores(score, row)
	out := told{Row: o.row, Space: e.shapley.Space(), Base: e.bases[r]}
	if v := score[len(score)-1]; !math.IsNaN(v) {
		out.Answer = &v
	}
	h := newHistory(e.t, r)
	out.Drive, out.Day = h.serial, h.day
	for j, name := range e.names {
		out.Reasons = append(out.Reasons, reason{name, e.textOf(j, r), h.since(e.t.Column(name), r), e.given[r*n+j]})
	}
	slices.SortStableFunc(out.Reasons, func(a, b reason) int {
		if x, y := math.Abs(a.Adds), math.Abs(b.Adds); x > y {
			return -1
		} else if x < y {
			return 1
		}
		return 0
	})
	if o.flip {
		if err := out.counterfactual(e, row, o.keep); err != nil {
			return err
		}
	}
	if o.json {
		return json.NewEncoder(a.stdout).Encode(out)
	}
	out.print(a, e.m.Classifier())
	return nil
}

func (t *told) counterfactual(e *explained, row []float64, keep []string) error {
	var at []int
	for _, name := range keep {
		j := slices.Index(e.names, name)
		if j < 0 {
			return errs.New(errs.Usage, "--keep %s: the model has no such column", name)
		}
		at = append(at, j)
	}
	changes, err := e.m.Counterfactual(row, e.ground, at)
	if errs.Is(err, errs.NotFound) {
		t.FlipFails = err.Error()
		return nil
	}
	number := func(v float64) string {
		if math.IsNaN(v) {
			return "missing"
		}
		return string(table.AppendNumber(nil, v))
	}
	for _, c := range changes {
		t.Flip = append(t.Flip, changeTold{e.names[c.Column], number(c.From), number(c.To)})
	}
	return err
}

// rowTitle says which row it is.
func rowTitle(row int, drive, day string) string {
	what := fmt.Sprintf("row %d", row)
	if drive != "" {
		what += ", drive " + drive
	}
	if day != "" {
		what += " on " + day
	}
	return what
}

// mostReasons is how many columns are told in words.
const mostReasons = 10

func (t *told) print(a *app, classifier bool) {
	what := rowTitle(t.Row, t.Drive, t.Day)
	kind, answer := "value", "NaN"
	if classifier {
		kind = "probability"
	}
	if t.Answer != nil {
		answer = fmt.Sprintf("%.4g", *t.Answer)
	}
	if t.Space == kind {
		fmt.Fprintf(a.stdout, "%s: %s %s; a usual one has %.4g\n", what, kind, answer, t.Base)
	} else {
		raw := t.Base
		for _, r := range t.Reasons {
			raw += r.Adds
		}
		fmt.Fprintf(a.stdout, "%s: %s %s; in %s %.4g, where a usual one has %.4g\n", what, kind, answer, t.Space, raw, t.Base)
	}
	for _, r := range t.Reasons[:min(mostReasons, len(t.Reasons))] {
		verb := "adds"
		if r.Adds < 0 {
			verb = "takes"
		}
		since := ""
		if r.Since != "" {
			since = " since " + r.Since
		}
		fmt.Fprintf(a.stdout, "  %s is %s%s: %s %.4g\n", r.Column, r.Value, since, verb, math.Abs(r.Adds))
	}
	if t.FlipFails != "" {
		fmt.Fprintln(a.stdout, "the decision would not flip:", t.FlipFails)
	}
	if t.Flip != nil {
		var parts []string
		for _, c := range t.Flip {
			parts = append(parts, fmt.Sprintf("%s were %s instead of %s", c.Column, c.To, c.From))
		}
		fmt.Fprintf(a.stdout, "the decision would flip if %s\n", strings.Join(parts, " and "))
	}
}

// history is what the table holds of the drive of one row, by date.
type history struct {
	serial, day string
	dates       []string
	rows        []int // of the drive, in ascending order of dates, up to the row's
}

// newHistory finds the rows of the same drive; without a serial number and a
// date there are none.
func newHistory(t *table.Table, r int) history {
	var h history
	serial, date := t.Column("serial_number"), t.Column("date")
	if serial == nil {
		return h
	}
	h.serial = serial.TextAt(r)
	if date == nil {
		return h
	}
	h.day = date.TextAt(r)
	for i := range t.Rows() {
		if serial.TextAt(i) == h.serial && date.TextAt(i) <= h.day {
			h.rows = append(h.rows, i)
		}
	}
	slices.SortStableFunc(h.rows, func(a, b int) int { return strings.Compare(date.TextAt(a), date.TextAt(b)) })
	for _, i := range h.rows {
		h.dates = append(h.dates, date.TextAt(i))
	}
	return h
}

// since returns the first day of the row's drive from which on the column had the
// value that it has in row r; "" when no day before had another one.
func (h history) since(c *table.Column, r int) string {
	if c == nil {
		return ""
	}
	now := c.TextAt(r)
	for k := len(h.rows) - 1; k >= 0; k-- {
		if c.TextAt(h.rows[k]) != now {
			return h.dates[min(k+1, len(h.dates)-1)]
		}
	}
	return ""
}
