package tune

import (
	"math"
	"slices"

	"github.com/drivecast/drivecast/internal/search"
)

// State says how a job ended.
type State string

// The states.
const (
	Complete State = "complete"
	Pruned   State = "pruned" // stopped early: it was worse than the median
	Failed   State = "failed"
)

// Outcome is a job that has ended.
type Outcome struct {
	Job
	Params  map[string]string `json:"params"` // of the space, as texts
	State   State             `json:"state"`
	Values  []float64         `json:"values"`          // of each step that was reached
	Value   float64           `json:"value"`           // their mean; 0 when the job failed
	Error   string            `json:"error,omitempty"` // why it failed
	Seconds float64           `json:"seconds"`         // that it took
}

// Std is the standard deviation of the values over the steps, dividing by their
// number, as numpy does.
func (o Outcome) Std() float64 {
	sum := 0.0
	for _, v := range o.Values {
		sum += (v - o.Value) * (v - o.Value)
	}
	return math.Sqrt(sum / float64(len(o.Values)))
}

// pessimistic is the value for sampling: a failure is worse than any value, and
// so is a job that was stopped early.
func (o Outcome) pessimistic() float64 {
	if o.State != Complete {
		return math.NaN()
	}
	return o.Value
}

// best returns the index of the best outcome of those that were judged with the
// most effort, the first of equal ones; -1 when none is complete.
func best(goal search.Goal, over []Outcome) int {
	at := -1
	for i, o := range over {
		switch {
		case o.State != Complete:
		case at < 0, o.Share > over[at].Share, o.Share == over[at].Share && goal.Better(o.Value, over[at].Value):
			at = i
		}
	}
	return at
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// startup is how many outcomes there must be before one is stopped by them.
const startup = 5

// median reports whether a job whose steps so far had these values should stop:
// whether its mean is worse than the median of the means that earlier jobs had
// after as many steps (Golovin et al., "Google Vizier", KDD 2017). The best
// setting of curves that do not cross is never stopped.
func median(goal search.Goal, values []float64, over []Outcome) bool {
	n := len(values)
	var means []float64
	for _, o := range over {
		if o.State != Failed && len(o.Values) >= n {
			means = append(means, mean(o.Values[:n]))
		}
	}
	if len(means) < startup {
		return false
	}
	slices.Sort(means)
	middle := means[len(means)/2]
	if len(means)%2 == 0 {
		middle = (means[len(means)/2-1] + middle) / 2
	}
	return goal.Better(middle, mean(values))
}
