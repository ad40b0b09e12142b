package feature

import (
	"math"
	"strings"

	"github.com/drivecast/drivecast/smart"
)

// model counts what became of the drives of one model.
type model struct {
	name           string
	days, failures float64 // up to the day before today
	today, failed  float64 // today's, not counted yet
	waiting        bool    // is in Fold.pending
}

// smoothing is the number of failures, at the fleet's rate, that every model is
// taken to have had before: what draws its ratio to 1 while there are few.
const smoothing = 4

func (f *Fold) model(name string) *model {
	m := f.models[name]
	if m == nil {
		m = &model{name: strings.Clone(name)}
		f.models[m.name] = m
	}
	return m
}

// seen counts a drive-day for tomorrow.
func (m *model) seen(f *Fold, failed bool) {
	m.today++
	if failed {
		m.failed++
	}
	if !m.waiting {
		m.waiting = true
		f.pending = append(f.pending, m)
	}
}

// close adds the counts of the day that ended.
func (f *Fold) close() {
	for _, m := range f.pending {
		m.days, m.failures = m.days+m.today, m.failures+m.failed
		f.total.days, f.total.failures = f.total.days+m.today, f.total.failures+m.failed
		m.today, m.failed, m.waiting = 0, 0, false
	}
	f.pending = f.pending[:0]
}

// ratio returns the failure rate of a model over that of the fleet, up to the day
// before: the failures seen over those expected, with as many added to both.
func (f *Fold) ratio(m *model) float64 {
	expected := 0.0
	if f.total.days > 0 {
		expected = f.total.failures * m.days / f.total.days
	}
	return (m.failures + smoothing) / (expected + smoothing)
}

// mean is a running mean of temperatures.
type mean struct{ sum, n float64 }

func (m mean) over(v float64) float64 {
	if m.n == 0 {
		return math.NaN()
	}
	return v - m.sum/m.n
}

// heatOf holds a day's mean temperatures for one attribute.
type heatOf struct {
	fleet mean
	model map[string]*mean
}

// heats takes the means over the readings of a day, one a drive, for each column
// that is a temperature; nil for the others.
func (f *Fold) heats(day *smart.Day, at []int) []*heatOf {
	out := make([]*heatOf, len(f.plan.columns))
	for c, col := range f.plan.columns {
		if col.role != heat || at[c] < 0 {
			continue
		}
		h := &heatOf{model: map[string]*mean{}}
		var m *mean
		name := ""
		for i := range day.Readings {
			r := &day.Readings[i]
			v := r.Values[at[c]]
			if v != v {
				continue
			}
			if m == nil || r.Model != name {
				name = r.Model
				if m = h.model[name]; m == nil {
					m = &mean{}
					h.model[name] = m
				}
			}
			m.sum, m.n = m.sum+v, m.n+1
			h.fleet.sum, h.fleet.n = h.fleet.sum+v, h.fleet.n+1
		}
		out[c] = h
	}
	return out
}

// vector writes the features of a drive as of today.
func (f *Fold) vector(dst []float64, d *drive, r *smart.Reading, at []int, heats []*heatOf, off map[stop]int) {
	age := math.NaN()
	for i := range d.traces {
		t, col := &d.traces[i], &f.plan.columns[i]
		n := t.write(dst[col.from:], f.plan, col.role, d.last, f.first)
		switch {
		case col.role == clock:
			age = t.value / 24
			if f.switchedOff(d, i, off) {
				f.plan.running(dst[col.from:])
			}
		case col.role == heat:
			over := dst[col.from+n : col.from+n+2]
			over[0], over[1] = math.NaN(), math.NaN()
			if h := heats[i]; h != nil && at[i] >= 0 && r.Values[at[i]] == r.Values[at[i]] {
				v := r.Values[at[i]]
				over[0], over[1] = h.fleet.over(v), h.model[r.Model].over(v)
			}
		}
	}
	seen := float64(f.plan.memory)
	if d.first != f.first {
		seen = min(seen, float64(d.last-d.first)+1)
	}
	g := dst[f.plan.general:]
	copy(g, []float64{age, d.capacity, seen, float64(d.missed), float64(d.lost), f.ratio(d.model)})
}
