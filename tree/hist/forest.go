package hist

import (
	"context"
	"math"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// ForestTree is one tree of a forest: slices with one element a node, as in
// scikit-learn's trees. A row goes left when float32(x) <= Threshold.
type ForestTree struct {
	Left, Right []int32   // children, -1 at a leaf
	Feature     []int32   // column tested, -2 at a leaf
	Threshold   []float64 // -2 at a leaf
	MissingLeft []bool    // where a missing value goes
	Impurity    []float64 // Gini impurity, or variance
	Samples     []int64   // distinct rows
	Weight      []float64 // their weight
	Value       []float64 // len(nodes) × classes: fractions; or the mean
}

// Forest is what [FitForest] returns: the trees of a random forest.
type Forest struct {
	Trees    []*ForestTree
	Labels   []float64 // class labels in ascending order; nil for numbers
	NumInput int
}

// forestFit is what the trees of one forest share.
type forestFit struct {
	opt     *ForestOptions
	data    *binned
	y       []float64 // targets of a regression
	class   []int32
	classes int
	weight  []float64 // of rows, classes' weights included; nil: 1
	whole   []int64   // weights in units, nil: 1
	goal    []int64   // regression: weight·(y-mean) in units, nil for classes
	unitW   float64
	unitY   float64
}

// FitForest grows a random forest (Breiman, Machine Learning 45, 2001) on bins:
// Gini impurity for classes, squared error for numbers. Values are compared as
// float32, as scikit-learn does; NaN is missing and goes where it lowers the
// impurity more. The target of a classifier holds labels. w may be nil.
func FitForest(ctx context.Context, x *table.Matrix, y, w []float64, opt ForestOptions) (*Forest, error) {
	if err := checkShape(x, y, w); err != nil {
		return nil, errs.Wrap(err, "grow a forest")
	}
	opt.normal(x.Cols)
	if err := opt.check(x.Cols); err != nil {
		return nil, errs.Wrap(err, "grow a forest")
	}
	f := &forestFit{opt: &opt, classes: 1, weight: w}
	labels, err := f.targets(ctx, y, w)
	if err != nil {
		return nil, errs.Wrap(err, "grow a forest")
	}
	if err := f.cut(x); err != nil {
		return nil, errs.Wrap(err, "grow a forest")
	}
	f.units()
	trees := make([]*ForestTree, opt.Trees)
	var next atomic.Int64
	var mu sync.Mutex
	done := 0
	var wg sync.WaitGroup
	for range opt.Workers {
		wg.Go(func() {
			g := newForestGrower(f)
			for k := int(next.Add(1)) - 1; k < opt.Trees && ctx.Err() == nil; k = int(next.Add(1)) - 1 {
				trees[k] = g.grow(opt.First + k)
				if opt.Progress != nil {
					mu.Lock()
					done++
					opt.Progress(done, opt.Trees)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, errs.Wrap(err, "grow a forest")
	}
	return &Forest{Trees: trees, Labels: labels, NumInput: x.Cols}, nil
}

// targets finds the classes and the weights of rows.
func (f *forestFit) targets(ctx context.Context, y, w []float64) (labels []float64, err error) {
	if err := finite(y); err != nil {
		return nil, err
	}
	if f.opt.Regression {
		f.y = y
		return nil, nil
	}
	labels = slices.Clone(y)
	slices.Sort(labels)
	labels = slices.Compact(labels)
	if len(labels) < 2 {
		return nil, errs.New(errs.Invalid, "the target has one class only (%v): there is nothing to tell apart", labels)
	}
	if f.opt.ClassWeight != nil && len(f.opt.ClassWeight) != len(labels) {
		return nil, errs.New(errs.Invalid, "there are %d class weights and %d classes", len(f.opt.ClassWeight), len(labels))
	}
	f.class, f.classes = make([]int32, len(y)), len(labels)
	for i, v := range y {
		k, _ := slices.BinarySearch(labels, v)
		f.class[i] = int32(k)
	}
	f.weight, err = classWeights(ctx, f.class, w, len(labels), &Options{Objective: Multiclass, ClassWeight: f.opt.ClassWeight, Balanced: f.opt.Balanced})
	return labels, err
}

// cut bins x as float32.
func (f *forestFit) cut(x *table.Matrix) error {
	short := &table.Matrix{Rows: x.Rows, Cols: x.Cols, Names: x.Names, Data: make([]float64, len(x.Data))}
	parallel(f.opt.Workers, func(k int) {
		lo, hi := span(len(x.Data), k, f.opt.Workers, 1)
		for i, v := range x.Data[lo:hi] {
			short.Data[lo+i] = float64(float32(v))
		}
	})
	b, err := FitBins(short, f.opt.MaxBins, nil, f.opt.Seed, f.opt.Workers)
	if err != nil {
		return err
	}
	f.data, err = b.bin(short, f.opt.Workers)
	return err
}

// units turns weights and targets into whole numbers whose sums over a bootstrap
// sample stay within 31 bits.
func (f *forestFit) units() {
	n := f.data.rows
	room := float64(int64(1) << (30 - bits.Len(uint(n))))
	f.unitW, f.unitY = 1, 1
	if f.weight != nil {
		f.unitW = slices.Max(f.weight) / room
		f.whole = make([]int64, n)
		for i, w := range f.weight {
			f.whole[i] = int64(math.Round(w / f.unitW))
		}
	}
	if f.y == nil {
		return
	}
	var sum, all, top float64
	for i, v := range f.y {
		sum += v * f.weightOf(i)
		all += f.weightOf(i)
	}
	mean := sum / all
	for i, v := range f.y {
		top = max(top, math.Abs(v-mean)*f.weightOf(i))
	}
	f.unitY = unit(top, room)
	f.goal = make([]int64, n)
	for i, v := range f.y {
		f.goal[i] = int64(math.Round((v - mean) * f.weightOf(i) / f.unitY))
	}
}

func (f *forestFit) weightOf(i int) float64 {
	if f.weight == nil {
		return 1
	}
	return f.weight[i]
}

// channels returns how many histograms tell the targets apart: one a class, but
// one is enough for two classes and for numbers.
func (f *forestFit) channels() int {
	if f.classes > 2 {
		return f.classes
	}
	return 1
}

// entry returns row i's histogram entry in a channel, counted times times.
func (f *forestFit) entry(i, channel int, times int64) int64 {
	w := times
	if f.whole != nil {
		w *= f.whole[i]
	}
	switch {
	case f.goal != nil:
		return pack(f.goal[i]*times, w)
	case f.classes == 2 && f.class[i] == 1, f.classes > 2 && int(f.class[i]) == channel:
		return pack(w, w)
	}
	return pack(0, w)
}
