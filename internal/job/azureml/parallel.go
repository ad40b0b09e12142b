package azureml

import (
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// parallelPart writes what is particular to parallel components.
func (b *builder) parallelPart(out *ordered, c component, inner bool) error {
	o := c.body
	size, err := miniBatch(o.get("mini_batch_size"))
	if err != nil {
		return err
	}
	task, err := taskPart(o.in("task"), c.dir, inner)
	if err != nil {
		return err
	}
	out.add("resources", resourcesPart(o.in("resources")))
	deterministic := o.get("is_deterministic") != false
	if inner {
		out.add("is_deterministic", deterministic)
	}
	out.copies(o, "error_threshold", "input_data")
	if !inner {
		out.add("is_deterministic", deterministic)
	}
	out.copies(o, "logging_level", "max_concurrency_per_instance", "mini_batch_error_threshold")
	out.add("mini_batch_size", strconv.FormatInt(size, 10))
	out.copies(o, "partition_keys")
	out.add("retry_settings", retryPart(o.in("retry_settings")))
	out.add("task", task)
	return nil
}

func retryPart(m ordered) ordered {
	out := ordered{}
	out.copies(m, "timeout", "max_retries")
	return out
}

// taskPart writes the function of a parallel step.
func taskPart(task ordered, dir string, absolute bool) (ordered, error) {
	env, err := environmentIn(task.get("environment"), dir)
	if err != nil {
		return nil, err
	}
	out := ordered{}
	out.copies(task, "type")
	out.add("code", codeIn(task.get("code"), dir, absolute))
	out.copies(task, "entry_script", "program_arguments", "model", "append_row_to")
	out.add("environment", env)
	return out, nil
}

// miniBatch reads a number of files, or bytes such as 10kb; 0 when nothing is
// said.
func miniBatch(v any) (int64, error) {
	s := strings.ToLower(strings.TrimSpace(literal(v)))
	if v == nil || s == "" {
		return 0, nil
	}
	unit := int64(1)
	for suffix, u := range map[string]int64{"kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30} {
		if rest, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = strings.TrimSpace(rest), u
			break
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, errs.New(errs.Invalid, "mini_batch_size: %q is neither a number of files nor a size such as 10kb", literal(v))
	}
	return n * unit, nil
}

// parallelNode writes what a parallel step says besides, or takes from its
// component.
func (b *builder) parallelNode(out map[string]any, st step) error {
	here := st.id == "" // a registered component keeps its own settings
	for _, key := range []string{"input_data", "max_concurrency_per_instance", "mini_batch_error_threshold"} {
		put(out, key, st.part(key))
	}
	pick(out, st.body.plainMap(), "error_threshold", "error_threshold", "logging_level", "logging_level")
	putFull(out, "environment_variables", st.body.in("environment_variables").plainMap())
	if r := nodeResources(st.part("resources")); r != nil {
		out["resources"] = r
	}
	putFull(out, "retry_settings", st.partMap("retry_settings"))
	putFull(out, "identity", snake(identity(st.body.in("identity").plainMap())))
	if v := st.part("mini_batch_size"); here || v != nil {
		size, err := miniBatch(v)
		if err != nil {
			return err
		}
		out["mini_batch_size"] = size
	}
	if keys, ok := st.part("partition_keys").([]any); ok {
		s, err := jsonText(keys)
		if err != nil {
			return err
		}
		out["partition_keys"] = s
	}
	task, dir := st.body.in("task"), b.dir
	if task == nil && !st.step {
		task, dir = st.component.body.in("task"), st.dir
	}
	part, err := taskPart(task, dir, true)
	if err != nil {
		return err
	}
	if m := part.plainMap(); len(m) > 0 {
		out["task"] = m
	}
	return nil
}
