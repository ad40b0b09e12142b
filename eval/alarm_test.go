package eval_test

import (
	"math"
	"testing"

	"github.com/drivecast/drivecast/eval"
)

// fleetWatch has four drives over two days; drive 1 fails 2 days after the first
// and drive 3 does, unseen, on the second.
func fleetWatch() *eval.Watch {
	return &eval.Watch{
		Day: []int32{1, 1, 1, 1, 2, 2, 2, 2}, Drive: []int32{0, 1, 2, 3, 0, 1, 2, 3},
		Score: []float64{.1, .8, .9, .1, .2, .7, .95, .1}, Truth: []int{0, 1, 0, 1, 0, 1, 0, 1}, Lead: []int32{-1, 2, 20, 1, -1, 1, 19, 0},
	}
}

func TestWatch(t *testing.T) {
	w := fleetWatch()
	top, err := w.Top(.5)
	if err != nil {
		t.Fatal(err)
	}
	c := w.Count(top)
	if c.Failing != 2 || c.Detected != 1 || c.Lead != 2 || c.Alarms != 4 || c.False != 1 || c.Per1000 != 500 || c.PerYear != 365./8 {
		t.Errorf("half of each day: %+v", c)
	}
	if top, _ = w.Top(.49); w.Count(top).Alarms != 2 {
		t.Errorf("a share of .49 of 4 drives is 1, got %+v", w.Count(top))
	}
	if c = w.Count(w.Above(.92)); c.Detected != 0 || !math.IsNaN(c.Lead) || c.False != 1 {
		t.Errorf("above .92: %+v", c)
	}
	// One false alarm in 8 drive-days is 45.6 a year; the next comes at .2.
	if got := w.ThresholdFor(46); got != .7 {
		t.Errorf("threshold %v, want .7", got)
	}
	if got := w.ThresholdFor(45); !math.IsInf(got, 1) {
		t.Errorf("threshold %v for no false alarm, want +Inf", got)
	}
	w.Weight = []float64{2, 1, 2, 1, 2, 1, 2, 1}
	if top, _ = w.Top(.5); w.Count(top).Alarms != 6 {
		t.Errorf("weighted: %+v", w.Count(top))
	}
	w.Day[0] = 9
	if _, err := w.Top(.5); err == nil {
		t.Error("days out of order are taken")
	}
}
