package hist

import (
	"context"
	"math"
	"math/bits"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// Validation holds rows that are not learned from, to judge each round by. In a
// data-parallel fit every process is given the same ones.
type Validation struct {
	X      *table.Matrix
	Y      []float64
	Weight []float64 // nil: 1
}

// fit is the state of one boosted fit.
type fit struct {
	opt   *Options
	rows  int
	total int // rows of all processes
	data  *binned
	y, w  []float64
	loss  loss
	model *Boosted
	q     *quantizer
	grow  *grower
	score [][]float32 // raw answers without the base, per output
	g, h  [][]float32
	valid *judge
}

// FitBoosted learns a boosted ensemble from the columns of x (NaN is missing),
// the target y and row weights w (nil: 1). valid may be nil. The target of a
// classifier holds labels; that of Cox times, negative when censored. Equal data,
// options and seed give equal bytes whatever Workers is.
//
// Errors are of kind Invalid for data or options that cannot be learned from,
// Unsupported for combinations that are not offered, and Canceled.
func FitBoosted(ctx context.Context, x *table.Matrix, y, w []float64, opt Options, valid *Validation) (*Boosted, error) {
	opt.normal()
	f, err := newFit(ctx, x, y, w, &opt)
	if err != nil {
		return nil, errs.Wrap(err, "boost %s", opt.Objective)
	}
	if valid != nil {
		if f.valid, err = newJudge(f, valid); err != nil {
			return nil, errs.Wrap(err, "boost %s", opt.Objective)
		}
	}
	first := f.model.Rounds()
	for round := range opt.Trees {
		done, err := f.round(ctx, first+round)
		if err != nil {
			return nil, errs.Wrap(err, "boost round %d", round+1)
		}
		if opt.Progress != nil {
			opt.Progress(round+1, opt.Trees)
		}
		if done {
			break
		}
	}
	if f.valid != nil && opt.Patience > 0 {
		f.model.Trees = f.model.Trees[:f.valid.bestTrees]
	}
	return f.model, nil
}

func newFit(ctx context.Context, x *table.Matrix, y, w []float64, opt *Options) (*fit, error) {
	if err := checkShape(x, y, w); err != nil {
		return nil, err
	}
	if err := opt.check(x.Cols); err != nil {
		return nil, err
	}
	l, labels, err := newLoss(ctx, y, w, opt)
	if err != nil {
		return nil, err
	}
	f := &fit{opt: opt, rows: x.Rows, total: max(opt.Shard.Total, x.Rows), y: y, loss: l}
	f.w = lossWeights(l, w)
	cut := opt.Shard.Bins
	if cut == nil {
		if opt.Shard.Peers != nil {
			return nil, errs.New(errs.Invalid, "a fit on several processes needs the cuts they share")
		}
		if cut, err = FitBins(x, opt.MaxBins, opt.Categorical, opt.Seed, opt.Workers); err != nil {
			return nil, err
		}
	}
	if f.data, err = cut.bin(x, opt.Workers); err != nil {
		return nil, err
	}
	if f.q, err = newQuantizer(f.rows, f.total, opt.Workers, opt); err != nil {
		return nil, err
	}
	f.q.hessianC = (opt.Objective == Squared || opt.Objective == Quantile) && w == nil && opt.Top == 0
	f.grow = newGrower(opt, f.data, f.q)
	f.model = &Boosted{Objective: opt.Objective, NumInput: x.Cols, Labels: labels, Outputs: l.outputs(), Names: x.Names}
	return f, f.begin(ctx, x)
}

func checkShape(x *table.Matrix, y, w []float64) error {
	switch {
	case x.Rows == 0 || x.Cols == 0:
		return errs.New(errs.Invalid, "there is nothing to learn from: %d rows, %d columns", x.Rows, x.Cols)
	case len(y) != x.Rows:
		return errs.New(errs.Invalid, "there are %d rows and %d targets", x.Rows, len(y))
	case w != nil && len(w) != x.Rows:
		return errs.New(errs.Invalid, "there are %d rows and %d weights", x.Rows, len(w))
	}
	var sum float64
	for i, v := range w {
		if !(v >= 0) || math.IsInf(v, 0) {
			return &errs.Input{Row: i + 2, Problem: "the weight is negative or not a number", Mend: "give weights of 0 or more"}
		}
		sum += v
	}
	if w != nil && sum == 0 {
		return errs.New(errs.Invalid, "all weights are 0: there is nothing to learn from")
	}
	return nil
}

// lossWeights returns row weights with class weights in them.
func lossWeights(l loss, w []float64) []float64 {
	var own []float32
	switch l := l.(type) {
	case *binary:
		own = l.w
	case *softmax:
		own = l.w
	default:
		return w
	}
	if own == nil {
		return nil
	}
	out := make([]float64, len(own))
	for i, v := range own {
		out[i] = float64(v)
	}
	return out
}

// begin sets the base and, for a continued model, the answers so far.
func (f *fit) begin(ctx context.Context, x *table.Matrix) error {
	k := f.model.Outputs
	f.score, f.g, f.h = planes(k, f.rows), planes(k, f.rows), planes(k, f.rows)
	if old := f.opt.Init; old != nil {
		if err := old.check(f.opt.Objective, f.model.NumInput, f.model.Labels); err != nil {
			return err
		}
		f.model.Base = append([]float64(nil), old.Base...)
		f.model.Trees = append([]Tree(nil), old.Trees...)
		parallel(f.opt.Workers, func(p int) {
			row := make([]float64, x.Cols)
			lo, hi := span(f.rows, p, f.opt.Workers, 1)
			for r := lo; r < hi; r++ {
				old.retrace(f.score, r, x.Row(row, r))
			}
		})
	} else {
		base, err := f.loss.base(ctx, f)
		if err != nil {
			return err
		}
		f.model.Base = base
	}
	f.loss.start(f.model.Base)
	return nil
}

func planes(k, n int) [][]float32 {
	out := make([][]float32, k)
	for i := range out {
		out[i] = make([]float32, n)
	}
	return out
}

// alone returns an error of kind Unsupported when the fit has other processes.
func (f *fit) alone(what string) error {
	if f.opt.Shard.Peers != nil {
		return errs.New(errs.Unsupported, "%s needs all rows in one process", what)
	}
	return nil
}

// weightedSums returns the sum of weight·value and of weights over all processes.
// Terms are rounded to multiples of one power of two and added as integers, so
// that the sums do not depend on the order or the processes.
func (f *fit) weightedSums(ctx context.Context, value func(i int) float64) (sum, weight float64, err error) {
	top := []float64{0, 0}
	term := func(i int) (float64, float64) {
		w := 1.0
		if f.w != nil {
			w = f.w[i]
		}
		return w * value(i), w
	}
	for i := range f.rows {
		v, w := term(i)
		top[0], top[1] = max(top[0], math.Abs(v)), max(top[1], w)
	}
	if err := f.opt.Shard.max(ctx, top); err != nil {
		return 0, 0, err
	}
	room := 61 - bits.Len(uint(f.total))
	_, e0 := math.Frexp(top[0])
	_, e1 := math.Frexp(top[1])
	sums := []int64{0, 0}
	for i := range f.rows {
		v, w := term(i)
		sums[0] += int64(math.Round(math.Ldexp(v, room-e0)))
		sums[1] += int64(math.Round(math.Ldexp(w, room-e1)))
	}
	if err := f.opt.Shard.sum(ctx, sums); err != nil {
		return 0, 0, err
	}
	return math.Ldexp(float64(sums[0]), e0-room), math.Ldexp(float64(sums[1]), e1-room), nil
}

// round adds one tree an output, and reports whether boosting is over.
func (f *fit) round(ctx context.Context, turn int) (done bool, err error) {
	f.loss.prepare(f.score)
	parallel(f.opt.Workers, func(p int) {
		lo, hi := span(f.rows, p, f.opt.Workers, 4096)
		f.loss.gradients(f.score, f.g, f.h, lo, hi)
	})
	rows, err := f.drawRows(ctx, turn)
	if err != nil {
		return false, err
	}
	grew := false
	for k := range f.model.Outputs {
		number := turn*f.model.Outputs + k
		if err := f.q.fill(ctx, number, f.g[k], f.h[k]); err != nil {
			return false, err
		}
		t, err := f.grow.grow(ctx, number, rows)
		if err != nil {
			return false, err
		}
		f.settle(t)
		f.addScores(t, f.score[k], rows == nil)
		if f.valid != nil {
			f.grow.walk(f.valid.data, t.Value, f.valid.score[k], 0, f.valid.data.rows)
		}
		f.model.Trees = append(f.model.Trees, *t)
		grew = grew || len(t.Left) > 1
	}
	if f.valid != nil {
		return f.valid.judge(ctx, f)
	}
	return !grew && rows == nil && f.opt.ColumnShare == 1 && f.opt.NodeColumnShare == 1, nil
}

// settle renews and shrinks leaf values.
func (f *fit) settle(t *Tree) {
	if q, ok := f.loss.(*quantile); ok {
		for _, n := range f.grow.leaves {
			if n.lo < n.hi {
				t.Value[n.id] = q.leafValue(f.grow.part.rows[n.lo:n.hi], f.score)
			}
		}
	}
	for i := range t.Value {
		t.Value[i] *= f.opt.Rate
	}
}

// addScores adds the tree's values to the rows' answers. With all, every row is
// in one of the grower's leaves; otherwise rows walk down the tree.
func (f *fit) addScores(t *Tree, score []float32, all bool) {
	parallel(f.opt.Workers, func(p int) {
		lo, hi := span(f.rows, p, f.opt.Workers, 1)
		if !all {
			f.grow.walk(f.data, t.Value, score, lo, hi)
			return
		}
		for _, n := range f.grow.leaves {
			v := float32(t.Value[n.id])
			for _, r := range f.grow.part.rows[max(lo, min(n.lo, hi)):max(lo, min(n.hi, hi))] {
				score[r] += v
			}
		}
	})
}

// walk adds to each row's score the value of its leaf in the tree just grown;
// data may be other rows in the same bins.
func (g *grower) walk(data *binned, value []float64, score []float32, lo, hi int) {
	for r := lo; r < hi; r++ {
		row := data.byRow[r*data.stride : (r+1)*data.stride]
		i := int32(0)
		for g.steps[i].column >= 0 {
			s := &g.steps[i]
			if i = s.right; s.goes[row[s.column]] != 0 {
				i = s.left
			}
		}
		score[r] += float32(value[i])
	}
}
