package feature

import (
	"math"

	"github.com/drivecast/drivecast/smart"
)

// trace is the history of one attribute of one drive.
type trace struct {
	max     float64    // largest value, NaN before the first
	nonzero smart.Date // first day above zero
	rose    smart.Date // last day on which it was above the value before
	points  []point    // changes: the value known since that day. The last is the value now.
}

// point is a value and the day since which it is known.
type point struct {
	day smart.Date
	v   float64
}

func (t *trace) clear() {
	t.max, t.nonzero, t.rose = math.NaN(), smart.NoDate, smart.NoDate
}

// now returns the last known value, NaN when there is none.
func (t *trace) now() float64 {
	if len(t.points) == 0 {
		return math.NaN()
	}
	return t.points[len(t.points)-1].v
}

// add takes the value of a day later than all before. It reports false when the
// value is missing and was known before.
func (t *trace) add(day smart.Date, v float64, r role) bool {
	if v != v {
		return len(t.points) == 0
	}
	if n := len(t.points); n > 0 {
		if last := t.points[n-1].v; v == last {
			return true
		} else if v > last {
			t.rose = day
		}
	}
	if !(t.max >= v) {
		t.max = v
	}
	if v > 0 && t.nonzero == smart.NoDate {
		t.nonzero = day
	}
	if r == clock {
		t.points = append(t.points[:0], point{day, v})
		return true
	}
	t.forget(day - longest)
	t.points = append(t.points, point{day, v})
	return true
}

// forget drops the points that were no longer the value on day edge.
func (t *trace) forget(edge smart.Date) {
	k := 0
	for k+1 < len(t.points) && t.points[k+1].day <= edge {
		k++
	}
	if k > 0 {
		t.points = t.points[:copy(t.points, t.points[k:])]
	}
}

// ago returns the value known on day, or the first one known after it.
func (t *trace) ago(day smart.Date) float64 {
	for i := len(t.points) - 1; i >= 0; i-- {
		if t.points[i].day <= day || i == 0 {
			return t.points[i].v
		}
	}
	return math.NaN()
}

// write puts the features of an attribute into dst as of day and returns how
// many there are. dst begins at the attribute's first feature.
func (t *trace) write(dst []float64, day smart.Date, r role) int {
	if r == clock {
		return 0
	}
	v := t.now()
	dst[0] = v
	n := 1
	for _, w := range windows[r] {
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
