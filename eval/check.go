package eval

import (
	"math"

	"github.com/drivecast/drivecast/errs"
)

// checkBinary refuses what no metric of two classes can take: other lengths,
// truths other than 0 and 1, scores that are NaN or infinite, weights that are
// not finite or below 0. Rows are counted from 0 in the messages.
func checkBinary(truth []int, score, weight []float64) error {
	if err := checkLengths(len(truth), len(score), weight); err != nil {
		return err
	}
	for i, t := range truth {
		if t != 0 && t != 1 {
			return errs.New(errs.Invalid, "row %d: the truth is %d, it should be 0 or 1", i, t)
		}
	}
	return checkFinite("score", score)
}

func checkLengths(rows, others int, weight []float64) error {
	switch {
	case rows == 0:
		return errs.New(errs.Invalid, "there are no rows to judge")
	case rows != others:
		return errs.New(errs.Invalid, "%d rows of truth but %d of answers", rows, others)
	case weight != nil && len(weight) != rows:
		return errs.New(errs.Invalid, "%d rows but %d weights", rows, len(weight))
	}
	for i, w := range weight {
		if !(w >= 0) || math.IsInf(w, 1) {
			return errs.New(errs.Invalid, "row %d: the weight is %v, it should be finite and 0 or more", i, w)
		}
	}
	return nil
}

func checkFinite(what string, v []float64) error {
	for i, x := range v {
		if x-x != 0 {
			return errs.New(errs.Invalid, "row %d: the %s is %v", i, what, x)
		}
	}
	return nil
}

func checkProbabilities(p []float64) error {
	for i, x := range p {
		if !(x >= 0 && x <= 1) {
			return errs.New(errs.Invalid, "element %d: the probability is %v, it should be from 0 to 1", i, x)
		}
	}
	return nil
}
