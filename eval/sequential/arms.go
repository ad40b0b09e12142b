package sequential

import "github.com/drivecast/drivecast/errs"

// Arms tests whether two arms have the same mean loss when each unit falls to the second
// arm with a known chance, independently of everything else. Each loss, less the mean
// of all losses before it, is weighted by the inverse of its arm's chance, which makes
// the difference of the means the mean of the observations; they are scaled to [-1, 1]
// and given to Mean. What is subtracted is known before the unit and takes away variance
// only.
type Arms struct {
	share float64
	mean  Mean
	sum   [2]float64
	n     [2]int
}

// NewArms makes a test of two arms; share is the chance of the second one. An error, of
// kind Invalid, says that it is not between 0 and 1.
func NewArms(share float64) (*Arms, error) {
	if !(share > 0 && share < 1) {
		return nil, errs.New(errs.Invalid, "the share of the second arm is %v; it is a number between 0 and 1", share)
	}
	return &Arms{share: share}, nil
}

// Add takes the loss, 0 to 1, of the next unit, which fell to the second arm or to the
// first.
func (a *Arms) Add(second bool, loss float64) {
	arm, weight := 0, -1/(1-a.share)
	if second {
		arm, weight = 1, 1/a.share
	}
	before := 0.0
	if n := a.n[0] + a.n[1]; n > 0 {
		before = (a.sum[0] + a.sum[1]) / float64(n)
	}
	if !(loss >= 0 && loss <= 1) {
		a.mean.Add(loss - 2) // out of range
		return
	}
	a.sum[arm] += loss
	a.n[arm]++
	a.mean.Add((loss - before) * weight * min(a.share, 1-a.share))
}

// N is how many units fell to each arm.
func (a *Arms) N() (first, second int) { return a.n[0], a.n[1] }

// Losses are the mean losses of the arms; NaN of an arm without units.
func (a *Arms) Losses() (first, second float64) {
	return a.sum[0] / float64(a.n[0]), a.sum[1] / float64(a.n[1])
}

// P is the always-valid two-sided p-value, as Mean has it.
func (a *Arms) P() float64 { return a.mean.P() }

// Side is 1 when the evidence says that the second arm loses more, -1 when it says less.
func (a *Arms) Side() int { return a.mean.Side() }
