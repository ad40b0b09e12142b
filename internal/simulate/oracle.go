package simulate

import (
	"cmp"
	"slices"
)

// oracle returns the area under the ROC curve of the true risks and the number
// of rows it is taken over. A row counts when its label is known: the drive
// failed within the horizon, or was seen to live beyond it.
func (f *fleet) oracle() (auc float64, rows int) {
	type scored struct {
		risk   float64
		failed bool
	}
	var all []scored
	for _, j := range f.seen {
		e, ended := f.ends[j.serial]
		last := f.opt.Days - 1
		if ended && !e.failed {
			last = e.day - 1
		}
		switch {
		case ended && e.failed && e.day <= j.day+f.opt.Horizon:
			all = append(all, scored{j.risk, true})
		case ended && e.failed || j.day+f.opt.Horizon <= last:
			all = append(all, scored{j.risk, false})
		}
	}
	slices.SortFunc(all, func(a, b scored) int { return cmp.Compare(a.risk, b.risk) })
	var below, wins, failed, healthy float64 // below: healthy rows with less risk
	for i := 0; i < len(all); {
		j, f, h := i, 0.0, 0.0
		for ; j < len(all) && all[j].risk == all[i].risk; j++ {
			if all[j].failed {
				f++
			} else {
				h++
			}
		}
		wins += f * (below + h/2)
		below += h
		failed, healthy = failed+f, healthy+h
		i = j
	}
	if failed == 0 || healthy == 0 {
		return .5, len(all)
	}
	return wins / failed / healthy, len(all)
}
