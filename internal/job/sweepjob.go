package job

import (
	"encoding/json"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job/sweep"
	"github.com/drivecast/drivecast/internal/search"
)

// Limits of Azure ML that hold when a sweep names none.
const (
	defaultTrials       = 1000
	defaultSweepTimeout = 5_184_000 * time.Second
)

// Sweep is a command tried with many values of its hyperparameters. The command
// is the job's Command.
type Sweep struct {
	Space    search.Space    `json:"space"`
	Sampling search.Sampling `json:"sampling"`
	Seeded   bool            `json:"seeded,omitempty"` // the file gives the seed
	Goal     search.Goal     `json:"goal"`
	Metric   string          `json:"metric"`
	Stop     sweep.Policy    `json:"stop"`
}

func (d *Document) sweep(j *Job, a at, find Finder) error {
	trial := a.child("trial")
	owner := d
	if trial.isText() {
		component, err := d.component(trial, find)
		if err != nil {
			return err
		}
		owner, trial = component, at{node: component.root}
	}
	j.Command = owner.command(trial)
	if r := a.child("resources"); r.exists() {
		j.Command.Resources.Instances = r.integer("instance_count")
	}
	declared := owner.inputs(trial.child("inputs"))
	for name, in := range declared {
		if _, given := j.Inputs[name]; !given && child(a.child("search_space").node, name) == nil {
			j.Inputs[name] = in
		}
	}
	for name, out := range owner.outputs(trial.child("outputs")) {
		if _, given := j.Outputs[name]; !given {
			j.Outputs[name] = out
		}
	}
	s := &Sweep{
		Space: search.Space{}, Goal: search.Goal(plain(a.text("objective", "goal"))), Metric: a.text("objective", "primary_metric"),
		Sampling: search.Sampling{Kind: plain(a.text("sampling_algorithm"))}, Stop: policyOf(a.child("early_termination")),
	}
	if how := a.child("sampling_algorithm"); how.exists() && how.node.Kind == yaml.MappingNode {
		s.Sampling.Kind = plain(how.text("type"))
		if plain(how.text("rule")) == "sobol" {
			s.Sampling.Kind = "sobol"
		}
		s.Seeded, s.Sampling.Seed = how.child("seed").exists(), uint64(how.integer("seed"))
	}
	var err error
	a.child("search_space").each(func(name string, v at) {
		var x search.Distribution
		if x, err = distributionOf(v); err == nil {
			s.Space[name] = x
		}
	})
	if err == nil {
		_, err = search.New(s.Space, s.Sampling, s.Goal)
	}
	j.Sweep = s
	if j.Limits.MaxTrials == 0 {
		j.Limits.MaxTrials = defaultTrials
	}
	if j.Limits.MaxConcurrent == 0 {
		j.Limits.MaxConcurrent = j.Limits.MaxTrials
	}
	if j.Limits.Timeout == 0 {
		j.Limits.Timeout = defaultSweepTimeout
	}
	return errs.Wrap(err, "line %d", a.child("search_space").node.Line)
}

func distributionOf(v at) (search.Distribution, error) {
	x := search.Distribution{
		Kind: plain(v.text("type")), Upper: v.integer("upper"), Min: v.number("min_value"), Max: v.number("max_value"),
		Mu: v.number("mu"), Sigma: v.number("sigma"), Quantum: v.number("q"),
	}
	values := v.child("values")
	if !values.exists() {
		return x, nil
	}
	for _, n := range values.node.Content {
		var value any
		if err := n.Decode(&value); err != nil {
			return x, errs.New(errs.Invalid, "line %d: %w", n.Line, err)
		}
		raw, err := json.Marshal(value)
		if err != nil {
			return x, errs.New(errs.Invalid, "line %d: %w", n.Line, err)
		}
		if n.Kind == yaml.ScalarNode && n.ShortTag() != "!!str" && n.ShortTag() != "!!null" && json.Valid([]byte(n.Value)) {
			raw = json.RawMessage(n.Value) // a number as it was written
		}
		x.Values = append(x.Values, raw)
	}
	return x, nil
}

func policyOf(a at) sweep.Policy {
	if !a.exists() {
		return sweep.Policy{}
	}
	kind := strings.ToLower(a.text("type"))
	for _, k := range []string{"bandit", "median_stopping", "truncation_selection"} {
		if same(k, kind) {
			kind = k
		}
	}
	return sweep.Policy{
		Kind: kind, Interval: a.integer("evaluation_interval"), Delay: a.integer("delay_evaluation"), Factor: a.number("slack_factor"),
		Amount: a.number("slack_amount"), Percent: a.integer("truncation_percentage"), Finished: a.text("exclude_finished_jobs") == "false",
	}
}

// Trial is the command job of one trial with the values of its hyperparameters.
func (j *Job) Trial(values map[string]string) (*Job, error) {
	t := *j
	t.Kind, t.Sweep, t.Name, t.DisplayName = KindCommand, nil, "", ""
	command := *j.Command
	t.Command = &command
	t.Limits = Limits{Timeout: j.Limits.TrialTimeout, Retries: j.Limits.Retries}
	t.Inputs = map[string]Input{}
	for name, in := range j.Inputs {
		t.Inputs[name] = in
	}
	for name, v := range values {
		t.Inputs[name] = Input{Type: "string", Value: v}
	}
	var err error
	command.Line, err = replaceSpace(command.Line, values)
	command.Variables = map[string]string{}
	for k, v := range j.Command.Variables {
		if err == nil {
			command.Variables[k], err = replaceSpace(v, values)
		}
	}
	return &t, err
}

// replaceSpace fills ${{search_space.x}} and leaves every other expression.
func replaceSpace(text string, values map[string]string) (string, error) {
	var b strings.Builder
	err := scan(text, func(literal string, path []string) error {
		b.WriteString(literal)
		if len(path) == 2 && path[0] == "search_space" {
			v, known := values[path[1]]
			if !known {
				return errs.New(errs.Invalid, "${{search_space.%s}} names nothing in the search space", path[1])
			}
			b.WriteString(v)
			return nil
		}
		if path != nil {
			b.WriteString("${{" + strings.Join(path, ".") + "}}")
		}
		return nil
	})
	return b.String(), err
}
