package score

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/feature"
	"github.com/drivecast/drivecast/forecast"
	"github.com/drivecast/drivecast/smart"
	"github.com/drivecast/drivecast/table"
)

const (
	typicalOf   = 301 // drives that the typical one is made of, at most
	fewOfFamily = 20  // with fewer of its model, a drive is compared with the whole fleet
	mostReasons = 3   // are told of a drive
	leastFactor = 1.1 // on the odds; less is not told
)

// reasons tells why the first drives of a day rank so high.
type reasons struct {
	groups  []feature.Group
	names   []string
	logOdds func(dst, x []float64)
	typical map[string][]float64 // of a drive's model; "": of the fleet
	members map[string][]int     // rows of each model of drives
}

// Ranked is one of the riskiest drives of a day.
type Ranked struct {
	Day           smart.Date
	Serial, Model string
	forecast.Answer
	Why string // what sets it apart; "" when nothing does
}

// first are the drives that are told of.
func (f *Fleet) first(day *smart.Day, rows *feature.Rows) []Ranked {
	var out []Ranked
	for _, i := range f.order[:min(f.Reasons, len(f.order))] {
		r := &day.Readings[rows.Reading[i]]
		out = append(out, Ranked{day.Date, r.Serial, r.Model, f.answers[i], f.told[i]})
	}
	return out
}

// because returns the text of each of the first drives in f.order, by row.
func (f *Fleet) because(day *smart.Day, rows *feature.Rows) map[int]string {
	first := f.order[:min(f.Reasons, len(f.order))]
	if len(first) == 0 {
		return nil
	}
	why := f.why
	why.typical, why.members = map[string][]float64{}, map[string][]int{}
	for i, at := range rows.Reading {
		model := day.Readings[at].Model
		why.members[model] = append(why.members[model], i)
	}
	out, width := make(map[int]string, len(first)), len(why.names)
	for _, i := range first {
		row := rows.X[i*width : (i+1)*width]
		typical := why.typicalFor(day.Readings[rows.Reading[i]].Model, rows.X, len(rows.Reading))
		out[i] = why.tell(row, typical)
	}
	return out
}

// typicalFor returns the median drive of a model, of the fleet when few are of it.
func (w *reasons) typicalFor(model string, x []float64, n int) []float64 {
	members := w.members[model]
	if len(members) < fewOfFamily {
		model, members = "", nil
	}
	if t := w.typical[model]; t != nil {
		return t
	}
	if model == "" {
		for i := range n {
			members = append(members, i)
		}
	}
	step := (len(members) + typicalOf - 1) / typicalOf
	var some []int
	for i := 0; i < len(members); i += step {
		some = append(some, members[i])
	}
	w.typical[model] = forecast.Typical(x, len(w.names), some)
	return w.typical[model]
}

// tell puts what adds most into words.
func (w *reasons) tell(row, typical []float64) string {
	var parts []string
	for _, b := range forecast.Why(w.logOdds, w.groups, row, typical) {
		factor := math.Exp(b.Adds)
		if factor < leastFactor || len(parts) == mostReasons {
			break
		}
		parts = append(parts, w.words(w.groups[b.Group], row, typical)+": odds x"+twoDigits(factor))
	}
	return strings.Join(parts, "; ")
}

// general names the features that are of no attribute.
var general = map[string]string{
	"age_days": "days of age", "capacity_tb": "capacity in TB", "days_seen": "days seen", "days_missed": "days without a reading",
	"attributes_lost": "attributes no longer reported", "model_failure_ratio": "failure rate of its model over the fleet's",
}

// twoDigits writes v >= 1 with two significant digits and no exponent.
func twoDigits(v float64) string {
	if v < 10 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	unit := math.Pow(10, math.Floor(math.Log10(v))-1)
	return strconv.FormatFloat(math.Round(v/unit)*unit, 'f', 0, 64)
}

// words say what a group's values are, and since when.
func (w *reasons) words(g feature.Group, row, typical []float64) string {
	title, known := general[g.Name]
	if !known {
		title = strings.ReplaceAll(g.Name, "_", " ")
	}
	if g.Attribute != 0 {
		title = g.Attribute.Title()
		if g.Attribute.ID() != 0 {
			title += " (SMART " + strconv.Itoa(int(g.Attribute.ID())) + ")"
		}
	}
	var say []string
	for j := g.From; j < g.To; j++ {
		if text := phrase(g, w.names[j], row[j], typical[j]); text != "" {
			say = append(say, text)
		}
	}
	return title + " " + strings.Join(say, ", ")
}

// phrase says one feature; "" when it tells nothing beside the others.
func phrase(g feature.Group, name string, v, typical float64) string {
	rest := strings.TrimPrefix(name, strings.TrimSuffix(g.Name, "_raw"))
	number := func(v float64) string {
		return string(table.AppendNumber(nil, math.Round(v*100)/100))
	}
	switch {
	case name == g.Name:
		if v != v {
			return "not reported"
		}
		return number(v) + " (typical " + number(typical) + ")"
	case v != v || v == 0:
		return ""
	case rest == "_delta_7d":
		sign := ""
		if v > 0 {
			sign = "+"
		}
		return sign + number(v) + " in 7 days"
	case rest == "_days_nonzero":
		return "above zero for " + daysWord(v)
	case rest == "_days_still":
		return "standing still for " + daysWord(v)
	case rest == "_run_7d":
		return number(v) + " a day in the last week"
	case rest == "_over_model" && math.Abs(v) >= 1:
		return number(v) + " °C over others of its model"
	}
	return ""
}

func daysWord(v float64) string {
	if v == 1 {
		return "1 day"
	}
	return string(table.AppendNumber(nil, v)) + " days"
}

// logOddsOf makes log-odds, kept within ±16, of an answer of two probabilities.
func logOddsOf(scores func(dst, x []float64)) func(dst, x []float64) {
	return func(dst, x []float64) {
		p := make([]float64, 2*len(dst))
		scores(p, x)
		for i := range dst {
			dst[i] = max(-16, min(16, math.Log(p[2*i+1]/(1-p[2*i+1]))))
		}
	}
}

func newReasons(spec feature.Spec, logOdds func(dst, x []float64)) (*reasons, error) {
	groups, err := spec.Groups()
	if err != nil {
		return nil, err
	}
	names, err := spec.Names()
	return &reasons{groups: groups, names: slices.Clone(names), logOdds: logOdds}, err
}
