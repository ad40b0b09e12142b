package feature

import "github.com/drivecast/drivecast/smart"

// enclosure is how many drives of one model must stop in the same way on the same
// day to be taken for drives of one machine that is off, and not for dying ones.
const enclosure = 5

// stop is how a drive's power-on hours came to stand still: since when, and how
// much they had gained before, over how many days.
type stop struct {
	model  *model
	column int
	since  smart.Date
	days   smart.Date
	gain   float64
}

// stopOf returns the stop of a drive whose hours, in the given column, stand still
// today. It reports false for one that runs, and for one that stands for longer than
// is remembered.
func (f *Fold) stopOf(d *drive, column int) (stop, bool) {
	t := &d.traces[column]
	if t.since == smart.NoDate || t.since >= d.last || t.since <= d.last-smart.Date(f.plan.columns[column].reach) {
		return stop{}, false
	}
	c := cursor{t.past, t.since, t.value}
	if !c.back() {
		return stop{}, false
	}
	return stop{d.model, column, t.since, t.since - c.day, t.value - c.v}, true
}

// outages counts, over the drives with a row, those that stand still in the same
// way.
func (f *Fold) outages(drives []int32) map[stop]int {
	var out map[stop]int
	for c := range f.plan.columns {
		if f.plan.columns[c].role != clock {
			continue
		}
		for _, n := range drives {
			if s, still := f.stopOf(&f.drives[n], c); still {
				if out == nil {
					out = map[stop]int{}
				}
				out[s]++
			}
		}
	}
	return out
}

// switchedOff reports whether a drive stands still together with others.
func (f *Fold) switchedOff(d *drive, column int, outages map[stop]int) bool {
	if len(outages) == 0 {
		return false
	}
	s, still := f.stopOf(d, column)
	return still && outages[s] >= enclosure
}

// running puts the features of power-on hours that run as they should into dst.
func (p *plan) running(dst []float64) int {
	n := len(p.windows[clock])
	for i := range n {
		dst[i] = 24
	}
	dst[n] = 0
	return n + 1
}
