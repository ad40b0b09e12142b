package pickle

import (
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// opcodes holds what each opcode does; nil is an opcode that is never allowed
// (persistent ids, extension codes, out-of-band buffers).
var opcodes = [256]func(*machine) error{
	0x80: func(m *machine) error { return m.proto() },
	0x95: func(m *machine) error { _, err := m.uint(8); return err }, // FRAME
	'.':  func(m *machine) error { m.done = true; return nil },
	'(':  func(m *machine) error { m.marks = append(m.marks, len(m.stack)); return nil },
	'0':  func(m *machine) error { return m.drop() },
	'1':  func(m *machine) error { _, err := m.popMark(); return err },
	'2':  func(m *machine) error { return m.dup() },

	'N':  func(m *machine) error { return m.push(nil) },
	0x88: func(m *machine) error { return m.push(true) },
	0x89: func(m *machine) error { return m.push(false) },
	'K':  func(m *machine) error { return m.smallInt(1) },
	'M':  func(m *machine) error { return m.smallInt(2) },
	'J':  func(m *machine) error { v, err := m.uint(4); return m.pushErr(int64(int32(v)), err) },
	0x8a: func(m *machine) error { return m.long(1) },
	0x8b: func(m *machine) error { return m.long(4) },
	'G':  func(m *machine) error { return m.binFloat() },
	'I':  func(m *machine) error { return m.textInt(false) },
	'L':  func(m *machine) error { return m.textInt(true) },
	'F':  func(m *machine) error { return m.textFloat() },

	'X':  func(m *machine) error { return m.text(4) },
	0x8c: func(m *machine) error { return m.text(1) },
	0x8d: func(m *machine) error { return m.text(8) },
	'V':  func(m *machine) error { return m.rawUnicode() },
	'S':  func(m *machine) error { return m.quotedString() },
	'T':  func(m *machine) error { return m.latin(4) },
	'U':  func(m *machine) error { return m.latin(1) },
	'B':  func(m *machine) error { b, err := m.sized(4); return m.pushErr(b, err) },
	'C':  func(m *machine) error { b, err := m.sized(1); return m.pushErr(b, err) },
	0x8e: func(m *machine) error { b, err := m.sized(8); return m.pushErr(b, err) },
	0x96: func(m *machine) error { b, err := m.sized(8); return m.pushErr(b, err) }, // BYTEARRAY8
	0x98: func(*machine) error { return nil },                                       // READONLY_BUFFER

	')':  func(m *machine) error { return m.push(Tuple{}) },
	0x85: func(m *machine) error { return m.tuple(1) },
	0x86: func(m *machine) error { return m.tuple(2) },
	0x87: func(m *machine) error { return m.tuple(3) },
	't':  func(m *machine) error { v, err := m.popMark(); return m.pushErr(Tuple(v), err) },
	']':  func(m *machine) error { return m.push(&List{}) },
	'l':  func(m *machine) error { v, err := m.popMark(); return m.pushErr(&List{v}, err) },
	'}':  func(m *machine) error { return m.push(&Dict{}) },
	'd':  func(m *machine) error { return m.dict() },
	0x8f: func(m *machine) error { return m.push(&Set{}) },
	0x91: func(m *machine) error { v, err := m.popMark(); return m.pushErr(&Set{v}, err) },
	'a':  func(m *machine) error { return m.appendOne() },
	'e':  func(m *machine) error { return m.appendAll() },
	0x90: func(m *machine) error { return m.appendAll() }, // ADDITEMS
	's':  func(m *machine) error { return m.setOne() },
	'u':  func(m *machine) error { return m.setAll() },

	'g':  func(m *machine) error { return m.textIndex(m.get) },
	'h':  func(m *machine) error { return m.index(1, m.get) },
	'j':  func(m *machine) error { return m.index(4, m.get) },
	'p':  func(m *machine) error { return m.textIndex(m.put) },
	'q':  func(m *machine) error { return m.index(1, m.put) },
	'r':  func(m *machine) error { return m.index(4, m.put) },
	0x94: func(m *machine) error { return m.put(uint64(len(m.memo))) },

	'c':  func(m *machine) error { return m.global() },
	0x93: func(m *machine) error { return m.stackGlobal() },
	'R':  func(m *machine) error { return m.reduce() },
	0x81: func(m *machine) error { return m.newObj(false) },
	0x92: func(m *machine) error { return m.newObj(true) },
	'i':  func(m *machine) error { return m.inst() },
	'o':  func(m *machine) error { return m.obj() },
	'b':  func(m *machine) error { return m.build() },
}

func (m *machine) pushErr(v any, err error) error {
	if err != nil {
		return err
	}
	return m.push(v)
}

func (m *machine) proto() error {
	v, err := m.uint(1)
	if err == nil && v > 5 {
		return invalid("protocol %d, known up to 5", v)
	}
	return err
}

// drop is POP, which also removes a mark that lies on top.
func (m *machine) drop() error {
	if n := len(m.marks); n > 0 && m.marks[n-1] == len(m.stack) {
		m.marks = m.marks[:n-1]
		return nil
	}
	_, err := m.pop()
	return err
}

func (m *machine) dup() error {
	v, err := m.top()
	return m.pushErr(v, err)
}

func (m *machine) smallInt(n int) error {
	v, err := m.uint(n)
	return m.pushErr(int64(v), err)
}

// long reads a two's complement integer of any length.
func (m *machine) long(n int) error {
	raw, err := m.sized(n)
	if err != nil {
		return err
	}
	if len(raw) <= 8 {
		var full [8]byte
		if len(raw) > 0 && raw[len(raw)-1] >= 0x80 {
			full = [8]byte{255, 255, 255, 255, 255, 255, 255, 255}
		}
		copy(full[:], raw)
		return m.push(int64(binary.LittleEndian.Uint64(full[:])))
	}
	if len(raw) > 4096 {
		return invalid("an integer of %d bytes", len(raw))
	}
	be := make([]byte, len(raw))
	for i, c := range raw {
		be[len(raw)-1-i] = c
	}
	v := new(big.Int).SetBytes(be)
	if be[0] >= 0x80 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(be))))
	}
	return m.push(v)
}

func (m *machine) binFloat() error {
	raw, err := m.take(8)
	if err != nil {
		return err
	}
	return m.push(math.Float64frombits(binary.BigEndian.Uint64(raw)))
}

func (m *machine) textInt(long bool) error {
	raw, err := m.line()
	if err != nil {
		return err
	}
	s := string(raw)
	if long {
		s = strings.TrimSuffix(s, "L")
	} else if s == "00" || s == "01" {
		return m.push(s == "01")
	}
	if v, err := strconv.ParseInt(s, 10, 64); err == nil {
		return m.push(v)
	}
	v, ok := new(big.Int), false
	if len(s) < 4096 {
		v, ok = v.SetString(s, 10)
	}
	if !ok {
		return invalid("%.40q is no integer", s)
	}
	return m.push(v)
}

func (m *machine) textFloat() error {
	raw, err := m.line()
	if err != nil {
		return err
	}
	v, err := strconv.ParseFloat(string(raw), 64)
	if err != nil && !math.IsInf(v, 0) {
		return invalid("%.40q is no number", raw)
	}
	return m.push(v)
}

func (m *machine) text(n int) error {
	raw, err := m.sized(n)
	return m.pushErr(string(raw), err)
}

// latin reads a byte string of Python 2 as Latin-1 text.
func (m *machine) latin(n int) error {
	raw, err := m.sized(n)
	return m.pushErr(fromLatin(raw), err)
}

func fromLatin(raw []byte) string {
	out := make([]rune, len(raw))
	for i, c := range raw {
		out[i] = rune(c)
	}
	return string(out)
}

func (m *machine) rawUnicode() error {
	raw, err := m.line()
	if err != nil {
		return err
	}
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		n := 0
		if raw[i] == '\\' && i+1 < len(raw) {
			n = map[byte]int{'u': 4, 'U': 8}[raw[i+1]]
		}
		if n > 0 && i+2+n <= len(raw) {
			if v, err := strconv.ParseUint(string(raw[i+2:i+2+n]), 16, 32); err == nil {
				b.WriteRune(rune(v))
				i += 1 + n
				continue
			}
		}
		b.WriteRune(rune(raw[i])) // raw-unicode-escape is Latin-1 otherwise
	}
	return m.push(b.String())
}

func (m *machine) quotedString() error {
	raw, err := m.line()
	if err != nil {
		return err
	}
	n := len(raw)
	if n < 2 || raw[0] != raw[n-1] || raw[0] != '\'' && raw[0] != '"' {
		return invalid("a string without quotes")
	}
	s, err := strconv.Unquote(`"` + strings.ReplaceAll(strings.ReplaceAll(string(raw[1:n-1]), `\'`, `'`), `"`, `\"`) + `"`)
	if err != nil {
		return invalid("a string with a wrong escape")
	}
	return m.push(s)
}

func (m *machine) tuple(n int) error {
	out := make(Tuple, n)
	for i := n - 1; i >= 0; i-- {
		v, err := m.pop()
		if err != nil {
			return err
		}
		out[i] = v
	}
	return m.push(out)
}

func (m *machine) index(n int, f func(uint64) error) error {
	i, err := m.uint(n)
	if err != nil {
		return err
	}
	return f(i)
}

func (m *machine) textIndex(f func(uint64) error) error {
	raw, err := m.line()
	if err != nil {
		return err
	}
	i, err := strconv.ParseUint(string(raw), 10, 32)
	if err != nil {
		return invalid("%.40q is no memo number", raw)
	}
	return f(i)
}
