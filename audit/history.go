package audit

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/drivecast/drivecast/smart"
	"github.com/drivecast/drivecast/table"
)

const (
	volumeShare = .5 // of the rows of the fullest days
	volumeRows  = 100
	unitFactor  = 5 // between a drive's values on two days
	unitDrives  = 20
)

// checkVolume looks for days with less than half the rows of the fullest day so
// far, or of the next.
func (d *data) checkVolume() []Finding {
	if !d.history {
		return nil
	}
	rows := map[smart.Date]int{}
	first := map[smart.Date]int{}
	for i, day := range d.day {
		if day != smart.NoDate {
			if rows[day]++; rows[day] == 1 {
				first[day] = i
			}
		}
	}
	days := make([]smart.Date, 0, len(rows))
	for day := range rows {
		days = append(days, day)
	}
	slices.Sort(days)
	if len(d.day) < len(days)*volumeRows {
		return nil
	}
	full := 0
	f := Finding{Check: CheckVolume, Severity: Warn, Means: "the file of that day is cut short or is another selection of drives: drives seem to vanish, and what is counted over days is wrong",
		Mend: "fetch these days again, or leave them out", Figures: map[string]float64{}}
	odd := 0
	for _, day := range days {
		if full >= volumeRows && float64(rows[day]) < volumeShare*float64(full) {
			if odd++; odd <= 3 {
				f.Says += fmt.Sprintf("%v has %d rows, where %d were seen before; ", day, rows[day], full)
				f.Evidence = append(f.Evidence, d.rowOf(first[day]))
			}
			continue
		}
		full = max(full, rows[day])
	}
	if odd == 0 {
		return nil
	}
	f.Figures["days"] = float64(odd)
	f.Says += fmt.Sprintf("%d of %d days in all", odd, len(days))
	return []Finding{f}
}

// checkUnits looks for days on which most drives' values of a column change by
// one large factor.
func (d *data) checkUnits() []Finding {
	if !d.history {
		return nil
	}
	order := make([]int32, len(d.drive))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		if d.drive[a] != d.drive[b] {
			return cmp.Compare(d.drive[a], d.drive[b])
		}
		if d.day[a] != d.day[b] {
			return cmp.Compare(d.day[a], d.day[b])
		}
		return cmp.Compare(a, b)
	})
	var out []Finding
	for _, c := range d.Table.Columns {
		if d.role(c) == feature && c.Kind == table.Number {
			out = append(out, d.unitJump(c, order)...)
		}
	}
	return out
}

func (d *data) unitJump(c *table.Column, order []int32) []Finding {
	type change struct{ up, down, all, row int }
	days := map[smart.Date]*change{}
	var ratios []float64
	for k := 1; k < len(order); k++ {
		a, b := order[k-1], order[k]
		if d.drive[a] != d.drive[b] || d.drive[a] < 0 || d.day[a] == d.day[b] {
			continue
		}
		v, w := c.Floats[a], c.Floats[b]
		if !(v != 0 && w != 0) || v != v || w != w || math.Abs(v) < 10 && math.Abs(w) < 10 {
			continue
		}
		day := days[d.day[b]]
		if day == nil {
			day = &change{row: int(b)}
			days[d.day[b]] = day
		}
		day.all++
		switch r := w / v; {
		case r >= unitFactor:
			day.up++
			day.row = int(b)
			ratios = append(ratios, r)
		case r > 0 && r <= 1.0/unitFactor:
			day.down++
			day.row = int(b)
			ratios = append(ratios, 1/r)
		}
	}
	// One factor for most drives is a unit; counters that wrap or start anew have many.
	slices.Sort(ratios)
	if len(ratios) == 0 || ratios[len(ratios)*3/4] > 1.5*ratios[len(ratios)/4] {
		return nil
	}
	list := make([]smart.Date, 0, len(days))
	for day := range days {
		list = append(list, day)
	}
	slices.Sort(list)
	for _, day := range list {
		if n := days[day]; max(n.up, n.down) >= unitDrives && max(n.up, n.down)*2 > n.all {
			return []Finding{{Check: CheckUnits, Severity: Warn, Column: c.Name, Figures: map[string]float64{"factor": ratios[len(ratios)/2]},
				Says:     fmt.Sprintf("on %v, %d of %d drives' values change by a factor of about %.4g", day, max(n.up, n.down), n.all, ratios[len(ratios)/2]),
				Means:    "the column is in another unit from that day on (bytes and sectors, hours and minutes): deltas over that day are wrong",
				Mend:     "bring the column to one unit, or leave it out (--fix " + c.Name + "=drop)",
				Fix:      c.Name + "=drop",
				Evidence: []Row{d.rowOf(days[day].row, c.Name)}}}
		}
	}
	return nil
}
