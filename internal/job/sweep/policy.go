// Package sweep says which trials of a sweep to stop early. What the trials try
// is drawn by package search.
package sweep

import (
	"math"
	"slices"
	"sort"

	"github.com/drivecast/drivecast/internal/search"
)

// Policy stops trials early. The zero policy stops none.
type Policy struct {
	Kind     string  `json:"kind,omitempty"`          // "", bandit, median_stopping or truncation_selection
	Interval int     `json:"interval,omitempty"`      // the metric is judged each time it was reported so many times; 0 is 1
	Delay    int     `json:"delay,omitempty"`         // not before it was reported so many times
	Factor   float64 `json:"slack_factor,omitempty"`  // of bandit: share of the best value that may be missing
	Amount   float64 `json:"slack_amount,omitempty"`  // of bandit: the difference from the best that may be; used when Factor is 0
	Percent  int     `json:"percent,omitempty"`       // of truncation: share of the trials that is stopped
	Finished bool    `json:"with_finished,omitempty"` // of truncation: finished trials are compared, too
}

// Trial is what a policy sees of a trial.
type Trial struct {
	Name    string
	Values  []float64 // of the metric, in the order of report
	Running bool
}

// Stop returns the names of running trials that should end now.
func (p Policy) Stop(goal search.Goal, trials []Trial) []string {
	var out []string
	for _, t := range trials {
		n := p.judged(len(t.Values))
		if t.Running && n > 0 && p.worse(goal, t, n, trials) {
			out = append(out, t.Name)
		}
	}
	slices.Sort(out)
	return out
}

// judged is the last multiple of the interval that has been reached and is not
// before the delay; 0 for none.
func (p Policy) judged(reports int) int {
	every := max(1, p.Interval)
	n := reports / every * every
	if n < p.Delay {
		return 0
	}
	return n
}

func (p Policy) worse(goal search.Goal, t Trial, n int, trials []Trial) bool {
	switch p.Kind {
	case "bandit":
		best := math.NaN()
		for _, o := range trials {
			if v := bestOf(goal, o.Values); goal.Better(v, best) {
				best = v
			}
		}
		return goal.Better(p.limit(goal, best), bestOf(goal, t.Values[:n]))
	case "median_stopping":
		var means []float64
		for _, o := range trials {
			if len(o.Values) >= n {
				means = append(means, mean(o.Values[:n]))
			}
		}
		return len(means) > 1 && goal.Better(median(means), bestOf(goal, t.Values[:n]))
	case "truncation_selection":
		return p.truncated(goal, t, n, trials)
	}
	return false
}

// limit is the worst value that a bandit policy leaves alone.
func (p Policy) limit(goal search.Goal, best float64) float64 {
	slack := p.Amount
	if p.Factor > 0 {
		slack = math.Abs(best) * p.Factor
		if goal == search.Maximize {
			slack = math.Abs(best) - math.Abs(best)/(1+p.Factor)
		}
	}
	if goal == search.Maximize {
		return best - slack
	}
	return best + slack
}

// truncated reports whether a trial is among the worst at report n.
func (p Policy) truncated(goal search.Goal, t Trial, n int, trials []Trial) bool {
	worse, all := 0, 0
	for _, o := range trials {
		if len(o.Values) < n || !o.Running && !p.Finished {
			continue
		}
		all++
		if goal.Better(t.Values[n-1], o.Values[n-1]) {
			worse++
		}
	}
	return worse < all*p.Percent/100
}

func bestOf(goal search.Goal, values []float64) float64 {
	best := math.NaN()
	for _, v := range values {
		if goal.Better(v, best) {
			best = v
		}
	}
	return best
}

// Best is the best value that a metric ever had; NaN when it has none.
func Best(goal search.Goal, values []float64) float64 { return bestOf(goal, values) }

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

func median(x []float64) float64 {
	sort.Float64s(x)
	if n := len(x); n%2 == 0 {
		return (x[n/2-1] + x[n/2]) / 2
	}
	return x[len(x)/2]
}
