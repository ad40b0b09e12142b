package job

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// stepRules checks one step by itself.
func stepRules(c *checker, a at) {
	component := a.child("component")
	if component.isText() {
		c.reference(component, "component", false)
	}
	kind := strings.ToLower(a.text("type"))
	need := map[string]string{"": "command", "command": "command", "parallel": "task", "spark": "entry", "sweep": "trial", "pipeline": "jobs"}[kind]
	if need != "" && !component.exists() && !a.child(need).exists() {
		c.fault(at{node: a.node, path: join(a.path, need)}, "add `component:` or `"+need+":`", "the step says nothing to run")
	}
	if !component.exists() {
		switch kind {
		case "", "command":
			commandExpressions(c, a)
		case "parallel":
			parallelExpressions(c, a)
		case "spark":
			sparkExpressions(c, a)
		case "sweep":
			sweepRules(c, a)
		case "pipeline":
			pipelineRules(c, a)
		}
	}
	a.child("inputs").each(func(_ string, in at) { c.missing(in.child("path")) })
}

// graph is what the expressions of a pipeline say of its steps.
type graph struct {
	names []string
	needs map[string][]string // step to the steps it reads from
}

// pipelineRules checks the expressions between the steps of a pipeline.
func pipelineRules(c *checker, a at) {
	c.missing(a.child("path"))
	a.child("inputs").each(func(_ string, in at) { c.missing(in.child("path")) })
	if f := a.child("component"); f.isText() {
		c.reference(f, "component", false)
	}
	g := graph{needs: map[string][]string{}}
	a.child("jobs").each(func(name string, _ at) { g.names = append(g.names, name) })
	a.child("jobs").each(func(name string, s at) {
		if !s.exists() || s.node.Kind != yaml.MappingNode {
			return
		}
		for _, block := range []string{"inputs", "outputs"} {
			s.child(block).each(func(_ string, v at) { c.outer(a, v, name, &g) })
		}
		c.outerText(a, s.child("compute"), name, &g)
	})
	for _, name := range g.names {
		if loop := g.loop(name, nil); loop != nil {
			c.fault(a.child("jobs").child(name), "remove one of the references", "the steps wait for each other: %s", strings.Join(loop, " → "))
			return
		}
	}
}

// loop returns the way from a step back to itself, or nil.
func (g *graph) loop(name string, way []string) []string {
	if i := slices.Index(way, name); i >= 0 {
		if i == 0 {
			return append(way, name)
		}
		return nil // a loop that does not hold the first step is found from its own
	}
	if len(way) > len(g.names) {
		return nil
	}
	for _, next := range g.needs[name] {
		if found := g.loop(next, append(slices.Clone(way), name)); found != nil {
			return found
		}
	}
	return nil
}

// outer checks the expressions of a step's input or output in the pipeline's
// scope.
func (c *checker) outer(pipeline, v at, step string, g *graph) {
	c.outerText(pipeline, v, step, g)
	if v.node != nil && v.node.Kind == yaml.MappingNode {
		c.outerText(pipeline, v.child("path"), step, g)
		c.outerText(pipeline, v.child("value"), step, g)
	}
}

func (c *checker) outerText(pipeline, v at, step string, g *graph) {
	if !v.isText() {
		return
	}
	list, err := Expressions(v.node.Value)
	if err != nil {
		c.fault(v, "write ${{parent.inputs.name}} or ${{parent.jobs.step.outputs.name}}", "%v", err)
		return
	}
	for _, e := range list {
		c.outerName(pipeline, v, e, step, g)
	}
}

func (c *checker) outerName(pipeline, v at, e []string, step string, g *graph) {
	full := "${{" + strings.Join(e, ".") + "}}"
	switch {
	case len(e) == 1 && slices.Contains([]string{"name", "default_datastore", "output_name"}, e[0]):
	case len(e) >= 3 && e[0] == "parent" && (e[1] == "inputs" || e[1] == "outputs"):
		block := pipeline.child(e[1])
		if child(block.node, e[2]) == nil && child(block.node, strings.Join(e[2:], ".")) == nil {
			c.fault(v, "add `"+e[2]+":` under the pipeline's `"+e[1]+":`", "%s names no %s of the pipeline", full, strings.TrimSuffix(e[1], "s"))
		}
	case len(e) >= 5 && e[0] == "parent" && e[1] == "jobs" && (e[3] == "outputs" || e[3] == "inputs"):
		c.otherStep(pipeline, v, e, step, g)
	case e[0] == "search_space" || e[0] == "inputs" || e[0] == "outputs":
		c.warn(v, "write ${{parent."+strings.Join(e, ".")+"}}", "%s is not in the pipeline's scope", full)
	default:
		c.fault(v, "write ${{parent.inputs.name}} or ${{parent.jobs.step.outputs.name}}", "%s names nothing", full)
	}
}

func (c *checker) otherStep(pipeline, v at, e []string, step string, g *graph) {
	other := pipeline.child("jobs").child(e[2])
	full := "${{" + strings.Join(e, ".") + "}}"
	if child(pipeline.child("jobs").node, e[2]) == nil {
		c.fault(v, "write one of "+oneOf(g.names), "%s: there is no step %s", full, e[2])
		return
	}
	if e[3] == "outputs" {
		g.needs[step] = append(g.needs[step], e[2])
	}
	inline := !other.child("component").exists() && (other.child("command").exists() || other.child("task").exists())
	if inline && child(other.child(e[3]).node, e[4]) == nil {
		c.fault(v, "add `"+e[4]+":` under `"+e[3]+":` of that step", "%s: step %s has no such %s", full, e[2], strings.TrimSuffix(e[3], "s"))
	}
}
