package table

import "encoding/binary"

// thriftWalk goes over a value in Thrift's compact form without making anything
// of it: Parquet's footer and page headers are checked that way before a decoder
// allocates what they claim to hold.
type thriftWalk struct {
	b       []byte
	at      int
	structs int               // elements of lists of structs so far
	integer func(path, n int) // takes each integer of a struct by the numbers of its fields, as digits of base 100; may be nil
}

const (
	maxThriftDepth   = 16
	maxThriftStructs = 2 << 20
)

// value passes over one value; path is that of the field it is in.
func (w *thriftWalk) value(kind byte, path, depth int) bool {
	switch kind {
	case 1, 2: // a boolean, in its field's header
		if w.integer != nil {
			w.integer(path, int(2-kind))
		}
	case 3:
		w.at++
	case 4, 5, 6:
		n, size := binary.Varint(w.b[w.at:])
		if size <= 0 {
			return false
		}
		w.at += size
		if w.integer != nil {
			w.integer(path, int(n))
		}
	case 7:
		w.at += 8
	case 8:
		n, ok := w.length()
		if !ok || n > len(w.b)-w.at {
			return false
		}
		w.at += n
	case 9, 10:
		return w.list(path, depth)
	case 12:
		return depth < maxThriftDepth && w.object(path, depth+1)
	default: // maps occur nowhere in Parquet
		return false
	}
	return w.at <= len(w.b)
}

func (w *thriftWalk) length() (int, bool) {
	n, size := binary.Uvarint(w.b[w.at:])
	if size <= 0 || n > 1<<31-1 {
		return 0, false
	}
	w.at += size
	return int(n), true
}

func (w *thriftWalk) byte() (byte, bool) {
	if w.at >= len(w.b) {
		return 0, false
	}
	w.at++
	return w.b[w.at-1], true
}

func (w *thriftWalk) list(path, depth int) bool {
	head, ok := w.byte()
	if !ok {
		return false
	}
	n, kind := int(head>>4), head&15
	if n == 15 {
		if n, ok = w.length(); !ok {
			return false
		}
	}
	if n > len(w.b)-w.at { // each element has a byte at least
		return false
	}
	if kind == 12 {
		if w.structs += n; w.structs > maxThriftStructs {
			return false
		}
	}
	if kind == 1 || kind == 2 {
		w.at += n
		return true
	}
	for range n {
		if !w.value(kind, path, depth) {
			return false
		}
	}
	return true
}

// object passes over a struct.
func (w *thriftWalk) object(path, depth int) bool {
	for id := 0; ; {
		head, ok := w.byte()
		switch {
		case !ok:
			return false
		case head == 0:
			return true
		case head>>4 != 0:
			id += int(head >> 4)
		default:
			n, size := binary.Varint(w.b[w.at:])
			if size <= 0 || n < 0 || n > 1<<15 {
				return false
			}
			w.at += size
			id = int(n)
		}
		if id > 99 || !w.value(head&15, path*100+id, depth) {
			return false
		}
	}
}
