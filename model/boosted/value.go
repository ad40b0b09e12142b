// Package boosted reads gradient-boosted ensembles of other libraries: XGBoost's
// JSON and UBJSON, LightGBM's text, CatBoost's JSON. Answers equal the library's:
// XGBoost's to a unit in the last place of float32, in which it adds; the others'
// to 1e-12.
package boosted

import (
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/drivecast/drivecast/errs"
)

func invalid(format string, args ...any) error { return errs.New(errs.Invalid, format, args...) }

// object is a JSON or UBJSON object. Its values are object, []any, []float64
// (an array of nothing but numbers and booleans), string, float64, bool and nil.
type object map[string]any

const maxNest = 200

// text parses JSON.
type text struct {
	b     []byte
	i     int
	depth int
}

func parseJSON(b []byte) (object, error) {
	t := &text{b: b}
	v, err := t.value()
	if err != nil {
		return nil, err
	}
	o, ok := v.(object)
	if !ok || t.next() != 0 {
		return nil, invalid("not a JSON object")
	}
	return o, nil
}

func (t *text) next() byte {
	for t.i < len(t.b) {
		switch c := t.b[t.i]; c {
		case ' ', '\n', '\t', '\r':
			t.i++
		default:
			return c
		}
	}
	return 0
}

func (t *text) bad() error { return invalid("not JSON at byte %d", t.i) }

func (t *text) value() (any, error) {
	switch c := t.next(); {
	case c == '{':
		return t.object()
	case c == '[':
		return t.array()
	case c == '"':
		return t.str()
	case c == '-' || c-'0' <= 9:
		return t.number()
	}
	for word, v := range map[string]any{"true": true, "false": false, "null": nil, "NaN": math.NaN(), "Infinity": math.Inf(1)} {
		if len(t.b)-t.i >= len(word) && string(t.b[t.i:t.i+len(word)]) == word {
			t.i += len(word)
			return v, nil
		}
	}
	return nil, t.bad()
}

func (t *text) number() (any, error) {
	start := t.i
	if len(t.b)-t.i >= 9 && string(t.b[t.i:t.i+9]) == "-Infinity" {
		t.i += 9
		return math.Inf(-1), nil
	}
	for t.i < len(t.b) && (t.b[t.i]-'0' <= 9 || t.b[t.i] == '-' || t.b[t.i] == '+' || t.b[t.i] == '.' || t.b[t.i]|0x20 == 'e') {
		t.i++
	}
	v, err := strconv.ParseFloat(string(t.b[start:t.i]), 64)
	if err != nil && !math.IsInf(v, 0) {
		return nil, t.bad()
	}
	return v, nil
}

func (t *text) str() (any, error) {
	for end := t.i + 1; end < len(t.b); end++ {
		switch t.b[end] {
		case '\\':
			end++
		case '"':
			raw := string(t.b[t.i : end+1])
			s, err := strconv.Unquote(raw)
			if err != nil { // an escape of JSON that Go does not have
				s = raw[1 : len(raw)-1]
			}
			t.i = end + 1
			if !utf8.ValidString(s) {
				return nil, t.bad()
			}
			return s, nil
		}
	}
	return nil, t.bad()
}

func (t *text) object() (any, error) {
	if t.depth++; t.depth > maxNest {
		return nil, invalid("nested too deeply")
	}
	t.i++
	o := object{}
	for first := true; ; first = false {
		c := t.next()
		if c == '}' {
			t.i++
			t.depth--
			return o, nil
		}
		if !first {
			if c != ',' {
				return nil, t.bad()
			}
			t.i++
			c = t.next()
		}
		if c != '"' {
			return nil, t.bad()
		}
		key, err := t.str()
		if err != nil {
			return nil, err
		}
		if t.next() != ':' {
			return nil, t.bad()
		}
		t.i++
		if o[key.(string)], err = t.value(); err != nil {
			return nil, err
		}
	}
}

func (t *text) array() (any, error) {
	if t.depth++; t.depth > maxNest {
		return nil, invalid("nested too deeply")
	}
	t.i++
	var nums []float64
	var items []any
	for first := true; ; first = false {
		c := t.next()
		if c == ']' {
			t.i++
			t.depth--
			if items == nil {
				return nums, nil
			}
			return items, nil
		}
		if !first {
			if c != ',' {
				return nil, t.bad()
			}
			t.i++
		}
		v, err := t.value()
		if err != nil {
			return nil, err
		}
		nums, items = push(nums, items, v)
	}
}

// push appends v to nums while everything is a number, else to items.
func push(nums []float64, items []any, v any) ([]float64, []any) {
	if items == nil {
		switch v := v.(type) {
		case float64:
			return append(nums, v), nil
		case bool:
			if v {
				return append(nums, 1), nil
			}
			return append(nums, 0), nil
		}
		items = make([]any, 0, len(nums)+1)
		for _, f := range nums {
			items = append(items, f)
		}
	}
	return nil, append(items, v)
}

// ubj parses UBJSON.
type ubj struct {
	b     []byte
	i     int
	depth int
}

func parseUBJSON(b []byte) (object, error) {
	u := &ubj{b: b}
	v, err := u.value(u.marker())
	if err != nil {
		return nil, err
	}
	o, ok := v.(object)
	if !ok {
		return nil, invalid("not a UBJSON object")
	}
	return o, nil
}

// marker returns the next type, 0 at the end.
func (u *ubj) marker() byte {
	for u.i < len(u.b) {
		u.i++
		if c := u.b[u.i-1]; c != 'N' {
			return c
		}
	}
	return 0
}

var ubjSizes = map[byte]int{'i': 1, 'U': 1, 'I': 2, 'l': 4, 'L': 8, 'd': 4, 'D': 8, 'C': 1}

// number decodes one number of the given type.
func number(kind byte, b []byte) float64 {
	switch kind {
	case 'i':
		return float64(int8(b[0]))
	case 'U', 'C':
		return float64(b[0])
	case 'I':
		return float64(int16(binary.BigEndian.Uint16(b)))
	case 'l':
		return float64(int32(binary.BigEndian.Uint32(b)))
	case 'L':
		return float64(int64(binary.BigEndian.Uint64(b)))
	case 'd':
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b))
}

func (u *ubj) value(kind byte) (any, error) {
	switch kind {
	case 'Z':
		return nil, nil
	case 'T', 'F':
		return kind == 'T', nil
	case 'S', 'H':
		return u.str()
	case '[':
		return u.array()
	case '{':
		return u.object()
	}
	n := ubjSizes[kind]
	if n == 0 || u.i+n > len(u.b) {
		return nil, invalid("not UBJSON at byte %d", u.i)
	}
	u.i += n
	return number(kind, u.b[u.i-n:u.i]), nil
}

// length reads a count.
func (u *ubj) length() (int, error) {
	v, err := u.value(u.marker())
	if err != nil {
		return 0, err
	}
	f, ok := v.(float64)
	if !ok || f < 0 || f > float64(len(u.b)) {
		return 0, invalid("not UBJSON: a length of %v", v)
	}
	return int(f), nil
}

func (u *ubj) str() (any, error) {
	n, err := u.length()
	if err != nil || n > len(u.b)-u.i {
		return nil, invalid("not UBJSON: a text is cut off")
	}
	u.i += n
	return string(u.b[u.i-n : u.i]), nil
}

// header reads the optional type and count of a container; count is -1 when it
// ends by a mark.
func (u *ubj) header() (kind byte, count int, err error) {
	count = -1
	if u.i < len(u.b) && u.b[u.i] == '$' {
		if u.i+2 >= len(u.b) {
			return 0, 0, invalid("not UBJSON: cut off")
		}
		kind = u.b[u.i+1]
		u.i += 2
	}
	if u.i < len(u.b) && u.b[u.i] == '#' {
		u.i++
		count, err = u.length()
	}
	if kind != 0 && count < 0 {
		return 0, 0, invalid("not UBJSON: a type without a count")
	}
	return kind, count, err
}

func (u *ubj) array() (any, error) {
	if u.depth++; u.depth > maxNest {
		return nil, invalid("nested too deeply")
	}
	defer func() { u.depth-- }()
	kind, count, err := u.header()
	if err != nil {
		return nil, err
	}
	if size := ubjSizes[kind]; size > 0 {
		if count > (len(u.b)-u.i)/size {
			return nil, invalid("not UBJSON: an array is cut off")
		}
		out := make([]float64, count)
		for k := range out {
			out[k] = number(kind, u.b[u.i+k*size:])
		}
		u.i += count * size
		return out, nil
	}
	if kind != 0 && count > len(u.b)-u.i {
		return nil, invalid("not UBJSON: an array is cut off")
	}
	var nums []float64
	var items []any
	for k := 0; count < 0 || k < count; k++ {
		t := kind
		if t == 0 {
			if t = u.marker(); t == ']' && count < 0 {
				break
			}
		}
		v, err := u.value(t)
		if err != nil {
			return nil, err
		}
		nums, items = push(nums, items, v)
	}
	if items == nil {
		return nums, nil
	}
	return items, nil
}

func (u *ubj) object() (any, error) {
	if u.depth++; u.depth > maxNest {
		return nil, invalid("nested too deeply")
	}
	defer func() { u.depth-- }()
	kind, count, err := u.header()
	if err != nil {
		return nil, err
	}
	o := object{}
	for k := 0; count < 0 || k < count; k++ {
		if count < 0 && u.i < len(u.b) && u.b[u.i] == '}' {
			u.i++
			break
		}
		key, err := u.str()
		if err != nil {
			return nil, err
		}
		t := kind
		if t == 0 {
			t = u.marker()
		}
		if o[key.(string)], err = u.value(t); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// at returns a nested object.
func (o object) at(keys ...string) object {
	for _, k := range keys {
		o, _ = o[k].(object)
	}
	return o
}

// nums returns an array of numbers; nil when it is absent or holds others.
func (o object) nums(key string) []float64 {
	v, _ := o[key].([]float64)
	return v
}

// list returns an array of other things.
func (o object) list(key string) []any {
	v, _ := o[key].([]any)
	return v
}

// str returns a text, or a number as it prints.
func (o object) str(key string) string {
	switch v := o[key].(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return ""
}

// num returns a number, also one that is written as text.
func (o object) num(key string, fallback float64) float64 {
	switch v := o[key].(type) {
	case float64:
		return v
	case string:
		if f, err := strconv.ParseFloat(v, 64); err == nil {
			return f
		}
	}
	return fallback
}
