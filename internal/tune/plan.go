package tune

import (
	"cmp"
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/search"
)

// Job is one judgement of one setting.
type Job struct {
	Job   int       `json:"job"`   // from 0, in the order of decision
	Trial int       `json:"trial"` // the setting, from 0
	Rung  int       `json:"rung"`  // of halving; else 0
	Share float64   `json:"share"` // of the full effort, in (0, 1]
	Point []float64 `json:"point"` // the setting in the cube; see search
}

// plan decides what comes next. next is given the jobs that were decided and the
// outcomes of the first of them, and depends on nothing else; it returns false
// when these outcomes give it nothing to do, be it for now or for good.
type plan interface {
	next(decided []Job, over []Outcome) (Job, bool)
}

// newPlan returns the plan of a study and how many settings it tries.
func newPlan(s Settings) (plan, int, error) {
	sampler, err := search.New(s.Space, search.Sampling{Kind: s.Method, Seed: s.Seed}, s.Goal)
	if err != nil {
		return nil, 0, errs.New(errs.Usage, "%w", err)
	}
	n := s.Trials
	if size := sampler.Size(); size > 0 {
		n = min(n, size)
	}
	if n > maxTrials/10 && s.adaptive() {
		return nil, 0, errs.New(errs.Usage, "%d trials are too many to draw each from those before; take at most %d, or random", n, maxTrials/10)
	}
	f := flat{sampler: sampler, trials: n}
	h := halving{flat: f, goal: s.Goal, eta: s.Halving.Eta, shares: s.Halving.shares()}
	switch s.Halving.Kind {
	case "sha":
		return rungs{h}, n, nil
	case "asha":
		return ladder{h}, n, nil
	}
	return f, n, nil
}

// flat tries every setting once, with full effort.
type flat struct {
	sampler *search.Sampler
	trials  int
}

func (p flat) next(decided []Job, over []Outcome) (Job, bool) {
	if len(decided) >= p.trials {
		return Job{}, false
	}
	return Job{Job: len(decided), Trial: len(decided), Share: 1, Point: p.draw(len(decided), decided, over)}, true
}

// draw is the setting of a new trial. Jobs that are not over yet keep it from
// trying what is being tried.
func (p flat) draw(trial int, decided []Job, over []Outcome) []float64 {
	var known []search.Result
	for _, o := range over {
		known = append(known, search.Result{Point: o.Point, Value: o.pessimistic(), Share: o.Share})
	}
	var running [][]float64
	for _, j := range decided[len(over):] {
		running = append(running, j.Point)
	}
	known = search.Pending(known, running)
	return p.sampler.Draw(trial, known)
}

// halving is what both kinds of successive halving have in common.
type halving struct {
	flat
	goal   search.Goal
	eta    int
	shares []float64
}

func (h halving) start(decided []Job, over []Outcome, trial int) Job {
	return Job{Job: len(decided), Trial: trial, Share: h.shares[0], Point: h.draw(trial, decided, over)}
}

func (h halving) promote(o Outcome, job int) Job {
	return Job{Job: job, Trial: o.Trial, Rung: o.Rung + 1, Share: h.shares[o.Rung+1], Point: o.Point}
}

// rank orders outcomes of one rung from the best; failures are left out.
func (h halving) rank(over []Outcome, rung int) []Outcome {
	var out []Outcome
	for _, o := range over {
		if o.Rung == rung && o.State == Complete {
			out = append(out, o)
		}
	}
	slices.SortStableFunc(out, func(a, b Outcome) int {
		switch {
		case h.goal.Better(a.Value, b.Value):
			return -1
		case h.goal.Better(b.Value, a.Value):
			return 1
		}
		return cmp.Compare(a.Trial, b.Trial)
	})
	return out
}

// rungs is synchronous successive halving (Jamieson and Talwalkar, "Non-stochastic
// Best Arm Identification and Hyperparameter Optimization", AISTATS 2016): all
// settings are judged with little effort, then the best 1/eta of them with eta
// times as much, and so on.
type rungs struct{ halving }

func (p rungs) next(decided []Job, over []Outcome) (Job, bool) {
	k := len(decided)
	if k < p.trials {
		return p.start(decided, over, k), true
	}
	first, size := 0, p.trials // the jobs of a rung
	for rung := 0; rung+1 < len(p.shares); rung++ {
		end := first + size
		if len(over) < end {
			return Job{}, false
		}
		best := p.rank(over[:end], rung)
		size = min(max(1, int(float64(p.trials)*math.Pow(float64(p.eta), float64(-rung-1))+1e-9)), len(best))
		if k < end+size {
			return p.promote(best[k-end], k), true
		}
		if size == 0 {
			return Job{}, false
		}
		first = end
	}
	return Job{}, false
}

// ladder is asynchronous successive halving (Li, Jamieson, Rostamizadeh, Gonina,
// Ben-Tzur, Hardt, Recht and Talwalkar, "A System for Massively Parallel
// Hyperparameter Tuning", MLSys 2020): a setting goes up as soon as it is in the
// best 1/eta of the outcomes of its rung; when none does, a new one begins.
type ladder struct{ halving }

func (p ladder) next(decided []Job, over []Outcome) (Job, bool) {
	up := map[[2]int]bool{}
	trials := 0
	for _, j := range decided {
		up[[2]int{j.Trial, j.Rung}] = true
		trials = max(trials, j.Trial+1)
	}
	for rung := len(p.shares) - 2; rung >= 0; rung-- {
		best := p.rank(over, rung)
		for _, o := range best[:len(best)/p.eta] {
			if !up[[2]int{o.Trial, rung + 1}] {
				return p.promote(o, len(decided)), true
			}
		}
	}
	if trials < p.trials {
		return p.start(decided, over, trials), true
	}
	return Job{}, false
}
