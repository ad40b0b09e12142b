package audit

import (
	"fmt"
	"math"
	"strings"

	"github.com/drivecast/drivecast/smart"
	"github.com/drivecast/drivecast/table"
)

// checkText asks whether a text column tells the target: whole, by its first or
// last letters, by its length, or by being there.
func (d *data) checkText(c *table.Column) []Finding {
	filled := 0
	distinct := map[string][2]int{}
	var have, lack [2]int
	for i, s := range c.Texts {
		k := d.class(i)
		if s == "" {
			lack[k]++
			continue
		}
		filled++
		have[k]++
		n := distinct[s]
		n[k]++
		distinct[s] = n
	}
	if len(distinct) <= 1 && filled != 0 && filled == len(c.Texts) {
		return []Finding{{Check: CheckConstant, Severity: Note, Column: c.Name, Says: fmt.Sprintf("every row holds %q", c.Texts[0]),
			Means: "nothing can be learned from the column", Mend: "none is needed", Fix: c.Name + "=drop"}}
	}
	if d.y == nil {
		return nil
	}
	out := d.missingness(c, have, lack)
	groups := make([][2]int, 0, len(distinct))
	for _, n := range distinct {
		groups = append(groups, n)
	}
	if a, covered := groupAUC(groups, 5); covered > .5 && a >= aucWarn {
		return append(out, d.single(c, a, fmt.Sprintf("the text, taken as a name, tells %s: AUC %.4f", d.target, a), have)...)
	}
	if a, how := d.partOfText(c, nil); a >= aucWarn {
		out = append(out, d.single(c, a, fmt.Sprintf("%s tells %s: AUC %.4f", how, d.target, a), have)...)
	}
	return out
}

func (d *data) class(i int) uint8 {
	if d.y == nil {
		return 0
	}
	return d.y[i]
}

// partsOfText are what a target may hide in.
var partsOfText = []struct {
	how string
	of  func(s string) string
}{
	{"its length", func(s string) string { return fmt.Sprint(len(s)) }},
	{"the first letter", func(s string) string { return s[:min(1, len(s))] }},
	{"the first two letters", func(s string) string { return s[:min(2, len(s))] }},
	{"the first three letters", func(s string) string { return s[:min(3, len(s))] }},
	{"the first four letters", func(s string) string { return s[:min(4, len(s))] }},
	{"the last letter", func(s string) string { return s[max(0, len(s)-1):] }},
	{"the last two letters", func(s string) string { return s[max(0, len(s)-2):] }},
	{"the last three letters", func(s string) string { return s[max(0, len(s)-3):] }},
	{"the text before a separator", func(s string) string { return s[:max(0, strings.IndexAny(s, "-_:/. "))] }},
	{"the case of its letters", func(s string) string { return fmt.Sprint(s == strings.ToUpper(s), s == strings.ToLower(s)) }},
}

// partOfText returns the part of the texts that tells the target best. With a
// list of rows only these count.
func (d *data) partOfText(c *table.Column, rows []int) (best float64, how string) {
	labels := d.y
	if rows == nil {
		rows = d.someRows(copyRows)
	} else {
		labels = d.failing()
	}
	for _, p := range partsOfText {
		groups := map[string][2]int{}
		for _, i := range rows {
			s := c.TextAt(i)
			if s == "" {
				continue
			}
			k := labels[i]
			part := p.of(s)
			n := groups[part]
			n[k]++
			groups[part] = n
		}
		list := make([][2]int, 0, len(groups))
		for _, n := range groups {
			list = append(list, n)
		}
		if a, covered := groupAUC(list, 5); covered > .5 && a > best {
			best, how = a, p.how
		}
	}
	return best, how
}

// failing marks all rows of drives that fail in any row.
func (d *data) failing() []uint8 {
	if d.drive == nil {
		return d.y
	}
	failed := make([]uint8, d.drives)
	for i, g := range d.drive {
		if g >= 0 {
			failed[g] |= d.y[i]
		}
	}
	out := make([]uint8, len(d.y))
	for i, g := range d.drive {
		if out[i] = d.y[i]; g >= 0 {
			out[i] = failed[g]
		}
	}
	return out
}

// checkIdentifier asks, of one row a drive, whether the identifier's order or a
// part of its text tells who fails.
func (d *data) checkIdentifier(c *table.Column) []Finding {
	if d.y == nil || countsRows(c) || d.history && c.Name != d.group {
		return nil
	}
	rows, n := d.firstRows(c)
	if min(n[0], n[1]) < aucRows {
		return nil
	}
	labels := d.y
	if c.Name == d.group {
		labels = d.failing()
	}
	a, how := 0.0, ""
	order := d.orderOf(c, rows)
	y := make([]uint8, len(rows))
	for k, i := range rows {
		y[k] = labels[i]
	}
	if o := countRuns(order, y).auc(); o == o {
		a, how = max(o, 1-o), "the order of the identifiers"
	}
	if c.Kind == table.Text && c.Name == d.group {
		if p, part := d.partOfText(c, rows); p > a {
			a, how = p, part
		}
	}
	if a < aucWarn {
		return nil
	}
	f := Finding{Check: CheckIdentity, Severity: Warn, Column: c.Name, Figures: map[string]float64{"auc": a},
		Says:     fmt.Sprintf("%s tells %s: AUC %.4f over %d of them", how, d.target, a, len(rows)),
		Means:    "failed and healthy drives were numbered or named apart: the identifier, and whatever is made from it, gives the target away",
		Mend:     "keep the column and what is made from it out of the features, and take both classes from one list of drives",
		Evidence: d.examples(3, func(int) bool { return true }, c.Name)}
	if a > aucBlock {
		f.Severity = Block
	}
	return []Finding{f}
}

// firstRows returns one row of each identifier, up to fifty thousand.
func (d *data) firstRows(c *table.Column) (rows []int, n [2]int) {
	labels := d.y
	if c.Name == d.group {
		labels = d.failing()
	}
	seen := map[string]bool{}
	for i := range d.y {
		if s := c.TextAt(i); s != "" && !seen[s] {
			seen[s] = true
			rows = append(rows, i)
			n[labels[i]]++
		}
		if len(seen) >= 50_000 {
			break
		}
	}
	return rows, n
}

// orderOf returns the identifiers as numbers in their order.
func (d *data) orderOf(c *table.Column, rows []int) []float64 {
	out := make([]float64, len(rows))
	if c.Kind == table.Number {
		for k, i := range rows {
			out[k] = c.Floats[i]
		}
		return out
	}
	sorted := make([]string, len(rows))
	for k, i := range rows {
		sorted[k] = c.Texts[i]
	}
	groups := table.GroupsOf(sorted)
	for k, g := range groups {
		out[k] = float64(g)
	}
	return out
}

// checkDate asks whether the day, or the text behind it, tells the target.
func (d *data) checkDate(c *table.Column) []Finding {
	if d.y == nil {
		return nil
	}
	days := d.day
	if c.Name != d.time || days == nil {
		if days = datesOf(c); days == nil {
			return d.checkText(c)
		}
	}
	col := make([]float64, len(days))
	rest := map[string][2]int{}
	for i, day := range days {
		if col[i] = float64(day); day == smart.NoDate {
			col[i] = missing
		}
		if s := c.Texts[i]; len(s) > 10 {
			n := rest[s[10:]]
			n[d.y[i]]++
			rest[s[10:]] = n
		}
	}
	counted := countRuns(col, d.y)
	out := d.missingness(c, counted.n, counted.missing)
	a, how := counted.auc(), "the day, as earlier or later,"
	a = max(a, 1-a)
	groups := make([][2]int, len(counted.runs))
	for i, r := range counted.runs {
		groups[i] = r.n
	}
	if g, covered := groupAUC(groups, 5); covered > .5 && g > a {
		a, how = g, "the day, as a name,"
	}
	groups = groups[:0]
	for _, n := range rest {
		groups = append(groups, n)
	}
	if g, covered := groupAUC(groups, 5); covered > .5 && g > a {
		a, how = g, "the time behind the day"
	}
	if math.IsNaN(a) || a < aucWarn || min(d.n[0], d.n[1]) < aucRows {
		return out
	}
	f := Finding{Check: CheckDates, Severity: Warn, Column: c.Name, Figures: map[string]float64{"auc": a},
		Says:     fmt.Sprintf("%s tells %s: AUC %.4f", how, d.target, a),
		Means:    "failed and healthy drives were read at different times: the date, and everything that moves with it (age, hours, workload), gives the target away",
		Mend:     "take healthy rows of the same days as the failed ones",
		Evidence: d.examples(3, func(int) bool { return true }, c.Name)}
	if a > aucBlock {
		f.Severity = Block
	}
	return append(out, f)
}
