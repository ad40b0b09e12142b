package linear

import (
	"math"

	"github.com/drivecast/drivecast/errs"
)

// rowWeights multiplies sample and class weights, and returns them divided by
// their sum, with the sum. nil stands for equal weights.
func rowWeights(class []int32, labels, weights []float64, o Options) (row []float64, total float64, err error) {
	for i, w := range weights {
		if !(w >= 0) || math.IsInf(w, 1) {
			return nil, 0, &errs.Input{Row: i + 2, Column: "weight", Problem: "the weight is " + formatLabel(w), Mend: "use finite weights of 0 or more"}
		}
	}
	perClass, err := classWeights(class, labels, weights, o)
	if err != nil {
		return nil, 0, err
	}
	if weights == nil && perClass == nil {
		return nil, float64(len(class)), nil
	}
	row = make([]float64, len(class))
	for i, c := range class {
		w := 1.0
		if weights != nil {
			w = weights[i]
		}
		if perClass != nil {
			w *= perClass[c]
		}
		row[i] = w
		total += w
	}
	if !(total > 0) || math.IsInf(total, 1) {
		return nil, 0, errs.New(errs.Invalid, "the weights sum to %v", total)
	}
	for i := range row {
		row[i] /= total
	}
	return row, total, nil
}

// classWeights returns the weight of each class, or nil when all are 1.
func classWeights(class []int32, labels, weights []float64, o Options) ([]float64, error) {
	if !o.Balanced && len(o.ClassWeight) == 0 {
		return nil, nil
	}
	out := make([]float64, len(labels))
	if o.Balanced {
		total := 0.0
		for i, c := range class {
			w := 1.0
			if weights != nil {
				w = weights[i]
			}
			out[c] += w
			total += w
		}
		for c, w := range out {
			if w == 0 {
				return nil, errs.New(errs.Invalid, "class %s has weight 0: it cannot be balanced", formatLabel(labels[c]))
			}
			out[c] = total / (float64(len(labels)) * w)
		}
		return out, nil
	}
	named := 0
	for c, l := range labels {
		out[c] = 1
		if w, ok := o.ClassWeight[l]; ok {
			out[c] = w
			named++
		}
	}
	if named < len(labels) && named != len(o.ClassWeight) {
		return nil, errs.New(errs.Invalid, "class_weight names classes that the target has not, and leaves out some that it has")
	}
	return out, nil
}
