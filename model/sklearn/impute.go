package sklearn

import (
	"math"
	"slices"
	"sort"

	"github.com/drivecast/drivecast/model/pickle"
)

// imputer is SimpleImputer: missing values become a statistic of their column,
// columns without one are left out, and flags of what was missing may follow.
type imputer struct {
	cols    int
	missing float64 // NaN, or the number that stands for a missing value
	fill    [][]float64
	keep    []int // columns that are kept
	flags   []int // columns whose flags follow
}

// In returns the columns of a row.
func (t *imputer) In() int { return t.cols }

// Out returns the columns made of it.
func (t *imputer) Out() int { return len(t.keep) + len(t.flags) }

// Apply transforms rows.
func (t *imputer) Apply(dst, x []float64) {
	w := t.Out()
	for r := range len(x) / t.cols {
		row, out := x[r*t.cols:(r+1)*t.cols], dst[r*w:(r+1)*w]
		for i, c := range t.keep {
			out[i] = row[c]
			if t.gone(row[c]) {
				out[i] = t.fill[c][0]
			}
		}
		for i, c := range t.flags {
			out[len(t.keep)+i] = 0
			if t.gone(row[c]) {
				out[len(t.keep)+i] = 1
			}
		}
	}
}

func (t *imputer) gone(v float64) bool {
	return v == t.missing || math.IsNaN(t.missing) && math.IsNaN(v)
}

// fillText is a text that fills the gaps of a column; code becomes its place
// among the categories once an encoder names them.
type fillText struct {
	text string
	code []float64
}

// imputerOf reads SimpleImputer.
func imputerOf(b *builder, n node, depth int) (any, error) {
	stats, err := n.array("statistics_")
	if err != nil {
		return nil, err
	}
	vals, err := stats.Values()
	if err != nil {
		return nil, err
	}
	t := &imputer{cols: len(vals), missing: n.float("missing_values", math.NaN())}
	keepEmpty := n.flag("keep_empty_features", false) || n.text("strategy", "mean") == "constant"
	for c, v := range vals {
		code := []float64{math.NaN()}
		if s, ok := v.(string); ok {
			at := c
			if b.cols != nil {
				at = b.cols[c]
			}
			if b.fills == nil {
				b.fills = map[int][]fillText{}
			}
			b.fills[at] = append(b.fills[at], fillText{s, code})
			t.keep = append(t.keep, c)
		} else {
			f, ok := pickle.Float(v)
			if !ok {
				return nil, n.bad("column %d is filled with %s", c, pickle.Describe(v))
			}
			code[0] = f
			if !math.IsNaN(f) || keepEmpty {
				t.keep = append(t.keep, c)
			}
		}
		t.fill = append(t.fill, code)
	}
	if n.flag("add_indicator", false) {
		ind, err := n.object("indicator_")
		if err != nil {
			return nil, err
		}
		v, _ := ind.o.Attr("features_")
		if t.flags, err = columnsOf(v, t.cols); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// bins is KBinsDiscretizer: the number of the bin, or a column for each.
type bins struct {
	edges [][]float64 // inner edges of each column
	count []int
	hot   bool
}

// In returns the columns of a row.
func (t *bins) In() int { return len(t.edges) }

// Out returns the columns made of it.
func (t *bins) Out() int {
	if !t.hot {
		return len(t.edges)
	}
	w := 0
	for _, c := range t.count {
		w += c
	}
	return w
}

// Apply transforms rows.
func (t *bins) Apply(dst, x []float64) {
	p, w := len(t.edges), t.Out()
	clear(dst[:len(x)/p*w])
	for r := range len(x) / p {
		at := r * w
		for c, e := range t.edges {
			v := x[r*p+c]
			bin := sort.Search(len(e), func(i int) bool { return e[i] > v })
			if t.hot {
				dst[at+min(bin, t.count[c]-1)] = 1
				at += t.count[c]
			} else {
				dst[at+c] = float64(bin)
			}
		}
	}
}

// binsOf reads KBinsDiscretizer.
func binsOf(b *builder, n node, depth int) (any, error) {
	lists, err := n.items("bin_edges_")
	if err != nil {
		return nil, err
	}
	counts, err := n.vector("n_bins_", len(lists))
	if err != nil {
		return nil, err
	}
	t := &bins{hot: n.text("encode", "onehot") != "ordinal"}
	for c, item := range lists {
		a, ok := item.(*pickle.Array)
		if !ok {
			return nil, n.bad("the edges of column %d are %s", c, pickle.Describe(item))
		}
		e, err := a.Floats()
		if err != nil {
			return nil, err
		}
		if len(e) < 2 || counts[c] != float64(len(e)-1) || !slices.IsSorted(e) {
			return nil, n.bad("column %d has %v bins and %d edges", c, counts[c], len(e))
		}
		t.edges = append(t.edges, e[1:len(e)-1])
		t.count = append(t.count, len(e)-1)
	}
	return t, nil
}

// polynomial is PolynomialFeatures: products of up to degree columns.
type polynomial struct {
	cols  int
	terms [][]int // columns that are multiplied; none: 1
}

// In returns the columns of a row.
func (t *polynomial) In() int { return t.cols }

// Out returns the columns made of it.
func (t *polynomial) Out() int { return len(t.terms) }

// Apply transforms rows.
func (t *polynomial) Apply(dst, x []float64) {
	for r := range len(x) / t.cols {
		row := x[r*t.cols : (r+1)*t.cols]
		for i, term := range t.terms {
			v := 1.0
			if len(term) > 0 {
				v = row[term[len(term)-1]]
				for k := len(term) - 2; k >= 0; k-- {
					v *= row[term[k]]
				}
			}
			dst[r*len(t.terms)+i] = v
		}
	}
}

const maxTerms = 1 << 20

// polynomialOf reads PolynomialFeatures.
func polynomialOf(b *builder, n node, depth int) (any, error) {
	p := n.features()
	if p == 0 {
		p = int(n.float("n_input_features_", 0))
	}
	lo, hi := 0.0, n.float("degree", 2)
	if v, ok := n.o.Attr("degree"); ok {
		if pair, ok := v.(pickle.Tuple); ok && len(pair) == 2 {
			lo, _ = pickle.Float(pair[0])
			hi, _ = pickle.Float(pair[1])
		}
	}
	want := n.float("n_output_features_", 0)
	if p == 0 || hi < 0 || hi > 32 || want > maxTerms {
		return nil, n.bad("degree %v of %d columns", hi, p)
	}
	t := &polynomial{cols: p}
	once := n.flag("interaction_only", false)
	for d := 0; d <= int(hi); d++ {
		if d == 0 && n.flag("include_bias", true) {
			t.terms = append(t.terms, nil)
		}
		if d >= 1 && d >= int(lo) {
			t.grow(nil, d, once)
		}
		if len(t.terms) > maxTerms {
			return nil, n.bad("more than %d columns", maxTerms)
		}
	}
	if float64(len(t.terms)) != want {
		return nil, n.bad("%v columns were fitted, %d follow from its parameters", want, len(t.terms))
	}
	return t, nil
}

// grow appends the terms of d more columns after those of head.
func (t *polynomial) grow(head []int, d int, once bool) {
	if d == 0 {
		t.terms = append(t.terms, slices.Clone(head))
		return
	}
	from := 0
	if len(head) > 0 {
		from = head[len(head)-1]
		if once {
			from++
		}
	}
	for c := from; c < t.cols && len(t.terms) <= maxTerms; c++ {
		t.grow(append(head, c), d-1, once)
	}
}
