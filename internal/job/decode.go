package job

import (
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
)

// Load opens, checks and types the job in a file. Every fault is reported at
// once in an error of kind Invalid; warnings are in the job.
func Load(path string, sets ...string) (*Job, error) { return LoadWith(path, nil, sets...) }

// LoadWith is Load for jobs that refer to registered components.
func LoadWith(path string, find Finder, sets ...string) (*Job, error) {
	d, err := Open(path)
	if err != nil {
		return nil, err
	}
	for _, s := range sets {
		if err := d.Set(s); err != nil {
			return nil, err
		}
	}
	return d.Job(find)
}

// Finder gives the document behind a reference to a registered component, such
// as azureml:NAME:VERSION, or an error of kind NotFound.
type Finder func(reference string) (*Document, error)

// Job checks the document and returns it typed. A document that is no job, or
// no job that can be run here, is of kind Unsupported. Find may be nil: then no
// component is registered.
func (d *Document) Job(find Finder) (*Job, error) {
	p := d.Check()
	if err := p.Err(); err != nil {
		return nil, err
	}
	source, err := filepath.Abs(d.File)
	if err != nil {
		return nil, errs.Wrap(err, "find %s", d.File)
	}
	a := at{node: d.root}
	j := &Job{
		Kind: d.Kind, Name: a.text("name"), DisplayName: a.text("display_name"), Description: a.text("description"),
		Experiment: a.text("experiment_name"), Tags: d.texts(a.child("tags")), Properties: d.texts(a.child("properties")),
		Compute: clusterName(a.text("compute")), Source: source, Warnings: p.Warnings(),
		Inputs: d.inputs(a.child("inputs")), Outputs: d.outputs(a.child("outputs")),
		Limits: limitsOf(a),
	}
	if err := d.fill(j, a, find); err != nil {
		return nil, errs.Wrap(err, "%s", d.File)
	}
	return j, nil
}

// fill types what is particular to the kind of job.
func (d *Document) fill(j *Job, a at, find Finder) (err error) {
	switch j.Kind {
	case KindCommand:
		j.Command = d.command(a)
	case KindSweep:
		err = d.sweep(j, a, find)
	case KindPipeline:
		err = d.pipeline(j, a, find)
	default:
		err = errs.New(errs.Unsupported, "line %d: %s cannot be run on this machine; see docs/jobs.md for what can", a.node.Line, kindName(j.Kind))
	}
	return err
}

func kindName(k Kind) string {
	if k == KindUnknown {
		return "a document of unknown kind"
	}
	return "a " + string(k)
}

// clusterName strips the forms of a reference from a compute's name. The name
// "local" and serverless compute mean the default cluster, "".
func clusterName(s string) string {
	s = strings.TrimPrefix(strings.TrimSpace(s), "azureml:")
	if i := strings.LastIndex(s, "/computes/"); i >= 0 {
		s = s[i+len("/computes/"):]
	}
	if s == "local" || s == "serverless" {
		return ""
	}
	return s
}

func limitsOf(a at) Limits {
	l := a.child("limits")
	timeout := l.integer("timeout")
	if timeout == 0 {
		timeout = a.integer("retry_settings", "timeout")
	}
	return Limits{
		Timeout:      time.Duration(timeout) * time.Second,
		TrialTimeout: time.Duration(l.integer("trial_timeout")) * time.Second,
		MaxTrials:    l.integer("max_total_trials"), MaxConcurrent: l.integer("max_concurrent_trials"),
		Retries: a.integer("retry_settings", "max_retries"),
	}
}

func (d *Document) command(a at) *Command {
	c := &Command{
		Line: a.text("command"), Code: d.path(a.text("code")), Environment: d.environment(a.child("environment")),
		Variables: d.texts(a.child("environment_variables")),
		Resources: Resources{
			Instances: a.integer("resources", "instance_count"), SharedMemory: a.text("resources", "shm_size"),
			InstanceType: list(a.child("resources").child("instance_type")),
			DockerArgs:   strings.Join(list(a.child("resources").child("docker_args")), " "),
		},
	}
	if x := a.child("distribution"); x.exists() {
		c.Distribution = distributionIn(x)
	}
	return c
}

func distributionIn(x at) *Distribution {
	return &Distribution{
		Type: plain(x.text("type")), PerInstance: x.integer("process_count_per_instance"),
		Workers: x.integer("worker_count"), ParameterServers: x.integer("parameter_server_count"),
	}
}

func list(a at) []string {
	switch {
	case !a.exists():
		return nil
	case a.node.Kind == yaml.ScalarNode:
		return []string{a.node.Value}
	}
	var out []string
	for _, n := range a.node.Content {
		out = append(out, n.Value)
	}
	return out
}

func (d *Document) texts(a at) map[string]string {
	var out map[string]string
	a.each(func(k string, v at) {
		if out == nil {
			out = map[string]string{}
		}
		out[k] = text(v.node)
	})
	return out
}

func (d *Document) environment(a at) Environment {
	switch {
	case !a.exists():
		return Environment{}
	case a.node.Kind == yaml.ScalarNode:
		return Environment{Reference: d.reference(a.node.Value)}
	}
	e := Environment{Image: a.text("image"), Build: d.path(a.text("build", "path"))}
	if f := a.child("conda_file"); f.exists() && f.node.Kind == yaml.ScalarNode {
		e.Conda = d.path(f.node.Value)
	} else if f.exists() {
		if b, err := yaml.Marshal(f.node); err == nil {
			e.Conda = string(b)
		}
	}
	return e
}

// inputs types a map of literals and data. A declaration in the manner of a
// component stands for its default.
func (d *Document) inputs(a at) map[string]Input {
	out := map[string]Input{}
	a.each(func(name string, v at) { out[name] = d.input(v) })
	return out
}

func (d *Document) input(v at) Input {
	switch {
	case !v.exists():
		return Input{Type: "string", Empty: true, Optional: true}
	case v.node.Kind == yaml.ScalarNode:
		return Input{Type: strictType(v.node), Value: v.node.Value}
	}
	in := Input{Type: strings.ToLower(v.text("type")), Mode: strings.ToLower(v.text("mode")), Optional: v.text("optional") == "true"}
	if p := v.child("path"); p.exists() {
		in.Path = d.path(p.node.Value)
		if in.Type == "" {
			in.Type = "uri_folder"
		}
		return in
	}
	value := v.child("value")
	if !value.exists() {
		value = v.child("default")
	}
	if !value.exists() {
		in.Empty = true
		return in
	}
	in.Value = value.node.Value
	if in.Type == "" {
		in.Type = strictType(value.node)
	}
	return in
}

// strictType is the strict type of a literal: text that looks like a number is
// still text when it was quoted or came from --set.
func strictType(n *yaml.Node) string {
	switch n.ShortTag() {
	case "!!int":
		return "integer"
	case "!!float":
		return "number"
	case "!!bool":
		return "boolean"
	}
	return "string"
}

func (d *Document) outputs(a at) map[string]Output {
	out := map[string]Output{}
	a.each(func(name string, v at) {
		o := Output{Type: strings.ToLower(v.text("type")), Path: d.path(v.text("path")), Mode: strings.ToLower(v.text("mode")), Name: v.text("name")}
		if v.node.Kind == yaml.ScalarNode && v.exists() {
			o.Path = v.node.Value
		}
		if o.Type == "" {
			o.Type = "uri_folder"
		}
		out[name] = o
	})
	return out
}
