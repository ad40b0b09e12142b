package azureml

import (
	"regexp"
	"sync"
)

// single is the older way to write an expression, {inputs.x}, which az ml still
// takes in commands.
var single = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(^|[^{])\{((?:inputs|outputs|search_space)\.[^}]*)\}($|[^}])`)
})

// expressions rewrites {inputs.x} as ${{inputs.x}}.
func expressions(v any) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	for {
		next := single().ReplaceAllString(s, "$1$${{$2}}$3")
		if next == s {
			return s
		}
		s = next
	}
}

// command makes the properties of a command job.
func (b *builder) command(root map[string]any) (map[string]any, error) {
	out, err := common("Command", root)
	if err != nil {
		return nil, err
	}
	if err := b.run(out, root); err != nil {
		return nil, err
	}
	put(out, "limits", limits("Command", mapOf(root["limits"])))
	put(out, "services", services(mapOf(root["services"])))
	pick(out, root, "parent_job_name", "parentJobName")
	if c := reference(root["compute"]); c != "local" {
		put(out, "computeId", c)
		return out, nil
	}
	r, ok := out["resources"].(map[string]any)
	if !ok {
		r = map[string]any{"properties": map[string]any{}}
		out["resources"] = r
	}
	mapOf(r["properties"])["IsLocal"] = map[string]any{"IsLocal": true}
	return out, nil
}

// run puts in what a command job and the trial of a sweep share.
func (b *builder) run(out, root map[string]any) error {
	env, err := b.environment(root["environment"])
	if err != nil {
		return err
	}
	put(out, "command", expressions(root["command"]))
	put(out, "codeId", reference(root["code"]))
	put(out, "environmentId", env)
	out["environmentVariables"] = mapOf(root["environment_variables"])
	put(out, "distribution", distribution(mapOf(root["distribution"])))
	put(out, "resources", resources(root["resources"]))
	return nil
}
