package pickle

import (
	"encoding/binary"
	"math"
	"strings"
	"unicode/utf8"
)

// Array is a NumPy array. Its bytes may share memory with the file.
type Array struct {
	Type    *DType
	Shape   []int
	Fortran bool   // column-major
	Data    []byte // Len()*Type.Size bytes, unless Type.Kind is 'O'
	Objects []any  // elements when Type.Kind is 'O'
}

// Len returns the number of elements.
func (a *Array) Len() int {
	n := 1
	for _, d := range a.Shape {
		n *= d
	}
	return n
}

// mostEmpty bounds elements that take no bytes, such as empty text: the file does not.
const mostEmpty = 1 << 16

// NewArray checks that data or objects hold exactly the elements of shape.
func NewArray(t *DType, shape []int, fortran bool, data []byte, objects []any) (*Array, error) {
	a := &Array{Type: t, Shape: shape, Fortran: fortran && len(shape) > 1, Data: data, Objects: objects}
	n, size := 1, len(objects)
	if t.Kind != 'O' {
		size = len(data)
	}
	for _, d := range shape {
		if d < 0 || d > 0 && n > math.MaxInt/(d*max(t.Size, 1)) {
			return nil, invalid("an array with the shape %v", shape)
		}
		n *= d
	}
	if t.Kind != 'O' && t.Size == 0 && n > mostEmpty {
		return nil, invalid("an array of %d elements without bytes", n)
	}
	want := n
	if t.Kind != 'O' {
		want = n * t.Size
	}
	if want != size {
		return nil, invalid("an array of %s with the shape %v holds %d bytes or objects", t, shape, size)
	}
	return a, nil
}

// setState is ndarray.__setstate__: version, shape, type, order, data.
func (a *Array) setState(state any) error {
	t, ok := state.(Tuple)
	if ok && len(t) == 4 { // without version
		t = append(Tuple{int64(1)}, t...)
	}
	if !ok || len(t) != 5 {
		return invalid("an array with the state %s", Describe(state))
	}
	typ, ok1 := t[2].(*DType)
	shape, err := shapeOf(t[1])
	fortran, _ := t[3].(bool)
	if !ok1 || err != nil {
		return invalid("an array of %s with the shape %s", Describe(t[2]), Describe(t[1]))
	}
	raw, _ := t[4].([]byte)
	var objects []any
	if l, ok := t[4].(*List); ok {
		objects = l.Items
	}
	full, err := NewArray(typ, shape, fortran, raw, objects)
	if err != nil {
		return err
	}
	*a = *full
	return nil
}

func shapeOf(v any) ([]int, error) {
	t, ok := v.(Tuple)
	if n, isInt := v.(int64); isInt {
		t, ok = Tuple{n}, true
	}
	if !ok || len(t) > 32 {
		return nil, invalid("%s is no shape", Describe(v))
	}
	out := make([]int, len(t))
	for i, d := range t {
		n, ok := d.(int64)
		if !ok || n < 0 || n > math.MaxInt32 {
			return nil, invalid("%s is no shape", Describe(v))
		}
		out[i] = int(n)
	}
	return out, nil
}

// order returns the place of the i-th element, counted row by row, in memory.
func (a *Array) order() func(i int) int {
	if !a.Fortran {
		return func(i int) int { return i }
	}
	return func(i int) int {
		at, stride := 0, a.Len()
		idx := make([]int, len(a.Shape))
		for d := range a.Shape {
			stride /= a.Shape[d]
			idx[d] = i / stride
			i %= stride
		}
		step := 1
		for d := range a.Shape {
			at += idx[d] * step
			step *= a.Shape[d]
		}
		return at
	}
}

// Floats returns the elements row by row as float64. Booleans are 0 and 1;
// objects must be numbers, None being NaN.
func (a *Array) Floats() ([]float64, error) {
	n := a.Len()
	out := make([]float64, n)
	at := a.order()
	if a.Type.Kind == 'O' {
		for i := range n {
			v, ok := Float(a.Objects[at(i)])
			if !ok {
				return nil, invalid("%s where numbers belong", Describe(a.Objects[at(i)]))
			}
			out[i] = v
		}
		return out, nil
	}
	read := a.Type.reader()
	if read == nil {
		return nil, invalid("elements of type %s where numbers belong", a.Type)
	}
	if !a.Fortran && a.Type.Kind == 'f' && a.Type.Size == 8 && !a.Type.Big {
		for i := range out {
			out[i] = math.Float64frombits(binary.LittleEndian.Uint64(a.Data[8*i:]))
		}
		return out, nil
	}
	for i := range n {
		out[i] = read(a.Data[at(i)*a.Type.Size:])
	}
	return out, nil
}

// reader returns what reads one number of the type, or nil.
func (d *DType) reader() func([]byte) float64 {
	var o binary.ByteOrder = binary.LittleEndian
	if d.Big {
		o = binary.BigEndian
	}
	switch string(d.Kind) + string(rune('0'+d.Size)) {
	case "f8":
		return func(b []byte) float64 { return math.Float64frombits(o.Uint64(b)) }
	case "f4":
		return func(b []byte) float64 { return float64(math.Float32frombits(o.Uint32(b))) }
	case "i8":
		return func(b []byte) float64 { return float64(int64(o.Uint64(b))) }
	case "i4":
		return func(b []byte) float64 { return float64(int32(o.Uint32(b))) }
	case "i2":
		return func(b []byte) float64 { return float64(int16(o.Uint16(b))) }
	case "i1":
		return func(b []byte) float64 { return float64(int8(b[0])) }
	case "u8":
		return func(b []byte) float64 { return float64(o.Uint64(b)) }
	case "u4":
		return func(b []byte) float64 { return float64(o.Uint32(b)) }
	case "u2":
		return func(b []byte) float64 { return float64(o.Uint16(b)) }
	case "u1":
		return func(b []byte) float64 { return float64(b[0]) }
	case "b1":
		return func(b []byte) float64 {
			if b[0] != 0 {
				return 1
			}
			return 0
		}
	}
	return nil
}

// Ints returns the elements row by row as integers; elements that are no whole
// numbers are an error.
func (a *Array) Ints() ([]int64, error) {
	v, err := a.Floats()
	if err != nil {
		return nil, err
	}
	out := make([]int64, len(v))
	for i, f := range v {
		if f != math.Trunc(f) {
			return nil, invalid("%v where a whole number belongs", f)
		}
		out[i] = int64(f)
	}
	return out, nil
}

// Values returns the elements row by row as they would be in Python: float64,
// int64, bool, string or any object.
func (a *Array) Values() ([]any, error) {
	n := a.Len()
	out := make([]any, n)
	at := a.order()
	switch a.Type.Kind {
	case 'O':
		for i := range out {
			out[i] = a.Objects[at(i)]
		}
		return out, nil
	case 'U', 'S':
		for i := range out {
			out[i] = a.Type.text(a.Data[at(i)*a.Type.Size : (at(i)+1)*a.Type.Size])
		}
		return out, nil
	}
	nums, err := a.Floats()
	if err != nil {
		return nil, err
	}
	for i, v := range nums {
		switch a.Type.Kind {
		case 'i', 'u':
			out[i] = int64(v)
		case 'b':
			out[i] = v != 0
		default:
			out[i] = v
		}
	}
	return out, nil
}

// text reads one element of a text or bytes type.
func (d *DType) text(b []byte) string {
	if d.Kind == 'S' {
		return strings.TrimRight(string(b), "\x00")
	}
	var out []byte
	for i := 0; i+4 <= len(b); i += 4 {
		c := binary.LittleEndian.Uint32(b[i:])
		if d.Big {
			c = binary.BigEndian.Uint32(b[i:])
		}
		out = utf8.AppendRune(out, rune(c&0x1fffff))
	}
	return strings.TrimRight(string(out), "\x00")
}

// Column fills dst, which has one place an element, with a field of a record
// type. It reports whether there is such a field and its values fit T.
func Column[T int32 | int64 | float64](a *Array, name string, dst []T) bool {
	for _, f := range a.Type.Fields {
		if f.Name != name {
			continue
		}
		raw, step := a.Data[min(f.Offset, len(a.Data)):], a.Type.Size
		if !f.Type.Big && f.Type.Size == 8 {
			switch f.Type.Kind {
			case 'i':
				for i := range dst {
					v := int64(binary.LittleEndian.Uint64(raw[i*step:]))
					if dst[i] = T(v); int64(dst[i]) != v {
						return false
					}
				}
				return true
			case 'f':
				for i := range dst {
					v := math.Float64frombits(binary.LittleEndian.Uint64(raw[i*step:]))
					if dst[i] = T(v); float64(dst[i]) != v && v == v {
						return false
					}
				}
				return true
			}
		}
		read := f.Type.reader()
		if read == nil {
			return false
		}
		for i := range dst {
			v := read(raw[i*step:])
			if dst[i] = T(v); float64(dst[i]) != v && v == v {
				return false
			}
		}
		return true
	}
	return false
}

// Float returns v as a number: an integer, a float, a boolean, None (NaN) or an
// array of one such element.
func Float(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case nil:
		return math.NaN(), true
	case *Array:
		if v.Type == nil || v.Len() != 1 {
			return 0, false
		}
		f, err := v.Floats()
		if err != nil {
			return 0, false
		}
		return f[0], true
	}
	return 0, false
}
