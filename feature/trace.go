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
	past    []point    // the values before, oldest first
}

// point is a value and the day since which it was known.
type point struct {
	day smart.Date
	v   float64
}

func newTrace() trace {
	return trace{max: math.NaN(), value: math.NaN(), since: smart.NoDate, nonzero: smart.NoDate, rose: smart.NoDate}
}

// add takes the value of a day later than all before. It reports false when the
// value is missing and was known before.
func (t *trace) add(day smart.Date, v float64, memory smart.Date) bool {
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
	if t.since != smart.NoDate {
		t.forget(day - memory)
		t.past = append(t.past, point{t.since, t.value})
	}
	t.value, t.since = v, day
	return true
}

// forget drops the values that gave way on day edge or before.
func (t *trace) forget(edge smart.Date) {
	k := 0
	for k < len(t.past) && t.ended(k) <= edge {
		k++
	}
	if k > 0 {
		t.past = t.past[:copy(t.past, t.past[k:])]
	}
}

// ended returns the day on which a past value gave way to the next.
func (t *trace) ended(k int) smart.Date {
	if k+1 < len(t.past) {
		return t.past[k+1].day
	}
	return t.since
}

// ago returns the value known on day, or the first one known after it.
func (t *trace) ago(day smart.Date) float64 {
	v := t.value
	for i, since := len(t.past)-1, t.since; i >= 0 && since > day; i-- {
		v, since = t.past[i].v, t.past[i].day
	}
	return v
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
	for _, w := range p.windows[r] {
		dst[n] = v - t.ago(day-smart.Date(w))
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
	known := t.since // first day in memory on which the hours are known
	if len(t.past) > 0 {
		known = t.past[0].day
	}
	for n, w := range p.windows[clock] {
		from := max(day-smart.Date(w), known)
		switch {
		case t.value != t.value:
			dst[n] = math.NaN()
		case from >= day:
			dst[n] = 24
		default:
			dst[n] = (t.value - t.ago(from)) / float64(day-from)
		}
	}
	n := len(p.windows[clock])
	dst[n] = math.NaN()
	if t.since != smart.NoDate {
		dst[n] = min(float64(p.memory), float64(day-t.since))
	}
	return n + 1
}
