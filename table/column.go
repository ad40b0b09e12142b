package table

import (
	"math"
	"strings"
)

// columnBuilder gathers one column. It is numeric until a field is not a number.
type columnBuilder struct {
	text   bool // forced to be text, or found to be
	forced bool
	raw    bool
	done   bool // complete after the first pass

	floats chunks[float64]
	texts  texts
	marks  int // fields that are a mark of a missing number
	mixed  Mixed
}

func newColumnBuilder(text, raw bool) *columnBuilder {
	return &columnBuilder{text: text, forced: text, raw: raw}
}

// add takes one field of the first pass.
func (c *columnBuilder) add(cell []byte, s *Scanner) {
	if c.forced {
		c.texts.add(cell)
		return
	}
	v, ok := math.NaN(), true
	if len(cell) > 0 {
		if v, ok = s.Number(cell); ok && !Missing(v) {
			c.mixed.Numbers++
		} else if ok || isMissingMark(cell) {
			v, ok = math.NaN(), true
			c.marks++
		}
	}
	if !ok {
		if c.mixed.Others == 0 {
			c.mixed.File, c.mixed.Line, c.mixed.Text = s.name, s.line, string(cell)
			c.becomeText()
		}
		c.mixed.Others++
	}
	if !c.text {
		c.floats.add(v)
	}
	if c.raw && !c.text || c.text && !c.lost() {
		c.texts.add(cell)
	}
}

// becomeText turns a column that was empty so far into text.
func (c *columnBuilder) becomeText() {
	c.text = true
	if !c.raw && c.mixed.Numbers == 0 && c.marks == 0 {
		for range c.floats.n {
			c.texts.add(nil)
		}
	}
	c.floats = chunks[float64]{}
}

// lost reports whether the texts of a text column are not in memory: numbers or
// marks were seen in it.
func (c *columnBuilder) lost() bool {
	if c.forced || c.raw {
		return false
	}
	if !c.text {
		return c.mixed.Numbers == 0 && c.marks > 0 // marks alone: text
	}
	return c.mixed.Numbers > 0 || c.marks > 0
}

func (c *columnBuilder) restart() {
	c.text, c.floats, c.texts = true, chunks[float64]{}, texts{}
}

// again takes one field of the second pass.
func (c *columnBuilder) again(cell []byte) {
	if !c.done {
		c.texts.add(cell)
	}
}

func (c *columnBuilder) column(name string) *Column {
	if !c.text && !(c.mixed.Numbers == 0 && c.marks > 0) {
		out := &Column{Name: name, Kind: Number, Floats: c.floats.join()}
		if c.raw {
			out.Raw = c.texts.list.join()
		}
		return out
	}
	out := &Column{Name: name, Kind: Text, Texts: c.texts.list.join()}
	if c.mixed.Numbers > 0 && c.mixed.Others > 0 {
		out.Mixed = &c.mixed
	}
	return out
}

const (
	chunkRows  = 8 << 10
	chunkBytes = 64 << 10
	maxIntern  = 1 << 12 // distinct texts that a column shares
)

// chunks is a growing list that is joined once, at the end, so that growing does
// not copy what is there.
type chunks[T any] struct {
	full [][]T
	last []T
	n    int
}

func (c *chunks[T]) add(v T) {
	if len(c.last) == cap(c.last) {
		if c.last != nil {
			c.full = append(c.full, c.last)
		}
		c.last = make([]T, 0, max(64, min(chunkRows, c.n)))
	}
	c.last = append(c.last, v)
	c.n++
}

func (c *chunks[T]) join() []T {
	out := make([]T, 0, c.n)
	for _, part := range append(c.full, c.last) {
		out = append(out, part...)
	}
	*c = chunks[T]{}
	return out
}

// texts is a list of strings that shares equal ones as long as that pays, and
// keeps the others side by side in large chunks.
type texts struct {
	list   chunks[string]
	intern map[string]string
	alone  bool // sharing does not pay
	missed int
	last   string
	room   strings.Builder
}

func (t *texts) add(cell []byte) {
	if len(cell) == 0 {
		t.list.add("")
		return
	}
	if string(cell) == t.last {
		t.list.add(t.last)
		return
	}
	if !t.alone {
		if s, ok := t.intern[string(cell)]; ok {
			t.missed = max(0, t.missed-1)
			t.list.add(s)
			t.last = s
			return
		}
	}
	s := t.store(cell)
	t.list.add(s)
	t.last = s
	switch {
	case t.alone:
	case len(t.intern) < maxIntern:
		if t.intern == nil {
			t.intern = map[string]string{}
		}
		t.intern[s] = s
	default:
		t.missed++
		t.alone = t.missed > maxIntern
	}
}

// store copies a field into the current chunk, which never moves.
func (t *texts) store(cell []byte) string {
	if t.room.Cap()-t.room.Len() < len(cell) {
		t.room = strings.Builder{}
		t.room.Grow(max(min(chunkBytes, 64*len(cell)), len(cell)))
	}
	at := t.room.Len()
	t.room.Write(cell)
	return t.room.String()[at:]
}
