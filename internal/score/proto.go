package score

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// value is a field of a message: a number, or the bytes of a text, of a message
// or of packed numbers.
type value struct {
	kind  protowire.Type
	num   uint64
	bytes []byte
}

// fields calls each with every field of a message.
func fields(b []byte, each func(n protowire.Number, v value) error) error {
	for len(b) > 0 {
		n, kind, size := protowire.ConsumeTag(b)
		if size < 0 {
			return fmt.Errorf("the message is damaged: %w", protowire.ParseError(size))
		}
		b = b[size:]
		v := value{kind: kind}
		switch kind {
		case protowire.VarintType:
			v.num, size = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var x uint32
			x, size = protowire.ConsumeFixed32(b)
			v.num = uint64(x)
		case protowire.Fixed64Type:
			v.num, size = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			v.bytes, size = protowire.ConsumeBytes(b)
		default:
			size = protowire.ConsumeFieldValue(n, kind, b)
		}
		if size < 0 {
			return fmt.Errorf("the message is damaged: %w", protowire.ParseError(size))
		}
		b = b[size:]
		if err := each(n, v); err != nil {
			return err
		}
	}
	return nil
}

// each calls use with every number of a repeated field, packed or not. bare is the
// kind of a number that is not packed.
func (v value) each(bare protowire.Type, use func(uint64)) error {
	if v.kind == bare {
		use(v.num)
		return nil
	}
	if v.kind != protowire.BytesType {
		return fmt.Errorf("the message is damaged: a number has another kind")
	}
	for b := v.bytes; len(b) > 0; {
		n, size := uint64(0), 0
		switch bare {
		case protowire.Fixed32Type:
			var x uint32
			x, size = protowire.ConsumeFixed32(b)
			n = uint64(x)
		case protowire.Fixed64Type:
			n, size = protowire.ConsumeFixed64(b)
		default:
			n, size = protowire.ConsumeVarint(b)
		}
		if size < 0 {
			return fmt.Errorf("the message is damaged: %w", protowire.ParseError(size))
		}
		use(n)
		b = b[size:]
	}
	return nil
}

// protoRequest reads a ModelInferRequest; raw says that its tensors came as bytes.
func protoRequest(b []byte) (q *inferRequest, version string, raw bool, err error) {
	q = &inferRequest{}
	var bodies [][]byte
	err = fields(b, func(n protowire.Number, v value) error {
		switch n {
		case 2:
			version = string(v.bytes)
		case 3:
			q.ID = string(v.bytes)
		case 5:
			var t tensor
			if err := t.readProto(v.bytes); err != nil {
				return fmt.Errorf("tensor %q: %w", t.Name, err)
			}
			q.Inputs = append(q.Inputs, t)
		case 6:
			out := outputAsked{}
			if err := fields(v.bytes, func(n protowire.Number, v value) error {
				if n == 1 {
					out.Name = string(v.bytes)
				}
				return nil
			}); err != nil {
				return err
			}
			q.Outputs = append(q.Outputs, out)
		case 7:
			bodies = append(bodies, v.bytes)
		}
		return nil
	})
	if err != nil {
		return nil, "", false, err
	}
	if len(bodies) > 0 && len(bodies) != len(q.Inputs) {
		return nil, "", false, fmt.Errorf("raw_input_contents holds %d tensors and inputs %d", len(bodies), len(q.Inputs))
	}
	for i, body := range bodies {
		t := &q.Inputs[i]
		if len(t.nums)+len(t.texts) > 0 {
			return nil, "", false, fmt.Errorf("tensor %q has contents and raw_input_contents", t.Name)
		}
		if err := t.unpack(body); err != nil {
			return nil, "", false, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
	}
	return q, version, bodies != nil, q.check()
}

// readProto reads an InferInputTensor.
func (t *tensor) readProto(b []byte) error {
	var contents []byte
	err := fields(b, func(n protowire.Number, v value) error {
		switch n {
		case 1:
			t.Name = string(v.bytes)
		case 2:
			t.Datatype = string(v.bytes)
		case 3:
			return v.each(protowire.VarintType, func(x uint64) { t.Shape = append(t.Shape, int64(x)) })
		case 5:
			contents = append(contents, v.bytes...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return fields(contents, t.contents)
}

// contentsOf are the fields of InferTensorContents that hold each datatype.
var contentsOf = map[string]protowire.Number{"BOOL": 1, "INT8": 2, "INT16": 2, "INT32": 2, "INT64": 3, "UINT8": 4, "UINT16": 4, "UINT32": 4, "UINT64": 5,
	"FP32": 6, "FP64": 7, "BYTES": 8}

// contents reads a field of InferTensorContents.
func (t *tensor) contents(n protowire.Number, v value) error {
	if want := contentsOf[t.Datatype]; want != n {
		return fmt.Errorf("contents of datatype %s are in field %d of the message, not in %d", t.Datatype, want, n)
	}
	add := func(x float64) { t.nums = append(t.nums, x) }
	switch n {
	case 1:
		return v.each(protowire.VarintType, func(x uint64) { add(float64(min(x, 1))) })
	case 2:
		return v.each(protowire.VarintType, func(x uint64) { add(float64(int32(x))) })
	case 3:
		return v.each(protowire.VarintType, func(x uint64) { add(float64(int64(x))) })
	case 4:
		return v.each(protowire.VarintType, func(x uint64) { add(float64(uint32(x))) })
	case 5:
		return v.each(protowire.VarintType, func(x uint64) { add(float64(x)) })
	case 6:
		return v.each(protowire.Fixed32Type, func(x uint64) { add(float64(math.Float32frombits(uint32(x)))) })
	case 7:
		return v.each(protowire.Fixed64Type, func(x uint64) { add(math.Float64frombits(x)) })
	}
	t.texts = append(t.texts, slices.Clip(append([]byte{}, v.bytes...)))
	return nil
}

// inferProto answers a ModelInferRequest with a ModelInferResponse: as bytes when
// the request came so, else in typed contents.
func (p *plan) inferProto(k *work) *fault {
	q, version, raw, err := protoRequest(k.body)
	if err != nil {
		return badRequest(err.Error())
	}
	if bad := p.isVersion(version); bad != nil {
		return bad
	}
	wanted, bad := p.tensors(k, q)
	if bad != nil {
		return bad
	}
	rows := k.req.frame.rows
	out := appendText(appendText(appendText(k.out, 1, p.name), 2, p.version), 3, q.ID)
	for _, what := range wanted {
		kind, shape := p.output(what, rows)
		t := appendShape(appendText(appendText(nil, 1, what), 2, kind), shape)
		if !raw {
			t = appendMessage(t, 5, contentsProto(kind, p.binary(nil, &k.ans, rows, what, kind)))
		}
		out = appendMessage(out, 5, t)
	}
	if raw {
		for _, what := range wanted {
			kind, _ := p.output(what, rows)
			out = appendMessage(out, 6, p.binary(nil, &k.ans, rows, what, kind))
		}
	}
	k.out = out
	return nil
}

// contentsProto returns InferTensorContents of the elements in b, which are
// little-endian.
func contentsProto(kind string, b []byte) (dst []byte) {
	switch kind {
	case "INT64":
		var packed []byte
		for ; len(b) >= 8; b = b[8:] {
			packed = protowire.AppendVarint(packed, binary.LittleEndian.Uint64(b))
		}
		return appendMessage(nil, contentsOf[kind], packed)
	case "BYTES":
		for len(b) >= 4 {
			n := 4 + int(binary.LittleEndian.Uint32(b))
			dst = appendMessage(dst, contentsOf[kind], b[4:n])
			b = b[n:]
		}
		return dst
	}
	return appendMessage(nil, contentsOf[kind], b) // packed fixed numbers and booleans are their bytes
}

func appendVarint(dst []byte, n protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(dst, n, protowire.VarintType), v)
}

func appendMessage(dst []byte, n protowire.Number, b []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(dst, n, protowire.BytesType), b)
}

// appendText appends a text unless it is empty.
func appendText(dst []byte, n protowire.Number, s string) []byte {
	if s == "" {
		return dst
	}
	return protowire.AppendString(protowire.AppendTag(dst, n, protowire.BytesType), s)
}

// appendShape appends field 3 of a tensor: its shape.
func appendShape(dst []byte, shape []int64) []byte {
	var packed []byte
	for _, d := range shape {
		packed = protowire.AppendVarint(packed, uint64(d))
	}
	return appendMessage(dst, 3, packed)
}
