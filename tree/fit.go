package tree

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/rng"
	"github.com/drivecast/drivecast/table"
)

// Fit grows an ensemble of trees: the trees that scikit-learn grows for the same
// data, parameters and seed. x is cast to float32, as there; NaN is missing, ±Inf
// and numbers outside float32 are errors of kind Invalid that name the column and
// row. y holds class labels, or targets when opt.Regression is set; weights, one a
// row and none negative, may be nil.
func Fit(ctx context.Context, x *table.Matrix, y, weights []float64, opt Options) (*Forest, error) {
	if err := opt.check(); err != nil {
		return nil, err
	}
	d, err := prepare(x, y, weights, &opt)
	if err != nil {
		return nil, err
	}
	f := &Forest{Trees: make([]*Tree, opt.Estimators), Labels: d.labels, NumInput: x.Cols}
	seeds := treeSeeds(&opt)
	return f, d.growAll(ctx, f.Trees, seeds, &opt)
}

// training is data as trees are grown from it.
type training struct {
	x          [][]float32
	hasMissing []bool
	rows       int
	labels     []float64 // nil for a regressor
	class      []int32   // of each row
	target     []float64
	weights    []float64 // of each row; nil for ones
	whole      bool      // every weight is a whole number, so that sums are exact
}

func prepare(x *table.Matrix, y, weights []float64, opt *Options) (*training, error) {
	d := &training{rows: x.Rows, target: y, whole: true}
	switch {
	case x.Rows == 0 || x.Cols == 0:
		return nil, errs.New(errs.Invalid, "there is no data to learn from: %d rows of %d columns", x.Rows, x.Cols)
	case len(y) != x.Rows || weights != nil && len(weights) != x.Rows:
		return nil, errs.New(errs.Invalid, "%d rows have %d targets and %d weights", x.Rows, len(y), len(weights))
	}
	if err := d.takeColumns(x); err != nil {
		return nil, err
	}
	for i, v := range y {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, errs.New(errs.Invalid, "row %d: the target is %v", i, v)
		}
	}
	if !opt.Regression {
		d.labels = classes(y)
		d.class = make([]int32, len(y))
		for i, v := range y {
			at, _ := slices.BinarySearch(d.labels, v)
			d.class[i] = int32(at)
		}
	}
	return d, d.takeWeights(weights, opt)
}

func (d *training) takeColumns(x *table.Matrix) error {
	all := make([]float32, len(x.Data))
	d.x, d.hasMissing = make([][]float32, x.Cols), make([]bool, x.Cols)
	for c := range x.Cols {
		d.x[c] = all[c*x.Rows : (c+1)*x.Rows]
		for r, v := range x.Col(c) {
			f := float32(v)
			if math.IsInf(float64(f), 0) {
				return errs.New(errs.Invalid, "column %s, row %d: %v is too large for float32", columnName(x, c), r, v)
			}
			d.hasMissing[c] = d.hasMissing[c] || isNaN(f)
			d.x[c][r] = f
		}
	}
	return nil
}

func columnName(x *table.Matrix, c int) string {
	if x.Names != nil {
		return fmt.Sprintf("%q", x.Names[c])
	}
	return fmt.Sprint(c)
}

func classes(y []float64) []float64 {
	out := slices.Clone(y)
	slices.Sort(out)
	return slices.Compact(out)
}

func (d *training) takeWeights(weights []float64, opt *Options) error {
	if weights != nil {
		total := 0.0
		for i, w := range weights {
			if !(w >= 0) || math.IsInf(w, 1) {
				return errs.New(errs.Invalid, "row %d: the weight %v is not a number from 0", i, w)
			}
			total += w
		}
		if total == 0 {
			return errs.New(errs.Invalid, "all weights are zero; give at least one row some weight")
		}
		d.weights = slices.Clone(weights)
	}
	byClass, err := d.classWeights(opt)
	if err != nil {
		return err
	}
	if byClass != nil {
		if d.weights == nil {
			d.weights = slices.Repeat([]float64{1}, d.rows)
		}
		for i, c := range d.class {
			d.weights[i] *= byClass[c]
		}
	}
	for _, w := range d.weights {
		d.whole = d.whole && w == math.Trunc(w) && w < 1<<31
	}
	return nil
}

// classWeights returns the weight of each class, or nil when all are 1.
func (d *training) classWeights(opt *Options) ([]float64, error) {
	if d.labels == nil || !opt.Balanced && opt.ClassWeight == nil {
		return nil, nil
	}
	out := make([]float64, len(d.labels))
	if opt.Balanced {
		counts := make([]float64, len(d.labels))
		for _, c := range d.class {
			counts[c]++
		}
		for i, n := range counts {
			out[i] = float64(d.rows) / (float64(len(counts)) * n)
		}
		return out, nil
	}
	for i, l := range d.labels {
		out[i] = 1
		if w, ok := opt.ClassWeight[l]; ok {
			out[i] = w
		}
		if !(out[i] >= 0) {
			return nil, errs.New(errs.Usage, "class_weight of class %v must be 0 or more", l)
		}
	}
	for l := range opt.ClassWeight {
		if !slices.Contains(d.labels, l) {
			return nil, errs.New(errs.Usage, "class_weight names class %v, which the data has not", l)
		}
	}
	return out, nil
}

// treeSeeds draws a seed for each tree from the seed of the ensemble.
func treeSeeds(opt *Options) []uint32 {
	if opt.Single {
		return []uint32{opt.Seed}
	}
	r := rng.New(opt.Seed)
	out := make([]uint32, opt.Estimators)
	for i := range out {
		out[i] = uint32(r.Intn(rng.Top - 1))
	}
	return out
}

// growAll grows the trees on several goroutines. Tree i depends on nothing but
// the data and seed i.
func (d *training) growAll(ctx context.Context, trees []*Tree, seeds []uint32, opt *Options) error {
	workers := opt.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	var (
		wg         sync.WaitGroup
		mu         sync.Mutex
		next, done int
	)
	for range min(workers, len(trees)) {
		wg.Go(func() {
			g := d.grower(opt)
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= len(trees) || ctx.Err() != nil {
					return
				}
				trees[i] = g.tree(seeds[i], d, opt)
				mu.Lock()
				done++
				if opt.Progress != nil {
					opt.Progress(done, len(trees))
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

func (d *training) grower(opt *Options) *grower {
	g := &grower{splitter: newSplitter(d.x, d.hasMissing, d.rows), outputs: max(1, len(d.labels)),
		maxDepth: opt.MaxDepth, minGain: opt.MinImpurityDecrease, weights: make([]float64, d.rows)}
	if g.maxDepth == 0 {
		g.maxDepth = math.MaxInt
	}
	g.minLeaf = opt.MinSamplesLeaf.of(d.rows, math.Ceil)
	g.minSplit = max(2, opt.MinSamplesSplit.of(d.rows, math.Ceil), 2*g.minLeaf)
	g.maxFeatures = max(1, opt.MaxFeatures.of(len(d.x), math.Trunc))
	switch {
	case opt.Regression:
		g.crit = &meanCriterion{y: d.target, w: g.weights}
	default:
		g.crit = newClassCriterion(d.class, g.weights, len(d.labels), opt.Criterion == Entropy)
	}
	switch {
	case d.whole && !opt.Regression:
		g.sort = g.sortFast
	case opt.Compat == Sklearn18:
		g.sort = sortSklearn18
	default:
		g.sort = sortSklearn19
	}
	return g
}

// tree draws the rows of one tree and grows it.
func (g *grower) tree(seed uint32, d *training, opt *Options) *Tree {
	switch {
	case opt.Bootstrap:
		clear(g.weights)
		r := rng.New(seed)
		for range opt.MaxSamples.of(d.rows, roundHalfEven) {
			g.weights[r.Intn(uint64(d.rows))]++
		}
		for i, w := range d.weights {
			g.weights[i] *= w
		}
	case d.weights != nil:
		copy(g.weights, d.weights)
	default:
		for i := range g.weights {
			g.weights[i] = 1
		}
	}
	g.minWeight = 0
	if opt.MinWeightLeaf > 0 {
		total := 0.0
		for _, w := range g.weights {
			total += w
		}
		g.minWeight = opt.MinWeightLeaf * total
	}
	return g.grow(uint32(rng.New(seed).Intn(rng.Top - 1)))
}

func roundHalfEven(v float64) float64 { return max(1, math.RoundToEven(v)) }
