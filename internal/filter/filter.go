// Package filter reads the search language of MLflow's REST API: filters such as
//
//	metrics.auc >= 0.9 AND tags."mlflow.user" LIKE 'a%' AND status IN ('FAILED')
//
// and orderings such as "metrics.auc DESC". It knows the grammar only; what
// entities, keys and operators mean is decided by who searches.
package filter

import (
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// Op is a comparison, written as in the language, in upper case. NOT IN, IS NULL
// and IS NOT NULL are single operators.
type Op string

// The operators of the language.
const (
	Eq      Op = "="
	Ne      Op = "!="
	Lt      Op = "<"
	Le      Op = "<="
	Gt      Op = ">"
	Ge      Op = ">="
	Like    Op = "LIKE"
	ILike   Op = "ILIKE"
	In      Op = "IN"
	NotIn   Op = "NOT IN"
	IsNull  Op = "IS NULL"
	NotNull Op = "IS NOT NULL"
)

// Kind says what a clause compares with.
type Kind uint8

// The kinds of values. A Word is neither quoted nor a number: no search accepts
// it, and the searcher words the refusal.
const (
	None   Kind = iota // IS NULL and IS NOT NULL
	String             // quoted text
	Number             // an integer or a float
	List               // texts and numbers in parentheses
	Word               // a bare word
)

// Value is what a clause compares with.
type Value struct {
	Kind   Kind
	Text   string  // the text of a String, the spelling of a Number or Word
	Number float64 // of a Number
	List   []Value // of a List: Strings and Numbers
}

// Clause is one comparison. Entity is "" when the identifier had none.
type Clause struct {
	Entity string
	Key    string
	Op     Op
	Value  Value
	Pos    int // byte offset of the clause in the filter
}

// The limits of one filter: comparisons, bytes, and values in one list.
const (
	MaxClauses = 200
	MaxLength  = 256 << 10
	MaxList    = 10000
)

// Parse reads a filter: comparisons joined by AND. Blank text is an empty
// filter. Errors are of kind errs.Invalid and name the offset.
func Parse(text string) ([]Clause, error) {
	if len(text) > MaxLength {
		return nil, errs.New(errs.Invalid, "Invalid filter: it has %d bytes, at most %d are allowed", len(text), MaxLength)
	}
	p := &parser{text: text}
	if err := p.lex(); err != nil {
		return nil, err
	}
	if p.peek().kind == tokenEnd {
		return nil, nil
	}
	var out []Clause
	for {
		c, err := p.clause()
		if err != nil {
			return nil, err
		}
		if out = append(out, c); len(out) > MaxClauses {
			return nil, errs.New(errs.Invalid, "Invalid filter: more than %d comparisons", MaxClauses)
		}
		if p.peek().kind == tokenEnd {
			return out, nil
		}
		if !p.keyword("AND") {
			return nil, p.fault(p.peek())
		}
	}
}

func (p *parser) clause() (Clause, error) {
	c := Clause{Pos: p.peek().pos}
	var err error
	if c.Entity, c.Key, err = p.identifier(); err != nil {
		return c, err
	}
	switch t := p.next(); {
	case t.kind == tokenOp:
		c.Op = Op(t.text)
	case t.is("LIKE"), t.is("ILIKE"), t.is("IN"):
		c.Op = Op(strings.ToUpper(t.text))
	case t.is("NOT") && p.keyword("IN"):
		c.Op = NotIn
	case t.is("IS") && p.keyword("NULL"):
		c.Op = IsNull
		return c, nil
	case t.is("IS") && p.keyword("NOT") && p.keyword("NULL"):
		c.Op = NotNull
		return c, nil
	default:
		return c, p.fault(t)
	}
	if c.Op == In || c.Op == NotIn {
		c.Value, err = p.list()
	} else {
		c.Value, err = p.value()
	}
	return c, err
}

// identifier reads [entity.]key, where the first dot separates the two. A key
// may be quoted, and "Run Name" is two words.
func (p *parser) identifier() (entity, key string, err error) {
	t := p.next()
	switch {
	case t.quote == '`' || t.quote == '"':
		return "", t.text, nil
	case t.kind != tokenWord:
		return "", "", p.fault(t)
	}
	entity, key, dotted := strings.Cut(t.text, ".")
	if !dotted {
		if t.is("run") && p.peek().is("name") {
			return "", t.text + " " + p.next().text, nil
		}
		return "", t.text, nil
	}
	if key == "" { // entity.`quoted key`
		q := p.next()
		if q.quote == 0 || q.quote == '\'' || q.pos != t.pos+len(t.text) {
			return "", "", p.fault(t)
		}
		key = q.text
	}
	return entity, key, nil
}

func (p *parser) value() (Value, error) {
	t := p.next()
	switch t.kind {
	case tokenString:
		return Value{Kind: String, Text: t.text}, nil
	case tokenNumber:
		n, err := strconv.ParseFloat(t.text, 64)
		if err != nil && n == 0 {
			return Value{}, p.fault(t)
		}
		return Value{Kind: Number, Text: t.text, Number: n}, nil
	case tokenWord, tokenQuotedName:
		return Value{Kind: Word, Text: t.text}, nil
	}
	return Value{}, p.fault(t)
}

func (p *parser) list() (Value, error) {
	v := Value{Kind: List}
	if t := p.next(); t.text != "(" || t.kind != tokenPunct {
		return v, p.fault(t)
	}
	for {
		item, err := p.value()
		if err != nil {
			return v, err
		}
		if item.Kind == Word || len(v.List) == MaxList {
			return v, errs.New(errs.Invalid, "While parsing a list in the query, expected at most %d string values, punctuation, or whitespace, but got different type in list: %s", MaxList, clip(item.Text))
		}
		v.List = append(v.List, item)
		t := p.next()
		if t.kind == tokenPunct && t.text == ")" {
			return v, nil
		}
		if t.kind != tokenPunct || t.text != "," {
			return v, p.fault(t)
		}
	}
}
