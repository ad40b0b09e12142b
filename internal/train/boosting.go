package train

import (
	"context"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/tree/hist"
)

// library is whose defaults, and whose meaning of a name that several libraries
// use, a boosting learner follows.
type library uint8

const (
	lightGBM library = iota
	xgBoost
	sklearn
)

// target is what a learner can learn.
type target uint8

const (
	eitherTarget target = iota
	classTarget
	numberTarget
)

// boost is a gradient-boosting learner that is being set up. Literals that name
// columns or classes wait until these are known.
type boost struct {
	name string
	lib  library
	want target
	opt  hist.Options
	kind objectiveKind
	seed int // -1: the run's

	shareRows                          float64
	classWeight                        map[float64]float64
	balanced, unbalance                bool
	monotone, interactions, categories any
	numClass                           int
	stop                               stopping
	initial                            string

	fitted *hist.Boosted
}

// boosting makes the learner of gradient boosting on bins. A learner that takes
// both classes and numbers decides by the objective, else by the target.
func boosting(lib library, want target) func(string, []Param) (*learner, error) {
	return func(name string, params []Param) (*learner, error) {
		b := &boost{name: name, lib: lib, want: want, opt: lib.defaults(), seed: -1, shareRows: 1, categories: "auto",
			stop: stopping{share: .1, patience: 10, metric: "loss"}}
		if lib == sklearn {
			b.stop.auto, b.opt.MinDelta = true, 1e-7
		}
		given, err := b.choices().apply(name, params, notOffered)
		if err != nil {
			return nil, err
		}
		if err := b.settle(given); err != nil {
			return nil, err
		}
		if b.want == eitherTarget {
			l := b.learner(true)
			l.adapt = b.learner
			return l, nil
		}
		return b.learner(b.want == classTarget), nil
	}
}

// defaults returns the library's own.
func (l library) defaults() hist.Options {
	o := hist.Defaults(hist.Squared)
	if l == xgBoost {
		o.Rate, o.Depth, o.Leaves, o.LevelWise, o.MinRows, o.MinHessian, o.L2 = .3, 6, 0, true, 1, 1, 1
	}
	return o
}

// settle checks what was given together and fills in what follows from it.
func (b *boost) settle(given map[string]string) error {
	for _, other := range []string{"scale_pos_weight", "class_weight"} {
		if b.unbalance && given[other] != "" {
			return errs.New(errs.Usage, "%s: %s and %s exclude each other: both weigh the classes", b.name, given["is_unbalance"], given[other])
		}
	}
	if given["gamma"] != "" && given["min_gain_to_split"] != "" {
		return errs.New(errs.Usage, "%s: %s and %s are one bound in two units: give one of them", b.name, given["gamma"], given["min_gain_to_split"])
	}
	goss := b.opt.Top > 0 || b.opt.Other > 0
	switch {
	case goss && b.shareRows < 1:
		return errs.New(errs.Usage, "%s: GOSS and %s exclude each other: both choose the rows of a tree", b.name, given["bagging_fraction"])
	case b.shareRows < 1:
		b.opt.RowShare = b.shareRows
		if given["bagging_freq"] == "" {
			b.opt.RowEvery = 1
		}
	}
	if b.opt.LevelWise && given["num_leaves"] == "" {
		b.opt.Leaves = 0
		if given["max_depth"] == "" {
			b.opt.Depth = 6
		}
	}
	if b.stop.warm && b.initial == "" {
		return errs.New(errs.Usage, "%s: warm_start=True needs init_model: the folder of the model to go on from", b.name)
	}
	if b.kind.number() && b.want == classTarget || b.kind.classes() && b.want == numberTarget {
		return errs.New(errs.Usage, "%s: the objective %s does not fit a %s", b.name, b.kind.objective, map[target]string{classTarget: "classifier", numberTarget: "regressor"}[b.want])
	}
	switch {
	case b.kind.number():
		b.want = numberTarget
	case b.kind.classes():
		b.want = classTarget
	}
	return nil
}

// learner returns the learner of classes or of numbers.
func (b *boost) learner(classes bool) *learner {
	return &learner{regression: !classes, missing: true, spreads: true, judge: b.judge, settings: b.settings,
		fit: func(ctx context.Context, t task) (model.Estimator, error) { return b.fit(ctx, t, classes) }}
}

// settings tells what was settled from the data.
func (b *boost) settings() []Setting {
	out := []Setting{{"objective", string(b.fitted.Objective)}, {"rounds", Show(int64(b.fitted.Rounds()))}}
	if h := b.fitted.History; len(h) > 0 {
		best := h[0]
		for _, v := range h {
			best = min(best, v)
		}
		out = append(out, Setting{"rounds_tried", Show(int64(len(h)))}, Setting{"validation_" + b.stop.metric, Show(b.stop.shown(best))})
	}
	return out
}
