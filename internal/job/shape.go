package job

import "slices"

// shape says what a YAML value may be. One declaration serves three readers:
// the checker, the JSON Schema for editors, and whoever reads the file.
type shape struct {
	name    string                 // key under $defs; "" for shapes written in place
	doc     string                 // one line for editors
	scalars []string               // scalar types allowed: string integer number boolean
	enum    []string               // allowed strings, any case, `_` and `-` alike
	lax     bool                   // enum is advice: other values are a warning
	fields  []field                // allowed when the value is a map with known fields
	values  func() *shape          // allowed when the value is a map of like values
	items   func() *shape          // allowed when the value is a list
	any     bool                   // everything is allowed
	by      *discriminator         // picks the shape of a map from one of its fields
	min     *float64               // lowest number
	max     *float64               // highest number
	also    func(c *checker, n at) // further rules
}

// field is one key of a map.
type field struct {
	name     string
	is       func() *shape // a function, so that shapes may refer to themselves
	required bool
	ignored  bool // read-only in Azure ML: accepted and dropped
}

// discriminator chooses among maps by the value of one field.
type discriminator struct {
	key   string
	cases map[string]func() *shape
	none  func() *shape // when the field is absent
}

func always(s *shape) func() *shape { return func() *shape { return s } }

func scalar(types ...string) *shape { return &shape{scalars: types} }
func str() *shape                   { return scalar("string") }
func integer() *shape               { return scalar("integer") }
func number() *shape                { return scalar("number") }
func boolean() *shape               { return scalar("boolean") }
func anything() *shape              { return &shape{any: true} }
func literal() *shape               { return scalar("integer", "number", "string", "boolean") }
func enum(v ...string) *shape       { return &shape{scalars: []string{"string"}, enum: v} }
func listOf(s *shape) *shape        { return &shape{items: always(s)} }
func mapOf(s *shape) *shape         { return &shape{values: always(s)} }
func object(name string, f ...[]field) *shape {
	return &shape{name: name, fields: slices.Concat(f...)}
}

// or returns a shape that allows what a and b allow; they differ in the kind of
// YAML node they take (scalar, list, map).
func (s *shape) or(b *shape) *shape {
	out := *s
	out.scalars = slices.Concat(s.scalars, b.scalars)
	out.enum = slices.Concat(s.enum, b.enum)
	if len(b.scalars) > 0 && (b.enum == nil || s.enum == nil && len(s.scalars) > 0) {
		out.enum = nil
	}
	if b.fields != nil {
		out.fields, out.name = b.fields, b.name
	}
	if b.values != nil {
		out.values = b.values
	}
	if b.items != nil {
		out.items = b.items
	}
	if b.by != nil {
		out.by = b.by
	}
	if out.also == nil {
		out.also = b.also
	}
	return &out
}

func (s *shape) says(doc string) *shape { out := *s; out.doc = doc; return &out }

func (s *shape) advice() *shape { out := *s; out.lax = true; return &out }

func (s *shape) atLeast(x float64) *shape { out := *s; out.min = &x; return &out }

func (s *shape) atMost(x float64) *shape { out := *s; out.max = &x; return &out }

func (s *shape) checked(f func(*checker, at)) *shape { out := *s; out.also = f; return &out }

func opt(name string, s *shape) field { return field{name: name, is: always(s)} }
func req(name string, s *shape) field { return field{name: name, is: always(s), required: true} }
func lazy(name string, s func() *shape) field {
	return field{name: name, is: s}
}
func ignored(name string) field { return field{name: name, is: anything, ignored: true} }
func fields(f ...field) []field { return f }
