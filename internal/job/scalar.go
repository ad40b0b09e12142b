package job

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// scalar checks a scalar and settles its YAML tag, so that a quoted "5" (or one
// that came from --set) decodes as the integer the field asks for.
func (c *checker) scalar(a at, s *shape) {
	n := a.node
	if len(s.scalars) == 0 {
		c.fault(a, "write "+s.wants(), "%s stands where %s is expected", describe(n), s.wants())
		return
	}
	if strings.Contains(n.Value, "${{") {
		return // judged when expressions are, in their scope
	}
	if len(s.scalars) > 1 && slices.Contains(s.scalars, strictType(n)) {
		return // a union is strict: "2" in quotes, or from --set, is text
	}
	for _, t := range s.scalars {
		if tag, ok := fits(n.Value, n.Tag, t); ok {
			if n.Tag != "!!null" { // no value stays no value
				n.Tag = tag
			}
			c.bounds(a, s, t)
			return
		}
	}
	c.fault(a, "write "+s.wants(), "%s is not %s", describe(n), s.wants())
}

// fits reports whether text may be read as type t, and the tag it then has.
func fits(value, tag, t string) (string, bool) {
	switch t {
	case "integer":
		_, err := strconv.ParseInt(value, 0, 64)
		return "!!int", err == nil
	case "number":
		if _, err := strconv.ParseInt(value, 0, 64); err == nil {
			return "!!int", true
		}
		_, err := strconv.ParseFloat(value, 64)
		return "!!float", err == nil || tag == "!!float"
	case "boolean":
		switch strings.ToLower(value) {
		case "true", "false", "yes", "no", "on", "off":
			return "!!bool", true
		}
		return "", false
	}
	return "!!str", true // every scalar has a spelling
}

func (c *checker) bounds(a at, s *shape, t string) {
	if s.enum != nil {
		for _, e := range s.enum {
			if same(e, a.node.Value) {
				return
			}
		}
		c.add(a, s.lax, "write one of "+oneOf(s.enum), "%s is not known here", describe(a.node))
		return
	}
	if t != "integer" && t != "number" {
		return
	}
	x, err := strconv.ParseFloat(a.node.Value, 64)
	if err != nil {
		return // hexadecimal and other rare spellings have no bounds to break
	}
	if s.min != nil && x < *s.min || s.max != nil && x > *s.max || math.IsNaN(x) && s.min != nil {
		c.fault(a, "write "+s.wants(), "%s is out of range", a.node.Value)
	}
}

// wants says in words what the shape allows.
func (s *shape) wants() string {
	var out []string
	switch {
	case s.enum != nil:
		out = append(out, "one of "+oneOf(s.enum))
	case len(s.scalars) > 1:
		out = append(out, "a value")
	case len(s.scalars) == 1:
		out = append(out, map[string]string{"string": "text", "integer": "an integer", "number": "a number", "boolean": "true or false"}[s.scalars[0]]+s.span())
	}
	if s.fields != nil || s.values != nil || s.by != nil {
		out = append(out, "a map")
	}
	if s.items != nil {
		out = append(out, "a list")
	}
	return strings.Join(out, " or ")
}

func (s *shape) span() string {
	g := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	switch {
	case s.min != nil && s.max != nil:
		return " from " + g(*s.min) + " to " + g(*s.max)
	case s.min != nil:
		return " of at least " + g(*s.min)
	case s.max != nil:
		return " of at most " + g(*s.max)
	}
	return ""
}
