package azurefake

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	arm "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// node is one step of a pipeline, as its body has it.
type node struct {
	Type        string
	ComponentID string                     `json:"componentId"`
	Inputs      map[string]nodeInput       `json:"inputs"`
	Outputs     map[string]nodeOutput      `json:"outputs"`
	Environment map[string]json.RawMessage `json:"environment_variables"`
}

type nodeInput struct {
	Value any
	URI   string
}

type nodeOutput struct{ Value string }

// definition is what of a component the steps need.
type definition struct {
	Command string
	Code    string
	Inputs  map[string]struct {
		Default  any
		Optional bool
	}
	Outputs map[string]struct{ Type string }
}

// course is a pipeline on its way.
type course struct {
	s      *Server
	r      *record
	p      *arm.PipelineJob
	nodes  map[string]node
	dir    string
	made   map[string]map[string]string // outputs of the steps that are done: paths by name
	log    io.Writer
	inputs map[string]string // of the pipeline
}

// pipeline runs the command steps of a pipeline, each after those it reads from. Steps of
// other kinds do nothing and leave empty outputs; the log says so.
func (s *Server) pipeline(ctx context.Context, r *record, p *arm.PipelineJob) error {
	log, err := s.openLog(r.Name)
	if err != nil {
		return err
	}
	defer log.Close()
	c := &course{s: s, r: r, p: p, dir: s.runDir(r.Name), made: map[string]map[string]string{}, log: log}
	if err := os.RemoveAll(c.dir); err != nil {
		return errs.Wrap(err, "clear %s", c.dir)
	}
	text, err := json.Marshal(p.Jobs)
	if err == nil {
		err = json.Unmarshal(text, &c.nodes)
	}
	if err != nil {
		return errs.New(errs.Invalid, "the steps of %s: %w", r.Name, err)
	}
	if c.inputs, err = s.inputTexts(p.Inputs); err != nil {
		return err
	}
	for len(c.made) < len(c.nodes) {
		before := len(c.made)
		for _, name := range slices.Sorted(maps.Keys(c.nodes)) {
			if c.made[name] != nil || !c.ready(c.nodes[name]) {
				continue
			}
			if err := c.step(ctx, name, c.nodes[name]); err != nil {
				return errs.Wrap(err, "step %s", name)
			}
		}
		if len(c.made) == before {
			return errs.New(errs.Invalid, "the steps of %s wait for each other", r.Name)
		}
	}
	return nil
}

// ready reports whether the steps that a step reads from are done.
func (c *course) ready(n node) bool {
	for _, in := range n.Inputs {
		list, _ := job.Expressions(fmt.Sprint(in.Value))
		for _, e := range list {
			if len(e) == 5 && e[1] == "jobs" && c.made[e[2]] == nil {
				return false
			}
		}
	}
	return true
}

func (c *course) step(ctx context.Context, name string, n node) error {
	dir := filepath.Join(c.dir, name)
	work, outputs := filepath.Join(dir, "work"), map[string]string{}
	if err := os.MkdirAll(work, 0o755); err != nil {
		return errs.Wrap(err, "make %s", work)
	}
	d, err := c.component(n)
	if err != nil {
		return err
	}
	for out := range d.Outputs {
		outputs[out] = filepath.Join(dir, "outputs", out)
	}
	for out := range n.Outputs {
		outputs[out] = filepath.Join(dir, "outputs", out)
	}
	for _, path := range outputs {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return errs.Wrap(err, "make %s", path)
		}
	}
	if n.Type != "command" {
		fmt.Fprintf(c.log, "step %s: a step of type %s is not run here\n", name, n.Type)
		c.made[name] = outputs
		return nil
	}
	line, err := c.line(n, d, outputs)
	if err != nil {
		return err
	}
	if d.Code != "" {
		if err := c.s.code(c.r.Workspace, d.Code, work); err != nil {
			return err
		}
	}
	env, err := c.s.begin(ctx, c.r, name, nil)
	if err != nil {
		return err
	}
	for k, raw := range n.Environment {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return errs.Wrap(err, "environment_variables.%s", k)
		}
		env = append(env, fmt.Sprintf("%s=%v", k, v))
	}
	err = c.s.command(ctx, line, work, env, c.log)
	c.s.end(ctx, c.r, name, err)
	if kept := c.s.keep(c.r.Name+"_"+name, work, filepath.Join(dir, "outputs")); err == nil {
		err = kept
	}
	if err != nil {
		return err
	}
	c.made[name] = outputs
	for out, o := range n.Outputs {
		if to, ok := job.ParentOutput(o.Value); ok {
			if err := copyTree(c.s.blobPath(store, artifacts(c.r.Name)+"/named-outputs/"+to), outputs[out]); err != nil {
				return err
			}
		}
	}
	return nil
}

// component reads what a step runs; a step of another kind than command may have none.
func (c *course) component(n node) (d definition, err error) {
	_, rest, ok := strings.Cut(n.ComponentID, "/workspaces/"+c.r.Workspace+"/")
	var version arm.ComponentVersion
	if !ok || !c.s.get(c.r.Workspace+"/"+rest, &version) || version.Properties == nil {
		if n.Type != "command" {
			return d, nil
		}
		return d, errs.New(errs.NotFound, "component %s is not registered", n.ComponentID)
	}
	text, err := json.Marshal(version.Properties.ComponentSpec)
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	return d, errs.Wrap(err, "read component %s", n.ComponentID)
}

// line puts values and paths into the command of a step.
func (c *course) line(n node, d definition, outputs map[string]string) (string, error) {
	values := map[string]string{}
	for name, in := range d.Inputs {
		if in.Default != nil {
			values["inputs."+name] = fmt.Sprint(in.Default)
		}
	}
	for name, in := range n.Inputs {
		text := ""
		var err error
		if in.URI != "" {
			text, err = c.s.local(in.URI)
		} else {
			text, err = job.Expand(fmt.Sprint(in.Value), c.parent)
		}
		if err != nil {
			return "", errs.Wrap(err, "input %s", name)
		}
		values["inputs."+name] = text
	}
	for name, path := range outputs {
		values["outputs."+name] = path
	}
	return job.Expand(d.Command, lookup(values))
}

// parent is what ${{parent.…}} stands for.
func (c *course) parent(e []string) (string, bool, bool) {
	switch {
	case len(e) >= 3 && e[0] == "parent" && e[1] == "inputs":
		v, ok := c.inputs[strings.Join(e[2:], ".")]
		return v, ok, true
	case len(e) == 5 && e[0] == "parent" && e[1] == "jobs" && e[3] == "outputs":
		v, ok := c.made[e[2]][e[4]]
		return v, ok, ok
	}
	return "", false, false
}

// lookup finds the values of a command's expressions; what is not there has no value.
func lookup(values map[string]string) job.Lookup {
	return func(path []string) (string, bool, bool) {
		v, ok := values[strings.Join(path, ".")]
		return v, ok, true
	}
}
