package hist

import (
	"context"
	"math"
)

// binary is the log loss of two classes.
type binary struct {
	sign   []float32 // target: 0 or 1
	w      []float32 // nil: 1
	offset float32   // base score
}

func newBinary(class []int32, w []float64) *binary {
	b := &binary{sign: make([]float32, len(class)), w: narrowed(w)}
	for i, k := range class {
		b.sign[i] = float32(k)
	}
	return b
}

func (b *binary) outputs() int        { return 1 }
func (b *binary) prepare([][]float32) {}

func (b *binary) base(ctx context.Context, f *fit) ([]float64, error) {
	ones, all, err := f.weightedSums(ctx, func(i int) float64 { return float64(b.sign[i]) })
	if err != nil {
		return nil, err
	}
	if ones <= 0 || ones >= all {
		return []float64{0}, nil
	}
	v := math.Log(ones / (all - ones))
	return []float64{v}, nil
}

func (b *binary) start(base []float64) { b.offset = float32(base[0]) }

func (b *binary) gradients(score, g, h [][]float32, lo, hi int) {
	var w []float32
	if b.w != nil {
		w = b.w[lo:hi]
	}
	logistic(g[0][lo:hi], h[0][lo:hi], score[0][lo:hi], b.sign[lo:hi], b.offset)
	if w != nil {
		scale(g[0][lo:hi], h[0][lo:hi], w)
	}
}

func scale(g, h, w []float32) {
	for i, v := range w {
		g[i] *= v
		h[i] *= v
	}
}

func (b *binary) value(y float64, s []float64) float64 {
	z := s[0]
	if y > 0 {
		z = -z
	}
	return softplus(z)
}

// softplus returns log(1+exp(z)) without overflow.
func softplus(z float64) float64 { return max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))) }

func (b *binary) answer(dst, raw []float64) {
	p := sigmoid(raw[0])
	dst[0], dst[1] = 1-p, p
}

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

// Constants of expFast: log2(e), ln 2 in two parts, and Taylor coefficients.
const (
	log2e = 1.442695041
	ln2Hi = 0.693359375
	ln2Lo = -2.12194440e-4
	magic = 12582912 // 1.5·2^23: adding and subtracting it rounds to a whole number
	exp6  = 1.0 / 720
	exp5  = 1.0 / 120
	exp4  = 1.0 / 24
	exp3  = 1.0 / 6
	exp2  = 0.5
	limit = 87
)

// expFast returns exp(x) to about 3e-7 for |x| <= 87, x being cut to that. Every
// product is rounded before it is added, so that all machines agree.
func expFast(x float32) float32 {
	x = max(min(x, limit), -limit)
	n := float32(x*log2e) + magic
	n -= magic
	r := x - float32(n*ln2Hi)
	r -= float32(n * ln2Lo)
	p := float32(exp6*r) + exp5
	p = float32(p*r) + exp4
	p = float32(p*r) + exp3
	p = float32(p*r) + exp2
	p = float32(p*float32(r*r)) + r
	p++
	return p * math.Float32frombits(uint32(int32(n)+127)<<23)
}

// logisticGo is logistic in plain Go: g = p-y and h = p(1-p), at least 1e-16,
// where p is the probability at log-odds score+offset.
func logisticGo(g, h, score, y []float32, offset float32) {
	for i, s := range score {
		p := 1 / (1 + expFast(-(s + offset)))
		g[i] = p - y[i]
		h[i] = max(float32(p*(1-p)), 1e-16)
	}
}

// softmax is the log loss of K classes, K trees a round.
type softmax struct {
	class   []int32
	w       []float32
	classes int
	first   []float64 // base scores
}

func (m *softmax) outputs() int        { return m.classes }
func (m *softmax) prepare([][]float32) {}

func (m *softmax) base(ctx context.Context, f *fit) ([]float64, error) {
	base := make([]float64, m.classes)
	for k := range base {
		n, all, err := f.weightedSums(ctx, func(i int) float64 {
			if m.class[i] == int32(k) {
				return 1
			}
			return 0
		})
		if err != nil {
			return nil, err
		}
		base[k] = math.Log(max(n/all, 1e-12))
	}
	return base, nil
}

func (m *softmax) start(base []float64) { m.first = base }

func (m *softmax) gradients(score, g, h [][]float32, lo, hi int) {
	e := make([]float64, m.classes)
	factor := float64(m.classes) / float64(m.classes-1)
	for i := lo; i < hi; i++ {
		top := math.Inf(-1)
		for k := range e {
			e[k] = float64(score[k][i]) + m.first[k]
			top = max(top, e[k])
		}
		var sum float64
		for k, v := range e {
			e[k] = math.Exp(v - top)
			sum += e[k]
		}
		w := 1.0
		if m.w != nil {
			w = float64(m.w[i])
		}
		for k, v := range e {
			p, hit := v/sum, 0.0
			if m.class[i] == int32(k) {
				hit = 1
			}
			g[k][i], h[k][i] = float32((p-hit)*w), float32(max(factor*p*(1-p), 1e-16)*w)
		}
	}
}

func (m *softmax) value(y float64, s []float64) float64 {
	top, sum := math.Inf(-1), 0.0
	for _, v := range s {
		top = max(top, v)
	}
	for _, v := range s {
		sum += math.Exp(v - top)
	}
	return top + math.Log(sum) - s[int(y)]
}

func (m *softmax) answer(dst, raw []float64) {
	top, sum := math.Inf(-1), 0.0
	for _, v := range raw {
		top = max(top, v)
	}
	for k, v := range raw {
		dst[k] = math.Exp(v - top)
		sum += dst[k]
	}
	for k := range dst {
		dst[k] /= sum
	}
}
