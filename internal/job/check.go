package job

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// at is a value and the way to it.
type at struct {
	node *yaml.Node
	path string
}

func (a at) child(key string) at {
	return at{node: child(a.node, key), path: join(a.path, key)}
}

func (a at) exists() bool { return a.node != nil && a.node.Tag != "!!null" }

// each calls f for every entry of a map, in the order of the file.
func (a at) each(f func(key string, v at)) {
	if a.node == nil || a.node.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(a.node.Content); i += 2 {
		key := a.node.Content[i].Value
		f(key, at{node: a.node.Content[i+1], path: join(a.path, key)})
	}
}

func join(path, key string) string {
	key = strings.ReplaceAll(key, ".", `\.`)
	if path == "" {
		return key
	}
	return path + "." + key
}

// checker gathers problems while it walks a document beside its shape.
type checker struct {
	doc  *Document
	list []Problem
}

func (c *checker) fault(a at, mend, format string, args ...any) {
	c.add(a, false, mend, format, args...)
}

func (c *checker) warn(a at, mend, format string, args ...any) {
	c.add(a, true, mend, format, args...)
}

func (c *checker) add(a at, warning bool, mend, format string, args ...any) {
	line := 0
	if a.node != nil {
		line = a.node.Line
	}
	c.list = append(c.list, Problem{Line: line, Field: a.path, Message: fmt.Sprintf(format, args...), Mend: mend, Warning: warning})
}

// value checks one value against its shape.
func (c *checker) value(a at, s *shape) {
	n := a.node
	if s.any || n == nil {
		c.further(a, s)
		return
	}
	switch n.Kind {
	case yaml.ScalarNode:
		c.scalar(a, s)
	case yaml.SequenceNode:
		c.sequence(a, s)
	case yaml.MappingNode:
		c.mapping(a, s)
	}
	c.further(a, s)
}

func (c *checker) further(a at, s *shape) {
	if s.also != nil && a.exists() {
		s.also(c, a)
	}
}

func (c *checker) sequence(a at, s *shape) {
	if s.items == nil {
		c.fault(a, "write "+s.wants(), "a list stands where %s is expected", s.wants())
		return
	}
	item := s.items()
	for i, n := range a.node.Content {
		c.value(at{node: n, path: a.path + "[" + strconv.Itoa(i) + "]"}, item)
	}
}

func (c *checker) mapping(a at, s *shape) {
	c.duplicates(a)
	if s.by != nil {
		if s = c.choose(a, s); s == nil {
			return
		}
		defer c.further(a, s) // value sees to the rules of the outer shape
	}
	switch {
	case s.any:
	case s.fields != nil:
		c.object(a, s)
	case s.values != nil:
		v := s.values()
		a.each(func(_ string, x at) { c.value(x, v) })
	default:
		c.fault(a, "write "+s.wants(), "a map stands where %s is expected", s.wants())
	}
}

func (c *checker) duplicates(a at) {
	seen := map[string]int{}
	for i := 0; i+1 < len(a.node.Content); i += 2 {
		k := a.node.Content[i]
		if first, ok := seen[k.Value]; ok {
			c.fault(at{node: k, path: join(a.path, k.Value)}, "remove one of them", "the field is written twice, first on line %d", first)
		}
		seen[k.Value] = k.Line
	}
}

func (c *checker) choose(a at, s *shape) *shape {
	key := a.child(s.by.key)
	if !key.exists() {
		if s.by.none != nil {
			return s.by.none()
		}
		c.fault(a, "add `"+s.by.key+":` with one of "+oneOf(s.by.names()), "the field %s is missing", s.by.key)
		return nil
	}
	for name, is := range s.by.cases {
		if same(name, key.node.Value) {
			return is()
		}
	}
	c.fault(key, "write one of "+oneOf(s.by.names()), "%s is not known here", describe(key.node))
	return nil
}

func (c *checker) object(a at, s *shape) {
	a.each(func(key string, v at) {
		i := slices.IndexFunc(s.fields, func(f field) bool { return f.name == key })
		if i < 0 {
			c.warn(v, s.suggest(key), "the field is not known here and is not used")
			return
		}
		f := s.fields[i]
		switch {
		case f.ignored:
		case !v.exists() && f.required:
			c.fault(v, "give it a value", "the required field is empty")
		case !v.exists(): // an empty field is as good as none
		default:
			c.value(v, f.is())
		}
	})
	for _, f := range s.fields {
		if f.required && child(a.node, f.name) == nil {
			c.fault(at{node: a.node, path: join(a.path, f.name)}, "add `"+f.name+":`", "the required field is missing")
		}
	}
}

func (s *shape) suggest(key string) string {
	best, dist := "", 3
	for _, f := range s.fields {
		if d := distance(f.name, key); d < dist {
			best, dist = f.name, d
		}
	}
	if best != "" {
		return "did you mean `" + best + "`?"
	}
	return "remove it"
}

func (d *discriminator) names() []string {
	out := []string{}
	for name := range d.cases {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func oneOf(names []string) string { return strings.Join(names, ", ") }

// same compares names as Azure ML does for enums: case, `_` and `-` do not count.
func same(a, b string) bool { return plain(a) == plain(b) }

func plain(s string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(s))
}

// distance is the Levenshtein distance of two short names.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diag := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			diag, row[j] = row[j], min(row[j]+1, row[j-1]+1, diag+cost)
		}
	}
	return row[len(b)]
}
