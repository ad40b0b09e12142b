package score

import (
	"fmt"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// maxDepth bounds the nesting of a JSON text.
const maxDepth = 500

// scan reads JSON as Python's json module does: NaN, Infinity and -Infinity are
// numbers, and errors have its texts.
type scan struct {
	b     []byte
	i     int
	depth int
}

// syntaxError is a fault in a JSON text at byte pos.
type syntaxError struct {
	msg string
	pos int
	in  []byte
}

// Error returns the fault with line and column, as Python prints it.
func (e *syntaxError) Error() string {
	line, col := 1, 1
	for _, r := range string(e.in[:min(e.pos, len(e.in))]) {
		if r == '\n' {
			line, col = line+1, 1
		} else {
			col++
		}
	}
	return fmt.Sprintf("%s: line %d column %d (char %d)", e.msg, line, col, utf8.RuneCount(e.in[:min(e.pos, len(e.in))]))
}

func (s *scan) fail(msg string) error        { return &syntaxError{msg, s.i, s.b} }
func (s *scan) failAt(m string, p int) error { return &syntaxError{m, p, s.b} }

// next skips blanks and returns the next byte, 0 at the end.
func (s *scan) next() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\n', '\t', '\r':
			s.i++
		default:
			return c
		}
	}
	return 0
}

// list reads an array, calling item at each element.
func (s *scan) list(item func() error) error {
	if s.depth++; s.depth > maxDepth {
		return s.fail("Nested too deeply")
	}
	s.i++
	if s.next() == ']' {
		s.i++
		s.depth--
		return nil
	}
	for {
		s.next()
		if err := item(); err != nil {
			return err
		}
		switch s.next() {
		case ',':
			s.i++
		case ']':
			s.i++
			s.depth--
			return nil
		default:
			return s.fail("Expecting ',' delimiter")
		}
	}
}

// object reads an object, calling value with each key, at its value. key is only
// valid during the call.
func (s *scan) object(value func(key []byte) error) error {
	if s.depth++; s.depth > maxDepth {
		return s.fail("Nested too deeply")
	}
	s.i++
	if s.next() == '}' {
		s.i++
		s.depth--
		return nil
	}
	for {
		if s.next() != '"' {
			return s.fail("Expecting property name enclosed in double quotes")
		}
		key, err := s.text()
		if err != nil {
			return err
		}
		if s.next() != ':' {
			return s.fail("Expecting ':' delimiter")
		}
		s.i++
		s.next()
		if err := value(key); err != nil {
			return err
		}
		switch s.next() {
		case ',':
			s.i++
		case '}':
			s.i++
			s.depth--
			return nil
		default:
			return s.fail("Expecting ',' delimiter")
		}
	}
}

// text reads a string; the result shares the input where it has no escapes.
func (s *scan) text() ([]byte, error) {
	start := s.i + 1
	for i := start; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			s.i = i + 1
			return s.b[start:i], nil
		case c == '\\':
			return s.escaped(start, i)
		case c < 0x20:
			return nil, s.failAt("Invalid control character at", i)
		}
	}
	return nil, s.failAt("Unterminated string starting at", s.i)
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escaped goes on with a string from its first backslash, at i.
func (s *scan) escaped(start, i int) ([]byte, error) {
	out := append([]byte(nil), s.b[start:i]...)
	for i < len(s.b) {
		c := s.b[i]
		switch {
		case c == '"':
			s.i = i + 1
			return out, nil
		case c < 0x20:
			return nil, s.failAt("Invalid control character at", i)
		case c != '\\':
			out = append(out, c)
			i++
			continue
		}
		if i+1 >= len(s.b) {
			break
		}
		if e := escapes[s.b[i+1]]; e != 0 {
			out = append(out, e)
			i += 2
			continue
		}
		if s.b[i+1] != 'u' {
			return nil, s.failAt("Invalid \\escape", i)
		}
		r, ok := hex4(s.b, i+2)
		if !ok {
			return nil, s.failAt("Invalid \\uXXXX escape", i+1)
		}
		i += 6
		if utf16.IsSurrogate(r) && i+1 < len(s.b) && s.b[i] == '\\' && s.b[i+1] == 'u' {
			if low, ok := hex4(s.b, i+2); ok {
				if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
					r = full
					i += 6
				}
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return nil, s.failAt("Unterminated string starting at", start-1)
}

func hex4(b []byte, i int) (rune, bool) {
	if i+4 > len(b) {
		return 0, false
	}
	v, err := strconv.ParseUint(string(b[i:i+4]), 16, 32)
	return rune(v), err == nil
}

// word reads one of the literals that are not numbers in JSON's sense.
func (s *scan) word(w string) bool {
	if len(s.b)-s.i >= len(w) && string(s.b[s.i:s.i+len(w)]) == w {
		s.i += len(w)
		return true
	}
	return false
}

var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// number reads a number and says whether it was written as an integer.
func (s *scan) number() (v float64, whole bool, err error) {
	b, start, i := s.b, s.i, s.i
	if i < len(b) && b[i] == '-' {
		i++
	}
	first := i
	var mant uint64
	for i < len(b) && b[i]-'0' <= 9 {
		mant = mant*10 + uint64(b[i]-'0')
		i++
	}
	digits := i - first
	if digits == 0 {
		return 0, false, s.fail("Expecting value")
	}
	if b[first] == '0' && digits > 1 {
		s.i = first + 1
		return v, true, nil // as Python: what follows the zero is not part of the number
	}
	whole = true
	point := 0
	if i+1 < len(b) && b[i] == '.' && b[i+1]-'0' <= 9 {
		whole = false
		i++
		for i < len(b) && b[i]-'0' <= 9 {
			mant = mant*10 + uint64(b[i]-'0')
			i++
			point++
		}
	}
	digits += point
	exp, end, ok := exponent(b, i)
	if ok {
		whole = false
		i = end
	}
	s.i = i
	exp -= point
	if digits <= 18 && mant < 1<<53 && exp >= -22 && exp <= 22 {
		v = float64(mant)
		if exp < 0 {
			v /= powers[-exp]
		} else {
			v *= powers[exp]
		}
		if b[start] == '-' {
			v = -v
		}
		return v, whole, nil
	}
	v, _ = strconv.ParseFloat(unsafe.String(&b[start], i-start), 64) // out of range is ±Inf, as in Python
	return v, whole, nil
}

// exponent reads "e-12" at i.
func exponent(b []byte, i int) (exp, end int, ok bool) {
	if i >= len(b) || b[i]|0x20 != 'e' {
		return 0, i, false
	}
	i++
	neg := false
	if i < len(b) && (b[i] == '+' || b[i] == '-') {
		neg = b[i] == '-'
		i++
	}
	first := i
	for i < len(b) && b[i]-'0' <= 9 {
		exp = min(exp*10+int(b[i]-'0'), 1<<20)
		i++
	}
	if neg {
		exp = -exp
	}
	return exp, i, i > first
}

// cell is a scalar of a table, or the kind of something that is none.
type cell struct {
	kind kinds
	num  float64 // NaN unless the cell is a number or a boolean
	text []byte  // of a text; valid until the input is reused
}

// kinds is a set of kinds of cell.
type kinds uint8

const (
	isNull kinds = 1 << iota
	isBool
	isInt
	isFloat
	isText
	isNested // a list or an object where a scalar belongs
)

// value reads any value; of lists and objects it only says that they are.
func (s *scan) value() (cell, error) {
	switch c := s.next(); c {
	case '"':
		t, err := s.text()
		return cell{isText, math.NaN(), t}, err
	case '[':
		return cell{isNested, math.NaN(), nil}, s.list(s.skip)
	case '{':
		return cell{isNested, math.NaN(), nil}, s.object(func([]byte) error { return s.skip() })
	case 'n':
		if s.word("null") {
			return cell{isNull, math.NaN(), nil}, nil
		}
	case 't':
		if s.word("true") {
			return cell{isBool, 1, nil}, nil
		}
	case 'f':
		if s.word("false") {
			return cell{isBool, 0, nil}, nil
		}
	case 'N':
		if s.word("NaN") {
			return cell{isFloat, math.NaN(), nil}, nil
		}
	case 'I':
		if s.word("Infinity") {
			return cell{isFloat, math.Inf(1), nil}, nil
		}
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		if c == '-' && s.word("-Infinity") {
			return cell{isFloat, math.Inf(-1), nil}, nil
		}
		v, whole, err := s.number()
		if whole {
			return cell{isInt, v, nil}, err
		}
		return cell{isFloat, v, nil}, err
	}
	return cell{}, s.fail("Expecting value")
}

// skip reads a value and forgets it.
func (s *scan) skip() error {
	_, err := s.value()
	return err
}
