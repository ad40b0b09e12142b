package eval

import (
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
)

// Watch is a fleet under watch: one row for each drive and day, in the order of
// days, with the score that day's alarm is decided on.
type Watch struct {
	Day    []int32
	Drive  []int32 // number of the drive
	Score  []float64
	Truth  []int     // 1 when the drive fails within the horizon
	Lead   []int32   // days until it fails, below 0 when it was not seen to
	Weight []float64 // rows that it stands for; nil: 1
}

// Caught says what a way to raise alarms would have done.
type Caught struct {
	Failing  int      `json:"failing_drives"` // that fail within the horizon of one of their days
	Detected int      `json:"detected"`       // of these, with an alarm on such a day
	Rate     Interval `json:"detection_rate"` // of the two, at 95 % (Wilson)
	Lead     float64  `json:"lead_days"`      // median days from the first alarm to the failure; NaN when none was detected
	Alarms   float64  `json:"alarm_days"`     // rows with an alarm
	Per1000  float64  `json:"alarms_per_1000_drive_days"`
	False    float64  `json:"false_alarms"`   // drives with an alarm on a day from which they lived on beyond the horizon, each counted once
	PerYear  float64  `json:"false_per_year"` // of these, for one drive watched for a year
}

func (w *Watch) check() error {
	n := len(w.Score)
	if n == 0 || len(w.Day) != n || len(w.Drive) != n || len(w.Truth) != n || len(w.Lead) != n || w.Weight != nil && len(w.Weight) != n || !slices.IsSorted(w.Day) {
		return errs.New(errs.Invalid, "%d scores of %d days and %d drives make no watch, or the days are not in order", n, len(w.Day), len(w.Drive))
	}
	return checkFinite("score", w.Score)
}

func (w *Watch) weight(i int) float64 {
	if w.Weight == nil {
		return 1
	}
	return w.Weight[i]
}

// Top raises alarms for the given share of each day's rows, those of the highest
// scores, the first of equal ones; never for more.
func (w *Watch) Top(share float64) ([]bool, error) {
	if err := w.check(); err != nil {
		return nil, err
	}
	alarm := make([]bool, len(w.Score))
	for from := 0; from < len(w.Day); {
		to, all := from, 0.0
		for to < len(w.Day) && w.Day[to] == w.Day[from] {
			all += w.weight(to)
			to++
		}
		order := make([]int, to-from)
		for i := range order {
			order[i] = from + i
		}
		slices.SortStableFunc(order, func(a, b int) int { return descending(w.Score[a], w.Score[b]) })
		left := share * all * (1 + 1e-12)
		for _, i := range order {
			if left -= w.weight(i); left < 0 {
				break
			}
			alarm[i] = true
		}
		from = to
	}
	return alarm, nil
}

func descending(a, b float64) int {
	switch {
	case a > b:
		return -1
	case a < b:
		return 1
	}
	return 0
}

// Above raises alarms for the rows whose score is at least threshold.
func (w *Watch) Above(threshold float64) []bool {
	alarm := make([]bool, len(w.Score))
	for i, s := range w.Score {
		alarm[i] = s >= threshold
	}
	return alarm
}

// Count says what the alarms, one a row, would have done.
func (w *Watch) Count(alarm []bool) Caught {
	var c Caught
	days := 0.0
	failing, first, wrong := map[int32]bool{}, map[int32]int32{}, map[int32]float64{}
	for i := range w.Score {
		days += w.weight(i)
		if w.Truth[i] == 1 {
			failing[w.Drive[i]] = true
		}
		if !alarm[i] {
			continue
		}
		c.Alarms += w.weight(i)
		switch _, known := first[w.Drive[i]]; {
		case w.Truth[i] == 1 && !known:
			first[w.Drive[i]] = w.Lead[i]
		case w.Truth[i] != 1:
			wrong[w.Drive[i]] = max(wrong[w.Drive[i]], w.weight(i))
		}
	}
	c.Failing, c.Detected = len(failing), len(first)
	c.Rate = Wilson(c.Detected, c.Failing, .95)
	leads := make([]float64, 0, len(first))
	for _, l := range first {
		leads = append(leads, float64(l))
	}
	c.Lead = math.NaN()
	if slices.Sort(leads); len(leads) > 0 {
		c.Lead = quantile(leads, .5)
	}
	for _, v := range wrong {
		c.False += math.Round(v)
	}
	c.Per1000, c.PerYear = 1000*c.Alarms/days, 365*c.False/days
	return c
}

// ThresholdFor returns the lowest threshold, among the scores, at which the false
// alarms of a drive watched for a year are at most perYear; +Inf when there is none.
func (w *Watch) ThresholdFor(perYear float64) float64 {
	order, days := make([]int, len(w.Score)), 0.0
	for i := range order {
		order[i] = i
		days += w.weight(i)
	}
	slices.SortStableFunc(order, func(a, b int) int { return descending(w.Score[a], w.Score[b]) })
	best, left, wrong := math.Inf(1), perYear*days/365, map[int32]float64{}
	for k, i := range order {
		if w.Truth[i] != 1 {
			more := max(0, math.Round(w.weight(i))-wrong[w.Drive[i]])
			left -= more
			wrong[w.Drive[i]] += more
		}
		if left < 0 {
			break
		}
		if k+1 == len(order) || w.Score[order[k+1]] < w.Score[i] {
			best = w.Score[i]
		}
	}
	return best
}
