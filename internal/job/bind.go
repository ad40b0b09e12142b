package job

import (
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// Source says what an expression in a step stands for; path is its words: parent,
// jobs, s, outputs, y.
type Source func(path []string) (Input, error)

// Bind returns the step's job with the ${{parent.…}} expressions of its inputs
// replaced. Outputs whose place is the pipeline's, or not on this machine, have none.
func (s *Step) Bind(source Source) (*Job, error) {
	j := *s.Job
	j.Inputs, j.Outputs = map[string]Input{}, map[string]Output{}
	for name, in := range s.Job.Inputs {
		bound, err := in.Bind(source)
		if err != nil {
			return nil, errs.Wrap(err, "input %s", name)
		}
		j.Inputs[name] = bound
	}
	for name, o := range s.Job.Outputs {
		if strings.Contains(o.Path, "${{") || IsRemote(o.Path) {
			o.Path = ""
		}
		j.Outputs[name] = o
	}
	return &j, nil
}

// Bind replaces the expressions of an input. One that is an expression alone becomes
// what that stands for.
func (in Input) Bind(source Source) (Input, error) {
	text := in.Value
	if in.Path != "" {
		text = in.Path
	}
	list, err := Expressions(text)
	if err != nil || len(list) == 0 {
		return in, err
	}
	if t := strings.TrimSpace(text); len(list) == 1 && strings.HasPrefix(t, "${{") && strings.HasSuffix(t, "}}") {
		found, err := source(list[0])
		if err != nil {
			return in, err
		}
		if in.Mode != "" {
			found.Mode = in.Mode
		}
		if found.Type == "" {
			found.Type = in.Type
		}
		found.Optional = found.Optional || in.Optional
		return found, nil
	}
	filled, err := Expand(text, func(path []string) (string, bool, bool) {
		found, err := source(path)
		if err != nil {
			return "", false, false
		}
		if found.Path != "" {
			return found.Path, true, true
		}
		return found.Value, !found.Empty, true
	})
	if in.Path != "" {
		in.Path = filled
	} else {
		in.Value = filled
	}
	return in, err
}

// ParentOutput is the name in ${{parent.outputs.name}}, the place of a step's output
// that the pipeline hands out.
func ParentOutput(path string) (string, bool) {
	list, err := Expressions(strings.TrimSpace(path))
	if err != nil || len(list) != 1 || len(list[0]) != 3 || list[0][0] != "parent" || list[0][1] != "outputs" {
		return "", false
	}
	return list[0][2], true
}
