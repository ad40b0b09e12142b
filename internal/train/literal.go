package train

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/drivecast/drivecast/errs"
)

// Pair is one entry of a Python dict literal.
type Pair struct{ Key, Value any }

// Literal reads a Python literal as people write it after --param k=: None (nil),
// True and False, whole numbers (int64), floats (float64, with inf and nan),
// quoted or bare text (string), lists and tuples ([]any), dicts ([]Pair, in
// order). 1 is a whole number and 1.0 a float, as in Python.
func Literal(s string) (any, error) {
	p := &literal{rest: strings.TrimSpace(s)}
	if p.rest == "" {
		return nil, errs.New(errs.Usage, "an empty text is not a value; write None, 1, 0.5, True or a name")
	}
	v, err := p.value(0)
	if err == nil && p.rest != "" {
		err = errs.New(errs.Usage, "%q: unexpected %q after the value", s, p.rest)
	}
	return v, err
}

type literal struct{ rest string }

const maxNesting = 16

func (p *literal) value(depth int) (any, error) {
	if depth > maxNesting {
		return nil, errs.New(errs.Usage, "a literal nests more than %d deep", maxNesting)
	}
	if p.rest == "" {
		return nil, errs.New(errs.Usage, "a value is missing")
	}
	switch c := p.rest[0]; c {
	case '\'', '"':
		return p.quoted(c)
	case '[':
		return p.list(']', depth)
	case '(':
		return p.list(')', depth)
	case '{':
		return p.dict(depth)
	}
	end := strings.IndexAny(p.rest, ",:]}) \t")
	if end < 0 || depth == 0 {
		end = len(p.rest)
	}
	word := strings.TrimSpace(p.rest[:end])
	p.rest = strings.TrimSpace(p.rest[end:])
	return scalar(word), nil
}

func scalar(word string) any {
	switch word {
	case "None":
		return nil
	case "True":
		return true
	case "False":
		return false
	}
	digits := strings.ReplaceAll(word, "_", "")
	if i, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return i
	}
	if strings.Trim(digits, "0123456789+-.eEinfaINFA") == "" {
		if f, err := strconv.ParseFloat(digits, 64); err == nil {
			return f
		}
	}
	return word
}

func (p *literal) quoted(q byte) (any, error) {
	for i := 1; i < len(p.rest); i++ {
		switch p.rest[i] {
		case '\\':
			return nil, errs.New(errs.Usage, "%s: backslashes are not supported in a quoted value", p.rest)
		case q:
			v := p.rest[1:i]
			p.rest = strings.TrimSpace(p.rest[i+1:])
			if !utf8.ValidString(v) {
				return nil, errs.New(errs.Usage, "a quoted value is not UTF-8")
			}
			return v, nil
		}
	}
	return nil, errs.New(errs.Usage, "%s: the closing quote is missing", p.rest)
}

func (p *literal) list(end byte, depth int) (any, error) {
	out := []any{}
	err := p.items(end, func() error {
		v, err := p.value(depth + 1)
		out = append(out, v)
		return err
	})
	return out, err
}

func (p *literal) dict(depth int) (any, error) {
	out := []Pair{}
	err := p.items('}', func() error {
		k, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		if !p.take(':') {
			return errs.New(errs.Usage, "a dict needs a colon between key and value, at %q", p.rest)
		}
		v, err := p.value(depth + 1)
		out = append(out, Pair{k, v})
		return err
	})
	return out, err
}

func (p *literal) take(c byte) bool {
	p.rest = strings.TrimSpace(p.rest)
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = strings.TrimSpace(p.rest[1:])
	return true
}

// items reads comma-separated items up to end, after an opening bracket.
func (p *literal) items(end byte, item func() error) error {
	p.rest = strings.TrimSpace(p.rest[1:])
	for !p.take(end) {
		if err := item(); err != nil {
			return err
		}
		if !p.take(',') && (p.rest == "" || p.rest[0] != end) {
			return errs.New(errs.Usage, "%q is missing in a literal, at %q", string(end), p.rest)
		}
	}
	return nil
}
