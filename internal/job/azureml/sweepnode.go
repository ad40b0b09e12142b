package azureml

import "strings"

// sweepNode writes a sweep as a step. What it tries is a component, as a map.
func (b *builder) sweepNode(out map[string]any, st step) error {
	body := st.body
	if st.id != "" {
		out["trial"] = map[string]any{"componentId": st.id}
	} else if b.register != nil {
		id, err := b.registeredID(st, nil)
		if err != nil {
			return err
		}
		out["trial"] = map[string]any{"componentId": id}
	} else {
		spec, err := b.definition(st.component, nil, true)
		if err != nil {
			return err
		}
		o := st.component.body
		described := spec.plainMap()
		described["_source"] = st.source
		if t := texts(o.in("tags")); len(t) > 0 {
			described["tags"] = t.plainMap()
		}
		delete(described, "environment_variables")
		properties := map[string]any{
			"componentSpec": described, "isAnonymous": true, "isArchived": false,
			"properties": o.in("properties").plainMap(), "tags": o.in("tags").plainMap(),
		}
		put(properties, "description", o.get("description"))
		out["trial"] = map[string]any{"name": unnamed, "properties": properties}
	}
	for key, v := range sweepFields(body) {
		out[key] = v
	}
	if e := earlyPart(body.in("early_termination")); e != nil {
		out["early_termination"] = e
	}
	return nil
}

// sweepFields are those that a sweep step has in a job and in a component.
func sweepFields(body ordered) map[string]any {
	out := map[string]any{}
	objective := body.in("objective").plainMap()
	if goal := text(objective["goal"]); goal != "" {
		objective["goal"] = strings.ToLower(goal)
	}
	putFull(out, "objective", objective)
	space := map[string]any{}
	for _, p := range body.in("search_space") {
		m := mapOf(unordered(p.value))
		if kind := text(m["type"]); kind != "" {
			m["type"] = strings.ToLower(kind)
		}
		space[p.key] = m
	}
	putFull(out, "search_space", space)
	for _, key := range []string{"limits", "queue_settings", "resources"} {
		putFull(out, key, body.in(key).plainMap())
	}
	switch v := body.get("sampling_algorithm").(type) {
	case string:
		out["sampling_algorithm"] = strings.ToLower(v)
	case ordered:
		out["sampling_algorithm"] = v.plainMap()
	}
	return out
}

func earlyPart(m ordered) map[string]any {
	if len(m) == 0 {
		return nil
	}
	names := map[string]string{"bandit": "Bandit", "median_stopping": "MedianStopping", "truncation_selection": "TruncationSelection"}
	out := map[string]any{"policy_type": names[strings.ToLower(text(m.get("type")))], "delay_evaluation": 0, "evaluation_interval": 0}
	if out["policy_type"] == "MedianStopping" {
		out["evaluation_interval"] = 1
	}
	for _, key := range []string{"delay_evaluation", "evaluation_interval", "slack_factor", "slack_amount", "truncation_percentage"} {
		put(out, key, m.get(key))
	}
	return out
}
