package job

import (
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// Lookup gives the text of an expression such as inputs.x, split at its dots.
// Known is false when nothing has that name, and has is false when it is known
// and without a value (an optional input left out).
type Lookup func(path []string) (text string, has, known bool)

// Expand fills every ${{…}} in text and keeps a group $[[…]] only when every
// expression in it has a value. An unknown name, or a known one without a value
// outside a group, is of kind Invalid.
func Expand(text string, look Lookup) (string, error) {
	var b strings.Builder
	for {
		before, rest, grouped := strings.Cut(text, "$[[")
		part, has, err := fill(before, look)
		if err != nil {
			return "", err
		}
		if !has {
			return "", errs.New(errs.Invalid, "%s has no value; give the input a value, or put it in a group `$[[…]]`", firstEmpty(before, look))
		}
		b.WriteString(part)
		if !grouped {
			return b.String(), nil
		}
		group, after, closed := strings.Cut(rest, "]]")
		if !closed {
			return "", errs.New(errs.Invalid, "`$[[` has no `]]`")
		}
		if part, has, err = fill(group, look); err != nil {
			return "", err
		}
		if has {
			b.WriteString(part)
		}
		text = after
	}
}

// fill replaces the expressions of text; has is false if one has no value.
func fill(text string, look Lookup) (out string, has bool, err error) {
	var b strings.Builder
	has = true
	err = scan(text, func(literal string, path []string) error {
		b.WriteString(literal)
		if path == nil {
			return nil
		}
		v, ok, known := look(path)
		if !known {
			return errs.New(errs.Invalid, "${{%s}} names nothing", strings.Join(path, "."))
		}
		has = has && ok
		b.WriteString(v)
		return nil
	})
	return b.String(), has, err
}

func firstEmpty(text string, look Lookup) (name string) {
	_ = scan(text, func(_ string, path []string) error {
		if path != nil && name == "" {
			if _, has, _ := look(path); !has {
				name = "${{" + strings.Join(path, ".") + "}}"
			}
		}
		return nil
	})
	return name
}

// Expressions lists the expressions of text in their order, split at dots.
func Expressions(text string) ([][]string, error) {
	var out [][]string
	err := scan(text, func(_ string, path []string) error {
		if path != nil {
			out = append(out, path)
		}
		return nil
	})
	return out, err
}

// scan calls f for each stretch of plain text with the expression after it; the
// path is nil at the end of the text.
func scan(text string, f func(literal string, path []string) error) error {
	for {
		i := strings.Index(text, "${{")
		if i < 0 {
			return f(text, nil)
		}
		end := strings.Index(text[i:], "}}")
		if end < 0 {
			return errs.New(errs.Invalid, "`${{` has no `}}`")
		}
		inner := strings.TrimSpace(text[i+3 : i+end])
		path := strings.Split(inner, ".")
		for j, p := range path {
			path[j] = strings.TrimSpace(p)
			if path[j] == "" || strings.ContainsAny(path[j], " \t\n\"'${}[]()") {
				return errs.New(errs.Invalid, "${{%s}} is not an expression; write for instance ${{inputs.name}}", inner)
			}
		}
		if err := f(text[:i], path); err != nil {
			return err
		}
		text = text[i+end+2:]
	}
}

// soleExpression returns the expression when text is one and nothing else.
func soleExpression(text string) ([]string, bool) {
	t := strings.TrimSpace(text)
	if !strings.HasPrefix(t, "${{") || strings.Index(t, "}}") != len(t)-2 {
		return nil, false
	}
	list, err := Expressions(t)
	if err != nil || len(list) != 1 {
		return nil, false
	}
	return list[0], true
}
