package train

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/eval"
	"github.com/drivecast/drivecast/feature"
	"github.com/drivecast/drivecast/forecast"
)

// Evidence is why a forecast is what it is, and what it would have done on days
// after those it had learned from.
type Evidence struct {
	Horizon     int           `json:"horizon_days"`
	Memory      int           `json:"memory_days"`
	Stats       feature.Stats `json:"rows"`
	Split       string        `json:"split"` // "walk forward" or "by drive"
	Folds       []string      `json:"folds"`
	Contenders  []Contender   `json:"contenders"`
	Chosen      string        `json:"chosen"`
	Why         string        `json:"why"`
	Calibration Calibration   `json:"calibration"`
	AUC         eval.Interval `json:"row_auc"` // of Main
	AP          eval.Interval `json:"average_precision"`
	Steps       []Step        `json:"steps"` // one a fold
	Main        Step          `json:"main"`  // of the first fold of a walk forward, the longest; of all together when drives took turns
	Budgets     []Budget      `json:"budgets"`
	ByFamily    []FamilyStep  `json:"by_family"`
	Rule        Rival         `json:"rule"`
	Previous    []Rival       `json:"compared_with,omitempty"`
}

// Calibration says how the members' mean became a probability.
type Calibration struct {
	Slope       float64 `json:"slope"`
	Offset      float64 `json:"offset"`         // the mean of the two below
	ToFailures  float64 `json:"to_failures"`    // that fits the failures seen
	ToUsualRate float64 `json:"to_usual_rate"`  // that fits the rate of the days learned from
	Spread      float64 `json:"rate_spread"`    // standard deviation of the logarithm of the failure rate between stretches of one horizon
	Rate        float64 `json:"rate_of_labels"` // share of drive-days with a failure ahead, over all days learned from
}

// Step is what the forecast would have done in one fold.
type Step struct {
	Fold     string      `json:"fold"`
	Rows     int         `json:"rows"`
	AUC      float64     `json:"row_auc"`
	AP       float64     `json:"average_precision"`
	AtShare  eval.Caught `json:"at_1_percent"`
	Expected float64     `json:"expected_positive_rows"`
	Observed float64     `json:"observed_positive_rows"`
	Inside   float64     `json:"drives_inside_interval"` // share of score groups whose rate lay in its interval
}

// Budget is one price of alarms and what it buys.
type Budget struct {
	Name      string      `json:"name"`
	Threshold float64     `json:"threshold"` // probability; above 1 when no alarm is affordable
	Caught    eval.Caught `json:"caught"`
}

// FamilyStep is how the forecast fares on one model of drives.
type FamilyStep struct {
	Name     string        `json:"model"`
	Drives   int           `json:"drives"`
	Failing  int           `json:"failing_drives"`
	Detected eval.Interval `json:"detection_at_medium_risk"`
	Expected float64       `json:"expected_positive_rows"`
	Observed float64       `json:"observed_positive_rows"`
}

// Rival is another way to raise alarms, judged on the same rows.
type Rival struct {
	Name    string      `json:"name"`
	AUC     float64     `json:"row_auc"`
	AP      float64     `json:"average_precision"`
	AtShare eval.Caught `json:"at_1_percent"`
	Whole   eval.Caught `json:"at_its_own_threshold"`
}

func (e *Evidence) splitText() string {
	return fmt.Sprintf("%s, gap %d days: %s", e.Split, e.Horizon, strings.Join(e.Folds, "; "))
}

func (e *Evidence) metrics() []Metric {
	first := e.Main
	out := []Metric{
		{"roc_auc", e.AUC.Value}, {"roc_auc_low", e.AUC.Low}, {"roc_auc_high", e.AUC.High},
		{"average_precision", e.AP.Value}, {"average_precision_low", e.AP.Low}, {"average_precision_high", e.AP.High},
		{"drive_detection_1pct", first.AtShare.Rate.Value}, {"drive_detection_1pct_low", first.AtShare.Rate.Low}, {"drive_detection_1pct_high", first.AtShare.Rate.High},
		{"median_lead_days", first.AtShare.Lead}, {"expected_over_observed", first.Expected / first.Observed},
	}
	return slices.DeleteFunc(out, func(m Metric) bool { return math.IsNaN(m.Value) || math.IsInf(m.Value, 0) })
}

func (w *recipe) step(v *eval.Watch, text string, f *forecast.Model) (Step, error) {
	s := Step{Fold: text, Rows: len(v.Score)}
	rank, err := eval.Rank(v.Truth, v.Score, v.Weight)
	if err != nil {
		return s, err
	}
	top, err := v.Top(alarmed)
	if err != nil {
		return s, err
	}
	s.AUC, s.AP, s.AtShare = rank.AUC(), rank.AveragePrecision(), v.Count(top)
	for i, p := range v.Score {
		s.Expected += v.Weight[i] * p
		s.Observed += v.Weight[i] * float64(v.Truth[i])
	}
	s.Inside = inside(v, f)
	return s, nil
}

// inside returns the share of tenths of the rows, by score, whose rate of failure
// lies within the mean bounds of its rows.
func inside(v *eval.Watch, f *forecast.Model) float64 {
	order := make([]int, len(v.Score))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case v.Score[a] > v.Score[b]:
			return -1
		case v.Score[a] < v.Score[b]:
			return 1
		}
		return 0
	})
	held, groups := 0.0, 0.0
	for _, share := range [][2]float64{{0, .001}, {.001, .01}, {.01, .05}, {.05, .2}, {.2, 1}} {
		low, high, rate, n := 0.0, 0.0, 0.0, 0.0
		for _, i := range order[int(share[0]*float64(len(order))):int(share[1]*float64(len(order)))] {
			a, b := f.Band.Around(math.Log(v.Score[i]) - math.Log1p(-v.Score[i]))
			low, high, rate, n = low+v.Weight[i]*a, high+v.Weight[i]*b, rate+v.Weight[i]*float64(v.Truth[i]), n+v.Weight[i]
		}
		if n > 0 {
			groups++
			if low <= rate && rate <= high {
				held++
			}
		}
	}
	return held / groups
}

// DefaultBudget is the false alarms a drive and year at which a drive is at high
// risk: one a year for 24 drives.
const DefaultBudget = 1. / 24

// setLevels puts high risk at the budget asked for and medium risk where 1 % of
// the drives are, both on the main fold.
func (w *recipe) setLevels(f *forecast.Model, h *heldOut, p []float64) error {
	v := w.watch(h, w.main(), p)
	switch o := w.spec.Alarms; {
	case o.Miss > 0:
		f.Limits.High = o.Alarm / (o.Alarm + o.Miss)
	case o.PerYear > 0:
		f.Limits.High = min(v.ThresholdFor(o.PerYear), 1)
	default:
		f.Limits.High = min(v.ThresholdFor(DefaultBudget), 1)
	}
	top, err := v.Top(alarmed)
	if err != nil {
		return err
	}
	low := 1.0
	for i, on := range top {
		if on {
			low = min(low, v.Score[i])
		}
	}
	f.Limits.Medium = min(low, f.Limits.High)
	return nil
}

// Alarms says what alarms may cost. The zero value stands for DefaultBudget.
type Alarms struct {
	PerYear float64 // false alarms for one drive watched for a year
	Miss    float64 // cost of a failure that nobody was warned of
	Alarm   float64 // cost of an alarm
}

// budgets lists what some budgets would buy, the one asked for first.
func (w *recipe) budgets(v *eval.Watch, f *forecast.Model) ([]Budget, error) {
	out := []Budget{{Name: "high risk: " + w.spec.Alarms.String(), Threshold: f.Limits.High}}
	for _, b := range []struct {
		name string
		rate float64
	}{{"1 per 240 drives per year", 1. / 240}, {"1 per 24 drives per year", 1. / 24}, {"1 per 6 drives per year", 1. / 6}, {"1 per drive per year", 1}} {
		out = append(out, Budget{Name: b.name, Threshold: min(v.ThresholdFor(b.rate), 2)})
	}
	for i := range out {
		out[i].Caught = v.Count(v.Above(out[i].Threshold))
	}
	top, err := v.Top(alarmed)
	if err != nil {
		return nil, errs.Wrap(err, "alarms")
	}
	return append(out, Budget{Name: "1 % of the drives a day", Threshold: f.Limits.Medium, Caught: v.Count(top)}), nil
}

// String says the price of alarms in words.
func (a Alarms) String() string {
	switch {
	case a.Miss > 0:
		return fmt.Sprintf("a miss costs %g, an alarm %g", a.Miss, a.Alarm)
	case a.PerYear > 0:
		return fmt.Sprintf("%.3g false alarms per drive per year", a.PerYear)
	}
	return "1 false alarm per 24 drives per year"
}

// byFamily splits the main fold by model, those with failures first.
func (w *recipe) byFamily(h *heldOut, p []float64, f *forecast.Model) []FamilyStep {
	parts := map[string][]int{}
	for i, r := range h.rows {
		if w.main() < 0 || h.fold[i] == 0 {
			parts[w.set.Model[r]] = append(parts[w.set.Model[r]], i)
		}
	}
	var out []FamilyStep
	for name, rows := range parts {
		s := FamilyStep{Name: name}
		v, drives := &eval.Watch{}, map[int32]bool{}
		for _, i := range rows {
			r := h.rows[i]
			drives[w.drive[r]] = true
			v.Drive, v.Score = append(v.Drive, w.drive[r]), append(v.Score, p[i])
			v.Truth, v.Lead = append(v.Truth, int(w.set.Y[r])), append(v.Lead, w.set.Lead[r])
			s.Expected += w.weight[r] * p[i]
			s.Observed += w.weight[r] * w.set.Y[r]
		}
		c := v.Count(v.Above(f.Limits.Medium))
		s.Drives, s.Failing, s.Detected = len(drives), c.Failing, c.Rate
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b FamilyStep) int {
		if d := b.Failing - a.Failing; d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out
}
