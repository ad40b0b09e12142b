package tree

import (
	"context"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/drivecast/drivecast/internal/rng"
	"github.com/drivecast/drivecast/table"
)

// Fit grows an ensemble of trees: the trees that scikit-learn grows for the same
// data, parameters and seed. x is cast to float32, as there; NaN is missing, ±Inf
// and numbers outside float32 are errors of kind Invalid that name the column and
// row. y holds class labels, or targets when opt.Regression is set; weights, one a
// row and none negative, may be nil. Parameters out of range are errors of kind
// Usage. When ctx ends, its error is returned.
func Fit(ctx context.Context, x *table.Matrix, y, weights []float64, opt Options) (*Forest, error) {
	if err := opt.check(); err != nil {
		return nil, err
	}
	if opt.Single {
		opt.Estimators, opt.Bootstrap, opt.MaxSamples = 1, false, Count{}
	}
	if opt.Workers <= 0 {
		opt.Workers = runtime.GOMAXPROCS(0)
	}
	d, err := prepare(x, y, weights, &opt)
	if err != nil {
		return nil, err
	}
	f := &Forest{Trees: make([]*Tree, opt.Estimators), Labels: d.labels, NumInput: x.Cols}
	seeds := treeSeeds(&opt)
	if err := d.growAll(ctx, f.Trees, seeds, &opt); err != nil {
		return nil, err
	}
	if opt.OOBScore {
		f.OOB, err = d.outOfBag(ctx, f, seeds, &opt)
	}
	return f, err
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
	var columns []rankedColumn
	if opt.Splitter == Best {
		columns = rankColumns(d.x, d.hasMissing, opt.Workers)
	}
	var (
		wg         sync.WaitGroup
		mu         sync.Mutex
		next, done int
	)
	for range min(opt.Workers, len(trees)) {
		wg.Go(func() {
			g := d.grower(columns, opt)
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= len(trees) || ctx.Err() != nil {
					return
				}
				trees[i] = g.tree(ctx, seeds[i], d, opt)
				mu.Lock()
				done++
				if opt.Progress != nil && ctx.Err() == nil {
					opt.Progress(done, len(trees))
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

// countable reports whether a counter can find the splits.
func (d *training) countable(opt *Options) bool {
	return d.exact && !opt.Regression && opt.Splitter == Best && !slices.Contains(d.hasMissing, true)
}

// grower grows one tree after another with the same buffers.
type grower struct {
	finder
	columns  []rankedColumn
	counter  *counter // nil where it does not apply
	splitter *splitter
	maxDepth int
	minSplit int
	maxLeafs int
	minGain  float64
	alpha    float64
	limits   limits
	outputs  int
	weights  []float64 // of each row in this tree
	nodes    int       // to make room for in the next tree
}

func (d *training) grower(columns []rankedColumn, opt *Options) *grower {
	g := &grower{outputs: max(1, len(d.labels)), maxDepth: opt.MaxDepth, maxLeafs: opt.MaxLeafNodes,
		minGain: opt.MinImpurityDecrease, alpha: opt.CCPAlpha, weights: make([]float64, d.rows)}
	if g.maxDepth == 0 {
		g.maxDepth = math.MaxInt
	}
	g.limits.minLeaf = opt.MinSamplesLeaf.of(d.rows, math.Ceil)
	g.minSplit = max(2, opt.MinSamplesSplit.of(d.rows, math.Ceil), 2*g.limits.minLeaf)
	g.columns = columns
	if columns != nil && d.countable(opt) {
		g.counter = newCounter(columns, d.class, len(d.labels), opt.columns(len(d.x)), opt.Criterion == Entropy)
	}
	return g
}

// columns is the number of columns that a node tries.
func (o *Options) columns(all int) int { return max(1, o.MaxFeatures.of(all, math.Trunc)) }

// rowByRow returns the finder that applies always.
func (g *grower) rowByRow(d *training, opt *Options) *splitter {
	if g.splitter != nil {
		return g.splitter
	}
	s := newSplitter(d.x, d.hasMissing, d.rows, opt.columns(len(d.x)))
	s.random, s.setAside, s.exact, s.ranked = opt.Splitter == Random, opt.Compat == Sklearn18, d.exact, g.columns
	if opt.Regression {
		s.crit = &meanCriterion{y: d.target}
	} else {
		s.crit = newClassCriterion(d.class, len(d.labels), opt.Criterion == Entropy)
	}
	s.sort = sortSklearn19
	if opt.Compat == Sklearn18 {
		s.sort = sortSklearn18
	}
	g.splitter = s
	return s
}

// tree draws the rows of one tree and grows it.
func (g *grower) tree(ctx context.Context, seed uint32, d *training, opt *Options) *Tree {
	d.weigh(g.weights, seed, opt)
	if opt.MinWeightFractionLeaf > 0 {
		g.limits.minWeight = opt.MinWeightFractionLeaf * sum(g.weights)
	}
	if g.counter != nil && g.counter.fits(g.weights) {
		g.finder = g.counter
	} else {
		g.finder = g.rowByRow(d, opt)
	}
	rows := g.begin(g.weights, uint32(rng.New(seed).Intn(rng.Top-1)), g.limits)
	t := newTree(g.outputs, g.nodes)
	if g.maxLeafs > 0 {
		g.bestFirst(ctx, t, rows)
	} else {
		g.depthFirst(ctx, t, rows)
	}
	g.nodes = len(t.Left) + len(t.Left)/16
	if g.alpha > 0 {
		t = t.prune(g.alpha)
	}
	return t
}
