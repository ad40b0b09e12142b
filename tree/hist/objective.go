package hist

import (
	"context"
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
)

// loss is what boosting minimises: it knows the targets and their weights.
type loss interface {
	// outputs returns the number of trees a round.
	outputs() int
	// base returns the raw answer before the first tree, one an output.
	base(ctx context.Context, f *fit) ([]float64, error)
	// start tells the loss the base in use.
	start(base []float64)
	// prepare is called once a round, before gradients.
	prepare(score [][]float32)
	// gradients writes the first and second derivatives for rows lo..hi-1 to g
	// and h, given raw answers without the base.
	gradients(score, g, h [][]float32, lo, hi int)
	// value returns the loss of one row with target y at raw answers s.
	value(y float64, s []float64) float64
	// answer turns raw answers to what Scores gives, in place; dst has an element
	// a class, or one.
	answer(dst, raw []float64)
}

// newLoss chooses the loss and checks the target.
func newLoss(ctx context.Context, y, w []float64, opt *Options) (loss, []float64, error) {
	switch opt.Objective {
	case Binary, Multiclass:
		return newClassLoss(ctx, y, w, opt)
	case Squared:
		return &squared{y: y, w: narrowed(w)}, nil, finite(y)
	case Poisson:
		return &poisson{y: y, w: w}, nil, positive(y)
	case Quantile:
		return &quantile{y: y, w: w, alpha: opt.Alpha}, nil, finite(y)
	case Cox:
		l, err := newCox(y, w, opt)
		return l, nil, err
	}
	return nil, nil, errs.New(errs.Unsupported, "there is no objective %q", opt.Objective)
}

func finite(y []float64) error {
	for i, v := range y {
		if v-v != 0 {
			return &errs.Input{Row: i + 2, Problem: "the target is not a finite number", Mend: "drop the row or give its target"}
		}
	}
	return nil
}

func positive(y []float64) error {
	var sum float64
	for i, v := range y {
		if !(v >= 0) || math.IsInf(v, 0) {
			return &errs.Input{Row: i + 2, Problem: "the target of a Poisson model is negative or not finite", Mend: "give counts"}
		}
		sum += v
	}
	if sum == 0 {
		return errs.New(errs.Invalid, "every target of the Poisson model is 0: there is nothing to learn")
	}
	return nil
}

func narrowed(w []float64) []float32 {
	if w == nil {
		return nil
	}
	out := make([]float32, len(w))
	for i, v := range w {
		out[i] = float32(v)
	}
	return out
}

// newClassLoss finds the classes and folds class weights into row weights.
func newClassLoss(ctx context.Context, y, w []float64, opt *Options) (loss, []float64, error) {
	if err := finite(y); err != nil {
		return nil, nil, err
	}
	labels := opt.Shard.Labels
	if labels == nil {
		labels = slices.Clone(y)
		slices.Sort(labels)
		labels = slices.Compact(labels)
	}
	switch {
	case len(labels) < 2:
		return nil, nil, errs.New(errs.Invalid, "the target has one class only (%v): there is nothing to tell apart", labels)
	case opt.Objective == Binary && len(labels) > 2:
		return nil, nil, errs.New(errs.Invalid, "the target has %d classes; use the multiclass objective", len(labels))
	case len(labels) > maxClasses:
		return nil, nil, errs.New(errs.Invalid, "the target has %d classes: is it a number to be predicted?", len(labels))
	case opt.ClassWeight != nil && len(opt.ClassWeight) != len(labels):
		return nil, nil, errs.New(errs.Invalid, "there are %d class weights and %d classes", len(opt.ClassWeight), len(labels))
	}
	class := make([]int32, len(y))
	for i, v := range y {
		k, ok := slices.BinarySearch(labels, v)
		if !ok {
			return nil, nil, &errs.Input{Row: i + 2, Problem: "the target is not one of the labels"}
		}
		class[i] = int32(k)
	}
	w, err := classWeights(ctx, class, w, len(labels), opt)
	if err != nil {
		return nil, nil, err
	}
	if opt.Objective == Binary {
		return newBinary(class, w), labels, nil
	}
	return &softmax{class: class, w: narrowed(w), classes: len(labels)}, labels, nil
}

// classWeights multiplies row weights by the weights of their classes.
func classWeights(ctx context.Context, class []int32, w []float64, classes int, opt *Options) ([]float64, error) {
	each := slices.Clone(opt.ClassWeight)
	if each == nil {
		each = slices.Repeat([]float64{1}, classes)
	}
	if opt.Objective == Binary {
		each[1] *= opt.PositiveWeight
	}
	if opt.Balanced {
		count := make([]int64, classes+1) // and of all rows
		for _, k := range class {
			count[k]++
		}
		count[classes] = int64(len(class))
		if err := opt.Shard.sum(ctx, count); err != nil {
			return nil, err
		}
		for k := range each {
			each[k] *= float64(count[classes]) / (float64(classes) * float64(count[k]))
		}
	}
	if !slices.ContainsFunc(each, func(v float64) bool { return v != 1 }) {
		return w, nil
	}
	out := make([]float64, len(class))
	for i, k := range class {
		out[i] = each[k]
		if w != nil {
			out[i] *= w[i]
		}
	}
	return out, nil
}

// maxClasses bounds the classes of a target: more are taken for a mistake.
const maxClasses = 1000
