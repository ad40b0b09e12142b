package audit

import (
	"fmt"
	"hash/maphash"
	"math"
	"slices"

	"github.com/drivecast/drivecast/smart"
	"github.com/drivecast/drivecast/table"
)

const (
	duplicateBlock = .01 // share of rows that are others again
	bothBlock      = .01 // share of drive-times that are in both classes
	copiesBlock    = .10 // share of the failures' rows that have a near copy in the other class
)

// hashes returns a hash of each row over the columns for which use holds.
func (d *data) hashes(use func(c *table.Column) bool) []uint64 {
	seed := maphash.MakeSeed()
	out := make([]uint64, d.Table.Rows())
	for _, c := range d.Table.Columns {
		if !use(c) {
			continue
		}
		for i := range out {
			var h uint64
			if c.Kind == table.Text {
				h = maphash.String(seed, c.Texts[i])
			} else if v := c.Floats[i]; v == v {
				h = math.Float64bits(v + 0)
			} else {
				h = 1
			}
			out[i] = mix(out[i]*31 ^ h)
		}
	}
	return out
}

func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// countsRows reports whether a column only numbers the rows.
func countsRows(c *table.Column) bool {
	if c.Kind != table.Number || len(c.Floats) < 3 {
		return false
	}
	for i, v := range c.Floats {
		if v != c.Floats[0]+float64(i) {
			return false
		}
	}
	return true
}

// checkDuplicates counts rows that are others again in everything but an index.
func (d *data) checkDuplicates() []Finding {
	index := map[*table.Column]bool{}
	for _, c := range d.Table.Columns {
		index[c] = c.Name == "" || countsRows(c)
	}
	h := d.hashes(func(c *table.Column) bool { return !index[c] })
	first := make(map[uint64]int32, len(h))
	again := 0
	var rows []Row
	for i, v := range h {
		j, ok := first[v]
		if !ok {
			first[v] = int32(i)
			continue
		}
		if again++; len(rows) < 6 {
			rows = append(rows, d.rowOf(int(j)), d.rowOf(i))
		}
	}
	if again == 0 {
		return nil
	}
	share := float64(again) / float64(len(h))
	f := Finding{Check: CheckDuplicates, Severity: Warn, Figures: map[string]float64{"rows": float64(again), "share": share}, Evidence: rows, Fix: "rows=distinct",
		Says:  fmt.Sprintf("%d of %d rows (%s) are other rows again, field by field", again, len(h), percent(share)),
		Means: "a random split puts a row on one side and its twin on the other: the model is judged on what it has learned by heart",
		Mend:  "drop the second ones (--fix rows=distinct)"}
	switch {
	case !d.fine():
		f.Severity = Note
		f.Means = "the columns are so coarse that different drives may well agree in all of them"
		f.Mend = "bring a column that names the drive, to tell copies from agreement"
	case share >= duplicateBlock && again >= 10:
		f.Severity = Block
	}
	return []Finding{f}
}

// fine reports whether two honest rows can hardly be equal: a drive is named, or
// a column of numbers has mostly distinct values.
func (d *data) fine() bool {
	if d.drive != nil {
		return true
	}
	return slices.ContainsFunc(d.Table.Columns, func(c *table.Column) bool { return d.continuous(c) })
}

// continuous reports whether a feature has mostly distinct values.
func (d *data) continuous(c *table.Column) bool {
	if d.role(c) != feature || c.Kind != table.Number || countsRows(c) {
		return false
	}
	seen := map[float64]struct{}{}
	n := 0
	for i := 0; i < len(c.Floats) && n < 5000; i++ {
		if v := c.Floats[i]; v == v && v != 0 {
			n++
			seen[v] = struct{}{}
		}
	}
	return n*4 >= min(len(c.Floats), 5000) && len(seen)*2 > n
}

// checkBothClasses looks for drives that are failed and healthy at one time.
func (d *data) checkBothClasses() []Finding {
	if d.y == nil || d.drive == nil {
		return nil
	}
	type key struct {
		drive int32
		day   smart.Date
	}
	rows := make(map[key][2]int32, len(d.drive))
	for i, g := range d.drive {
		if g < 0 {
			continue
		}
		k := key{drive: g}
		if d.history {
			k.day = d.day[i]
		}
		r := rows[k]
		r[d.y[i]] = int32(i + 1)
		rows[k] = r
	}
	both, failed := 0, 0
	var shown [][2]int32
	for _, r := range rows {
		if r[1] > 0 {
			failed++
			if r[0] > 0 {
				both++
				shown = append(shown, r)
			}
		}
	}
	if both == 0 {
		return nil
	}
	slices.SortFunc(shown, func(a, b [2]int32) int { return int(min(a[0], a[1]) - min(b[0], b[1])) })
	f := Finding{Check: CheckBothClasses, Severity: Warn, Column: d.group, Figures: map[string]float64{"failed": float64(failed), "both": float64(both)},
		Says:  fmt.Sprintf("%d of %d failed drives are also in the data as %s=%s, at the same time", both, failed, d.target, d.classes[0]),
		Means: "a drive cannot fail and not fail: healthy rows were made from failed drives, or labels are wrong; on a random split the model meets the same drive on both sides",
		Mend:  "take healthy rows from drives that did not fail, and split by drive (in folds grouped by " + d.group + ")"}
	if both*100 >= failed && both >= 5 {
		f.Severity = Block
	}
	for _, r := range shown[:min(3, len(shown))] {
		f.Evidence = append(f.Evidence, d.rowOf(int(r[0])-1), d.rowOf(int(r[1])-1))
	}
	return []Finding{f}
}

// checkOrder asks whether the row's number tells the target.
func (d *data) checkOrder() []Finding {
	if d.y == nil || d.history {
		return nil
	}
	index := make([]float64, len(d.y))
	for i := range index {
		index[i] = float64(i)
	}
	a := countRuns(index, d.y).auc()
	a = max(a, 1-a)
	if a < aucWarn || min(d.n[0], d.n[1]) < aucRows {
		return nil
	}
	return []Finding{{Check: CheckOrder, Severity: Warn, Figures: map[string]float64{"auc": a},
		Says:     fmt.Sprintf("the rows are sorted by %s: the row's number tells it with an AUC of %.4f", d.target, a),
		Means:    "a split without shuffling has one class on one side; a column that counts the rows would give the target away",
		Mend:     "shuffle, or split at random by drive; keep row numbers out of the features",
		Evidence: d.examples(2, func(int) bool { return true })}}
}

// checkCounts asks whether the number of a drive's rows tells whether it fails.
// In a history a failed drive's rows end, by nature; there it is asked how dense
// they are, and when they begin.
func (d *data) checkCounts() []Finding {
	if d.y == nil || d.drive == nil || d.drives == len(d.drive) {
		return nil
	}
	n, failed := make([]float64, d.drives), make([]uint8, d.drives)
	first, last := make([]float64, d.drives), make([]float64, d.drives)
	for i, g := range d.drive {
		if g < 0 {
			continue
		}
		n[g]++
		failed[g] |= d.y[i]
		if d.history && d.day[i] != smart.NoDate {
			t := float64(d.day[i])
			if first[g] == 0 || t < first[g] {
				first[g] = t
			}
			last[g] = max(last[g], t)
		}
	}
	what := "the number of a drive's rows"
	if d.history {
		what = "how densely a drive's days follow one another"
		for g := range n {
			n[g] /= last[g] - first[g] + 1
		}
	}
	c := countRuns(n, failed)
	out := d.counts(c, what, d.drives)
	if d.history && len(out) == 0 {
		out = d.counts(countRuns(first, failed), "the day on which a drive's rows begin", d.drives)
	}
	return out
}

func (d *data) counts(c counts, what string, drives int) []Finding {
	a := c.auc()
	a = max(a, 1-a)
	if !(a >= aucWarn) || min(c.n[0], c.n[1]) < aucRows {
		return nil
	}
	f := Finding{Check: CheckCounts, Severity: Warn, Column: d.group, Figures: map[string]float64{"auc": a},
		Says:     fmt.Sprintf("%s tells whether it fails, with an AUC of %.4f over %d drives", what, a, drives),
		Means:    "failed and healthy drives were collected in different ways; whatever counts or accumulates over rows (deltas, maxima, days seen) gives the target away",
		Mend:     "take the same stretch of days of every drive",
		Evidence: d.examples(3, func(int) bool { return true }, d.group)}
	if a > aucBlock {
		f.Severity = Block
	}
	return []Finding{f}
}
