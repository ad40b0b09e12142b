package smart

import (
	"bufio"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// unicodeText returns a reader of the same text in UTF-8 without a byte-order
// mark: shells of Windows write UTF-16 when output is redirected.
func unicodeText(r io.Reader) io.Reader {
	in := bufio.NewReaderSize(r, 64<<10)
	head, _ := in.Peek(3) // what is shorter has no mark
	switch {
	case len(head) >= 3 && head[0] == 0xef && head[1] == 0xbb && head[2] == 0xbf:
		in.Discard(3)
	case len(head) >= 2 && head[0] == 0xff && head[1] == 0xfe:
		in.Discard(2)
		return &wideText{in: in, low: 0}
	case len(head) >= 2 && head[0] == 0xfe && head[1] == 0xff:
		in.Discard(2)
		return &wideText{in: in, low: 1}
	case len(head) >= 2 && head[0] != 0 && head[1] == 0:
		return &wideText{in: in, low: 0}
	case len(head) >= 2 && head[0] == 0 && head[1] != 0:
		return &wideText{in: in, low: 1}
	}
	return in
}

// wideText turns UTF-16 into UTF-8.
type wideText struct {
	in   *bufio.Reader
	low  int // which byte of two is the lower
	high rune
	out  []byte
	rest []byte
	err  error
}

// Read returns the next bytes of UTF-8.
func (w *wideText) Read(p []byte) (int, error) {
	for len(w.rest) == 0 && w.err == nil {
		w.out = w.out[:0]
		for len(w.out) < 4096 && w.err == nil {
			w.unit()
		}
		w.rest = w.out
	}
	n := copy(p, w.rest)
	w.rest = w.rest[n:]
	if n == 0 && len(p) > 0 {
		return 0, w.err
	}
	return n, nil
}

func (w *wideText) unit() {
	var two [2]byte
	if _, w.err = io.ReadFull(w.in, two[:]); w.err != nil {
		if w.err == io.ErrUnexpectedEOF {
			w.err = io.EOF
		}
		if w.high != 0 {
			w.out, w.high = utf8.AppendRune(w.out, utf8.RuneError), 0
		}
		return
	}
	c := rune(two[w.low]) | rune(two[1-w.low])<<8
	switch {
	case w.high != 0:
		if r := utf16.DecodeRune(w.high, c); r != utf8.RuneError {
			w.out, w.high = utf8.AppendRune(w.out, r), 0
			return
		}
		w.out, w.high = utf8.AppendRune(w.out, utf8.RuneError), 0
		fallthrough
	default:
		if utf16.IsSurrogate(c) && c < 0xdc00 {
			w.high = c
			return
		}
		w.out = utf8.AppendRune(w.out, c)
	}
}
