package azureml

import (
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// pipelineOf makes the properties of a pipeline job.
func (b *builder) pipelineOf(d *job.Document) (map[string]any, error) {
	root, err := orderedFields(d)
	if err != nil {
		return nil, err
	}
	out, err := b.pipeline(root)
	return out, errs.Wrap(err, "%s", d.File)
}

// pipeline makes the properties of a pipeline job. One that runs a component from
// a file has the component's steps, and its values where it gives none itself.
func (b *builder) pipeline(root ordered) (map[string]any, error) {
	settings := map[string]any{"_source": fromJob}
	steps, dir, id := root.in("jobs"), b.dir, ""
	if v := root.get("component"); v != nil {
		c, err := b.component(v)
		if err != nil {
			return nil, err
		}
		if c.id != "" {
			id, settings["_source"] = c.id, "REMOTE.WORKSPACE.JOB"
		} else {
			steps, dir, settings["_source"] = c.body.in("jobs"), c.dir, c.source
			root = adopt(root, c.body)
		}
	}
	for _, p := range root.in("settings") {
		settings[p.key] = reference(unordered(p.value))
		if s, ok := p.value.(string); ok && p.key != "default_compute" && p.key != "default_datastore" {
			settings[p.key] = s
		}
	}
	out, err := common("Pipeline", root.plainMap())
	if err != nil {
		return nil, err
	}
	for name, v := range mapOf(out["inputs"]) {
		if mapOf(v)["value"] == "" { // a pipeline's input without text has no value
			delete(mapOf(out["inputs"]), name)
		}
	}
	out["settings"] = settings
	put(out, "computeId", reference(root.get("compute")))
	if id != "" {
		out["componentId"], out["jobs"] = id, map[string]any{}
		return out, nil
	}
	inner := &builder{doc: b.doc, dir: dir, register: b.register}
	nodes, err := inner.nodes(steps, root)
	if err != nil {
		return nil, err
	}
	out["jobs"] = nodes
	return out, nil
}

// adopt gives a job what the component that it runs says besides.
func adopt(root, c ordered) ordered {
	out := ordered{}
	for _, p := range root {
		if p.key != "inputs" && p.key != "outputs" {
			out = append(out, p)
		}
	}
	for _, key := range []string{"display_name", "description"} {
		if out.get(key) == nil {
			out.copies(c, key)
		}
	}
	inputs := append(ordered{}, root.in("inputs")...)
	for _, p := range c.in("inputs") {
		m, _ := p.value.(ordered)
		if inputs.get(p.key) == nil && m.get("default") != nil {
			inputs = append(inputs, pair{p.key, m.get("default")})
		}
	}
	outputs := ordered{}
	for _, p := range c.in("outputs") {
		one := append(ordered{}, root.in("outputs").in(p.key)...)
		m, _ := p.value.(ordered)
		for _, key := range []string{"type", "mode"} {
			if one.get(key) == nil {
				one.copies(m, key)
			}
		}
		outputs = append(outputs, pair{p.key, one})
	}
	out.add("inputs", inputs)
	out.add("outputs", outputs)
	return out
}

// nodes makes the steps of a pipeline whose inputs and outputs root has.
func (b *builder) nodes(jobs, root ordered) (map[string]any, error) {
	sc, err := b.scope(jobs, root)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for _, p := range jobs {
		one, err := b.node(sc.steps[p.key], sc)
		if err != nil {
			return nil, errs.Wrap(err, "jobs.%s", p.key)
		}
		one["name"] = p.key
		out[p.key] = one
	}
	return out, nil
}

// scope finds what every step of a pipeline runs.
func (b *builder) scope(jobs, root ordered) (*scope, error) {
	sc := &scope{inputs: root.in("inputs"), outputs: root.in("outputs"), steps: map[string]step{}}
	for _, p := range jobs {
		body, ok := p.value.(ordered)
		if !ok {
			return nil, errs.New(errs.Invalid, "jobs.%s: a step is a map of fields", p.key)
		}
		st, err := b.step(body)
		if err != nil {
			return nil, errs.Wrap(err, "jobs.%s", p.key)
		}
		sc.steps[p.key] = st
	}
	return sc, nil
}

// step is one step of a pipeline and what it runs.
type step struct {
	kind string
	body ordered
	component
}

func (b *builder) step(body ordered) (step, error) {
	st := step{kind: strings.ToLower(text(body.get("type"))), body: body}
	if st.kind == "automl" {
		return st, nil
	}
	field := "component"
	if st.kind == "sweep" {
		field = "trial"
	}
	v := body.get(field)
	if v == nil {
		if st.kind == "pipeline" || st.kind == "sweep" {
			return st, errs.New(errs.Invalid, "a %s step needs `%s:`; write a file or a reference", st.kind, field)
		}
		if st.kind == "" {
			st.kind = "command"
		}
		st.component = component{source: fromJob, body: body, dir: b.dir, kind: st.kind, step: true}
		return st, nil
	}
	var err error
	st.component, err = b.component(v)
	if st.kind == "" {
		if st.kind = st.component.kind; st.kind == "" {
			st.kind = "command"
		}
	}
	return st, err
}

// outputType is the type of one output of the step: the component's, or what the
// step says of it.
func (st step) outputType(name string, s *scope) (string, bool) {
	if !st.step {
		if m := st.component.body.in("outputs").in(name); m != nil {
			return dataType(m.get("type")), true
		}
	}
	for _, p := range st.body.in("outputs") {
		if p.key != name {
			continue
		}
		switch v := p.value.(type) {
		case ordered:
			return dataType(v.get("type")), true
		case string:
			if parts, ok := sole(v); ok && len(parts) == 3 {
				kind, _, err := s.source(parts)
				return kind, err == nil
			}
		}
		return "uri_folder", true
	}
	return "", false
}
