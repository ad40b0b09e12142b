package hist

import (
	"math"
	"slices"
	"sort"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree/kernel"
)

// Bins says how each column is cut. It is made once and shared by all processes
// of a data-parallel fit.
type Bins struct {
	Columns []BinColumn
}

// BinColumn is one column's cuts. A number x falls into the first bin i with
// x <= Upper[i], or into bin len(Upper); a category into the bin of its place in
// Categories, or, when it is not listed there, into the bin of missing values. A
// missing value falls into the last bin, number Count()-1.
type BinColumn struct {
	Upper      []float64 // ascending, for numbers
	Categories []int32   // most frequent first, for categories; nil for numbers
}

// Count returns the number of bins, that of missing values included.
func (c *BinColumn) Count() int {
	if c.Categories != nil {
		return len(c.Categories) + 1
	}
	return len(c.Upper) + 2
}

// threshold returns the number that bins 0..i do not exceed. That of the last
// bin parts numbers from missing values.
func (c *BinColumn) threshold(i int) float64 {
	if i < len(c.Upper) {
		return c.Upper[i]
	}
	return math.MaxFloat64
}

// sampleRows is how many rows cuts are made from, as LightGBM's
// bin_construct_sample_cnt.
const sampleRows = 200_000

// maxCategory bounds categories, so that a set of them is at most 128 KiB.
const maxCategory = 1 << 20

// minBinRows is the fewest sampled rows of a bin when a column has more distinct
// values than bins.
const minBinRows = 3

// FitBins cuts the columns of x into at most maxBins bins of about equal weight;
// columns with fewer distinct values get one bin each. More than 200,000 rows
// are sampled with the seed. It returns an error of kind Invalid for infinite
// numbers and for categories that are not whole numbers in 0..1,048,575.
func FitBins(x *table.Matrix, maxBins int, categorical []int, seed uint64, workers int) (*Bins, error) {
	b := &Bins{Columns: make([]BinColumn, x.Cols)}
	rows := sampled(x.Rows, seed)
	faults := make([]error, x.Cols)
	parallel(min(max(workers, 1), x.Cols), func(k int) {
		values := make([]float64, 0, len(rows))
		for c := k; c < x.Cols; c += max(workers, 1) {
			if faults[c] = checkColumn(x, c, slices.Contains(categorical, c)); faults[c] != nil {
				continue
			}
			values = values[:0]
			col := x.Col(c)
			for _, r := range rows {
				if v := col[r]; v == v {
					values = append(values, v)
				}
			}
			b.Columns[c] = binsOf(values, maxBins, slices.Contains(categorical, c))
		}
	})
	for _, err := range faults {
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

// binsOf cuts a column of which values are the sampled ones that are not missing,
// in any order; they are sorted.
func binsOf(values []float64, maxBins int, category bool) BinColumn {
	if category {
		return BinColumn{Categories: commonest(values, maxBins-1)}
	}
	sortFloats(values)
	return BinColumn{Upper: cuts(values, maxBins-1)}
}

// sampled returns the row numbers to cut by, in ascending order.
func sampled(n int, seed uint64) []int {
	d := newDraws(seed, drawBins, 0)
	return d.choose(n, min(n, sampleRows))
}

func checkColumn(x *table.Matrix, c int, category bool) error {
	for r, v := range x.Col(c) {
		if v-v == 0 && (!category || v >= 0 && v < maxCategory && v == math.Trunc(v)) || v != v {
			continue
		}
		fault := &errs.Input{Row: r + 2, Problem: "is infinite", Mend: "leave the cell empty or give a finite number"}
		if category {
			fault.Problem, fault.Mend = "is no category", "give whole numbers from 0 to 1048575"
		}
		if x.Names != nil {
			fault.Column = x.Names[c]
		}
		return fault
	}
	return nil
}

// cuts returns upper bounds of at most most bins for sorted values.
func cuts(values []float64, most int) []float64 {
	distinct, count := runs(values)
	var upper []float64
	if len(distinct) <= most {
		for i := 1; i < len(distinct); i++ {
			upper = append(upper, between(distinct[i-1], distinct[i]))
		}
		return upper
	}
	left, bins := len(values), most
	have, goal := 0, 0.0
	big := make([]bool, len(distinct)) // values that fill a bin of their own
	for i, n := range count {
		if n*most >= len(values) {
			big[i] = true
			left -= n
			bins--
		}
	}
	goal = float64(left) / float64(max(bins, 1))
	for i := 0; i < len(distinct)-1 && len(upper) < most-1; i++ {
		if !big[i] {
			left -= count[i]
		}
		have += count[i]
		full := float64(have) >= max(goal, minBinRows)
		if big[i] || full || big[i+1] && float64(have) >= max(goal/2, 1) {
			upper = append(upper, between(distinct[i], distinct[i+1]))
			have = 0
			if !big[i] {
				bins--
				goal = float64(left) / float64(max(bins, 1))
			}
		}
	}
	return upper
}

// runs returns the distinct values of a sorted slice and how often each occurs.
func runs(sorted []float64) (distinct []float64, count []int) {
	for i, v := range sorted {
		if i == 0 || v != sorted[i-1] {
			distinct, count = append(distinct, v), append(count, 0)
		}
		count[len(count)-1]++
	}
	return distinct, count
}

// between returns a number m with a <= m < b, near the middle.
func between(a, b float64) float64 {
	if m := a/2 + b/2; m >= a && m < b {
		return m
	}
	return a
}

// commonest returns the most frequent whole numbers, most frequent first.
func commonest(values []float64, most int) []int32 {
	seen := map[int32]int{}
	for _, v := range values {
		seen[int32(v)]++
	}
	out := make([]int32, 0, len(seen))
	for k := range seen {
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b int32) int {
		if seen[a] != seen[b] {
			return seen[b] - seen[a]
		}
		return int(a) - int(b)
	})
	return out[:min(len(out), most)]
}

// bin returns the bin of x.
func (c *BinColumn) bin(x float64) uint8 {
	if x != x {
		return uint8(c.Count() - 1)
	}
	if c.Categories != nil {
		if i := slices.Index(c.Categories, int32(x)); i >= 0 && x >= 0 {
			return uint8(i)
		}
		return uint8(len(c.Categories))
	}
	return uint8(sort.SearchFloat64s(c.Upper, x))
}

// set returns the categories of the bins for which left is true.
func (c *BinColumn) set(left *[256]uint8) kernel.Bitset {
	var most int32
	for i, k := range c.Categories {
		if left[i] != 0 {
			most = max(most, k)
		}
	}
	b := make(kernel.Bitset, most/64+1)
	for i, k := range c.Categories {
		if left[i] != 0 {
			b[k/64] |= 1 << (k % 64)
		}
	}
	return b
}
