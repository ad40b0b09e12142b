package pickle

import (
	"fmt"
	"strconv"
)

// DType is the type of an array's elements.
type DType struct {
	Kind   byte // f, i, u, b, c, O (objects), U (text), S (bytes), V (records), M, m
	Size   int  // bytes of an element
	Big    bool // big-endian
	Fields []Field
}

// Field is one field of a record type.
type Field struct {
	Name   string
	Type   *DType
	Offset int
}

// String returns NumPy's name of the type, as in "<f8".
func (d *DType) String() string {
	if d == nil {
		return "nothing"
	}
	order := "<"
	if d.Big {
		order = ">"
	}
	return fmt.Sprintf("%s%c%d", order, d.Kind, d.Size)
}

const maxElement = 1 << 20

// ParseDType reads NumPy's name of a type without fields: "f8", "<i4", "|b1",
// "O8", "<U12".
func ParseDType(s string) (*DType, error) {
	d := &DType{}
	if len(s) > 0 {
		switch s[0] {
		case '>':
			d.Big = true
			s = s[1:]
		case '<', '|', '=':
			s = s[1:]
		}
	}
	long := map[string]string{
		"float64": "f8", "float32": "f4", "float16": "f2", "int64": "i8", "int32": "i4", "int16": "i2", "int8": "i1",
		"uint64": "u8", "uint32": "u4", "uint16": "u2", "uint8": "u1", "bool": "b1", "object": "O8", "O": "O8", "?": "b1",
		"d": "f8", "f": "f4", "e": "f2", "b": "i1", "B": "u1", "h": "i2", "H": "u2", "i": "i4", "I": "u4", "l": "i8", "L": "u8", "q": "i8", "Q": "u8",
	}
	if full, ok := long[s]; ok {
		s = full
	}
	if len(s) < 2 {
		return nil, invalid("the element type %q is not known", s)
	}
	n, err := strconv.Atoi(s[1:])
	if err != nil || n < 0 || n > maxElement {
		return nil, invalid("the element type %.20q is not known", s)
	}
	d.Kind, d.Size = s[0], n
	switch d.Kind {
	case 'f', 'i', 'u', 'b', 'c', 'S', 'V':
	case 'O':
		d.Size = 8
	case 'U':
		d.Size = 4 * n
	case 'M', 'm':
		d.Size = 8
	default:
		return nil, invalid("the element type %.20q is not known", s)
	}
	return d, nil
}

// setState is dtype.__setstate__: version, byte order, subarray, names, fields,
// size, alignment, flags.
func (d *DType) setState(state any) error {
	t, ok := state.(Tuple)
	if !ok || len(t) < 7 {
		return invalid("an element type with the state %s", Describe(state))
	}
	if order, _ := t[1].(string); order == ">" {
		d.Big = true
	}
	if t[2] != nil {
		return invalid("element types that are arrays are not known")
	}
	if size, ok := t[5].(int64); ok && size > 0 {
		if size > maxElement {
			return invalid("an element of %d bytes", size)
		}
		d.Size = int(size)
	}
	names, _ := t[3].(Tuple)
	fields, _ := t[4].(*Dict)
	d.Fields = nil
	for _, n := range names {
		name, _ := n.(string)
		v, _ := fields.Get(name)
		pair, _ := v.(Tuple)
		if len(pair) < 2 {
			return invalid("a record type without its field %q", name)
		}
		typ, ok1 := pair[0].(*DType)
		off, ok2 := pair[1].(int64)
		if !ok1 || !ok2 || typ == d || len(typ.Fields) > 0 || off < 0 || off+int64(typ.Size) > int64(d.Size) {
			return invalid("a record type whose field %q does not fit", name)
		}
		d.Fields = append(d.Fields, Field{name, typ, int(off)})
	}
	return nil
}

// NewRecord makes a record type of the given size.
func NewRecord(size int, fields []Field) (*DType, error) {
	for _, f := range fields {
		if f.Type == nil || len(f.Type.Fields) > 0 || f.Offset < 0 || size > maxElement || f.Offset+f.Type.Size > size {
			return nil, invalid("a record type whose field %q does not fit", f.Name)
		}
	}
	return &DType{Kind: 'V', Size: size, Fields: fields}, nil
}
