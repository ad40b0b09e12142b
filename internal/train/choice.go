package train

import (
	"fmt"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// choice is one parameter under all the names that libraries give it, ours first.
type choice struct {
	names []string
	set   setter
}

// choices are the parameters of a learner that takes several libraries' names.
type choices []choice

// choose makes a choice; names are separated by spaces.
func choose(names string, set setter) choice { return choice{strings.Fields(names), set} }

// find returns the choice that has the name, or nil.
func (cs choices) find(name string) *choice {
	for i := range cs {
		for _, n := range cs[i].names {
			if n == name {
				return &cs[i]
			}
		}
	}
	return nil
}

// apply gives each parameter to its setter and returns the spelling under which
// each choice was given, by its first name. Two spellings of one choice, unknown
// names and values that do not fit are faults of the command line; refused holds
// what is understood and not offered, with the reason.
func (cs choices) apply(learner string, params []Param, refused map[string]string) (given map[string]string, err error) {
	given = map[string]string{}
	for _, p := range params {
		c := cs.find(p.Name)
		if why, ok := refused[p.Name]; ok && c == nil {
			return nil, errs.New(errs.Unsupported, "%s: parameter %s is not offered: %s", learner, p.Name, why)
		}
		if c == nil {
			return nil, errs.New(errs.Usage, "%s has no parameter %q%s; it has %s", learner, p.Name, nearest(p.Name, cs.all()), cs.list())
		}
		if other, twice := given[c.names[0]]; twice {
			return nil, errs.New(errs.Usage, "%s: %s and %s are one parameter: give one of them", learner, other, p.Name)
		}
		given[c.names[0]] = p.Name
		if wanted := c.set(p.Value); wanted != "" {
			return nil, errs.New(errs.Usage, "%s: parameter %s=%s should be %s", learner, p.Name, Show(p.Value), wanted)
		}
	}
	return given, nil
}

func (cs choices) all() []string {
	var out []string
	for _, c := range cs {
		out = append(out, c.names...)
	}
	return out
}

// list names the choices, each by its first name.
func (cs choices) list() string {
	var out []string
	for _, c := range cs {
		out = append(out, c.names[0])
	}
	return strings.Join(out, ", ")
}

// more accepts numbers of at least low.
func more(dst *float64, low float64) setter {
	return func(v any) string {
		var f float64
		if number(&f)(v) != "" || !(f >= low) {
			return fmt.Sprintf("a number from %v", low)
		}
		*dst = f
		return ""
	}
}

// portion accepts a share above 0 and at most 1.
func portion(dst *float64) setter {
	return func(v any) string {
		var f float64
		if number(&f)(v) != "" || !(f > 0 && f <= 1) {
			return "a share above 0 and at most 1"
		}
		*dst = f
		return ""
	}
}

// limit accepts whole numbers from low; None, 0 and -1 stand for no limit, 0.
func limit(dst *int, low int) setter {
	return func(v any) string {
		if v == nil || v == int64(0) || v == int64(-1) {
			*dst = 0
			return ""
		}
		if whole(dst, low, -1)(v) != "" {
			return fmt.Sprintf("a whole number from %d, or None for no limit", low)
		}
		return ""
	}
}

// only accepts the given values: others would mean something that is not offered.
func only(values ...any) setter {
	return func(v any) string {
		shown := make([]string, len(values))
		for i, w := range values {
			if v == w {
				return ""
			}
			shown[i] = Show(w)
		}
		return strings.Join(shown, " or ") + ": nothing else is offered"
	}
}
