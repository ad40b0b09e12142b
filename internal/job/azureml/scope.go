package azureml

import (
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// scope is the pipeline around a step: what ${{parent.…}} may refer to.
type scope struct {
	inputs, outputs ordered         // of the pipeline
	steps           map[string]step // by name
}

// sole returns the parts of a text that is one expression and nothing else. One
// with spaces within its braces counts as text when types are told, for az ml.
func sole(v any) ([]string, bool) {
	s := text(v)
	if !strings.HasPrefix(s, "${{") || !strings.HasSuffix(s, "}}") || strings.Count(s, "${{") != 1 || strings.ContainsAny(s, " \t") {
		return nil, false
	}
	list, err := job.Expressions(s)
	if err != nil || len(list) != 1 {
		return nil, false
	}
	return list[0], true
}

// bound reports whether v is one expression.
func bound(v any) bool {
	_, ok := sole(v)
	return ok
}

// source finds the type and mode of what an expression refers to. An output that
// nothing declares is of kind Invalid: the type cannot be known.
func (s *scope) source(parts []string) (kind string, mode any, err error) {
	switch {
	case len(parts) == 3 && parts[0] == "parent" && parts[1] == "inputs":
		kind, mode = kindAndMode(s.inputs.get(parts[2]))
		return kind, mode, nil
	case len(parts) == 3 && parts[0] == "parent" && parts[1] == "outputs":
		kind, mode = kindAndMode(s.outputs.get(parts[2]))
		return kind, mode, nil
	case len(parts) == 5 && parts[0] == "parent" && parts[1] == "jobs" && parts[3] == "outputs":
		st, ok := s.steps[parts[2]]
		if ok {
			if kind, ok = st.outputType(parts[4], s); ok {
				return kind, nil, nil
			}
		}
		return "", nil, errs.New(errs.Invalid, "${{%s}}: no step declares this output; add it to the `outputs:` of step %s with its type", strings.Join(parts, "."), parts[2])
	}
	return "uri_folder", nil, nil
}

// kindAndMode tells what an input or output of a pipeline holds.
func kindAndMode(v any) (kind string, mode any) {
	switch v := v.(type) {
	case nil:
		return "uri_folder", nil
	case ordered:
		if value := v.get("value"); value != nil && v.get("path") == nil {
			return typeOf(value), nil
		}
		return dataType(v.get("type")), v.get("mode")
	}
	return typeOf(v), nil
}

// typeOf names the type of a literal.
func typeOf(v any) string {
	switch v.(type) {
	case bool:
		return "boolean"
	case float64:
		return "number"
	case string:
		return "string"
	}
	return "integer"
}

// declareInputs says what a step that is its own definition takes: the types of
// its values, and of what they are bound to.
func (s *scope) declareInputs(in ordered) (ordered, error) {
	out := ordered{}
	for _, p := range in {
		one, err := s.declareInput(p.value)
		if err != nil {
			return nil, errs.Wrap(err, "inputs.%s", p.key)
		}
		out = append(out, pair{p.key, one})
	}
	return out, nil
}

func (s *scope) declareInput(v any) (ordered, error) {
	if m, ok := v.(ordered); ok {
		if value := m.get("value"); value != nil && m.get("path") == nil {
			return s.declareInput(value)
		}
		one := ordered{{"type", dataType(m.get("type"))}}
		one.copies(m, "mode")
		return one, nil
	}
	if parts, ok := sole(v); ok {
		kind, mode, err := s.source(parts)
		one := ordered{{"type", kind}}
		one.add("mode", mode)
		return one, err
	}
	return ordered{{"type", typeOf(v)}, {"default", literal(v)}}, nil
}

func (s *scope) declareOutputs(in ordered) ordered {
	out := ordered{}
	for _, p := range in {
		one := ordered{{"type", "uri_folder"}}
		switch v := p.value.(type) {
		case ordered:
			one = ordered{{"type", dataType(v.get("type"))}}
			one.copies(v, "mode")
		case string:
			if parts, ok := sole(v); ok {
				kind, mode, err := s.source(parts)
				if err == nil {
					one = ordered{{"type", kind}}
					one.add("mode", mode)
				}
			}
		}
		out = append(out, pair{p.key, one})
	}
	return out
}
