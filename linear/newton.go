package linear

import (
	"context"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// problem is a penalised log loss in scaled columns. The unknowns are, for each
// row of coefficients, the weights of the columns and then the intercept.
type problem struct {
	x       *table.Matrix // scaled
	class   []int
	w       []float64
	rows    int       // rows of coefficients: 1 for two classes, else the classes
	width   int       // unknowns a row
	penalty []float64 // of each unknown of a row
	fixed   bool      // no intercept: its unknown stays where the columns' means put it
	workers int
	theta   []float64
}

func newProblem(x *table.Matrix, y, w, labels []float64, s *Scaler, opt Options) *problem {
	p := &problem{x: x, class: make([]int, len(y)), w: w, rows: len(labels), width: x.Cols + 1, workers: opt.Workers}
	if p.rows == 2 {
		p.rows = 1
	}
	if p.workers <= 0 {
		p.workers = runtime.GOMAXPROCS(0)
	}
	for i, v := range y {
		p.class[i], _ = slices.BinarySearch(labels, v)
	}
	p.penalty = make([]float64, p.width)
	for j := range x.Cols {
		p.penalty[j] = 1 / opt.C / (s.Scale[j] * s.Scale[j])
	}
	if !opt.FitIntercept {
		p.fixed = true
		for j := range x.Cols { // columns keep their zero: only scaled
			col := x.Col(j)
			for r := range col {
				col[r] += s.Mean[j] / s.Scale[j]
			}
		}
	}
	p.theta = make([]float64, p.rows*p.width)
	return p
}

// model turns the solution back into raw units.
func (p *problem) model(s *Scaler) *Logistic {
	m := &Logistic{}
	for k := range p.rows {
		t := p.theta[k*p.width : (k+1)*p.width]
		coef, b := make([]float64, p.x.Cols), t[p.x.Cols]
		for j := range coef {
			coef[j] = t[j] / s.Scale[j]
			if !p.fixed {
				b -= float64(coef[j] * s.Mean[j])
			}
		}
		m.Coef, m.Intercept = append(m.Coef, coef), append(m.Intercept, b)
	}
	if p.rows > 1 && !p.fixed { // softmax leaves their common shift open: make them sum to 0
		mean := 0.0
		for _, b := range m.Intercept {
			mean += b / float64(p.rows)
		}
		for k := range m.Intercept {
			m.Intercept[k] -= mean
		}
	}
	return m
}

// Below this squared Newton decrement, relative to the objective, one more full
// step reaches the last bits, since steps square the error.
const closeEnough = 1e-18

// minimise takes Newton steps with backtracking until the optimum is reached.
func (p *problem) minimise(ctx context.Context, opt Options) error {
	here := p.evaluate(p.theta)
	for it := 1; it <= opt.MaxIter; it++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		step, err := p.direction(here)
		if err != nil {
			return err
		}
		decrement := 0.0
		for i, s := range step {
			decrement += here.grad[i] * s
		}
		last := decrement <= closeEnough*max(1, here.value)
		next, moved := p.search(here, step, decrement)
		if opt.Progress != nil {
			opt.Progress(it)
		}
		if !moved {
			return nil
		}
		if last {
			return nil
		}
		here = next
	}
	return nil
}

// search shortens the step until the objective falls enough.
func (p *problem) search(here evaluation, step []float64, decrement float64) (evaluation, bool) {
	start := slices.Clone(p.theta)
	for length := 1.0; length > 1e-10; length /= 2 {
		for i, s := range step {
			p.theta[i] = start[i] - length*s
		}
		next := p.evaluate(p.theta)
		if next.value <= here.value-1e-4*length*decrement+4e-16*math.Abs(here.value) {
			return next, true
		}
	}
	copy(p.theta, start)
	return here, false
}

// evaluation is the objective at one point, with slope and curvature.
type evaluation struct {
	value float64
	grad  []float64
	hess  []float64 // n × n, lower triangle
}

const blockRows = 4096

// evaluate sums over blocks of rows, in the order of the blocks whatever worker
// did which.
func (p *problem) evaluate(theta []float64) evaluation {
	n := len(theta)
	blocks := (p.x.Rows + blockRows - 1) / blockRows
	parts := make([]evaluation, blocks)
	var wg sync.WaitGroup
	for worker := range min(p.workers, blocks) {
		wg.Go(func() {
			for b := worker; b < blocks; b += p.workers {
				parts[b] = p.block(theta, b*blockRows, min((b+1)*blockRows, p.x.Rows))
			}
		})
	}
	wg.Wait()
	sum := evaluation{grad: make([]float64, n), hess: make([]float64, n*n)}
	for _, e := range parts {
		sum.value += e.value
		add(sum.grad, e.grad)
		add(sum.hess, e.hess)
	}
	for i, t := range theta {
		j := i % p.width
		sum.value += p.penalty[j] * t * t / 2
		sum.grad[i] += p.penalty[j] * t
		sum.hess[i*n+i] += p.penalty[j]
		if p.fixed && j == p.x.Cols {
			sum.grad[i] = 0
			for k := range n {
				sum.hess[i*n+k], sum.hess[k*n+i] = 0, 0
			}
			sum.hess[i*n+i] = 1
		}
	}
	return sum
}

func add(dst, src []float64) {
	for i, v := range src {
		dst[i] += v
	}
}

// block evaluates rows lo to hi.
func (p *problem) block(theta []float64, lo, hi int) evaluation {
	n := len(theta)
	e := evaluation{grad: make([]float64, n), hess: make([]float64, n*n)}
	row := make([]float64, p.width)
	prob := make([]float64, p.rows)
	row[p.x.Cols] = 1
	for r := lo; r < hi; r++ {
		w := p.w[r]
		if w == 0 {
			continue
		}
		for c := range p.x.Cols {
			row[c] = p.x.Data[c*p.x.Rows+r]
		}
		e.value += w * p.probabilities(prob, theta, row, p.class[r])
		for k, q := range prob {
			target := 0.0
			if p.class[r] == k+boolToInt(p.rows == 1) {
				target = 1
			}
			g := e.grad[k*p.width : (k+1)*p.width]
			d := w * (q - target)
			for i, v := range row {
				g[i] += d * v
			}
			for l := 0; l <= k; l++ {
				h := -w * q * prob[l]
				if l == k {
					h = w * q * (1 - q)
				}
				p.outer(e.hess, row, h, k, l)
			}
		}
	}
	return e
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// outer adds h·row·rowᵀ to block (k, l) of the curvature.
func (p *problem) outer(hess, row []float64, h float64, k, l int) {
	n := p.rows * p.width
	for i, v := range row {
		hv := h * v
		end := p.width
		if k == l {
			end = i + 1
		}
		dst := hess[(k*p.width+i)*n+l*p.width:][:end]
		for j := range dst {
			dst[j] += hv * row[j]
		}
	}
}

// probabilities fills in that of each row of coefficients and returns the log
// loss of the true class.
func (p *problem) probabilities(prob, theta, row []float64, class int) float64 {
	for k := range prob {
		z := 0.0
		for i, v := range row {
			z += theta[k*p.width+i] * v
		}
		prob[k] = z
	}
	if p.rows == 1 {
		z := prob[0]
		prob[0] = sigmoid(z)
		if class == 0 {
			return softplus(z)
		}
		return softplus(-z)
	}
	top := slices.Max(prob)
	z, sum := prob[class]-top, 0.0
	for _, v := range prob {
		sum += math.Exp(v - top)
	}
	softmax(prob)
	return math.Log(sum) - z
}

// softplus is log(1 + exp(z)) without overflow.
func softplus(z float64) float64 {
	if z > 0 {
		return z + math.Log1p(math.Exp(-z))
	}
	return math.Log1p(math.Exp(z))
}

// direction solves curvature · step = slope by Cholesky's factors. Where the
// curvature is flat (collinear columns without a penalty, the common shift of
// softmax intercepts) it is lifted a little, which leaves the optimum where it is.
func (p *problem) direction(e evaluation) ([]float64, error) {
	n := len(e.grad)
	top := 0.0
	for i := range n {
		top = math.Max(top, e.hess[i*n+i])
	}
	if top == 0 {
		top = 1
	}
	for lift := 0.0; lift < 1; lift = max(lift*100, 1e-14) {
		a := slices.Clone(e.hess)
		for i := range n {
			a[i*n+i] += lift * top
		}
		if factor(a, n, 1e-15*top) {
			return solve(a, n, e.grad), nil
		}
	}
	return nil, errs.New(errs.Invalid, "logistic regression does not converge: the columns overflow; scale them first")
}

// factor replaces the lower triangle of a by Cholesky's factor. It reports false
// when a pivot is not above the floor.
func factor(a []float64, n int, floor float64) bool {
	for j := range n {
		for k := range j {
			if a[j*n+k] == 0 {
				continue
			}
			for i := j; i < n; i++ {
				a[i*n+j] -= a[i*n+k] * a[j*n+k]
			}
		}
		d := a[j*n+j]
		if !(d > floor) {
			return false
		}
		d = math.Sqrt(d)
		for i := j; i < n; i++ {
			a[i*n+j] /= d
		}
	}
	return true
}

func solve(l []float64, n int, b []float64) []float64 {
	x := slices.Clone(b)
	for i := range n {
		for k := range i {
			x[i] -= l[i*n+k] * x[k]
		}
		x[i] /= l[i*n+i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			x[i] -= l[k*n+i] * x[k]
		}
		x[i] /= l[i*n+i]
	}
	return x
}
