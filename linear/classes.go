package linear

import (
	"math"
	"slices"
	"strconv"

	"github.com/drivecast/drivecast/errs"
)

// classesOf returns the distinct labels in ascending order and the class of each
// row.
func classesOf(y []float64) (labels []float64, class []int32, err error) {
	if len(y) == 0 {
		return nil, nil, errs.New(errs.Invalid, "no rows to learn from")
	}
	first, second := y[0], math.NaN() // two labels that were seen: most rows have one of them
	for i, v := range y {
		known := 0 // counted, since a branch on either label would be guessed wrong
		if v == first {
			known++
		}
		if v == second {
			known++
		}
		if known > 0 && i > 0 {
			continue
		}
		if v-v != 0 {
			return nil, nil, &errs.Input{Row: i + 2, Column: "target", Problem: "the target is missing or infinite", Mend: "fill it or leave the row out"}
		}
		first, second = v, first
		at, found := slices.BinarySearch(labels, v)
		if !found {
			if len(labels) == maxDim {
				return nil, nil, errs.New(errs.Invalid, "the target has more than %d distinct values: it is not a class", maxDim)
			}
			labels = slices.Insert(labels, at, v)
		}
	}
	if len(labels) == 1 {
		return nil, nil, errs.New(errs.Invalid, "the target has one class only (%s): at least 2 are needed", formatLabel(labels[0]))
	}
	class = make([]int32, len(y))
	if len(labels) == 2 {
		for i, v := range y {
			var c int32
			if v == labels[1] {
				c = 1
			}
			class[i] = c
		}
		return labels, class, nil
	}
	for i, v := range y {
		at, _ := slices.BinarySearch(labels, v)
		class[i] = int32(at)
	}
	return labels, class, nil
}

func formatLabel(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
