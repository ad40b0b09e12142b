package train

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// Param is one named parameter of a learner. Value is a literal; see Literal.
type Param struct {
	Name  string
	Value any
}

// ParseParams reads name=value pairs as --param takes them.
func ParseParams(pairs []string) ([]Param, error) {
	var out []Param
	for _, p := range pairs {
		name, text, ok := strings.Cut(p, "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" {
			return nil, errs.New(errs.Usage, "--param %q is not name=value", p)
		}
		if slices.ContainsFunc(out, func(q Param) bool { return q.Name == name }) {
			return nil, errs.New(errs.Usage, "--param %s is given twice", name)
		}
		v, err := Literal(text)
		if err != nil {
			return nil, errs.Wrap(err, "--param %s", name)
		}
		out = append(out, Param{name, v})
	}
	return out, nil
}

// Show writes a literal as Python would, for logs.
func Show(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	case float64:
		s := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(s, ".eIN") {
			s += ".0"
		}
		return s
	case []any:
		parts := make([]string, len(v))
		for i, x := range v {
			parts[i] = Show(x)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case []Pair:
		parts := make([]string, len(v))
		for i, x := range v {
			parts[i] = Show(x.Key) + ": " + Show(x.Value)
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(v)
}

// setter takes one literal into a learner's options. It reports what it wanted
// when the literal does not fit.
type setter func(v any) (wanted string)

// apply gives each parameter to the setter of its name. Names that the learner
// has not, and values that do not fit, are faults of the command line.
func apply(learner string, params []Param, setters map[string]setter) error {
	for _, p := range params {
		set, ok := setters[p.Name]
		if !ok {
			return errs.New(errs.Usage, "%s has no parameter %q%s; it has %s", learner, p.Name, nearest(p.Name, names(setters)), strings.Join(names(setters), ", "))
		}
		if wanted := set(p.Value); wanted != "" {
			return errs.New(errs.Usage, "%s: parameter %s=%s should be %s", learner, p.Name, Show(p.Value), wanted)
		}
	}
	return nil
}

func names(m map[string]setter) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// number accepts whole numbers and floats.
func number(dst *float64) setter {
	return func(v any) string {
		switch v := v.(type) {
		case int64:
			*dst = float64(v)
		case float64:
			*dst = v
		default:
			return "a number"
		}
		return ""
	}
}

// whole accepts whole numbers of at least low; None stands for none.
func whole(dst *int, low, none int) setter {
	return func(v any) string {
		i, ok := v.(int64)
		switch {
		case v == nil && none >= 0:
			*dst = none
		case !ok || i < int64(low) || i > 1<<31:
			return fmt.Sprintf("a whole number from %d", low)
		default:
			*dst = int(i)
		}
		return ""
	}
}

func boolean(dst *bool) setter {
	return func(v any) string {
		b, ok := v.(bool)
		if !ok {
			return "True or False"
		}
		*dst = b
		return ""
	}
}

// oneOf accepts the given texts.
func oneOf(dst *string, allowed ...string) setter {
	return func(v any) string {
		s, ok := v.(string)
		if !ok || !slices.Contains(allowed, s) {
			return "one of " + strings.Join(allowed, ", ")
		}
		*dst = s
		return ""
	}
}

// ignored accepts anything: the parameter changes speed or printing, not the
// model.
func ignored(any) string { return "" }

// numberOrNone accepts what number accepts, and None, which changes nothing.
func numberOrNone(dst *float64) setter {
	return func(v any) string {
		if v == nil {
			return ""
		}
		return number(dst)(v)
	}
}
