// Package native is drivecast's own model file: a JSON description and
// little-endian arrays, each with a checksum. docs/model-format.md specifies it
// so that another program can read and write it.
//
// Equal models give equal bytes. The reader allocates no more than a small
// multiple of the bytes it is given.
package native

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
)

// Magic is how every file of this format begins.
const Magic = "drivecst"

// Version is the newest version that this package reads, and the one it writes.
const Version = 1

const (
	fixedSize = 8 + 4 + 4 + 4 + 4 // magic, version, header length, header checksum, reserved
	maxHeader = 64 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is the JSON part of a file.
type header struct {
	Model  json.RawMessage `json:"model"`
	Arrays []arrayInfo     `json:"arrays"`
}

// arrayInfo places one array: Offset counts from the start of the data part.
type arrayInfo struct {
	Type   string `json:"type"`
	Count  int64  `json:"count"`
	Offset int64  `json:"offset"`
	CRC    uint32 `json:"crc32c"`
}

// elementSize returns the bytes of one element of an array type, 0 for an
// unknown type.
func elementSize(typ string) int64 {
	switch typ {
	case "f8", "i8":
		return 8
	case "i4", "f4":
		return 4
	case "u1":
		return 1
	}
	return 0
}

// arrays collects what is written.
type arrays struct {
	info []arrayInfo
	data []byte
}

func put[T float64 | float32 | int64 | int32 | bool](a *arrays, v []T) int {
	for len(a.data)%8 != 0 {
		a.data = append(a.data, 0)
	}
	start := len(a.data)
	typ := ""
	switch v := any(v).(type) {
	case []float64:
		typ = "f8"
		for _, x := range v {
			a.data = binary.LittleEndian.AppendUint64(a.data, math.Float64bits(x))
		}
	case []float32:
		typ = "f4"
		for _, x := range v {
			a.data = binary.LittleEndian.AppendUint32(a.data, math.Float32bits(x))
		}
	case []int64:
		typ = "i8"
		for _, x := range v {
			a.data = binary.LittleEndian.AppendUint64(a.data, uint64(x))
		}
	case []int32:
		typ = "i4"
		for _, x := range v {
			a.data = binary.LittleEndian.AppendUint32(a.data, uint32(x))
		}
	case []bool:
		typ = "u1"
		for _, x := range v {
			b := byte(0)
			if x {
				b = 1
			}
			a.data = append(a.data, b)
		}
	}
	a.info = append(a.info, arrayInfo{typ, int64(len(v)), int64(start), crc32.Checksum(a.data[start:], castagnoli)})
	return len(a.info) - 1
}

// seal joins a description and its arrays to a file.
func seal(model any, a *arrays) ([]byte, error) {
	desc, err := json.Marshal(model)
	if err != nil {
		return nil, errs.Wrap(err, "describe model")
	}
	head, err := json.Marshal(header{Model: desc, Arrays: a.info})
	if err != nil {
		return nil, errs.Wrap(err, "describe model")
	}
	for (fixedSize+len(head))%8 != 0 {
		head = append(head, ' ')
	}
	out := make([]byte, 0, fixedSize+len(head)+len(a.data))
	out = append(out, Magic...)
	out = binary.LittleEndian.AppendUint32(out, Version)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(head)))
	out = binary.LittleEndian.AppendUint32(out, crc32.Checksum(head, castagnoli))
	out = binary.LittleEndian.AppendUint32(out, 0)
	out = append(out, head...)
	return append(out, a.data...), nil
}

// reader gives the arrays of a file that was checked as a whole.
type reader struct {
	info []arrayInfo
	data []byte
}

// open checks the frame of a file: magic, version, lengths, checksums.
func open(file []byte) (json.RawMessage, *reader, error) {
	if len(file) < fixedSize || string(file[:8]) != Magic {
		return nil, nil, errs.New(errs.Invalid, "not a drivecast model file")
	}
	version := binary.LittleEndian.Uint32(file[8:])
	if version == 0 || version > Version {
		return nil, nil, errs.New(errs.Unsupported, "model file version %d: this program reads up to %d; use a newer drivecast", version, Version)
	}
	size, sum := binary.LittleEndian.Uint32(file[12:]), binary.LittleEndian.Uint32(file[16:])
	if size > maxHeader || int64(size) > int64(len(file)-fixedSize) {
		return nil, nil, errs.New(errs.Invalid, "truncated: the description has %d bytes, the file %d", size, len(file))
	}
	head := file[fixedSize : fixedSize+int(size)]
	if crc32.Checksum(head, castagnoli) != sum {
		return nil, nil, errs.New(errs.Invalid, "damaged: the description's checksum is wrong")
	}
	var h header
	if err := json.Unmarshal(head, &h); err != nil {
		return nil, nil, errs.New(errs.Invalid, "description: %w", err)
	}
	r := &reader{h.Arrays, file[fixedSize+int(size):]}
	for i, a := range r.info {
		es := elementSize(a.Type)
		if es == 0 || a.Count < 0 || a.Offset < 0 || a.Offset > int64(len(r.data)) || a.Count > (int64(len(r.data))-a.Offset)/es {
			return nil, nil, errs.New(errs.Invalid, "truncated: array %d does not fit into the file", i)
		}
		if crc32.Checksum(r.bytes(a, es), castagnoli) != a.CRC {
			return nil, nil, errs.New(errs.Invalid, "damaged: the checksum of array %d is wrong", i)
		}
	}
	return h.Model, r, nil
}

func (r *reader) bytes(a arrayInfo, size int64) []byte {
	return r.data[a.Offset : a.Offset+a.Count*size]
}

// get copies array i, which must have the element type that T stands for.
func get[T float64 | int64 | int32 | bool](r *reader, i int) ([]T, error) {
	var zero T
	typ := map[any]string{float64(0): "f8", int64(0): "i8", int32(0): "i4", false: "u1"}[any(zero)]
	if i < 0 || i >= len(r.info) || r.info[i].Type != typ {
		return nil, errs.New(errs.Invalid, "there is no array %d of type %s", i, typ)
	}
	raw := r.bytes(r.info[i], elementSize(typ))
	out := slices.Grow([]T(nil), int(r.info[i].Count))[:r.info[i].Count]
	switch out := any(out).(type) {
	case []float64:
		for k := range out {
			out[k] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*k:]))
		}
	case []int64:
		for k := range out {
			out[k] = int64(binary.LittleEndian.Uint64(raw[8*k:]))
		}
	case []int32:
		for k := range out {
			out[k] = int32(binary.LittleEndian.Uint32(raw[4*k:]))
		}
	case []bool:
		for k := range out {
			out[k] = raw[k] != 0
		}
	}
	return out, nil
}
