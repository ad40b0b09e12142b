package hist

import (
	"context"
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
)

// cox is the negative partial log likelihood of survival times, ties by
// Breslow's rule. A negative target is the time of a censored row.
type cox struct {
	y, w  []float64
	order []int32 // rows by ascending time, deaths before censored at equal times
	first float64
	sumR  []float64 // per row: Σ over deaths up to its time of 1/risk
	sumR2 []float64 // Σ of 1/risk²
}

func newCox(y, w []float64, opt *Options) (*cox, error) {
	if opt.Shard.Peers != nil {
		return nil, errs.New(errs.Unsupported, "the Cox objective needs all rows in one process")
	}
	if err := finite(y); err != nil {
		return nil, err
	}
	l := &cox{y: y, w: w, order: make([]int32, len(y)), sumR: make([]float64, len(y)), sumR2: make([]float64, len(y))}
	deaths := 0
	for i, v := range y {
		if l.order[i] = int32(i); v > 0 {
			deaths++
		}
		if v == 0 {
			return nil, &errs.Input{Row: i + 2, Problem: "the time is 0", Mend: "give a positive time, negative when censored"}
		}
	}
	if deaths == 0 {
		return nil, errs.New(errs.Invalid, "no row of the survival target is a death: all times are negative")
	}
	slices.SortFunc(l.order, func(a, b int32) int {
		ta, tb := math.Abs(y[a]), math.Abs(y[b])
		switch {
		case ta != tb && ta < tb, ta == tb && y[a] > y[b]:
			return -1
		case ta == tb && y[a] == y[b]:
			return int(a) - int(b)
		}
		return 1
	})
	return l, nil
}

func (l *cox) outputs() int                                      { return 1 }
func (l *cox) base(_ context.Context, _ *fit) ([]float64, error) { return []float64{0}, nil }
func (l *cox) start(base []float64)                              { l.first = base[0] }
func (l *cox) answer(dst, raw []float64)                         { dst[0] = math.Exp(raw[0]) }
func (l *cox) weight(i int32) float64 {
	if l.w == nil {
		return 1
	}
	return l.w[i]
}

// prepare walks the rows by time once: the risk set of a time is everyone who
// has not left before it.
func (l *cox) prepare(score [][]float32) {
	top := math.Inf(-1)
	for _, s := range score[0] {
		top = max(top, float64(s))
	}
	var risk float64
	for _, i := range slices.Backward(l.order) {
		risk += l.weight(i) * math.Exp(float64(score[0][i])-top)
	}
	var r, r2, left float64
	for at := 0; at < len(l.order); {
		t, end := math.Abs(l.y[l.order[at]]), at
		var deaths float64
		for ; end < len(l.order) && math.Abs(l.y[l.order[end]]) == t; end++ {
			if i := l.order[end]; l.y[i] > 0 {
				deaths += l.weight(i)
			}
		}
		if now := risk - left; deaths > 0 && now > 0 {
			r += deaths / now
			r2 += deaths / (now * now)
		}
		for ; at < end; at++ {
			i := l.order[at]
			e := math.Exp(float64(score[0][i]) - top)
			left += l.weight(i) * e
			l.sumR[i], l.sumR2[i] = e*r, e*e*r2
		}
	}
}

func (l *cox) gradients(_, g, h [][]float32, lo, hi int) {
	for i := lo; i < hi; i++ {
		dead := 0.0
		if l.y[i] > 0 {
			dead = 1
		}
		w := l.weight(int32(i))
		g[0][i] = float32(w * (l.sumR[i] - dead))
		h[0][i] = float32(w * max(l.sumR[i]-l.sumR2[i], 1e-16))
	}
}

// value is 0: the partial likelihood is not a sum over rows. See coxLoss.
func (l *cox) value(float64, []float64) float64 { return 0 }

// coxLoss returns the negative partial log likelihood a death.
func coxLoss(y, risk, w []float64) float64 {
	c, err := newCox(y, w, &Options{})
	if err != nil {
		return math.NaN()
	}
	var sum, all, deaths float64
	for at := len(c.order); at > 0; {
		t, begin := math.Abs(y[c.order[at-1]]), at
		for ; begin > 0 && math.Abs(y[c.order[begin-1]]) == t; begin-- {
			i := c.order[begin-1]
			sum += c.weight(i) * risk[i]
		}
		for ; at > begin; at-- {
			if i := c.order[at-1]; y[i] > 0 {
				all += c.weight(i) * (math.Log(sum) - math.Log(risk[i]))
				deaths += c.weight(i)
			}
		}
	}
	return all / deaths
}
