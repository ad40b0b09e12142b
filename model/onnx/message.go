package onnx

import (
	"encoding/binary"
	"math"
)

// Element types of tensors, as ONNX numbers them.
const (
	typeFloat  = 1
	typeUint8  = 2
	typeInt8   = 3
	typeInt32  = 6
	typeInt64  = 7
	typeString = 8
	typeBool   = 9
	typeDouble = 11
)

// graph is a computation: nodes in an order in which they can be run.
type graph struct {
	name   string
	nodes  []node
	consts []tensor
	inputs []value
	output []value
	opsets map[string]int64
	ours   bool // written by Export
}

// node is one operator.
type node struct {
	op, domain string
	in, out    []string
	attrs      []attr
}

// attr is one attribute; kind says which part holds it.
type attr struct {
	name    string
	kind    int // 1 float, 2 int, 3 text, 4 tensor, 6 floats, 7 ints, 8 texts
	f       float32
	i       int64
	s       string
	t       *tensor
	floats  []float32
	ints    []int64
	strings []string
}

// value is an input or an output: shape -1 is any length.
type value struct {
	name  string
	elem  int
	shape []int64
}

// tensor is a constant. Numbers are held as float64, which is exact for floats
// and for integers up to 2^53.
type tensor struct {
	name    string
	elem    int
	shape   []int64
	nums    []float64
	strings []string
	outside [][]byte // says where its data is when another file has it; nil: here
}

func (t *tensor) encode() *out {
	o := &out{}
	for _, d := range t.shape {
		o.varint(1, d)
	}
	o.varint(2, int64(t.elem))
	if t.elem == typeString {
		for _, s := range t.strings {
			o.text(6, s)
		}
	}
	if t.name != "" {
		o.text(8, t.name)
	}
	var raw []byte
	for _, v := range t.nums {
		switch t.elem {
		case typeFloat:
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(v)))
		case typeDouble:
			raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(v))
		case typeInt64:
			raw = binary.LittleEndian.AppendUint64(raw, uint64(int64(v)))
		}
	}
	if t.elem != typeString {
		o.bytes(9, raw)
	}
	return o
}

func (a *attr) encode() *out {
	o := &out{}
	o.text(1, a.name)
	switch a.kind {
	case 1:
		o.float(2, a.f)
	case 2:
		o.varint(3, a.i)
	case 3:
		o.text(4, a.s)
	case 4:
		o.message(5, a.t.encode())
	case 6:
		for _, v := range a.floats {
			o.float(7, v)
		}
	case 7:
		for _, v := range a.ints {
			o.varint(8, v)
		}
	case 8:
		for _, v := range a.strings {
			o.text(9, v)
		}
	}
	o.varint(20, int64(a.kind))
	return o
}

func (n *node) encode() *out {
	o := &out{}
	for _, s := range n.in {
		o.text(1, s)
	}
	for _, s := range n.out {
		o.text(2, s)
	}
	o.text(3, n.op+"_"+n.out[0])
	o.text(4, n.op)
	for i := range n.attrs {
		o.message(5, n.attrs[i].encode())
	}
	if n.domain != "" {
		o.text(7, n.domain)
	}
	return o
}

func (v *value) encode() *out {
	shape := &out{}
	for i, d := range v.shape {
		dim := &out{}
		if d >= 0 {
			dim.varint(1, d)
		} else if i == 0 {
			dim.text(2, "rows")
		}
		shape.message(1, dim)
	}
	tensorType, typ, o := &out{}, &out{}, &out{}
	tensorType.varint(1, int64(v.elem))
	tensorType.message(2, shape)
	typ.message(1, tensorType)
	o.text(1, v.name)
	o.message(2, typ)
	return o
}

// producer is the name that exported files bear.
const producer = "drivecast"

// irVersion is the version of the file format that is written: old enough for
// every runtime that knows the operators.
const irVersion = 8

// encode returns the file of a model with this graph.
func (g *graph) encode() []byte {
	body := &out{}
	for i := range g.nodes {
		body.message(1, g.nodes[i].encode())
	}
	body.text(2, g.name)
	for i := range g.consts {
		body.message(5, g.consts[i].encode())
	}
	for i := range g.inputs {
		body.message(11, g.inputs[i].encode())
	}
	for i := range g.output {
		body.message(12, g.output[i].encode())
	}
	o := &out{}
	o.varint(1, irVersion)
	o.text(2, producer)
	o.message(7, body)
	for _, domain := range []string{"", mlDomain} {
		set := &out{}
		if domain != "" {
			set.text(1, domain)
		}
		set.varint(2, g.opsets[domain])
		o.message(8, set)
	}
	return o.b
}

const mlDomain = "ai.onnx.ml"
