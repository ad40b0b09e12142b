package filter

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/drivecast/drivecast/errs"
)

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenQuotedName // `backticked`
	tokenString     // 'single' or "double" quoted
	tokenNumber
	tokenOp
	tokenPunct
)

type token struct {
	kind  tokenKind
	text  string
	quote byte // of quoted tokens
	pos   int
}

func (t token) is(keyword string) bool {
	return t.kind == tokenWord && strings.EqualFold(t.text, keyword)
}

type parser struct {
	text   string
	tokens []token
	at     int
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

// keyword consumes the next token when it is that word.
func (p *parser) keyword(word string) bool {
	if p.peek().is(word) {
		p.at++
		return true
	}
	return false
}

// fault words the refusal of everything from the unexpected token on.
func (p *parser) fault(t token) error {
	if t.kind == tokenEnd {
		return errs.New(errs.Invalid, "Invalid clause(s) in filter string: '%s' ends too early", clip(p.text))
	}
	return errs.New(errs.Invalid, "Invalid clause(s) in filter string: '%s' (position %d)", clip(p.text[t.pos:]), t.pos+1)
}

func clip(s string) string {
	const limit = 200
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}

func (p *parser) lex() error {
	for i := 0; i < len(p.text); {
		if strings.IndexByte(" \t\r\n", p.text[i]) >= 0 {
			i++
			continue
		}
		t, n := p.scan(i)
		if n == 0 {
			return p.fault(token{kind: tokenPunct, pos: i})
		}
		p.tokens = append(p.tokens, t)
		i += n
	}
	p.tokens = append(p.tokens, token{kind: tokenEnd, pos: len(p.text)})
	return nil
}

// scan reads the token at i and returns its length, 0 when there is none.
func (p *parser) scan(i int) (token, int) {
	s := p.text[i:]
	switch c := s[0]; {
	case c == '\'' || c == '"':
		text, n := quoted(s)
		return token{tokenString, text, c, i}, n
	case c == '`':
		text, n := quoted(s)
		return token{tokenQuotedName, text, c, i}, n
	case c == '(' || c == ')' || c == ',':
		return token{tokenPunct, s[:1], 0, i}, 1
	case strings.IndexByte("=!<>", c) >= 0:
		for _, op := range []string{"!=", "<=", ">=", "=", "<", ">"} {
			if strings.HasPrefix(s, op) {
				return token{tokenOp, op, 0, i}, len(op)
			}
		}
		return token{}, 0
	}
	if n := numberLength(s); n > 0 {
		return token{tokenNumber, s[:n], 0, i}, n
	}
	n := wordLength(s)
	return token{tokenWord, s[:n], 0, i}, n
}

// quoted reads a quoted text; a doubled quote stands for one. The length is 0
// when the closing quote is missing.
func quoted(s string) (string, int) {
	q := s[0]
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != q {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == q {
			b.WriteByte(q)
			i++
			continue
		}
		return b.String(), i + 1
	}
	return "", 0
}

// numberLength returns the length of the number that s starts with, 0 when it
// starts with none or a word goes on behind it.
func numberLength(s string) int {
	i := 0
	digits := func() (n int) {
		for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
			n++
		}
		return n
	}
	if s[0] == '-' || s[0] == '+' {
		i++
	}
	n := digits()
	if i < len(s) && s[i] == '.' {
		i++
		n += digits()
	}
	if n == 0 {
		return 0
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		mark := i
		i++
		if i < len(s) && (s[i] == '-' || s[i] == '+') {
			i++
		}
		if digits() == 0 {
			i = mark
		}
	}
	if wordLength(s[i:]) > 0 {
		return 0
	}
	return i
}

// wordLength returns the length of the bare word that s starts with: letters,
// digits, underscores, dots and, but for the first place, dashes.
func wordLength(s string) int {
	for i, r := range s {
		ok := r == '_' || r == '.' || r == '-' && i > 0 || r == '@' || r == '$' ||
			(r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)))
		if !ok {
			return i
		}
	}
	return len(s)
}
