package audit

import (
	"fmt"
	"math"
	"slices"

	"github.com/drivecast/drivecast/table"
)

const (
	copyRows   = 20_000 // rows looked at, the failures first
	copyNear   = .004   // of a column's ranks
	copyWindow = 6      // neighbours looked at on each side of a sorted column
)

// checkCopies looks for rows of one class that nearly agree with a row of the
// other in every fine column: healthy drives made from failed ones by a little
// noise. It needs three fine columns that are not one column again.
func (d *data) checkCopies() []Finding {
	if d.y == nil || d.history || min(d.n[0], d.n[1]) < 30 {
		return nil
	}
	rows := d.someRows(copyRows)
	ranks := d.independentRanks(rows)
	if len(ranks) < 3 {
		return nil
	}
	mate := make([]int, len(rows))
	for i := range mate {
		mate[i] = -1
	}
	order := make([]int, len(rows))
	for _, r := range ranks {
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int { return compare(r[a], r[b]) })
		for at, a := range order {
			for next := at + 1; next < min(at+1+copyWindow*8, len(order)); next++ {
				b := order[next]
				if r[b]-r[a] > copyNear {
					break
				}
				if d.y[rows[a]] != d.y[rows[b]] && d.nearAll(ranks, a, b) {
					mate[a], mate[b] = b, a
				}
			}
		}
	}
	found, failures := 0, 0
	var shown []Row
	for i, m := range mate {
		if d.y[rows[i]] == 1 {
			failures++
			if m >= 0 {
				if found++; len(shown) < 6 {
					shown = append(shown, d.rowOf(rows[i], d.fineNames(3)...), d.rowOf(rows[m], d.fineNames(3)...))
				}
			}
		}
	}
	share := float64(found) / float64(failures)
	if share < copiesBlock || found < 10 {
		return nil
	}
	return []Finding{{Check: CheckCopies, Severity: Block, Figures: map[string]float64{"share": share, "failures": float64(failures)}, Evidence: shown,
		Says:  fmt.Sprintf("%d of %d failures looked at (%s) have a row of %s=%s that agrees with them in all %d fine columns to within %v of their ranks", found, failures, percent(share), d.target, d.classes[0], len(ranks), copyNear),
		Means: "one class was made from the other by a little noise; what divides them is the noise",
		Mend:  "take healthy rows from drives that did not fail"}}
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// someRows returns up to n rows: half of them failures at most, spread evenly.
func (d *data) someRows(n int) []int {
	var of [2][]int
	for i, k := range d.y {
		of[k] = append(of[k], i)
	}
	var out []int
	for k := range of {
		every := max(1, float64(len(of[k]))/float64(n/2))
		for at := 0.0; int(at) < len(of[k]); at += every {
			out = append(out, of[k][int(at)])
		}
	}
	slices.Sort(out)
	return out
}

func (d *data) fineNames(n int) []string {
	var out []string
	for _, c := range d.Table.Columns {
		if len(out) < n && d.continuous(c) {
			out = append(out, c.Name)
		}
	}
	return out
}

// independentRanks returns each fine column as ranks in 0 to 1, leaving out those
// that follow another one closely. Missing values have no rank.
func (d *data) independentRanks(rows []int) [][]float64 {
	var out [][]float64
	for _, c := range d.Table.Columns {
		if len(out) == 8 || !d.continuous(c) {
			continue
		}
		r := ranksOf(c, rows)
		if !slices.ContainsFunc(out, func(o []float64) bool { return math.Abs(correlation(o, r)) > .6 }) {
			out = append(out, r)
		}
	}
	return out
}

func ranksOf(c *table.Column, rows []int) []float64 {
	values := make([]float64, 0, len(rows))
	for _, i := range rows {
		if v := c.Floats[i]; v == v {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	out := make([]float64, len(rows))
	for k, i := range rows {
		out[k] = missing
		if v := c.Floats[i]; v == v {
			at, _ := slices.BinarySearch(values, v)
			out[k] = float64(at) / float64(len(values))
		}
	}
	return out
}

func correlation(a, b []float64) float64 {
	var n, sa, sb, aa, bb, ab float64
	for i := range a {
		if a[i] != a[i] || b[i] != b[i] {
			continue
		}
		n++
		sa, sb = sa+a[i], sb+b[i]
		aa, bb, ab = aa+a[i]*a[i], bb+b[i]*b[i], ab+a[i]*b[i]
	}
	return (n*ab - sa*sb) / math.Sqrt(max((n*aa-sa*sa)*(n*bb-sb*sb), 1e-12))
}

// nearAll reports whether two rows agree in every column. Fewer columns need more
// agreement, so that chance brings less than one pair in a thousand rows.
func (d *data) nearAll(ranks [][]float64, a, b int) bool {
	near := copyNear
	if len(ranks) > 3 {
		near *= 4
	}
	for _, r := range ranks {
		if !(math.Abs(r[a]-r[b]) <= near) {
			return false
		}
	}
	return true
}
