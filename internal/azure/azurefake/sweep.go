package azurefake

import (
	"encoding/json"
	"strings"

	arm "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job/sweep"
	"github.com/drivecast/drivecast/internal/search"
)

// maxTrials is what Azure ML takes when a sweep does not say how many.
const maxTrials = 1000

// goalOf is the direction in which the metric is better.
func goalOf(p *arm.SweepJob) search.Goal {
	if p.Objective != nil && p.Objective.Goal != nil && strings.EqualFold(string(*p.Objective.Goal), string(arm.GoalMaximize)) {
		return "maximize"
	}
	return "minimize"
}

// samplerOf draws from the search space of a body: {name: [kind, [arguments]]}.
func samplerOf(p *arm.SweepJob) (*search.Sampler, error) {
	if p.Trial == nil {
		return nil, errs.New(errs.Invalid, "the sweep has no trial")
	}
	body, err := json.Marshal(p.SearchSpace)
	var entries map[string][]json.RawMessage
	if err == nil {
		err = json.Unmarshal(body, &entries)
	}
	if err != nil {
		return nil, errs.New(errs.Invalid, "searchSpace: write {name: [kind, [arguments]]}: %w", err)
	}
	space := search.Space{}
	for name, e := range entries {
		if space[name], err = distributionOf(e); err != nil {
			return nil, errs.Wrap(err, "searchSpace.%s", name)
		}
	}
	how := search.Sampling{Kind: "random", Seed: 1}
	switch a := p.SamplingAlgorithm.(type) {
	case *arm.BayesianSamplingAlgorithm:
		how.Kind = "bayesian"
	case *arm.GridSamplingAlgorithm:
		how.Kind = "grid"
	case *arm.RandomSamplingAlgorithm:
		if a.Seed != nil {
			how.Seed = uint64(*a.Seed)
		}
		if a.Rule != nil && *a.Rule == arm.RandomSamplingAlgorithmRuleSobol {
			how.Kind = "sobol"
		}
	}
	return search.New(space, how, goalOf(p))
}

// policyOf is what stops trials of a body early.
func policyOf(p *arm.SweepJob) sweep.Policy {
	if p.EarlyTermination == nil {
		return sweep.Policy{}
	}
	base := p.EarlyTermination.GetEarlyTerminationPolicy()
	out := sweep.Policy{Interval: whole(base.EvaluationInterval), Delay: whole(base.DelayEvaluation)}
	switch e := p.EarlyTermination.(type) {
	case *arm.BanditPolicy:
		out.Kind = "bandit"
		if e.SlackFactor != nil {
			out.Factor = float64(*e.SlackFactor)
		}
		if e.SlackAmount != nil {
			out.Amount = float64(*e.SlackAmount)
		}
	case *arm.MedianStoppingPolicy:
		out.Kind = "median_stopping"
	case *arm.TruncationSelectionPolicy:
		out.Kind, out.Percent = "truncation_selection", whole(e.TruncationPercentage)
	}
	return out
}

func whole(n *int32) int {
	if n == nil {
		return 0
	}
	return int(*n)
}

func distributionOf(e []json.RawMessage) (d search.Distribution, err error) {
	var args []json.RawMessage
	if len(e) != 2 || json.Unmarshal(e[0], &d.Kind) != nil || json.Unmarshal(e[1], &args) != nil || len(args) == 0 {
		return d, errs.New(errs.Invalid, "write [kind, [arguments]]")
	}
	fields := map[string][]any{
		"choice": {&d.Values}, "randint": {&d.Upper}, "uniform": {&d.Min, &d.Max}, "loguniform": {&d.Min, &d.Max},
		"quniform": {&d.Min, &d.Max, &d.Quantum}, "qloguniform": {&d.Min, &d.Max, &d.Quantum}, "normal": {&d.Mu, &d.Sigma},
		"lognormal": {&d.Mu, &d.Sigma}, "qnormal": {&d.Mu, &d.Sigma, &d.Quantum}, "qlognormal": {&d.Mu, &d.Sigma, &d.Quantum},
	}[d.Kind]
	if len(fields) != len(args) {
		return d, errs.New(errs.Invalid, "%s has %d arguments, got %d", d.Kind, len(fields), len(args))
	}
	for i, into := range fields {
		if err := json.Unmarshal(args[i], into); err != nil {
			return d, errs.New(errs.Invalid, "argument %d of %s: %w", i+1, d.Kind, err)
		}
	}
	return d, nil
}
