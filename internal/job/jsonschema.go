package job

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/drivecast/drivecast/errs"
)

// JSONSchema returns the JSON Schema (draft 2020-12) of a kind of document, for
// editors. It is made from the rules that Check applies; what looks at more than
// one field is not in it. An unknown kind is of kind NotFound.
func JSONSchema(k Kind) (map[string]any, error) {
	s := shapeOf(k)
	if s == nil {
		return nil, errs.New(errs.NotFound, "no kind of document is named %q; the kinds are %s", k, kindList())
	}
	w := &schemaWriter{defs: map[string]any{}}
	out := w.shape(s, false)
	out["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	out["title"] = string(k)
	if len(w.defs) > 0 {
		out["$defs"] = w.defs
	}
	return out, nil
}

func kindList() string {
	var names []string
	for _, k := range Kinds() {
		names = append(names, string(k))
	}
	slices.Sort(names)
	return oneOf(names)
}

type schemaWriter struct{ defs map[string]any }

// expression is the text that may stand for any value.
const expression = `\$\{\{.*\}\}`

func (w *schemaWriter) shape(s *shape, refer bool) map[string]any {
	if s.any {
		return map[string]any{}
	}
	if refer && s.name != "" && len(s.scalars) == 0 && s.items == nil {
		return w.reference(s)
	}
	var choices []map[string]any
	if len(s.scalars) > 0 {
		choices = append(choices, scalarSchema(s))
	}
	if s.items != nil {
		choices = append(choices, map[string]any{"type": "array", "items": w.shape(s.items(), true)})
	}
	switch {
	case s.by != nil:
		choices = append(choices, w.cases(s.by)...)
	case s.fields != nil && refer && s.name != "":
		choices = append(choices, w.reference(&shape{name: s.name, fields: s.fields}))
	case s.fields != nil:
		choices = append(choices, w.object(s.fields))
	case s.values != nil:
		choices = append(choices, map[string]any{"type": "object", "additionalProperties": orNull(w.shape(s.values(), true))})
	}
	out := map[string]any{"type": "null"}
	switch len(choices) {
	case 0:
	case 1:
		out = choices[0]
	default:
		out = map[string]any{"anyOf": choices}
	}
	if s.doc != "" {
		out["description"] = s.doc
	}
	return out
}

func (w *schemaWriter) reference(s *shape) map[string]any {
	if _, made := w.defs[s.name]; !made {
		w.defs[s.name] = nil // stops the recursion of shapes that hold themselves
		w.defs[s.name] = w.shape(s, false)
	}
	return map[string]any{"$ref": "#/$defs/" + s.name}
}

func (w *schemaWriter) object(list []field) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, f := range list {
		if f.ignored {
			properties[f.name] = map[string]any{"description": "read-only; not used"}
			continue
		}
		properties[f.name] = orNull(w.shape(f.is(), true))
		if f.required {
			required = append(required, f.name)
			properties[f.name] = w.shape(f.is(), true)
		}
	}
	out := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

// orNull allows a field to be empty.
func orNull(s map[string]any) map[string]any {
	if len(s) == 0 {
		return s
	}
	return map[string]any{"anyOf": []any{s, map[string]any{"type": "null"}}}
}

// cases writes a choice by one field as alternatives that each fix it.
func (w *schemaWriter) cases(d *discriminator) []map[string]any {
	var out []map[string]any
	for _, name := range slices.Sorted(maps.Keys(d.cases)) {
		out = append(out, map[string]any{
			"allOf":    []any{w.shape(d.cases[name](), true)},
			"type":     "object",
			"required": []string{d.key}, "properties": map[string]any{d.key: map[string]any{"const": name}},
		})
	}
	if d.none != nil {
		out = append(out, map[string]any{
			"allOf": []any{w.shape(d.none(), true)}, "type": "object", "not": map[string]any{"required": []string{d.key}},
		})
	}
	return out
}

// anyCase is a pattern for the words in any case, with `_` and `-` alike.
func anyCase(words []string) string {
	var b strings.Builder
	for i, word := range words {
		if i > 0 {
			b.WriteByte('|')
		}
		b.WriteByte('^')
		for _, r := range strings.ToLower(word) {
			switch {
			case r == '_' || r == '-':
				b.WriteString("[_-]?")
			case unicode.IsLetter(r):
				b.WriteString("[" + string(r) + string(unicode.ToUpper(r)) + "]")
			default:
				b.WriteRune(r)
			}
		}
		b.WriteByte('$')
	}
	return b.String()
}

func scalarSchema(s *shape) map[string]any {
	if s.enum != nil && !s.lax {
		return map[string]any{"anyOf": []any{map[string]any{"enum": s.enum}, map[string]any{"type": "string", "pattern": anyCase(s.enum) + "|" + expression}}}
	}
	types := slices.Clone(s.scalars)
	text := slices.Contains(types, "string")
	out := map[string]any{"type": types}
	if text && !slices.Contains(types, "number") {
		// every scalar has a spelling: names may look like numbers
		out["type"] = append(types, "number", "boolean")
	}
	if !text {
		out["type"] = append(types, "string")
		out["pattern"] = `^-?[0-9.eE+-]+$|^(true|false)$|` + expression
	}
	if s.min != nil {
		out["minimum"] = *s.min
	}
	if s.max != nil {
		out["maximum"] = *s.max
	}
	return out
}
