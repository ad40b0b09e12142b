package feature

import (
	"math"

	"github.com/drivecast/drivecast/smart"
)

// trace is the history of one attribute of one drive: the value now, and those
// before it as long as a window reaches them. A counter that rests takes no room.
type trace struct {
	max     float64    // largest value, NaN before the first
	value   float64    // last known, NaN before the first
	since   smart.Date // day since which it is known, NoDate before the first
	nonzero smart.Date // first day above zero
	rose    smart.Date // last day on which it was above the value before
	past    past       // the values before
}

func newTrace() trace {
	return trace{max: math.NaN(), value: math.NaN(), since: smart.NoDate, nonzero: smart.NoDate, rose: smart.NoDate}
}

// add takes the value of a day later than all before. It reports false when the
// value is missing and was known before.
func (t *trace) add(day smart.Date, v float64, r role) bool {
	switch {
	case v == t.value:
		return true
	case v != v:
		return t.since == smart.NoDate
	case v > t.value:
		t.rose = day
	}
	if !(t.max >= v) {
		t.max = v
	}
	if v > 0 && t.nonzero == smart.NoDate {
		t.nonzero = day
	}
	if reach := reach(r); reach > 0 && t.since != smart.NoDate {
		t.remember(day, v, reach)
	}
	t.value, t.since = v, day
	return true
}

// ago returns the value known on day, or the first one known after it.
func (t *trace) ago(day smart.Date) float64 {
	c := cursor{t.past, t.since, t.value}
	c.until(day)
	return c.v
}

// until goes back to the value known on day, or the first one known after it.
func (c *cursor) until(day smart.Date) {
	for c.day > day && c.back() {
	}
}

// write puts the features of an attribute into dst as of day and returns how
// many there are. dst begins at the attribute's first feature.
func (t *trace) write(dst []float64, day smart.Date, r role) int {
	if r == clock {
		return 0
	}
	v := t.value
	dst[0] = v
	n := 1
	c := cursor{t.past, t.since, t.value}
	for _, w := range windows[r] { // the shortest first
		c.until(day - smart.Date(w))
		dst[n] = v - c.v
		n++
	}
	if r == workload {
		return n
	}
	dst[n] = t.max
	if r == heat {
		return n + 1
	}
	dst[n+1], dst[n+2] = 0, calmest
	if v != v {
		dst[n+1], dst[n+2] = math.NaN(), math.NaN()
	}
	if t.nonzero != smart.NoDate {
		dst[n+1] = float64(day-t.nonzero) + 1
	}
	if t.rose != smart.NoDate {
		dst[n+2] = min(calmest, float64(day-t.rose))
	}
	return n + 3
}
