package eval

import (
	"math"

	"github.com/drivecast/drivecast/errs"
)

// Sigmoid turns a score into the probability 1 / (1 + exp(A·score + B)).
type Sigmoid struct {
	A, B float64
}

// At returns the probability of a score.
func (s Sigmoid) At(score float64) float64 { return 1 / (1 + math.Exp(s.A*score+s.B)) }

// FitSigmoid fits Platt's calibration (Platt, 1999), with his smoothed targets,
// to its optimum by Newton's method (Lin, Lin and Weng, 2007). It is the sigmoid
// of scikit-learn's CalibratedClassifierCV, whose solver stops at a gradient of
// 1e-6. weight may be nil. One class alone gives the constant that the targets
// ask for.
func FitSigmoid(truth []int, score, weight []float64) (Sigmoid, error) {
	if err := checkBinary(truth, score, weight); err != nil {
		return Sigmoid{}, err
	}
	p := newPlatt(truth, score, weight)
	if !(p.prior[0]+p.prior[1] > 0) {
		return Sigmoid{}, errs.New(errs.Invalid, "all weights are 0")
	}
	a, b := 0.0, math.Log((p.prior[0]+1)/(p.prior[1]+1))
	loss := p.loss(a, b)
	for range 100 {
		g, h := p.slope(a, b)
		da, db, drop := solve2(h, g)
		if !(drop > 1e-30) {
			break
		}
		moved := false
		for t := 1.0; t > 1e-12 && !moved; t /= 2 {
			next := p.loss(a-t*da, b-t*db)
			if next <= loss-1e-4*t*drop+1e-15*math.Abs(loss) {
				moved, a, b, loss = true, a-t*da, b-t*db, next
			}
		}
		if !moved || drop < 1e-24 {
			break
		}
	}
	return Sigmoid{A: a / p.scale, B: b - a*p.center/p.scale}, nil
}

// platt is the problem in standardised scores.
type platt struct {
	f, w, t       []float64
	center, scale float64
	prior         [2]float64 // weight of each class
}

func newPlatt(truth []int, score, weight []float64) *platt {
	p := &platt{f: make([]float64, len(score)), w: weight, t: make([]float64, len(score))}
	if weight == nil {
		p.w = make([]float64, len(score))
		for i := range p.w {
			p.w[i] = 1
		}
	}
	all := 0.0
	for i, c := range truth {
		p.prior[c] += p.w[i]
		p.center += p.w[i] * score[i]
		all += p.w[i]
	}
	target := [2]float64{1 / (p.prior[0] + 2), (p.prior[1] + 1) / (p.prior[1] + 2)}
	p.center /= all
	for i, s := range score {
		p.t[i] = target[truth[i]]
		p.f[i] = s - p.center
		p.scale += p.w[i] * p.f[i] * p.f[i]
	}
	if p.scale = math.Sqrt(p.scale / all); !(p.scale > 1e-14*math.Abs(p.center)) {
		p.scale = 1
	}
	for i := range p.f {
		p.f[i] /= p.scale
	}
	return p
}

func (p *platt) loss(a, b float64) float64 {
	s := 0.0
	for i, f := range p.f {
		z := -(a*f + b)
		s += p.w[i] * (math.Max(z, 0) - p.t[i]*z + math.Log1p(math.Exp(-math.Abs(z))))
	}
	return s
}

// slope returns the gradient and the Hessian (aa, ab, bb).
func (p *platt) slope(a, b float64) (g [2]float64, h [3]float64) {
	for i, f := range p.f {
		q := 1 / (1 + math.Exp(a*f+b))
		d, c := p.w[i]*(p.t[i]-q), p.w[i]*q*(1-q)
		g[0] += d * f
		g[1] += d
		h[0] += c * f * f
		h[1] += c * f
		h[2] += c
	}
	return g, h
}

// solve2 solves the symmetric system, lifted a little when it is singular, and
// returns the solution's product with g.
func solve2(h [3]float64, g [2]float64) (x, y, drop float64) {
	lift := 0.0
	det := h[0]*h[2] - h[1]*h[1]
	if !(det > 1e-13*h[0]*h[2]) {
		lift = 1e-9 * (h[0] + h[2] + 1e-300)
		det = (h[0]+lift)*(h[2]+lift) - h[1]*h[1]
	}
	x = ((h[2]+lift)*g[0] - h[1]*g[1]) / det
	y = ((h[0]+lift)*g[1] - h[1]*g[0]) / det
	return x, y, x*g[0] + y*g[1]
}
