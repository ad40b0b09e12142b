package train

import (
	"context"
	"math"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree/hist"
)

// fit trains: names become columns, weights of classes follow the labels, rows are
// held out to stop early by.
func (b *boost) fit(ctx context.Context, t task, classes bool) (model.Estimator, error) {
	o := b.opt
	o.Workers, o.Progress, o.Seed = t.workers, t.progress, uint64(t.seed)
	if b.seed >= 0 {
		o.Seed = uint64(b.seed)
	}
	var labels []float64
	if classes {
		labels = classesOf(t.y)
	}
	var err error
	if o.Objective, err = b.objectiveFor(len(labels)); err != nil {
		return nil, err
	}
	if err = b.columns(&o, t); err != nil {
		return nil, err
	}
	if classes {
		if o.ClassWeight, err = b.weights(t.y, labels); err != nil {
			return nil, err
		}
		o.Balanced = b.balanced
	}
	if o.PositiveWeight != 1 && o.Objective != hist.Binary {
		return nil, errs.New(errs.Usage, "%s: scale_pos_weight weighs the second of two classes; use class_weight", b.name)
	}
	if b.initial != "" {
		if o.Init, err = openInitial[*hist.Boosted](ctx, b.initial, t.x); err != nil {
			return nil, errs.Wrap(err, "%s: init_model", b.name)
		}
	}
	rest, valid, err := b.stop.prepare(t, &o, labels)
	if err != nil {
		return nil, errs.Wrap(err, "%s", b.name)
	}
	if p := t.peers; p != nil {
		n, rows := len(rest.y), []int{}
		for r := p.Rank * n / p.Processes; r < (p.Rank+1)*n/p.Processes; r++ {
			rows = append(rows, r)
		}
		rest = rest.take(rows)
		if o.Shard, err = hist.Join(ctx, p.Reducer, p.Rank, p.Processes, rest.x, rest.y, o); err != nil {
			return nil, err
		}
	}
	m, err := hist.FitBoosted(ctx, rest.x, rest.y, rest.weights, o, valid)
	if err != nil {
		return nil, err
	}
	b.fitted = m
	return m, nil
}

func (b *boost) columns(o *hist.Options, t task) (err error) {
	if o.Categorical, err = b.categoricalColumns(t.x.Names, t.texts); err != nil {
		return err
	}
	if o.Monotone, err = b.monotoneColumns(t.x.Names); err != nil {
		return err
	}
	o.Interactions, err = b.interactionSets(t.x.Names)
	return err
}

// weights returns the weight of each class, or nil.
func (b *boost) weights(y, labels []float64) ([]float64, error) {
	if b.unbalance {
		if len(labels) != 2 {
			return nil, errs.New(errs.Usage, "%s: is_unbalance is of two classes; use class_weight=balanced", b.name)
		}
		second := 0.0
		for _, v := range y {
			if v == labels[1] {
				second++
			}
		}
		first := float64(len(y)) - second
		return []float64{max(1, second/first), max(1, first/second)}, nil
	}
	return weightOfEach(b.name, b.classWeight, labels)
}

// weightOfEach orders class weights by label; classes that are not named weigh 1.
func weightOfEach(name string, given map[float64]float64, labels []float64) ([]float64, error) {
	if given == nil {
		return nil, nil
	}
	out := slices.Repeat([]float64{1}, len(labels))
	for class, w := range given {
		k, ok := slices.BinarySearch(labels, class)
		if !ok {
			return nil, errs.New(errs.Usage, "%s: class_weight names the class %v; the target has %v", name, class, labels)
		}
		if !(w > 0) || math.IsInf(w, 0) {
			return nil, errs.New(errs.Usage, "%s: class_weight gives class %v the weight %v; it must be positive", name, class, w)
		}
		out[k] = w
	}
	return out, nil
}

// openInitial opens a model of type E to go on from, fitted to the same columns.
func openInitial[E model.Estimator](ctx context.Context, path string, x *table.Matrix) (E, error) {
	var none E
	m, err := model.Open(ctx, path)
	if err != nil {
		return none, err
	}
	e, ok := m.Estimator.(E)
	if !ok {
		return none, errs.New(errs.Invalid, "%s holds a %s model of another kind, which cannot be gone on from", path, m.Format)
	}
	if m.Names != nil && !slices.Equal(m.Names, x.Names) {
		return none, errs.New(errs.Invalid, "%s was trained on the columns %s, the data has %s", path, strings.Join(m.Names, ", "), strings.Join(x.Names, ", "))
	}
	return e, nil
}

// judge returns the held-out metrics that fit the objective of numbers.
func (b *boost) judge(y, answers []float64) []Metric {
	out := regressionMetrics(y, answers)
	var names []string
	switch b.fitted.Objective {
	case hist.Cox:
		out, names = nil, []string{"concordance_index"}
	case hist.Poisson:
		names = []string{"mean_poisson_deviance"}
	case hist.Quantile:
		names = []string{"mean_pinball_loss"}
	}
	for _, name := range names {
		m, err := measureOf(name, nil, b.opt.Alpha)
		if v := m.of(y, answers, nil); err == nil && v == v {
			out = append(out, Metric{name, v})
		}
	}
	return out
}
