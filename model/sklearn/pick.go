package sklearn

import (
	"cmp"
	"math"
	"slices"
)

// pick passes some of the columns on: what feature selection becomes.
type pick struct {
	cols int
	keep []int
}

// In returns the columns of a row.
func (t *pick) In() int { return t.cols }

// Out returns the columns that are kept.
func (t *pick) Out() int { return len(t.keep) }

// Apply copies the kept columns of each row.
func (t *pick) Apply(dst, x []float64) {
	for r := range len(x) / t.cols {
		for i, c := range t.keep {
			dst[r*len(t.keep)+i] = x[r*t.cols+c]
		}
	}
}

// pickOf makes a pick of the columns that keep says.
func (n node) pickOf(cols int, keep func(c int) bool) (any, error) {
	t := &pick{cols: cols}
	for c := range cols {
		if keep(c) {
			t.keep = append(t.keep, c)
		}
	}
	if len(t.keep) == 0 {
		return nil, n.bad("it keeps no column")
	}
	return t, nil
}

// varianceThreshold reads VarianceThreshold.
func varianceThreshold(b *builder, n node, depth int) (any, error) {
	v, _, err := n.floats("variances_")
	if err != nil {
		return nil, err
	}
	limit := n.float("threshold", 0)
	return n.pickOf(len(v), func(c int) bool { return v[c] > limit })
}

// eliminated reads RFE and RFECV.
func eliminated(b *builder, n node, depth int) (any, error) {
	v, _, err := n.floats("support_")
	if err != nil {
		return nil, err
	}
	return n.pickOf(len(v), func(c int) bool { return v[c] != 0 })
}

// best reads SelectKBest and SelectPercentile: columns by their scores, NaN being
// the least; of equal ones SelectKBest keeps the last, SelectPercentile the first.
func best(b *builder, n node, depth int) (any, error) {
	scores, _, err := n.floats("scores_")
	if err != nil {
		return nil, err
	}
	order := make([]int, len(scores))
	for c, v := range scores {
		order[c] = c
		if math.IsNaN(v) {
			scores[c] = -math.MaxFloat64
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[a], scores[b]) })
	keep := make([]bool, len(scores))
	if n.o.Class.Name == "SelectPercentile" {
		n.percentile(keep, scores, order)
	} else {
		k := len(scores)
		if n.text("k", "") != "all" {
			k = min(int(n.float("k", 10)), k)
		}
		for _, c := range order[len(order)-k:] {
			keep[c] = true
		}
	}
	return n.pickOf(len(scores), func(c int) bool { return keep[c] })
}

func (n node) percentile(keep []bool, scores []float64, order []int) {
	share := n.float("percentile", 10)
	at := (100 - share) / 100 * float64(len(scores)-1) // numpy's linear interpolation
	lo := int(at)
	limit := scores[order[lo]]
	if lo+1 < len(order) {
		limit += (scores[order[lo+1]] - limit) * (at - float64(lo))
	}
	most := int(float64(len(scores)) * share / 100)
	if share == 100 {
		limit, most = math.Inf(-1), len(scores)
	}
	for c, v := range scores {
		if keep[c] = v > limit; keep[c] {
			most--
		}
	}
	for c, v := range scores {
		if v == limit && most > 0 {
			keep[c] = true
			most--
		}
	}
}

// projection is PCA and TruncatedSVD: products with the components.
type projection struct {
	components [][]float64
	shift      []float64 // what is taken off each product
	scale      []float64 // what it is divided by; nil: 1
}

// In returns the columns of a row.
func (t *projection) In() int { return len(t.components[0]) }

// Out returns the columns made of it.
func (t *projection) Out() int { return len(t.components) }

// Apply transforms rows.
func (t *projection) Apply(dst, x []float64) {
	p, k := t.In(), t.Out()
	for r := range len(x) / p {
		for c := range k {
			v := dot(t.components[c], x[r*p:(r+1)*p]) - t.shift[c]
			if t.scale != nil {
				v /= t.scale[c]
			}
			dst[r*k+c] = v
		}
	}
}

// projectionOf reads PCA and TruncatedSVD.
func projectionOf(b *builder, n node, depth int) (any, error) {
	t := &projection{}
	var err error
	if t.components, err = n.matrix("components_"); err != nil {
		return nil, err
	}
	t.shift = make([]float64, len(t.components))
	if n.has("mean_") {
		mean, err := n.vector("mean_", t.In())
		if err != nil {
			return nil, err
		}
		for c := range t.shift {
			t.shift[c] = dot(t.components[c], mean)
		}
	}
	if n.flag("whiten", false) {
		if t.scale, err = n.vector("explained_variance_", len(t.components)); err != nil {
			return nil, err
		}
		for c, v := range t.scale {
			t.scale[c] = math.Max(math.Sqrt(v), 2.220446049250313e-16)
		}
	}
	return t, nil
}
