package eval

import (
	"math"

	"github.com/drivecast/drivecast/errs"
)

// Table is a confusion matrix of any number of classes, with weights.
//
// Classes that neither the truth nor the decisions show are left out of
// averages, as scikit-learn leaves them out when it is given no labels.
type Table struct {
	// Count[t][d] is the weight of the rows of class t that were decided to be d.
	Count [][]float64
	// Shown says which classes occur in the truth or the decisions.
	Shown []bool
	// ZeroDivision is the value of a ratio without a denominator: 0 (scikit-learn's
	// default), 1 or NaN, which leaves it out of averages.
	ZeroDivision float64

	inTruth int // distinct classes in the truth
}

// maxClasses bounds the side of a confusion matrix.
const maxClasses = 1 << 13

// NewTable counts decisions against the truth, both class numbers from 0 to
// classes-1; weight, one a row, may be nil. Numbers out of range, lengths that
// differ and no rows are of kind Invalid.
func NewTable(truth, decision []int, classes int, weight []float64) (*Table, error) {
	if err := checkLengths(len(truth), len(decision), weight); err != nil {
		return nil, err
	}
	if classes < 1 || classes > maxClasses {
		return nil, errs.New(errs.Invalid, "%d classes: there should be from 1 to %d", classes, maxClasses)
	}
	t := &Table{Count: make([][]float64, classes), Shown: make([]bool, classes)}
	cells := make([]float64, classes*classes)
	for c := range t.Count {
		t.Count[c] = cells[c*classes : (c+1)*classes]
	}
	seen := make([]bool, classes)
	for i, a := range truth {
		b := decision[i]
		if uint(a) >= uint(classes) || uint(b) >= uint(classes) {
			return nil, errs.New(errs.Invalid, "row %d: class %d decided as %d, there are %d classes", i, a, b, classes)
		}
		w := 1.0
		if weight != nil {
			w = weight[i]
		}
		t.Count[a][b] += w
		t.Shown[a], t.Shown[b] = true, true
		if !seen[a] {
			seen[a] = true
			t.inTruth++
		}
	}
	return t, nil
}

// sums returns the weights of truth and of decision by class, and of all rows.
func (t *Table) sums() (truth, decision []float64, all float64) {
	truth, decision = make([]float64, len(t.Count)), make([]float64, len(t.Count))
	for a, row := range t.Count {
		for b, v := range row {
			truth[a] += v
			decision[b] += v
			all += v
		}
	}
	return truth, decision, all
}

func (t *Table) trace() float64 {
	s := 0.0
	for c := range t.Count {
		s += t.Count[c][c]
	}
	return s
}

// Accuracy is the share of right decisions; NaN when all weights are 0.
func (t *Table) Accuracy() float64 {
	_, _, all := t.sums()
	return t.trace() / all
}

// BalancedAccuracy is the mean recall of the classes in the truth. adjusted
// rescales it so that chance is 0.
func (t *Table) BalancedAccuracy(adjusted bool) float64 {
	truth, _, _ := t.sums()
	s, n := 0.0, 0.0
	for c, w := range truth {
		if w > 0 {
			s += t.Count[c][c] / w
			n++
		}
	}
	s /= n
	if adjusted {
		s = (s - 1/n) / (1 - 1/n)
	}
	return s
}

// MCC is Matthews' correlation coefficient for any number of classes (Gorodkin,
// 2004): 0 when the truth or the decisions are all of one class.
func (t *Table) MCC() float64 {
	truth, decision, all := t.sums()
	td, tt, dd := 0.0, 0.0, 0.0
	for c := range truth {
		td += truth[c] * decision[c]
		tt += truth[c] * truth[c]
		dd += decision[c] * decision[c]
	}
	spread := (all*all - dd) * (all*all - tt)
	if spread == 0 {
		return 0
	}
	return (t.trace()*all - td) / math.Sqrt(spread)
}

// KappaWeight says how far apart two classes are for Table.Kappa.
type KappaWeight uint8

// All disagreements alike; by the distance of class numbers; by its square.
const (
	Unweighted KappaWeight = iota
	Linear
	Quadratic
)

// Kappa is Cohen's kappa (Cohen, 1960 and 1968): agreement beyond chance. It is
// NaN when only one class is shown. Distances count the classes that are shown.
func (t *Table) Kappa(by KappaWeight) float64 {
	truth, decision, all := t.sums()
	off, chance := 0.0, 0.0
	ra := 0
	for a, row := range t.Count {
		if !t.Shown[a] {
			continue
		}
		rb := 0
		for b, v := range row {
			if !t.Shown[b] {
				continue
			}
			w := math.Abs(float64(ra - rb))
			switch {
			case by == Quadratic:
				w *= w
			case by == Unweighted && a != b:
				w = 1
			}
			off += w * v
			chance += w * (truth[a] * decision[b] / all)
			rb++
		}
		ra++
	}
	if chance == 0 {
		return math.NaN()
	}
	return 1 - off/chance
}
