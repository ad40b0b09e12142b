package search

import (
	"math"
	"math/rand/v2"

	"github.com/drivecast/drivecast/errs"
)

// Goal says which of two values of a metric is better.
type Goal string

// The goals.
const (
	Minimize Goal = "minimize"
	Maximize Goal = "maximize"
)

// Better reports whether a is better than b. NaN is worse than any number.
func (g Goal) Better(a, b float64) bool {
	switch {
	case math.IsNaN(a):
		return false
	case math.IsNaN(b):
		return true
	case g == Minimize:
		return a < b
	}
	return a > b
}

// Sampling is how trials are drawn.
type Sampling struct {
	Kind string `json:"kind"` // random, sobol, grid, bayesian or tpe
	Seed uint64 `json:"seed"`
}

// Result is a trial that has ended.
type Result struct {
	Point []float64 // in the cube, in the order of Space.Names
	Value float64   // of the metric; NaN when the trial failed
	Share float64   // of the full effort that the value cost, in (0, 1]; 0 stands for 1
}

// Sampler draws the trials of one search. It is safe for concurrent use.
type Sampler struct {
	space Space
	names []string
	how   Sampling
	goal  Goal
}

// New makes a sampler. Faults of the space, and a grid over a range that has no
// end of values, are of kind Invalid.
func New(space Space, how Sampling, goal Goal) (*Sampler, error) {
	if err := space.Check(); err != nil {
		return nil, err
	}
	if how.Kind == "grid" {
		for name, d := range space {
			if d.discrete() == 0 {
				return nil, errs.New(errs.Invalid, "grid sampling wants choices, and %s is %s; list the values to try", name, d.Kind)
			}
		}
	}
	return &Sampler{space: space, names: space.Names(), how: how, goal: goal}, nil
}

// Size is how many different trials there are; 0 for no end.
func (s *Sampler) Size() int {
	if s.how.Kind != "grid" {
		return 0
	}
	n := 1
	for _, name := range s.names {
		if d := s.space[name].discrete(); n > math.MaxInt32/d {
			return math.MaxInt32 // more than anybody will try
		} else {
			n *= d
		}
	}
	return n
}

// Draw returns trial i (from 0) as a point of the cube. Only bayesian and
// tpe sampling look at the results known so far.
func (s *Sampler) Draw(i int, known []Result) []float64 {
	switch s.how.Kind {
	case "grid":
		return s.corner(i)
	case "sobol":
		return sobol(i, len(s.names), s.how.Seed)
	case "bayesian":
		if x := s.gauss(i, known); x != nil {
			return x
		}
	case "tpe":
		if x := s.parzen(i, known); x != nil {
			return x
		}
	}
	return s.random(i)
}

// Space is what the sampler draws from.
func (s *Sampler) Space() Space { return s.space }

// Values are the texts of a point, by hyperparameter.
func (s *Sampler) Values(point []float64) map[string]string {
	out := map[string]string{}
	for k, name := range s.names {
		out[name] = s.space[name].At(point[k])
	}
	return out
}

func (s *Sampler) rand(i int) *rand.Rand { return rand.New(rand.NewPCG(s.how.Seed, uint64(i))) }

func (s *Sampler) random(i int) []float64 {
	r, x := s.rand(i), make([]float64, len(s.names))
	for k := range x {
		x[k] = r.Float64()
	}
	return x
}

// corner is point i of the grid; the last hyperparameter changes fastest.
func (s *Sampler) corner(i int) []float64 {
	x := make([]float64, len(s.names))
	for k := len(x) - 1; k >= 0; k-- {
		n := s.space[s.names[k]].discrete()
		x[k] = (float64(i%n) + 0.5) / float64(n)
		i /= n
	}
	return x
}
