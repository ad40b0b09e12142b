package skops

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/model/pickle"
)

// parseNPY reads a .npy file of any version: magic, header, elements.
func parseNPY(raw []byte) (*pickle.Array, error) {
	if len(raw) < 12 || string(raw[:6]) != "\x93NUMPY" {
		return nil, invalid("an array file without its magic")
	}
	size, start := int(binary.LittleEndian.Uint16(raw[8:])), 10
	if raw[6] >= 2 {
		size, start = int(binary.LittleEndian.Uint32(raw[8:])), 12
	}
	if size > len(raw)-start {
		return nil, invalid("an array file that is cut off")
	}
	p := &literal{s: string(raw[start : start+size])}
	head, err := p.dict()
	if err != nil {
		return nil, err
	}
	typ, err := elementType(head["descr"])
	if err != nil {
		return nil, err
	}
	var shape []int
	dims, _ := head["shape"].([]any)
	for _, d := range dims {
		n, ok := d.(int)
		if !ok || n < 0 {
			return nil, invalid("an array file with the shape %v", dims)
		}
		shape = append(shape, n)
	}
	fortran, _ := head["fortran_order"].(bool)
	if typ.Kind == 'O' {
		return nil, invalid("an array file of objects")
	}
	return pickle.NewArray(typ, shape, fortran, raw[start+size:], nil)
}

// elementType reads descr: a name, or a list of (name, type) for records.
func elementType(descr any) (*pickle.DType, error) {
	switch d := descr.(type) {
	case string:
		return pickle.ParseDType(d)
	case []any:
		var fields []pickle.Field
		at := 0
		for _, item := range d {
			pair, ok := item.([]any)
			if !ok || len(pair) != 2 {
				return nil, invalid("a record type with the field %v", item)
			}
			name, _ := pair[0].(string)
			kind, _ := pair[1].(string)
			t, err := pickle.ParseDType(kind)
			if err != nil {
				return nil, err
			}
			if name != "" {
				fields = append(fields, pickle.Field{Name: name, Type: t, Offset: at})
			}
			at += t.Size
		}
		return pickle.NewRecord(at, fields)
	}
	return nil, invalid("an array file without an element type")
}

// literal reads the Python literal of an array file's header.
type literal struct {
	s     string
	i     int
	depth int
}

func (p *literal) skip() byte {
	for p.i < len(p.s) && strings.IndexByte(" \n\t", p.s[p.i]) >= 0 {
		p.i++
	}
	if p.i == len(p.s) {
		return 0
	}
	return p.s[p.i]
}

func (p *literal) bad() error { return invalid("an array file whose header is %.60q", p.s) }

func (p *literal) dict() (map[string]any, error) {
	out := map[string]any{}
	if p.skip() != '{' {
		return nil, p.bad()
	}
	p.i++
	for {
		switch p.skip() {
		case '}':
			return out, nil
		case ',':
			p.i++
			continue
		}
		key, err := p.value()
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if !ok || p.skip() != ':' {
			return nil, p.bad()
		}
		p.i++
		if out[name], err = p.value(); err != nil {
			return nil, err
		}
	}
}

// value reads a string, an integer, True, False, a tuple or a list.
func (p *literal) value() (any, error) {
	switch c := p.skip(); {
	case c == '\'' || c == '"':
		end := strings.IndexByte(p.s[p.i+1:], c)
		if end < 0 {
			return nil, p.bad()
		}
		s := p.s[p.i+1 : p.i+1+end]
		p.i += end + 2
		return s, nil
	case c == '(' || c == '[':
		return p.sequence()
	case strings.HasPrefix(p.s[p.i:], "True"):
		p.i += 4
		return true, nil
	case strings.HasPrefix(p.s[p.i:], "False"):
		p.i += 5
		return false, nil
	}
	start := p.i
	for p.i < len(p.s) && (p.s[p.i]-'0' <= 9 || p.s[p.i] == '-') {
		p.i++
	}
	n, err := strconv.Atoi(p.s[start:p.i])
	if err != nil {
		return nil, p.bad()
	}
	return n, nil
}

func (p *literal) sequence() (any, error) {
	if p.depth++; p.depth > 8 {
		return nil, p.bad()
	}
	defer func() { p.depth-- }()
	p.i++
	out := []any{}
	for {
		switch p.skip() {
		case ')', ']':
			p.i++
			return out, nil
		case ',':
			p.i++
			continue
		case 0:
			return nil, p.bad()
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
}
