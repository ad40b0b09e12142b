// Package onnx writes our models as ONNX and runs foreign ONNX models of the
// kinds that tabular libraries export. The protobuf encoding is written out here:
// ONNX needs a handful of messages.
package onnx

import (
	"encoding/binary"
	"math"

	"github.com/drivecast/drivecast/errs"
)

// out collects an encoded message.
type out struct{ b []byte }

func (o *out) tag(field, wire int)       { o.b = binary.AppendUvarint(o.b, uint64(field<<3|wire)) }
func (o *out) varint(field int, v int64) { o.tag(field, 0); o.b = binary.AppendUvarint(o.b, uint64(v)) }
func (o *out) text(field int, s string) {
	o.tag(field, 2)
	o.b = append(binary.AppendUvarint(o.b, uint64(len(s))), s...)
}
func (o *out) bytes(field int, s []byte) {
	o.tag(field, 2)
	o.b = append(binary.AppendUvarint(o.b, uint64(len(s))), s...)
}
func (o *out) message(field int, m *out) { o.bytes(field, m.b) }
func (o *out) float(field int, v float32) {
	o.tag(field, 5)
	o.b = binary.LittleEndian.AppendUint32(o.b, math.Float32bits(v))
}

// in reads an encoded message field by field.
type in struct {
	b   []byte
	err error
}

// field is one field of a message: a number or bytes.
type field struct {
	number int
	wire   int
	num    uint64
	raw    []byte
}

func (r *in) fail() bool {
	r.err = errs.New(errs.Invalid, "not an ONNX file, or a damaged one")
	return false
}

// next reads the next field into f; false at the end or on an error.
func (r *in) next(f *field) bool {
	if len(r.b) == 0 || r.err != nil {
		return false
	}
	key, n := binary.Uvarint(r.b)
	if n <= 0 || key>>3 == 0 || key>>3 > 1<<20 {
		return r.fail()
	}
	r.b = r.b[n:]
	f.number, f.wire, f.raw = int(key>>3), int(key&7), nil
	switch f.wire {
	case 0:
		if f.num, n = binary.Uvarint(r.b); n <= 0 {
			return r.fail()
		}
	case 1, 5:
		n = 8
		if f.wire == 5 {
			n = 4
		}
		if len(r.b) < n {
			return r.fail()
		}
		f.raw = r.b[:n]
	case 2:
		size, k := binary.Uvarint(r.b)
		if k <= 0 || size > uint64(len(r.b)-k) {
			return r.fail()
		}
		f.raw = r.b[k : k+int(size)]
		n = k + int(size)
	default:
		return r.fail()
	}
	r.b = r.b[n:]
	return true
}

// float32s appends the floats of a field, packed or not.
func (f *field) float32s(dst []float32) []float32 {
	for raw := f.raw; len(raw) >= 4; raw = raw[4:] {
		dst = append(dst, math.Float32frombits(binary.LittleEndian.Uint32(raw)))
	}
	return dst
}

// ints appends the integers of a field, packed or not.
func (f *field) ints(dst []int64) []int64 {
	if f.wire == 0 {
		return append(dst, int64(f.num))
	}
	for raw := f.raw; len(raw) > 0; {
		v, n := binary.Uvarint(raw)
		if n <= 0 {
			break
		}
		dst = append(dst, int64(v))
		raw = raw[n:]
	}
	return dst
}
