package job

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
)

// Pipeline is a set of steps that hand files to each other.
type Pipeline struct {
	Steps             map[string]*Step `json:"steps"`
	Order             []string         `json:"order"` // of the file
	ContinueOnFailure bool             `json:"continue_on_step_failure,omitempty"`
	ForceRerun        bool             `json:"force_rerun,omitempty"`
}

// Step is one job of a pipeline. Its inputs may hold ${{parent.…}} expressions,
// and so may the path of an output, which it then fills.
type Step struct {
	Job       *Job `json:"job"`
	Cacheable bool `json:"cacheable,omitempty"` // the same inputs give the same outputs
}

// Needs lists the steps whose outputs a step reads.
func (s *Step) Needs() []string {
	var out []string
	for _, in := range s.Job.Inputs {
		for _, text := range []string{in.Value, in.Path} {
			list, _ := Expressions(text)
			for _, e := range list {
				if len(e) >= 5 && e[0] == "parent" && e[1] == "jobs" && e[3] == "outputs" {
					out = append(out, e[2])
				}
			}
		}
	}
	return out
}

func (d *Document) pipeline(j *Job, a at, find Finder) error {
	owner, body := d, a
	if c := a.child("component"); c.exists() && !a.child("jobs").exists() {
		var err error
		if owner, body, err = d.bodyOf(c, find); err != nil {
			return err
		}
		if owner.Kind != KindPipelineComponent && owner.Kind != KindPipeline {
			return errs.New(errs.Unsupported, "line %d: component: %s is no pipeline", c.node.Line, kindName(owner.Kind))
		}
		if err := d.adopt(j, owner, body); err != nil {
			return errs.Wrap(err, "line %d: component", c.node.Line)
		}
	}
	settings := a.child("settings")
	if !settings.exists() {
		settings = body.child("settings")
	}
	j.Pipeline = &Pipeline{
		Steps: map[string]*Step{}, ContinueOnFailure: settings.text("continue_on_step_failure") == "true", ForceRerun: settings.text("force_rerun") == "true",
	}
	if j.Compute == "" {
		j.Compute = clusterName(settings.text("default_compute"))
	}
	var err error
	body.child("jobs").each(func(name string, s at) {
		if err != nil {
			return
		}
		var st *Step
		if st, err = owner.step(s, find); err != nil {
			err = errs.Wrap(err, "jobs.%s", name)
			return
		}
		st.Job.Experiment = j.Experiment
		j.Pipeline.Steps[name], j.Pipeline.Order = st, append(j.Pipeline.Order, name)
	})
	if err == nil && len(j.Pipeline.Order) == 0 {
		err = errs.New(errs.Invalid, "line %d: the pipeline has no steps", a.node.Line)
	}
	return err
}

// bodyOf finds a component that is written in place, in a file, or registered.
func (d *Document) bodyOf(c at, find Finder) (*Document, at, error) {
	if !c.isText() {
		inner := &Document{File: d.File, Dir: d.Dir, root: c.node, Kind: kindOf(c.node)}
		return inner, at{node: c.node}, nil
	}
	doc, err := d.component(c, find)
	if err != nil {
		return nil, at{}, err
	}
	return doc, at{node: doc.root}, nil
}

// component opens and checks the component that a reference names.
func (d *Document) component(ref at, find Finder) (*Document, error) {
	v := strings.TrimSpace(ref.node.Value)
	if IsRemote(v) {
		if find == nil {
			return nil, errs.New(errs.NotFound, "line %d: component %s is not registered here; register it, or name its file", ref.node.Line, v)
		}
		doc, err := find(v)
		return doc, errs.Wrap(err, "line %d", ref.node.Line)
	}
	doc, err := Open(d.path(v))
	if err != nil {
		return nil, errs.Wrap(err, "line %d: component", ref.node.Line)
	}
	return doc, errs.Wrap(doc.Check().Err(), "line %d: component", ref.node.Line)
}

// adopt gives a job what its component declares and it does not say itself, and
// refuses required inputs without a value and inputs that are not declared.
func (d *Document) adopt(j *Job, owner *Document, body at) error {
	declared := owner.inputs(body.child("inputs"))
	for name, in := range declared {
		given, ok := j.Inputs[name]
		switch {
		case !ok && in.Empty && !in.Optional:
			return errs.New(errs.Invalid, "input %s has no value; give it one under `inputs:`", name)
		case !ok:
			j.Inputs[name] = in
		case given.Empty:
			if in.Empty && !in.Optional {
				return errs.New(errs.Invalid, "input %s has no value; give it one under `inputs:`", name)
			}
			j.Inputs[name] = in
		default:
			given.Optional = in.Optional
			if in.IsData() && given.Path == "" && !strings.Contains(given.Value, "${{") {
				given.Path, given.Value = d.path(given.Value), ""
			}
			if !in.IsData() {
				if err := fitsDeclared(name, in.Type, given.Value); err != nil {
					return err
				}
			}
			given.Type = in.Type
			if given.Mode == "" {
				given.Mode = in.Mode
			}
			j.Inputs[name] = given
		}
	}
	for name := range j.Inputs {
		if _, ok := declared[name]; !ok {
			return errs.New(errs.Invalid, "input %s is not declared by the component; remove it", name)
		}
	}
	for name, out := range owner.outputs(body.child("outputs")) {
		given, ok := j.Outputs[name]
		if !ok {
			j.Outputs[name] = out
			continue
		}
		given.Type = out.Type
		j.Outputs[name] = given
	}
	return nil
}

func fitsDeclared(name, kind, value string) error {
	if kind != "integer" && kind != "number" && kind != "boolean" || strings.Contains(value, "${{") {
		return nil
	}
	if _, ok := fits(value, "", kind); !ok {
		return errs.New(errs.Invalid, "input %s: %q is no %s", name, value, kind)
	}
	return nil
}

// step types one step. Kinds that need what this machine has not are of kind
// Unsupported, with the line.
func (d *Document) step(s at, find Finder) (*Step, error) {
	owner, body := d, s
	kind := plain(s.text("type"))
	c := s.child("component")
	if c.exists() {
		var err error
		if owner, body, err = d.bodyOf(c, find); err != nil {
			return nil, err
		}
		if kind == "" {
			kind = plain(body.text("type"))
		}
	}
	j := &Job{
		DisplayName: s.text("display_name"), Description: s.text("description"), Tags: d.texts(s.child("tags")), Source: d.File,
		Properties: d.texts(s.child("properties")), Compute: clusterName(s.text("compute")), Limits: limitsOf(s),
		Inputs: d.inputs(s.child("inputs")), Outputs: d.outputs(s.child("outputs")),
	}
	if c.exists() {
		if err := d.adopt(j, owner, body); err != nil {
			return nil, errs.Wrap(err, "line %d", s.node.Line)
		}
	}
	err := d.fillStep(j, kind, owner, s, body, find)
	cacheable := s.text("is_deterministic") != "false" && body.text("is_deterministic") != "false"
	return &Step{Job: j, Cacheable: cacheable && j.Kind == KindCommand}, err
}

func (d *Document) fillStep(j *Job, kind string, owner *Document, s, body at, find Finder) error {
	switch kind {
	case "", "command":
		j.Kind, j.Command = KindCommand, owner.command(body)
		d.override(j.Command, s)
	case "sweep":
		j.Kind = KindSweep
		return d.sweep(j, s, find)
	case "parallel":
		j.Kind, j.Command = KindCommand, &Command{Variables: owner.texts(body.child("environment_variables"))}
		return owner.parallel(j, body)
	case "pipeline", "pipelinecomponent":
		j.Kind = KindPipeline
		if body.node == s.node {
			return d.pipeline(j, s, find)
		}
		return owner.pipeline(j, body, find)
	default:
		return errs.New(errs.Unsupported, "line %d: a step of type %s cannot be run on this machine; see docs/jobs.md for what can", s.node.Line, kind)
	}
	return nil
}

// override lets a step change what its component says of the environment and
// resources.
func (d *Document) override(c *Command, s at) {
	if e := s.child("environment"); e.exists() {
		c.Environment = d.environment(e)
	}
	for k, v := range d.texts(s.child("environment_variables")) {
		if c.Variables == nil {
			c.Variables = map[string]string{}
		}
		c.Variables[k] = v
	}
	if n := s.integer("resources", "instance_count"); n > 0 {
		c.Resources.Instances = n
	}
	if x := s.child("distribution"); x.exists() && x.node.Kind == yaml.MappingNode {
		c.Distribution = distributionIn(x)
	}
}
