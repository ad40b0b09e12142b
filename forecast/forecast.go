// Package forecast is a model of a fleet: several learners that look at a drive's
// vector, one calibrated probability with an interval, and the honesty to say when
// it should not be asked.
//
// The members' probabilities are averaged as log-odds (Satopää and others,
// Combining multiple probability predictions using a simple logit model, 2014),
// the mean is calibrated by a straight line on the same scale (Platt, 1999; Kull
// and others' beta calibration, 2017, with its two slopes made one), which never
// changes the order of drives.
package forecast

import (
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/feature"
)

// Scorer is a fitted classifier of two classes, the second being failure. See
// model.Estimator, which has the same methods.
type Scorer interface {
	Features() int
	Classes() []float64
	Scores(dst, x []float64)
}

// Member is one learner of a Model.
type Member struct {
	Name   string
	Weight float64 // share in the mean, > 0
	Input  Input
	Scorer Scorer
}

// Input says what a member sees of a vector.
type Input struct {
	Columns []int // positions in the vector, in the member's order
	Log     bool  // each value v is given as sign(v)·ln(1+|v|)
	Low     []float64
	High    []float64 // bounds of what was learned from, one a column after Log; a value beyond is given as the bound. nil: no bounds
}

// Model is a forecast for a fleet. It is a classifier of the vectors that its Spec
// makes, with the classes 0 and 1, and safe for concurrent use once made.
type Model struct {
	Spec    feature.Spec
	Horizon int // days ahead
	Members []Member
	Line    Line
	Band    Band
	Limits  Limits

	names        []string
	lost, missed int // positions of attributes_lost and days_missed
}

// Line is the calibration: log-odds of failure are Slope·z + Offset, z being the
// mean of the members' log-odds. Slope is above 0.
type Line struct {
	Slope, Offset float64
}

// Limits says what the model was made for, and where its alarms begin.
type Limits struct {
	Families  []Family // in order of names
	MinDrives int      // drives that a family must have had in training
	MinKnown  float64  // share of the attributes that must be known, 0..1
	Medium    float64  // probability from which a drive is at medium risk
	High      float64  // and at high risk: the alarm threshold
}

// Family counts what was learned of one model of drives.
type Family struct {
	Name     string `json:"name"`
	Drives   int    `json:"drives"`
	Failures int    `json:"failures"`
}

// Check reports the first thing of m that does not fit, as an error of kind
// Invalid (Unsupported for a Spec of another version). It must be called once
// before m is used.
func (m *Model) Check() error {
	names, err := m.Spec.Names()
	if err != nil {
		return err
	}
	m.names, m.lost, m.missed = names, slices.Index(names, "attributes_lost"), slices.Index(names, "days_missed")
	if m.Horizon < 1 || len(m.Members) == 0 {
		return errs.New(errs.Invalid, "a forecast of %d days by %d members", m.Horizon, len(m.Members))
	}
	if !(m.Line.Slope > 0) || !finite(m.Line.Slope, m.Line.Offset) {
		return errs.New(errs.Invalid, "a calibration of slope %v and offset %v", m.Line.Slope, m.Line.Offset)
	}
	if !finite(m.Limits.Medium, m.Limits.High, m.Limits.MinKnown) {
		return errs.New(errs.Invalid, "limits of %+v", m.Limits)
	}
	for _, k := range m.Members {
		if err := k.check(len(names)); err != nil {
			return errs.Wrap(err, "member %s", k.Name)
		}
	}
	if !slices.IsSortedFunc(m.Limits.Families, func(a, b Family) int { return compareText(a.Name, b.Name) }) {
		return errs.New(errs.Invalid, "the families are not in the order of their names")
	}
	return m.Band.check()
}

func (k *Member) check(width int) error {
	classes := k.Scorer.Classes()
	switch {
	case !(k.Weight > 0) || math.IsInf(k.Weight, 1):
		return errs.New(errs.Invalid, "its weight is %v", k.Weight)
	case len(classes) != 2 || classes[0] != 0 || classes[1] != 1:
		return errs.New(errs.Invalid, "its classes are %v, not 0 and 1", classes)
	case k.Scorer.Features() != len(k.Input.Columns):
		return errs.New(errs.Invalid, "it takes %d columns and is given %d", k.Scorer.Features(), len(k.Input.Columns))
	case len(k.Input.Low) != len(k.Input.High) || k.Input.Low != nil && len(k.Input.Low) != len(k.Input.Columns):
		return errs.New(errs.Invalid, "its bounds do not fit its columns")
	}
	for i, c := range k.Input.Columns {
		if c < 0 || c >= width {
			return errs.New(errs.Invalid, "it asks for column %d of %d", c, width)
		}
		if k.Input.Low != nil && !(k.Input.Low[i] <= k.Input.High[i]) {
			return errs.New(errs.Invalid, "the bounds of column %d are %v and %v", c, k.Input.Low[i], k.Input.High[i])
		}
	}
	return nil
}

// Names returns the features of a vector, in order.
func (m *Model) Names() []string { return m.names }

// Features returns the width of a vector.
func (m *Model) Features() int { return len(m.names) }

// Classes returns 0 and 1: the drive lives, the drive fails within the horizon.
func (m *Model) Classes() []float64 { return []float64{0, 1} }

// Scores writes the probabilities of both classes for each vector of x to dst.
func (m *Model) Scores(dst, x []float64) {
	n := len(x) / len(m.names)
	z := make([]float64, n)
	m.Raw(z, x)
	for i, v := range z {
		p := m.Line.At(v)
		dst[2*i], dst[2*i+1] = 1-p, p
	}
}

// Raw writes the mean of the members' log-odds for each vector of x (row-major)
// to dst: the ranking before calibration.
func (m *Model) Raw(dst, x []float64) {
	clear(dst)
	total := 0.0
	for i := range m.Members {
		total += m.Members[i].Weight
	}
	z := make([]float64, len(dst))
	for i := range m.Members {
		m.Members[i].LogOdds(z, x, len(m.names))
		w := m.Members[i].Weight / total
		for r, v := range z {
			dst[r] += float64(w * v)
		}
	}
}

// LogOdds writes the member's own log-odds for the vectors of x, each of the given
// width, to dst. They are kept within ±16.
func (k *Member) LogOdds(dst, x []float64, width int) {
	rows := k.Input.Rows(x, width)
	p := make([]float64, 2*len(dst))
	k.Scorer.Scores(p, rows)
	for i := range dst {
		dst[i] = logit(p[2*i+1])
	}
}

// Rows returns what the member sees of the vectors of x, row-major.
func (in *Input) Rows(x []float64, width int) []float64 {
	n, k := len(x)/width, len(in.Columns)
	out := make([]float64, n*k)
	for r := range n {
		row, seen := x[r*width:(r+1)*width], out[r*k:(r+1)*k]
		for i, c := range in.Columns {
			seen[i] = row[c]
		}
	}
	if in.Log {
		for i, v := range out {
			if v != 0 { // most counters of most drives are 0
				out[i] = math.Copysign(math.Log1p(math.Abs(v)), v)
			}
		}
	}
	if in.Low != nil {
		for r := range n {
			in.bound(out[r*k : (r+1)*k])
		}
	}
	return out
}

func (in *Input) bound(seen []float64) {
	for i, v := range seen {
		if v == v {
			seen[i] = min(max(v, in.Low[i]), in.High[i])
		}
	}
}

// steepest is the largest log-odds that one member can give: certainty is not
// learned from a few thousand drives.
const steepest = 16

func logit(p float64) float64 {
	return min(max(math.Log(p)-math.Log1p(-p), -steepest), steepest)
}

// At returns the calibrated probability at mean log-odds z.
func (l Line) At(z float64) float64 { return expit(l.LogOdds(z)) }

// LogOdds returns the calibrated log-odds at mean log-odds z.
func (l Line) LogOdds(z float64) float64 { return float64(l.Slope*z) + l.Offset }

func expit(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

func finite(v ...float64) bool {
	return !slices.ContainsFunc(v, func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) })
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
