package audit

import (
	"fmt"
	"math"

	"github.com/drivecast/drivecast/table"
)

const (
	aucBlock     = .95 // one column alone
	aucWarn      = .90
	aucRows      = 10 // rows of each class for a verdict that blocks
	missingBlock = .80
	missingWarn  = .30
)

// checkColumn looks at one numeric feature.
func (d *data) checkColumn(c *table.Column) []Finding {
	counted := countRuns(c.Floats, d.y)
	out := d.checkMake(c, counted)
	if d.y == nil {
		return out
	}
	if len(counted.runs) < 2 && counted.missing == [2]int{} {
		return out
	}
	out = append(out, d.checkMissing(c, counted)...)
	single := d.checkSingle(c, counted)
	out = append(out, single...)
	out = append(out, d.checkLattice(c.Name, counted)...)
	return append(out, d.checkSpike(c, counted)...)
}

// checkSingle asks whether the column alone tells the target: by its size, or by
// its values as names.
func (d *data) checkSingle(c *table.Column, counted counts) []Finding {
	a := counted.auc()
	shown := "higher"
	if a < .5 {
		a, shown = 1-a, "lower"
	}
	how := fmt.Sprintf("rows with %s=%s have the %s values: AUC %.4f", d.target, d.classes[1], shown, a)
	if len(counted.runs)*5 < counted.n[0]+counted.n[1] {
		groups := make([][2]int, len(counted.runs))
		for i, r := range counted.runs {
			groups[i] = r.n
		}
		if g, covered := groupAUC(groups, 5); g > a+.01 && covered > .5 {
			a, how = g, fmt.Sprintf("the exact value, taken as a name, tells %s: AUC %.4f", d.target, g)
		}
	}
	return d.single(c, a, how, counted.n)
}

func (d *data) single(c *table.Column, a float64, how string, n [2]int) []Finding {
	if !(a >= aucWarn) || min(n[0], n[1]) < 5 {
		return nil
	}
	f := Finding{Check: CheckSingle, Severity: Warn, Column: c.Name, Says: how, Figures: map[string]float64{"auc": a},
		Means: "no single reading tells failing drives so well: a column that does was most often made from the target, or written after the failure",
		Mend:  "find out when the column is written; leave it out unless it is known before the failure (--fix " + c.Name + "=drop)", Fix: c.Name + "=drop",
		Evidence: d.examples(3, func(int) bool { return true }, c.Name)}
	if a > aucBlock && min(n[0], n[1]) >= aucRows && auc95(a, n[1], n[0]) > aucWarn-.2 {
		f.Severity = Block
	}
	return []Finding{f}
}

// checkMissing asks whether it is told by where values are missing.
func (d *data) checkMissing(c *table.Column, counted counts) []Finding {
	return d.missingness(c, counted.n, counted.missing)
}

func (d *data) missingness(c *table.Column, have, lack [2]int) []Finding {
	var share [2]float64
	for k := range 2 {
		share[k] = float64(have[k]) / float64(max(1, have[k]+lack[k]))
	}
	diff := math.Abs(share[1] - share[0])
	n := float64(min(d.n[0], d.n[1]))
	if diff < missingWarn || diff < 3.3*math.Sqrt(.25/n) {
		return nil
	}
	f := Finding{Check: CheckMissing, Severity: Warn, Column: c.Name, Figures: map[string]float64{"filled_" + d.classes[0]: share[0], "filled_" + d.classes[1]: share[1]},
		Says: fmt.Sprintf("the column is filled in %s of the rows with %s=%s and in %s of those with %s=%s", percent(share[0]), d.target, d.classes[0],
			percent(share[1]), d.target, d.classes[1]),
		Means:    "whether there is a value tells the class, whatever the value: the classes come from different sources or times",
		Mend:     "take both classes from one source, or leave the column out (--fix " + c.Name + "=drop)",
		Fix:      c.Name + "=drop",
		Evidence: d.examples(2, func(int) bool { return true }, c.Name)}
	only := min(have[0], have[1]) == 0 && min(d.n[0], d.n[1]) >= 30 && diff >= .5
	if (diff >= missingBlock || only) && n >= aucRows {
		f.Severity = Block
	}
	return []Finding{f}
}

// checkSpike looks for one exact value that many rows of one class hold and none
// of the other, in a column of fine numbers: what a filled gap looks like.
func (d *data) checkSpike(c *table.Column, counted counts) []Finding {
	if len(counted.runs) < 100 {
		return nil
	}
	for i, r := range counted.runs {
		for k := range 2 {
			f := float64(r.n[k]) / float64(counted.n[k])
			if r.n[k] < 20 || f < .05 || counted.n[1-k] < 60 {
				continue
			}
			expect := f * float64(counted.n[1-k])
			if expect < 12 || float64(r.n[1-k]) > expect/20 {
				continue
			}
			if near, values := neighbours(counted.runs, i, k); float64(r.n[k]) < 10*max(1, near) || values < 50 {
				continue
			}
			return []Finding{{Check: CheckSpike, Severity: Block, Column: c.Name, Figures: map[string]float64{"value": r.v, "share": f},
				Says:  fmt.Sprintf("%s of the rows with %s=%s hold exactly %v, and %d of the %d others do", percent(f), d.target, d.classes[k], r.v, r.n[1-k], counted.n[1-k]),
				Means: "gaps of one class were filled with a value that the other class has not; a model learns the filling",
				Mend:  "leave gaps empty, or fill both classes alike; --fix " + c.Name + "=unfill makes the value missing again in both", Fix: c.Name + "=unfill:" + fmt.Sprint(r.v),
				Evidence: d.examples(3, func(i int) bool { return c.Floats[i] == r.v }, c.Name)}}
		}
	}
	return nil
}

// neighbours returns the mean count of a class in the values around the i-th, and
// how many other values the class has.
func neighbours(runs []run, i, class int) (mean float64, values int) {
	n := 0
	for j := max(0, i-5); j <= min(len(runs)-1, i+5); j++ {
		if j != i {
			mean += float64(runs[j].n[class])
			n++
		}
	}
	for j := range runs {
		if j != i && runs[j].n[class] > 0 {
			values++
		}
	}
	return mean / float64(max(1, n)), values
}

// checkMake looks for constants and for numbers no drive reports.
func (d *data) checkMake(c *table.Column, counted counts) []Finding {
	n := counted.n[0] + counted.n[1]
	if len(counted.runs) <= 1 && (n == 0 || n == d.Table.Rows()) {
		v := "nothing"
		if n > 0 {
			v = fmt.Sprint(counted.runs[0].v)
		}
		if n == 0 || math.Abs(counted.runs[0].v) >= 1e-290 || counted.runs[0].v == 0 {
			return []Finding{{Check: CheckConstant, Severity: Note, Column: c.Name, Says: "every row holds " + v,
				Means: "nothing can be learned from the column; train leaves it out", Mend: "none is needed", Fix: c.Name + "=drop"}}
		}
	}
	bad, example := 0, 0.0
	for _, r := range counted.runs {
		if corrupt(r.v) {
			bad += r.n[0] + r.n[1]
			example = r.v
		}
	}
	if bad == 0 {
		return nil
	}
	return []Finding{{Check: CheckCorrupt, Severity: Warn, Column: c.Name, Figures: map[string]float64{"rows": float64(bad)},
		Says:     fmt.Sprintf("%d of %d values are like %v, which no drive reports", bad, n, example),
		Means:    "bytes were read as another type, or a calculation overflowed; the column's numbers are noise",
		Mend:     "read the column again from its source, or leave it out (--fix " + c.Name + "=drop); --fix " + c.Name + "=unfill makes them missing",
		Fix:      c.Name + "=unfill",
		Evidence: d.examples(3, func(i int) bool { return corrupt(c.Floats[i]) }, c.Name)}}
}

// corrupt reports whether no quantity of a drive is so small, so large or infinite.
func corrupt(v float64) bool {
	a := math.Abs(v)
	return a != 0 && a < 1e-290 || a > 1e290
}
