package azureml

import (
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// pipelinePart writes the steps of a pipeline component, each with its component
// in it.
func (b *builder) pipelinePart(out *ordered, c component) error {
	at := &builder{doc: b.doc, dir: c.dir, register: b.register}
	jobs := c.body.in("jobs")
	sc, err := at.scope(jobs, c.body)
	if err != nil {
		return err
	}
	list := ordered{}
	for _, p := range jobs {
		one, err := at.inner(sc.steps[p.key], sc)
		if err != nil {
			return errs.Wrap(err, "jobs.%s", p.key)
		}
		list = append(list, pair{p.key, one})
	}
	out.add("jobs", list)
	return nil
}

// inner writes one step of a pipeline component. Its fields are in the YAML's
// form, not the REST API's.
func (b *builder) inner(st step, sc *scope) (ordered, error) {
	body := st.body
	if st.kind == "automl" {
		return nil, errs.New(errs.Unsupported, "an automl step within a pipeline component cannot be sent; write it in the pipeline itself")
	}
	out := ordered{{"type", st.kind}}
	out.add("inputs", innerInputs(st))
	if st.kind == "sweep" {
		err := b.innerSweep(&out, st)
		return out, err
	}
	out.add("outputs", innerOutputs(st))
	if st.kind == "spark" {
		env, err := environmentIn(st.part("environment"), st.dir)
		if err != nil {
			return nil, err
		}
		out.add("environment", env)
	}
	resources, _ := st.part("resources").(ordered)
	given := ordered{}
	given.copies(resources, "locations", "instance_count", "max_instance_count", "instance_type", "properties", "shm_size", "docker_args", "runtime_version")
	out.add("resources", given)
	if st.kind == "command" && !st.step {
		m, _ := st.part("distribution").(ordered)
		out.add("distribution", distributionPart(m))
	}
	out.copies(body, "limits", "comment")
	if err := b.innerComponent(&out, st, sc, "component"); err != nil {
		return nil, err
	}
	out.add("compute", prefixed(body.get("compute")))
	if st.kind == "command" {
		out.copies(body, "environment_variables")
		if st.step {
			out.add("distribution", distributionPart(body.in("distribution")))
		}
	}
	identity := body.get("identity")
	if st.kind == "spark" && identity == nil && st.id == "" {
		kind := "user_identity"
		if body.get("compute") != nil {
			kind = "managed_identity"
		}
		identity = ordered{{"type", kind}}
	}
	out.add("identity", identity)
	out.copies(body, "properties", "queue_settings", "services")
	err := b.innerRest(&out, st)
	return out, err
}

// innerRest writes the fields of parallel and spark steps.
func (b *builder) innerRest(out *ordered, st step) error {
	switch st.kind {
	case "parallel":
		size, err := miniBatch(st.part("mini_batch_size"))
		if err != nil {
			return err
		}
		task, dir := st.body.in("task"), b.dir
		if task == nil && !st.step {
			task, dir = st.component.body.in("task"), st.dir
		}
		part, err := taskPart(task, dir, true)
		if err != nil {
			return err
		}
		out.copies(st.body, "environment_variables", "error_threshold")
		out.add("input_data", st.part("input_data"))
		out.copies(st.body, "logging_level")
		out.add("max_concurrency_per_instance", st.part("max_concurrency_per_instance"))
		out.add("mini_batch_error_threshold", st.part("mini_batch_error_threshold"))
		out.add("mini_batch_size", strconv.FormatInt(size, 10))
		out.add("partition_keys", st.part("partition_keys"))
		retry, _ := st.part("retry_settings").(ordered)
		out.add("retry_settings", retryPart(retry))
		out.add("task", part)
	case "spark":
		out.add("archives", st.part("archives"))
		out.add("args", st.part("args"))
		out.add("conf", st.conf())
		for _, key := range []string{"entry", "files", "jars", "py_files"} {
			out.add(key, st.part(key))
		}
	}
	return nil
}

func (b *builder) innerSweep(out *ordered, st step) error {
	fields := sweepFields(st.body)
	out.copies(st.body, "limits")
	objective := ordered{}
	objective.add("goal", mapOf(fields["objective"])["goal"])
	objective.copies(st.body.in("objective"), "primary_metric")
	out.add("objective", objective)
	out.copies(st.body, "early_termination")
	if v, ok := fields["sampling_algorithm"].(string); ok {
		out.add("sampling_algorithm", v)
	} else {
		out.copies(st.body, "sampling_algorithm")
	}
	out.copies(st.body, "search_space")
	return b.innerComponent(out, st, nil, "trial")
}

// innerComponent writes the component of a step in place, or its reference.
func (b *builder) innerComponent(out *ordered, st step, sc *scope, key string) error {
	if st.id != "" {
		out.add(key, prefixed(st.id))
		return nil
	}
	if b.register != nil {
		id, err := b.registeredID(st, sc)
		out.add(key, "azureml:"+id)
		return err
	}
	c, err := b.definition(st.component, sc, true)
	out.add(key, c)
	return err
}

// prefixed puts azureml: before a reference that has no scheme.
func prefixed(v any) any {
	s, ok := v.(string)
	if !ok || strings.Contains(s, "${{") || job.IsRemote(s) {
		return v
	}
	return "azureml:" + s
}

// ordering puts entries in the order in which the component declares them;
// others come after.
func (st step) ordering(field string) ordered {
	given := st.body.in(field)
	if st.step {
		return given
	}
	out := ordered{}
	names := st.component.body.in(field)
	for _, p := range names {
		for _, g := range given {
			if g.key == p.key {
				out = append(out, g)
			}
		}
	}
	for _, g := range given {
		known := false
		for _, p := range names {
			known = known || p.key == g.key
		}
		if !known {
			out = append(out, g)
		}
	}
	return out
}

func innerInputs(st step) ordered {
	out := ordered{}
	for _, p := range st.ordering("inputs") {
		v := p.value
		switch x := v.(type) {
		case nil:
			continue
		case bool: // written as a number, as az ml does
			v = int64(0)
			if x {
				v = int64(1)
			}
		case string:
			if bound(x) {
				v = ordered{{"path", x}}
			}
		case ordered:
			v = innerData(x)
		}
		out = append(out, pair{p.key, v})
	}
	return out
}

func innerData(m ordered) ordered {
	one := ordered{}
	one.copies(m, "mode")
	path := m.get("path")
	if bound(path) {
		one.add("path", path)
		return one
	}
	one.add("type", dataType(m.get("type")))
	one.add("path", prefixed(path))
	return one
}

func innerOutputs(st step) ordered {
	out := ordered{}
	for _, p := range st.ordering("outputs") {
		v := p.value
		switch x := v.(type) {
		case nil:
			continue
		case ordered:
			v = innerData(x)
		}
		out = append(out, pair{p.key, v})
	}
	return out
}
