package azureml

import (
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// unnamed is the name that a component gets when it goes in with its pipeline.
const unnamed = "azureml_anonymous"

// Where a component comes from, as the body of a job says it.
const (
	fromFile      = "YAML.COMPONENT"
	fromJob       = "YAML.JOB"
	fromWorkspace = "REMOTE.WORKSPACE.COMPONENT"
	fromRegistry  = "REMOTE.REGISTRY"
)

// component is what a step runs: registered under an id, or defined here.
type component struct {
	source string  // one of the above
	id     string  // of a registered one; "" for one that is defined here
	kind   string  // command, parallel, spark or pipeline
	body   ordered // its fields
	dir    string  // where relative paths in it start
	step   bool    // the step itself is the definition
}

// component finds what the field holds: a reference, a file or a definition.
func (b *builder) component(v any) (component, error) {
	switch v := v.(type) {
	case ordered:
		return component{source: fromJob, body: v, dir: b.dir, kind: kindName(v)}, nil
	case string:
		switch {
		case strings.HasPrefix(v, "azureml://registries/"):
			return component{source: fromRegistry, id: v}, nil
		case job.IsRemote(v):
			return component{source: fromWorkspace, id: text(reference(v))}, nil
		}
		d, err := b.open(v)
		if err != nil {
			return component{}, errs.Wrap(err, "component")
		}
		o, err := orderedFields(d)
		c := component{source: fromFile, body: o, dir: d.Dir, kind: kindName(o)}
		if strings.HasPrefix(v, "file:") {
			c.source = fromJob
		}
		return c, err
	}
	return component{}, errs.New(errs.Invalid, "component: name a file, a reference or a definition")
}

// open reads and checks a file that the document names.
func (b *builder) open(path string) (*job.Document, error) {
	d, err := job.Open(under(b.dir, path))
	if err != nil {
		return nil, err
	}
	return d, d.Check().Err()
}

// kindName is the type of a step or component in small letters; a command when
// it says none.
func kindName(o ordered) string {
	if s := strings.ToLower(text(o.get("type"))); s != "" {
		return s
	}
	if o.get("jobs") != nil {
		return "pipeline"
	}
	return "command"
}

// definition writes a component as a pipeline holds it. Within another component
// (inner), paths are absolute and a few fields more are written.
func (b *builder) definition(c component, scope *scope, inner bool) (ordered, error) {
	o := c.body
	out := ordered{}
	if !c.step {
		out.copies(o, "$schema")
	}
	out = append(out, pair{"name", unnamed}, pair{"version", "1"})
	if !c.step {
		out.copies(o, "display_name")
	}
	out.copies(o, "description")
	if inner && !c.step {
		out.copies(o, "tags")
	} else {
		out.add("tags", texts(o.in("tags")))
	}
	out.add("type", c.kind)
	if c.step {
		in, err := scope.declareInputs(o.in("inputs"))
		if err != nil {
			return nil, err
		}
		out.add("inputs", in)
		out.add("outputs", scope.declareOutputs(o.in("outputs")))
	} else {
		out.add("inputs", declared(o.in("inputs")))
		out.add("outputs", declared(o.in("outputs")))
	}
	var err error
	switch c.kind {
	case "command":
		err = b.commandPart(&out, c, inner)
	case "parallel":
		err = b.parallelPart(&out, c, inner)
	case "spark":
		err = b.sparkPart(&out, c, inner)
	case "pipeline":
		err = b.pipelinePart(&out, c)
	default:
		err = errs.New(errs.Unsupported, "a component of type %s cannot be sent within a pipeline; register it and name it as azureml:NAME:VERSION", c.kind)
	}
	if !c.step {
		out.add("properties", o.get("properties"))
	}
	return out, err
}

// texts writes scalars as text.
func texts(o ordered) ordered {
	out := ordered{}
	for _, p := range o {
		out = append(out, pair{p.key, literal(p.value)})
	}
	return out
}

// declared writes the inputs or outputs that a component declares. Defaults and
// bounds are text.
func declared(in ordered) ordered {
	out := ordered{}
	for _, p := range in {
		m, _ := p.value.(ordered)
		kind := dataType(m.get("type"))
		one := ordered{{"type", kind}}
		if !isData(kind) {
			one.addTrue("optional", m)
			one.addText("default", m)
			one.copies(m, "description", "enum")
			one.addText("max", m)
			one.addText("min", m)
		} else {
			one.copies(m, "description")
			one.addTrue("optional", m)
			one.addText("default", m)
			one.copies(m, "mode")
		}
		out = append(out, pair{p.key, one})
	}
	return out
}

func isData(kind string) bool {
	switch kind {
	case "integer", "number", "string", "boolean":
		return false
	}
	return true
}

func (o *ordered) addTrue(key string, m ordered) {
	if m.get(key) == true {
		o.add(key, true)
	}
}

func (o *ordered) addText(key string, m ordered) {
	if v := m.get(key); v != nil {
		o.add(key, literal(typed(v, dataType(m.get("type")))))
	}
}

// typed reads a value as its declared type: 3 is 3.0 as a number.
func typed(v any, kind string) any {
	if s, ok := v.(string); ok && (kind == "number" || kind == "integer") {
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			v = f
		}
	}
	switch v := v.(type) {
	case int64:
		if kind == "number" {
			return float64(v)
		}
	case float64:
		if kind == "integer" && v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v)
		}
	}
	return v
}

func (b *builder) commandPart(out *ordered, c component, inner bool) error {
	o := c.body
	env, err := environmentIn(o.get("environment"), c.dir)
	if err != nil {
		return err
	}
	out.copies(o, "command")
	out.add("environment", env)
	out.add("code", codeIn(o.get("code"), c.dir, inner))
	out.add("resources", resourcesPart(o.in("resources")))
	distribution := distributionPart(o.in("distribution"))
	if !(inner && c.step) {
		out.add("distribution", distribution)
	}
	if inner && !c.step {
		out.copies(o, "environment_variables")
	}
	out.add("is_deterministic", o.get("is_deterministic") != false)
	if inner && c.step {
		out.add("distribution", distribution)
	}
	return nil
}

// codeIn is the code folder of a component: as written, or absolute.
func codeIn(v any, dir string, absolute bool) any {
	s, ok := v.(string)
	if !ok || job.IsRemote(s) {
		return reference(v)
	}
	if absolute {
		return filepath.ToSlash(under(dir, s))
	}
	return s
}

func resourcesPart(m ordered) ordered {
	out := ordered{}
	out.copies(m, "locations")
	if n := m.get("instance_count"); n != nil {
		out.add("instance_count", number(n))
	}
	out.copies(m, "max_instance_count", "instance_type", "shm_size", "docker_args") // without `properties`
	return out
}

// number reads an integer that was written as text; other values stay.
func number(v any) any {
	if s, ok := v.(string); ok {
		return plain(s)
	}
	return v
}

func distributionPart(m ordered) ordered {
	if len(m) == 0 {
		return nil
	}
	out := ordered{{"type", strings.ToLower(text(m.get("type")))}}
	if out[0].value == "tensorflow" {
		servers := m.get("parameter_server_count")
		if servers == nil {
			servers = int64(0)
		}
		out.add("parameter_server_count", servers)
	}
	out.copies(m, "process_count_per_instance", "worker_count", "port", "address", "include_dashboard", "dashboard_port",
		"head_node_additional_args", "worker_node_additional_args")
	return out
}
