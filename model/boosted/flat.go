package boosted

import (
	"encoding/binary"
	"math"
)

// flat is a FlatBuffers buffer. Whoever reads one recovers errFlat, with which a
// read outside it panics.
type flat []byte

// errFlat says that an offset or a length leads out of the buffer.
var errFlat = invalid("an offset points outside the file")

// flatTable is a table: where it lies, and where its fields are listed.
type flatTable struct {
	f          flat
	at, fields int
	n          int // fields that are listed
}

func (f flat) bytes(at, n int) []byte {
	if at < 0 || n < 0 || at > len(f)-n {
		panic(errFlat)
	}
	return f[at : at+n]
}

func (f flat) u32(at int) uint32 { return binary.LittleEndian.Uint32(f.bytes(at, 4)) }

func (f flat) root() flatTable { return f.table(int(f.u32(0))) }

func (f flat) table(at int) flatTable {
	fields := at - int(int32(f.u32(at)))
	n := (int(binary.LittleEndian.Uint16(f.bytes(fields, 2))) - 4) / 2
	return flatTable{f, at, fields + 4, n}
}

// place returns where a field lies; ok is false when the table lacks it.
func (t flatTable) place(field int) (at int, ok bool) {
	if field >= t.n {
		return 0, false
	}
	off := int(binary.LittleEndian.Uint16(t.f.bytes(t.fields+2*field, 2)))
	return t.at + off, off != 0
}

func (t flatTable) num(field int, missing int32) int32 {
	at, ok := t.place(field)
	if !ok {
		return missing
	}
	return int32(t.f.u32(at))
}

func (t flatTable) byte(field int) byte {
	at, ok := t.place(field)
	if !ok {
		return 0
	}
	return t.f.bytes(at, 1)[0]
}

func (t flatTable) double(field int, missing float64) float64 {
	at, ok := t.place(field)
	if !ok {
		return missing
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(t.f.bytes(at, 8)))
}

// vector returns where the elements of a vector lie and how many there are.
func (t flatTable) vector(field, size int) (at, n int) {
	at, ok := t.place(field)
	if !ok {
		return 0, 0
	}
	at += int(t.f.u32(at))
	n = int(t.f.u32(at))
	if n > len(t.f)/size {
		panic(errFlat)
	}
	t.f.bytes(at+4, n*size)
	return at + 4, n
}

func (t flatTable) table(field int) flatTable {
	at, ok := t.place(field)
	if !ok {
		panic(errFlat)
	}
	return t.f.table(at + int(t.f.u32(at)))
}

func (t flatTable) tables(field int) []flatTable {
	at, n := t.vector(field, 4)
	out := make([]flatTable, n)
	for i := range out {
		out[i] = t.f.table(at + 4*i + int(t.f.u32(at+4*i)))
	}
	return out
}

func (t flatTable) text(field int) string {
	at, n := t.vector(field, 1)
	return string(t.f.bytes(at, n))
}

func (t flatTable) ints(field int) []int32 {
	at, n := t.vector(field, 4)
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(t.f.u32(at + 4*i))
	}
	return out
}

func (t flatTable) doubles(field int) []float64 {
	at, n := t.vector(field, 8)
	out := make([]float64, n)
	for i := range out {
		out[i] = math.Float64frombits(binary.LittleEndian.Uint64(t.f.bytes(at+8*i, 8)))
	}
	return out
}
