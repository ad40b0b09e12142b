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

// add takes the value of a day later than all before, and remembers those that
// windows of reach days see. It reports false when the
// value is missing and was known before.
func (t *trace) add(day smart.Date, v float64, reach int) bool {
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
	if reach > 0 && t.since != smart.NoDate {
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
// many there are. dst begins at the attribute's first feature; first is the first
// day of the fleet.
func (t *trace) write(dst []float64, p *plan, r role, day, first smart.Date) int {
	if r == clock {
		return t.writeClock(dst, p, day)
	}
	v := t.value
	dst[0] = v
	n := 1
	c := cursor{t.past, t.since, t.value}
	for _, w := range p.windows[r] { // the shortest first
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
	most := float64(p.memory)
	dst[n+1], dst[n+2] = 0, most
	switch {
	case v != v:
		dst[n+1], dst[n+2] = math.NaN(), math.NaN()
	case t.nonzero == first:
		dst[n+1] = most
	case t.nonzero != smart.NoDate:
		dst[n+1] = min(most, float64(day-t.nonzero)+1)
	}
	if t.rose != smart.NoDate {
		dst[n+2] = min(most, float64(day-t.rose))
	}
	return n + 3
}

// writeClock puts the features of power-on hours into dst.
func (t *trace) writeClock(dst []float64, p *plan, day smart.Date) int {
	c := cursor{t.past, t.since, t.value}
	for n, w := range p.windows[clock] {
		c.until(day - smart.Date(w))
		switch from := max(day-smart.Date(w), c.day); {
		case t.since == smart.NoDate:
			dst[n] = math.NaN()
		case from >= day:
			dst[n] = 24
		default:
			dst[n] = (t.value - c.v) / float64(day-from)
		}
	}
	n := len(p.windows[clock])
	dst[n] = math.NaN()
	if t.since != smart.NoDate {
		dst[n] = min(float64(p.memory), float64(day-t.since))
	}
	return n + 1
}
