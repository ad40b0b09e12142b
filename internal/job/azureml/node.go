package azureml

import (
	"encoding/json"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// node makes one entry of a pipeline's jobs. Its fields have underscores, unlike
// those of jobs.
func (b *builder) node(st step, sc *scope) (map[string]any, error) {
	if st.kind == "automl" {
		return automl(st.body), nil
	}
	out := map[string]any{"type": st.kind, "_source": st.source}
	in, err := nodeInputs(st.body.in("inputs"))
	if err != nil {
		return nil, err
	}
	putFull(out, "inputs", in)
	pick(out, st.body.plainMap(), "comment", "comment")
	if st.kind != "parallel" || !st.step {
		pick(out, st.body.plainMap(), "display_name", "display_name")
	}
	if c := st.body.get("compute"); st.kind == "pipeline" {
		put(out, "computeId", c) // as written: Azure ML takes it so for pipelines only
	} else {
		put(out, "computeId", reference(c))
	}
	for _, key := range []string{"tags", "properties"} {
		putFull(out, key, st.body.in(key).plainMap())
	}
	if st.kind == "sweep" {
		return out, b.sweepNode(out, st)
	}
	putFull(out, "outputs", nodeOutputs(st))
	if err := b.componentID(out, st, sc); err != nil {
		return nil, err
	}
	switch st.kind {
	case "command":
		err = commandNode(out, st)
	case "parallel":
		err = b.parallelNode(out, st)
	case "spark":
		sparkNode(out, st)
	case "pipeline":
	default:
		err = errs.New(errs.Unsupported, "a step of type %s cannot be sent; see docs/jobs.md for what can", st.kind)
	}
	return out, err
}

// componentID is the reference of a registered component, or the text of one
// that is defined here: it is registered when the job is sent.
func (b *builder) componentID(out map[string]any, st step, sc *scope) error {
	if st.id != "" {
		out["componentId"] = st.id
		return nil
	}
	if b.register != nil {
		id, err := b.registeredID(st, sc)
		out["componentId"] = id
		return err
	}
	text, err := b.definition(st.component, sc, false)
	if err != nil {
		return err
	}
	out["componentId"] = dump(text)
	return nil
}

// putFull sets a map that is not empty.
func putFull(out map[string]any, key string, m map[string]any) {
	if len(m) > 0 {
		out[key] = m
	}
}

// nodeInputs are literals, data, and expressions, which count as literals.
func nodeInputs(in ordered) (map[string]any, error) {
	out := map[string]any{}
	for _, p := range in {
		m, ok := p.value.(ordered)
		if p.value == nil {
			continue
		}
		if !ok {
			out[p.key] = map[string]any{"job_input_type": "literal", "value": literal(p.value)}
			continue
		}
		if path := m.get("path"); strings.Contains(text(path), "${{") {
			one := map[string]any{"job_input_type": "literal", "value": path}
			putMode(one, m.get("mode"), "")
			out[p.key] = one
			continue
		}
		one, err := input(m.plainMap())
		if err != nil {
			return nil, errs.Wrap(err, "inputs.%s", p.key)
		}
		out[p.key] = snake(one)
	}
	return out, nil
}

func nodeOutputs(st step) map[string]any {
	out := map[string]any{}
	for _, p := range st.body.in("outputs") {
		var one map[string]any
		switch v := p.value.(type) {
		case nil:
			continue
		case ordered:
			if path := v.get("path"); bound(path) {
				one = map[string]any{"type": "literal", "value": path}
			} else {
				kind := v.get("type")
				if kind == nil && !st.step {
					kind = st.component.body.in("outputs").in(p.key).get("type")
				}
				one = map[string]any{"job_output_type": dataType(kind)}
				put(one, "uri", reference(path))
				pick(one, v.plainMap(), "name", "name")
				if version := v.get("version"); version != nil {
					one["version"] = literal(version)
				}
			}
			putMode(one, v.get("mode"), "ReadWriteMount")
		default:
			one = map[string]any{"type": "literal", "value": literal(v)}
		}
		out[p.key] = one
	}
	return out
}

// snake renames jobInputType to job_input_type, and so on, one level deep.
func snake(m map[string]any) map[string]any {
	out := map[string]any{}
	for key, v := range m {
		var b strings.Builder
		for _, r := range key {
			if r >= 'A' && r <= 'Z' {
				b.WriteByte('_')
				r += 'a' - 'A'
			}
			b.WriteRune(r)
		}
		out[b.String()] = v
	}
	return out
}

// part returns a field of the step, or else that of its component.
func (st step) part(key string) any {
	if v := st.body.get(key); v != nil {
		return v
	}
	if st.step {
		return nil
	}
	return st.component.body.get(key)
}

func (st step) partMap(key string) map[string]any {
	m, _ := st.part(key).(ordered)
	return m.plainMap()
}

func commandNode(out map[string]any, st step) error {
	body := st.body.plainMap()
	if d := distribution(st.partMap("distribution")); d != nil {
		if d["distributionType"] == "Ray" { // its other fields have no underscores
			d["distribution_type"] = "Ray"
			delete(d, "distributionType")
		} else {
			d = snake(d)
		}
		out["distribution"] = d
	}
	if l, ok := body["limits"].(map[string]any); ok {
		if len(l) == 0 {
			l = map[string]any{"timeout": nil}
		}
		out["limits"] = snake(limits("Command", l))
	}
	putFull(out, "environment_variables", mapOf(body["environment_variables"]))
	if r := nodeResources(st.part("resources")); r != nil {
		out["resources"] = r
	}
	list := map[string]any{}
	for name, v := range services(mapOf(body["services"])) {
		one := snake(mapOf(v))
		if n, ok := one["nodes"].(map[string]any); ok {
			one["nodes"] = snake(n)
		}
		list[name] = one
	}
	putFull(out, "services", list)
	putFull(out, "identity", snake(identity(mapOf(body["identity"]))))
	putFull(out, "queue_settings", snake(queue(mapOf(body["queue_settings"]))))
	return nil
}

func nodeResources(v any) map[string]any {
	m, ok := v.(ordered)
	if !ok {
		return nil
	}
	out := snake(resources(m.plainMap()))
	delete(out, "locations")
	if len(mapOf(out["properties"])) == 0 {
		delete(out, "properties")
	}
	if n, ok := out["instance_count"]; ok {
		out["instance_count"] = number(n)
	}
	return out
}

// automl steps go as they are written, with the defaults that az ml adds.
func automl(body ordered) map[string]any {
	out := body.plainMap()
	for key, v := range map[string]any{"log_verbosity": "info", "properties": map[string]any{}, "tags": map[string]any{}} {
		if out[key] == nil {
			out[key] = v
		}
	}
	if c := text(out["compute"]); c != "" && !strings.HasPrefix(c, "azureml:") && !strings.Contains(c, "${{") {
		out["compute"] = "azureml:" + c
	}
	if list, ok := out["search_space"].([]any); ok {
		for _, one := range list {
			callSpace(mapOf(one))
		}
	} else {
		callSpace(mapOf(out["search_space"]))
	}
	putFull(out, "outputs", nodeOutputs(step{body: body, component: component{step: true}}))
	if e := mapOf(mapOf(out["sweep"])["early_termination"]); len(e) > 0 && text(e["type"]) == "bandit" {
		for _, key := range []string{"delay_evaluation", "evaluation_interval", "slack_amount", "slack_factor"} {
			if e[key] == nil {
				e[key] = 0
			}
		}
	}
	return out
}

// callSpace writes the distributions of a search space as calls: choice(1,2).
func callSpace(space map[string]any) {
	for name, v := range space {
		m, ok := v.(map[string]any)
		if !ok {
			continue
		}
		kind := strings.ToLower(text(m["type"]))
		args := []any{}
		for _, field := range arguments[kind] {
			if list, ok := m[field].([]any); ok {
				args = append(args, list...)
			} else {
				args = append(args, m[field])
			}
		}
		spelled := make([]string, len(args))
		for i, a := range args {
			if spelled[i] = literal(a); text(a) != "" {
				spelled[i] = "'" + text(a) + "'"
			}
		}
		space[name] = kind + "(" + strings.Join(spelled, ",") + ")"
	}
}

// jsonText writes a list as the text of a JSON list, with a space after commas.
func jsonText(list []any) (string, error) {
	parts := make([]string, len(list))
	for i, v := range list {
		b, err := json.Marshal(v)
		if err != nil {
			return "", errs.Wrap(err, "write the list")
		}
		parts[i] = string(b)
	}
	return "[" + strings.Join(parts, ", ") + "]", nil
}
