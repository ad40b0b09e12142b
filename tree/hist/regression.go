package hist

import (
	"context"
	"math"
	"slices"
)

// squared is half the squared error.
type squared struct {
	y    []float64
	w    []float32
	goal []float32 // y less the base
}

func (l *squared) outputs() int        { return 1 }
func (l *squared) prepare([][]float32) {}

func (l *squared) base(ctx context.Context, f *fit) ([]float64, error) {
	sum, all, err := f.weightedSums(ctx, func(i int) float64 { return l.y[i] })
	return []float64{sum / all}, err
}

func (l *squared) start(base []float64) {
	l.goal = make([]float32, len(l.y))
	for i, v := range l.y {
		l.goal[i] = float32(v - base[0])
	}
}

func (l *squared) gradients(score, g, h [][]float32, lo, hi int) {
	for i := lo; i < hi; i++ {
		g[0][i], h[0][i] = score[0][i]-l.goal[i], 1
	}
	if l.w != nil {
		scale(g[0][lo:hi], h[0][lo:hi], l.w[lo:hi])
	}
}

func (l *squared) value(y float64, s []float64) float64 { return (y - s[0]) * (y - s[0]) }
func (l *squared) answer(dst, raw []float64)            { dst[0] = raw[0] }

// poisson is the negative log likelihood of counts with mean exp(score).
type poisson struct {
	y, w  []float64
	first float64
}

func (l *poisson) outputs() int        { return 1 }
func (l *poisson) prepare([][]float32) {}

func (l *poisson) base(ctx context.Context, f *fit) ([]float64, error) {
	sum, all, err := f.weightedSums(ctx, func(i int) float64 { return l.y[i] })
	return []float64{math.Log(sum / all)}, err
}

func (l *poisson) start(base []float64) { l.first = base[0] }

func (l *poisson) gradients(score, g, h [][]float32, lo, hi int) {
	for i := lo; i < hi; i++ {
		mean := math.Exp(float64(score[0][i]) + l.first)
		w := 1.0
		if l.w != nil {
			w = l.w[i]
		}
		g[0][i], h[0][i] = float32((mean-l.y[i])*w), float32(mean*w)
	}
}

func (l *poisson) value(y float64, s []float64) float64 { return math.Exp(s[0]) - y*s[0] }
func (l *poisson) answer(dst, raw []float64)            { dst[0] = math.Exp(raw[0]) }

// quantile is the pinball loss. Its hessian is 1, and leaves are set to the
// quantile of their residuals afterwards.
type quantile struct {
	y, w  []float64
	alpha float64
	first float64
}

func (l *quantile) outputs() int        { return 1 }
func (l *quantile) prepare([][]float32) {}

func (l *quantile) base(_ context.Context, f *fit) ([]float64, error) {
	if err := f.alone("the quantile objective"); err != nil {
		return nil, err
	}
	all := make([]uint32, len(l.y))
	for i := range all {
		all[i] = uint32(i)
	}
	return []float64{l.quantileOf(all, func(i uint32) float64 { return l.y[i] })}, nil
}

func (l *quantile) start(base []float64) { l.first = base[0] }

func (l *quantile) gradients(score, g, h [][]float32, lo, hi int) {
	for i := lo; i < hi; i++ {
		w := 1.0
		if l.w != nil {
			w = l.w[i]
		}
		d := -l.alpha
		if float64(score[0][i])+l.first > l.y[i] {
			d = 1 - l.alpha
		}
		g[0][i], h[0][i] = float32(d*w), float32(w)
	}
}

func (l *quantile) value(y float64, s []float64) float64 {
	return max(l.alpha*(y-s[0]), (l.alpha-1)*(y-s[0]))
}

func (l *quantile) answer(dst, raw []float64) { dst[0] = raw[0] }

// leafValue returns what a leaf adds: the quantile of its rows' residuals.
func (l *quantile) leafValue(rows []uint32, score [][]float32) float64 {
	return l.quantileOf(rows, func(i uint32) float64 { return l.y[i] - l.first - float64(score[0][i]) })
}

// quantileOf returns the smallest value whose cumulative weight reaches alpha of
// the whole, moved towards the next by the remainder when rows have no weights
// (numpy's linear rule).
func (l *quantile) quantileOf(rows []uint32, value func(uint32) float64) float64 {
	type item struct{ v, w float64 }
	items, sum := make([]item, len(rows)), 0.0
	for k, i := range rows {
		items[k] = item{value(i), 1}
		if l.w != nil {
			items[k].w = l.w[i]
		}
	}
	slices.SortFunc(items, func(a, b item) int {
		switch {
		case a.v < b.v || a.v == b.v && a.w < b.w:
			return -1
		case a.v > b.v || a.v == b.v && a.w > b.w:
			return 1
		}
		return 0
	})
	if l.w == nil {
		at := l.alpha * float64(len(items)-1)
		k := int(at)
		if k+1 >= len(items) {
			return items[k].v
		}
		return items[k].v + (at-float64(k))*(items[k+1].v-items[k].v)
	}
	for _, it := range items {
		sum += it.w
	}
	var have float64
	for _, it := range items {
		if have += it.w; have >= l.alpha*sum {
			return it.v
		}
	}
	return items[len(items)-1].v
}
