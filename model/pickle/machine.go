package pickle

import (
	"bytes"
	"encoding/binary"

	"github.com/drivecast/drivecast/errs"
)

const (
	maxDepth   = 8       // pickles within pickles (object arrays of joblib)
	maxMemo    = 1 << 26 // memo indexes
	budgetBase = 64 << 20
	budgetRate = 32 // bytes that may be allocated for each byte of input
)

// machine runs one pickle.
type machine struct {
	ops    *[256]func(*machine) error
	b      []byte
	i      int
	stack  []any
	marks  []int
	memo   []any
	far    map[uint64]any // memo entries with indexes far above the others
	budget *int64
	depth  int
	done   bool
}

// Load reads a pickle or a joblib file, compressed or not, and returns the
// object in it. Names that are not allowed are of kind Unsupported, everything
// else that is wrong of kind Invalid.
func Load(data []byte) (any, error) {
	data, err := inflate(data)
	if err != nil {
		return nil, err
	}
	budget := int64(budgetBase) + budgetRate*int64(len(data))
	m := &machine{ops: &opcodes, b: data, budget: &budget, depth: 1}
	return m.run()
}

// run interprets opcodes until STOP.
func (m *machine) run() (any, error) {
	for !m.done {
		if m.i >= len(m.b) {
			return nil, errs.New(errs.Invalid, "pickle: truncated after %d bytes", len(m.b))
		}
		at := m.i
		op := m.b[at]
		m.i++
		f := m.ops[op]
		if f == nil {
			return nil, errs.New(errs.Invalid, "pickle: opcode 0x%02x at byte %d is not allowed", op, at)
		}
		if err := f(m); err != nil {
			if errs.Is(err, errs.Unsupported) {
				return nil, err
			}
			return nil, errs.Wrap(err, "pickle: byte %d", at)
		}
	}
	return m.pop()
}

func invalid(format string, args ...any) error { return errs.New(errs.Invalid, format, args...) }

// spend takes n bytes from the budget.
func (m *machine) spend(n int) error {
	*m.budget -= int64(n)
	if *m.budget < 0 {
		return invalid("the pickle unfolds to far more memory than its size")
	}
	return nil
}

func (m *machine) push(v any) error {
	m.stack = append(m.stack, v)
	return nil
}

func (m *machine) pop() (any, error) {
	n := len(m.stack)
	if n == 0 || len(m.marks) > 0 && m.marks[len(m.marks)-1] >= n {
		return nil, invalid("the stack is empty")
	}
	v := m.stack[n-1]
	m.stack = m.stack[:n-1]
	return v, nil
}

func (m *machine) top() (any, error) {
	n := len(m.stack)
	if n == 0 || len(m.marks) > 0 && m.marks[len(m.marks)-1] >= n {
		return nil, invalid("the stack is empty")
	}
	return m.stack[n-1], nil
}

// popMark returns a copy of what lies above the last mark, and removes it.
func (m *machine) popMark() ([]any, error) {
	if len(m.marks) == 0 {
		return nil, invalid("there is no mark")
	}
	at := m.marks[len(m.marks)-1]
	m.marks = m.marks[:len(m.marks)-1]
	out := append([]any(nil), m.stack[at:]...)
	m.stack = m.stack[:at]
	return out, m.spend(16 * len(out))
}

// take returns the next n bytes of the input.
func (m *machine) take(n uint64) ([]byte, error) {
	if n > uint64(len(m.b)-m.i) {
		return nil, invalid("%d bytes announced, %d left: the file is cut off or damaged; copy it again, or save the model anew", n, len(m.b)-m.i)
	}
	out := m.b[m.i : m.i+int(n) : m.i+int(n)]
	m.i += int(n)
	return out, nil
}

// uint reads an unsigned little-endian integer of n bytes.
func (m *machine) uint(n int) (uint64, error) {
	raw, err := m.take(uint64(n))
	if err != nil {
		return 0, err
	}
	var full [8]byte
	copy(full[:], raw)
	return binary.LittleEndian.Uint64(full[:]), nil
}

// sized reads a length of n bytes and then that many bytes.
func (m *machine) sized(n int) ([]byte, error) {
	size, err := m.uint(n)
	if err != nil {
		return nil, err
	}
	return m.take(size)
}

// line reads up to the next newline.
func (m *machine) line() ([]byte, error) {
	n := bytes.IndexByte(m.b[m.i:], '\n')
	if n < 0 {
		return nil, invalid("a line does not end")
	}
	out := m.b[m.i : m.i+n]
	m.i += n + 1
	return bytes.TrimSuffix(out, []byte("\r")), nil
}

func (m *machine) put(i uint64) error {
	v, err := m.top()
	if err != nil {
		return err
	}
	switch {
	case i >= maxMemo:
		return invalid("memo index %d", i)
	case i < uint64(len(m.memo)):
		m.memo[i] = v
	case i <= uint64(len(m.memo))+1024:
		for uint64(len(m.memo)) < i {
			m.memo = append(m.memo, unset)
		}
		m.memo = append(m.memo, v)
		if old, ok := m.far[i]; ok && old != nil {
			delete(m.far, i)
		}
	default:
		if m.far == nil {
			m.far = map[uint64]any{}
		}
		m.far[i] = v
		return m.spend(64)
	}
	return nil
}

// unset marks a memo entry that was skipped.
var unset any = Global{"", "unset"}

func (m *machine) get(i uint64) error {
	if i < uint64(len(m.memo)) {
		if v := m.memo[i]; v != unset {
			return m.push(v)
		}
	}
	if v, ok := m.far[i]; ok {
		return m.push(v)
	}
	return invalid("nothing was stored as number %d", i)
}
