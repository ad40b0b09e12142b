package tune

import (
	"encoding/json"
	"math"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/search"
)

// Settings define a study. Two runs with equal settings and an objective that
// depends on nothing else give the same outcomes.
type Settings struct {
	Space   search.Space `json:"space"`
	Method  string       `json:"method"` // grid, random, sobol, tpe or bayesian
	Seed    uint64       `json:"seed"`
	Trials  int          `json:"trials"` // settings that are tried at most; 0: DefaultTrials, or the whole grid
	Goal    search.Goal  `json:"goal"`
	Steps   int          `json:"steps"` // values that a full judgement reports: the folds
	Ahead   int          `json:"ahead"` // jobs at a time, where one depends on others; see Defaults
	Prune   string       `json:"prune"` // "" or median: see median
	Halving Halving      `json:"halving"`
	// About is what else the outcomes depend on, by name: the learner, the metric,
	// the hash of the data. A journal is only gone on with when all of it is equal.
	About map[string]string `json:"about"`
}

// Halving is how successive halving spends its effort. Each rung tries the best
// 1/Eta of the settings of the rung below with Eta times the effort.
type Halving struct {
	Kind  string  `json:"kind,omitempty"`  // "", sha (rung by rung) or asha (as soon as a setting is among the best so far)
	Eta   int     `json:"eta,omitempty"`   // from 2
	Least float64 `json:"least,omitempty"` // share of the full effort on the lowest rung, in (0, 1]
}

// The defaults of a study.
const (
	DefaultTrials = 40
	DefaultAhead  = 4
	DefaultEta    = 3
	DefaultLeast  = 1. / 9
)

// Methods are the sampling methods.
func Methods() []string { return []string{"grid", "random", "sobol", "tpe", "bayesian"} }

// Check returns the fault of kind Usage for which the study could not be run, and
// how many settings it would try.
func (s Settings) Check() (trials int, err error) {
	s.Steps = max(s.Steps, 1)
	if s, err = s.withDefaults(); err != nil {
		return 0, err
	}
	_, trials, err = newPlan(s)
	return trials, err
}

// withDefaults fills in what is zero and returns the fault of what is wrong, of
// kind Usage.
func (s Settings) withDefaults() (Settings, error) {
	if s.Trials == 0 {
		s.Trials = DefaultTrials
		if s.Method == "grid" {
			s.Trials = maxTrials
		}
	}
	if s.Ahead == 0 {
		s.Ahead = DefaultAhead
	}
	if s.Halving.Kind != "" {
		if s.Halving.Eta == 0 {
			s.Halving.Eta = DefaultEta
		}
		if s.Halving.Least == 0 {
			s.Halving.Least = DefaultLeast
		}
	}
	h := s.Halving
	switch {
	case !slices.Contains(Methods(), s.Method):
		return s, errs.New(errs.Usage, "there is no method %q; take one of %s", s.Method, strings.Join(Methods(), ", "))
	case s.Trials < 1 || s.Trials > maxTrials:
		return s, errs.New(errs.Usage, "%d trials are not from 1 to %d", s.Trials, maxTrials)
	case s.Ahead < 1 || s.Steps < 1:
		return s, errs.New(errs.Usage, "trials ahead (%d) and steps (%d) must be at least 1", s.Ahead, s.Steps)
	case s.Prune != "" && s.Prune != "median":
		return s, errs.New(errs.Usage, "there is no pruning %q; take median or none", s.Prune)
	case h.Kind != "" && h.Kind != "sha" && h.Kind != "asha":
		return s, errs.New(errs.Usage, "there is no halving %q; take sha or asha", h.Kind)
	case h.Kind != "" && (h.Eta < 2 || h.Least <= 0 || h.Least > 1):
		return s, errs.New(errs.Usage, "halving keeps one in %d from a share of %g; the first must be at least 2, the second in (0, 1]", h.Eta, h.Least)
	case h.Kind != "" && s.Prune != "":
		return s, errs.New(errs.Usage, "halving stops poor settings early by itself; leave out the pruning")
	}
	return s, nil
}

const maxTrials = 100000

// adaptive reports whether later jobs depend on the outcomes of earlier ones, but
// for the rungs of halving.
func (s Settings) adaptive() bool {
	return s.Method == "tpe" || s.Method == "bayesian" || s.Prune != ""
}

// Parallel is how many of the workers can have a job at the same time.
func (s Settings) Parallel(workers int) int {
	if s.adaptive() || s.Halving.Kind == "asha" {
		return min(workers, max(s.Ahead, 1))
	}
	return workers
}

// shares are the shares of the full effort, rung by rung; the last is 1.
func (h Halving) shares() []float64 {
	if h.Kind == "" {
		return []float64{1}
	}
	rungs := 1 + int(math.Log(1/h.Least)/math.Log(float64(h.Eta))+1e-9)
	out := make([]float64, rungs)
	for k := range out {
		out[k] = math.Pow(float64(h.Eta), float64(k-rungs+1))
	}
	return out
}

// difference names the first thing in which two settings would give other
// outcomes, or "".
func (s Settings) difference(begun Settings) (what, was, is string) {
	a, b := s.facts(), begun.facts()
	names := make([]string, 0, len(a)+len(b))
	for name := range a {
		names = append(names, name)
	}
	for name := range b {
		if _, both := a[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if a[name] != b[name] {
			return name, b[name], a[name]
		}
	}
	return "", "", ""
}

// facts are what outcomes depend on, as texts. The number of trials is one only
// where the first jobs depend on how many will follow.
func (s Settings) facts() map[string]string {
	text := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			return err.Error() // of settings that were read from JSON or checked: cannot be
		}
		return string(b)
	}
	out := map[string]string{
		"method": s.Method, "seed": text(s.Seed), "goal": string(s.Goal), "steps": text(s.Steps), "prune": s.Prune, "halving": text(s.Halving),
	}
	if s.adaptive() || s.Halving.Kind == "asha" {
		out["ahead"] = text(s.Ahead)
	}
	if s.Halving.Kind != "" {
		out["trials"] = text(s.Trials)
	}
	for name, d := range s.Space {
		out["space of "+name] = text(d)
	}
	for name, v := range s.About {
		out[name] = v
	}
	return out
}
