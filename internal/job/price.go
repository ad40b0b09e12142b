package job

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
)

// Prices are what nodes cost, as the user's file says. There are none in the program:
// they differ by region, contract and day.
type Prices struct {
	Currency string             `yaml:"currency"`
	Sizes    map[string]float64 `yaml:"sizes"`    // price of a node's hour by its size
	Computes map[string]string  `yaml:"computes"` // size of the nodes of a cluster
}

// Estimate is what a job costs at most. It leaves out what is not a node: storage,
// traffic, and the minutes in which a cluster makes nodes and lets them go.
type Estimate struct {
	Currency string     `json:"currency"`
	PerHour  float64    `json:"per_hour"`       // while everything runs at once
	Most     *float64   `json:"most,omitempty"` // nil when something has no time limit
	Parts    []CostPart `json:"parts"`
}

// CostPart is one command, or the trials of a sweep.
type CostPart struct {
	Step    string   `json:"step,omitempty"` // of a pipeline, a.b within another
	Size    string   `json:"size"`
	Nodes   int      `json:"nodes"` // at once
	PerHour float64  `json:"per_hour"`
	Hours   *float64 `json:"node_hours,omitempty"` // at most; nil without a limit
	Most    *float64 `json:"most,omitempty"`
}

// ReadPrices reads a price file. Faults are of kind Invalid and name the file.
func ReadPrices(r io.Reader, file string) (*Prices, error) {
	d := yaml.NewDecoder(r)
	d.KnownFields(true)
	var p Prices
	if err := d.Decode(&p); err != nil && !errors.Is(err, io.EOF) {
		return nil, errs.New(errs.Invalid, "%s: %w; write currency, sizes and computes", file, err)
	}
	sizes := map[string]float64{}
	for size, price := range p.Sizes {
		if price < 0 || math.IsNaN(price) || math.IsInf(price, 0) {
			return nil, errs.New(errs.Invalid, "%s: sizes.%s: %g is no price of an hour", file, size, price)
		}
		sizes[strings.ToLower(size)] = price
	}
	if len(sizes) == 0 {
		return nil, errs.New(errs.Invalid, "%s: no prices; write for instance `sizes: {STANDARD_DS3_V2: 0.27}`", file)
	}
	p.Sizes = sizes
	return &p, nil
}

// Estimate is what the nodes of a job cost at most: their number by the job's limits of
// time by the price. A size without a price is of kind NotFound.
func (p *Prices) Estimate(j *Job) (Estimate, error) {
	e := Estimate{Currency: p.Currency, Parts: []CostPart{}}
	if err := p.add(&e, "", j, j.Compute); err != nil {
		return e, err
	}
	most, bounded := 0.0, true
	for _, part := range e.Parts {
		e.PerHour += part.PerHour
		if part.Most == nil {
			bounded = false
		} else {
			most += *part.Most
		}
	}
	if limit := j.Limits.Timeout; j.Pipeline != nil && limit > 0 { // it bounds all steps
		if whole := e.PerHour * limit.Hours(); !bounded || whole < most {
			most, bounded = whole, true
		}
	}
	if bounded {
		e.Most = &most
	}
	return e, nil
}

func (p *Prices) add(e *Estimate, step string, j *Job, compute string) error {
	if j.Compute != "" {
		compute = j.Compute
	}
	if j.Pipeline != nil {
		for _, name := range j.Pipeline.Order {
			if err := p.add(e, strings.TrimPrefix(step+"."+name, "."), j.Pipeline.Steps[name].Job, compute); err != nil {
				return err
			}
		}
		return nil
	}
	if j.Command == nil {
		return errs.New(errs.Unsupported, "the cost of a %s is not estimated", j.Kind)
	}
	size := p.Computes[compute]
	if types := j.Command.Resources.InstanceType; len(types) > 0 {
		size = types[0]
	}
	price, ok := p.Sizes[strings.ToLower(size)]
	switch {
	case size == "":
		return errs.New(errs.NotFound, "the price file does not say which size the nodes of %s have; write `computes: {%s: SIZE}`", compute, compute)
	case !ok:
		return errs.New(errs.NotFound, "the price file has no price of %s", size)
	}
	part := CostPart{Step: step, Size: size, Nodes: max(1, j.Command.Resources.Instances)}
	limit := j.Limits.Timeout
	hours := float64(part.Nodes) * limit.Hours()
	if j.Sweep != nil {
		hours, limit = sweepHours(j, part.Nodes)
		part.Nodes *= max(1, j.Limits.MaxConcurrent)
	}
	part.PerHour = float64(part.Nodes) * price
	if limit > 0 {
		most := hours * price
		part.Hours, part.Most = &hours, &most
	}
	e.Parts = append(e.Parts, part)
	return nil
}

// sweepHours are the node hours of a sweep at most: all trials to their limit, or as many
// as run at once to that of the sweep.
func sweepHours(j *Job, nodes int) (float64, time.Duration) {
	l, all := j.Limits, math.Inf(1)
	if l.Timeout > 0 {
		all = float64(nodes*max(1, l.MaxConcurrent)) * l.Timeout.Hours()
	}
	if l.TrialTimeout > 0 && l.MaxTrials > 0 {
		all = min(all, float64(nodes*l.MaxTrials)*l.TrialTimeout.Hours())
	}
	return all, max(l.Timeout, l.TrialTimeout)
}

// String is one line for people.
func (e Estimate) String() string {
	nodes := 0
	for _, p := range e.Parts {
		nodes += p.Nodes
	}
	line := strings.TrimSuffix(fmt.Sprintf("cost: %.2f %s", e.PerHour, e.Currency), " ") + fmt.Sprintf(" an hour for up to %d nodes", nodes)
	if e.Most == nil {
		return line + "; no upper bound: give every command limits.timeout"
	}
	return line + strings.TrimSuffix(fmt.Sprintf("; at most %.2f %s", *e.Most, e.Currency), " ") + ", nodes by time limit by price"
}
