package onnx

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/drivecast/drivecast/errs"
)

func invalid(format string, args ...any) error { return errs.New(errs.Invalid, format, args...) }

// maxElements bounds a tensor.
const maxElements = 1 << 28

// parse reads the graph of a model file. An error is of kind Invalid.
func parse(data []byte) (*graph, error) {
	g := &graph{opsets: map[string]int64{}}
	r := &in{b: data}
	var f field
	found := false
	for r.next(&f) {
		switch f.number {
		case 2:
			g.ours = string(f.raw) == producer
		case 7:
			found = true
			if err := g.parse(f.raw); err != nil {
				return nil, err
			}
		case 8:
			s := &in{b: f.raw}
			var o field
			domain, version := "", int64(0)
			for s.next(&o) {
				if o.number == 1 {
					domain = string(o.raw)
				} else if o.number == 2 {
					version = int64(o.num)
				}
			}
			g.opsets[domain] = version
		}
	}
	if r.err == nil && !found {
		r.fail()
	}
	return g, r.err
}

func (g *graph) parse(raw []byte) error {
	r := &in{b: raw}
	var f field
	for r.next(&f) {
		var err error
		switch f.number {
		case 1:
			var n node
			n, err = parseNode(f.raw)
			g.nodes = append(g.nodes, n)
		case 5:
			var t *tensor
			if t, err = parseTensor(f.raw); err == nil {
				g.consts = append(g.consts, *t)
			}
		case 11:
			g.inputs = append(g.inputs, parseValue(f.raw))
		case 12:
			g.output = append(g.output, parseValue(f.raw))
		}
		if err != nil {
			return err
		}
	}
	return r.err
}

func parseNode(raw []byte) (n node, err error) {
	r := &in{b: raw}
	var f field
	for r.next(&f) {
		switch f.number {
		case 1:
			n.in = append(n.in, string(f.raw))
		case 2:
			n.out = append(n.out, string(f.raw))
		case 4:
			n.op = string(f.raw)
		case 5:
			a, err := parseAttr(f.raw)
			if err != nil {
				return n, err
			}
			n.attrs = append(n.attrs, a)
		case 7:
			n.domain = string(f.raw)
		}
	}
	return n, r.err
}

func parseAttr(raw []byte) (a attr, err error) {
	r := &in{b: raw}
	var f field
	for r.next(&f) {
		switch f.number {
		case 1:
			a.name = string(f.raw)
		case 2:
			if v := f.float32s(nil); len(v) == 1 {
				a.f = v[0]
			}
		case 3:
			a.i = int64(f.num)
		case 4:
			a.s = string(f.raw)
		case 5:
			if a.t, err = parseTensor(f.raw); err == nil && a.t.outside != nil {
				err = errs.New(errs.Unsupported, "ONNX: an attribute whose tensor is in another file")
			}
			if err != nil {
				return a, err
			}
		case 7:
			a.floats = f.float32s(a.floats)
		case 8:
			a.ints = f.ints(a.ints)
		case 9:
			a.strings = append(a.strings, string(f.raw))
		case 20:
			a.kind = int(f.num)
		}
	}
	return a, r.err
}

// parseValue reads the name, element type and shape of an input or output; elem
// is 0 when it is no tensor.
func parseValue(raw []byte) (v value) {
	var f, t, tt, sh, dim field
	for r := (&in{b: raw}); r.next(&f); {
		if f.number == 1 {
			v.name = string(f.raw)
		}
		if f.number != 2 {
			continue
		}
		for r := (&in{b: f.raw}); r.next(&t); {
			if t.number != 1 {
				continue
			}
			for r := (&in{b: t.raw}); r.next(&tt); {
				if tt.number == 1 {
					v.elem = int(tt.num)
				}
				if tt.number != 2 {
					continue
				}
				for r := (&in{b: tt.raw}); r.next(&sh); {
					d := int64(-1)
					for r := (&in{b: sh.raw}); r.next(&dim); {
						if dim.number == 1 {
							d = int64(dim.num)
						}
					}
					v.shape = append(v.shape, d)
				}
			}
		}
	}
	return v
}

func parseTensor(raw []byte) (*tensor, error) {
	t := &tensor{}
	r := &in{b: raw}
	var f field
	var packed []byte
	for r.next(&f) {
		switch f.number {
		case 1:
			t.shape = f.ints(t.shape)
		case 2:
			t.elem = int(f.num)
		case 4:
			for _, v := range f.float32s(nil) {
				t.nums = append(t.nums, float64(v))
			}
		case 5, 7:
			for _, v := range f.ints(nil) {
				t.nums = append(t.nums, float64(v))
			}
		case 6:
			t.strings = append(t.strings, string(f.raw))
		case 8:
			t.name = string(f.raw)
		case 9:
			packed = f.raw
		case 10:
			for b := f.raw; len(b) >= 8; b = b[8:] {
				t.nums = append(t.nums, math.Float64frombits(binary.LittleEndian.Uint64(b)))
			}
		case 13:
			t.outside = append(t.outside, f.raw)
		}
	}
	if r.err != nil || t.outside != nil {
		return t, r.err
	}
	if packed != nil {
		if err := t.unpack(packed); err != nil {
			return nil, err
		}
	}
	if t.count() != int64(len(t.nums)+len(t.strings)) {
		return nil, invalid("ONNX: a tensor of shape %v holds %d elements", t.shape, len(t.nums)+len(t.strings))
	}
	return t, nil
}

// fetch reads a tensor that is kept in another file, which read returns by name.
func (t *tensor) fetch(read func(name string) ([]byte, error)) error {
	where := map[string]string{}
	for _, raw := range t.outside {
		r := &in{b: raw}
		var f field
		key := ""
		for r.next(&f) {
			if f.number == 1 {
				key = string(f.raw)
			} else if f.number == 2 {
				where[key] = string(f.raw)
			}
		}
		if r.err != nil {
			return r.err
		}
	}
	if read == nil {
		return errs.New(errs.Unsupported, "ONNX: the tensor %s is in another file (%s): open the model by its path", t.name, where["location"])
	}
	data, err := read(where["location"])
	if err != nil {
		return errs.Wrap(err, "ONNX: the tensor %s", t.name)
	}
	from, length := uint64(0), uint64(len(data))
	if s := where["offset"]; s != "" {
		from, err = strconv.ParseUint(s, 10, 63)
	}
	if s := where["length"]; s != "" && err == nil {
		length, err = strconv.ParseUint(s, 10, 63)
	} else {
		length -= min(from, length)
	}
	if err != nil || from > uint64(len(data)) || length > uint64(len(data))-from {
		return invalid("ONNX: the tensor %s lies outside the file %s", t.name, where["location"])
	}
	t.outside = nil
	if err := t.unpack(data[from : from+length]); err != nil {
		return err
	}
	if t.count() != int64(len(t.nums)) {
		return invalid("ONNX: a tensor of shape %v holds %d elements", t.shape, len(t.nums))
	}
	return nil
}

// count returns the elements of the shape, -1 when it is none.
func (t *tensor) count() int64 {
	n := int64(1)
	for _, d := range t.shape {
		if d < 0 || d > 0 && n > maxElements/d {
			return -1
		}
		n *= d
	}
	return n
}

func (t *tensor) unpack(b []byte) error {
	size := map[int]int{typeFloat: 4, typeDouble: 8, typeInt64: 8, typeInt32: 4, typeBool: 1, typeUint8: 1, typeInt8: 1}[t.elem]
	if size == 0 || len(b)%size != 0 {
		return errs.New(errs.Unsupported, "ONNX: tensors of element type %d", t.elem)
	}
	for ; len(b) > 0; b = b[size:] {
		v := 0.0
		switch t.elem {
		case typeFloat:
			v = float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
		case typeDouble:
			v = math.Float64frombits(binary.LittleEndian.Uint64(b))
		case typeInt64:
			v = float64(int64(binary.LittleEndian.Uint64(b)))
		case typeInt32:
			v = float64(int32(binary.LittleEndian.Uint32(b)))
		case typeInt8:
			v = float64(int8(b[0]))
		default:
			v = float64(b[0])
		}
		t.nums = append(t.nums, v)
	}
	return nil
}

// get returns the attribute of that name, or one that holds nothing.
func (n *node) get(name string) *attr {
	for i := range n.attrs {
		if n.attrs[i].name == name {
			return &n.attrs[i]
		}
	}
	return &attr{}
}

// integer returns an integer attribute; fallback when it is absent.
func (n *node) integer(name string, fallback int64) int64 {
	if a := n.get(name); a.name != "" {
		return a.i
	}
	return fallback
}
