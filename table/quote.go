package table

import (
	"bytes"
	"slices"
)

// nextQuoted reads the record at pos, which has a quote in its first line. It
// reports false when more input is wanted (the caller loops) or the scan ended.
func (s *Scanner) nextQuoted() bool {
	size, lines, ok := s.splitQuoted(s.buf[s.pos:s.end])
	if !ok {
		if !s.eof {
			s.err = s.fill()
			return false
		}
		s.err = s.fault(s.next, "", "a quote is opened and never closed", `close it, or write " as ""`)
		return false
	}
	s.line = s.next
	s.next += lines
	bad := s.bad
	s.suspect = s.suspect || s.pos+size > s.limit // nobody looked at what lies behind limit
	s.judge(s.buf[s.pos : s.pos+size])
	if s.bad == "" {
		s.bad = bad
	}
	s.pos += size
	s.limit = max(s.limit, s.pos)
	return true
}

// splitQuoted cuts the first record of text into cells. It returns the record's
// size in bytes and lines with its line end, and false when text ends inside it.
func (s *Scanner) splitQuoted(text []byte) (size, lines int, ok bool) {
	s.cells, s.scratch, s.bad = s.cells[:0], s.scratch[:0], ""
	if cap(s.scratch) < len(text) {
		s.scratch = make([]byte, 0, len(text)) // never grows below, so cells keep pointing into it
	}
	at := 0
	for {
		var cell []byte
		if at < len(text) && text[at] == '"' {
			var broken bool
			cell, at, broken = s.unquote(text, at+1)
			if broken {
				return 0, 0, false
			}
		}
		rest := text[at:]
		n := slices.IndexFunc(rest, func(c byte) bool { return c == s.sep || c == '\n' })
		last := n < 0
		if last {
			if !s.eof {
				return 0, 0, false
			}
			n = len(rest)
		}
		tail := rest[:n]
		if last || rest[n] == '\n' {
			tail = bytes.TrimSuffix(tail, []byte{'\r'})
		}
		if cell == nil {
			cell = tail
		} else if len(bytes.TrimSpace(tail)) > 0 {
			s.bad = "has text after a closing quote"
		}
		s.cells = append(s.cells, cell)
		at += n
		if last {
			return at, bytes.Count(text[:at], []byte{'\n'}), true
		}
		at++
		if text[at-1] == '\n' {
			return at, bytes.Count(text[:at], []byte{'\n'}), true
		}
	}
}

// unquote reads a quoted field that begins at text[at], behind its first quote.
// It returns the field, the place behind its last quote, and whether text ends
// before that quote.
func (s *Scanner) unquote(text []byte, at int) (cell []byte, next int, broken bool) {
	from := len(s.scratch)
	for {
		n := bytes.IndexByte(text[at:], '"')
		if n < 0 {
			return nil, 0, true
		}
		end := at + n
		if end+1 == len(text) && !s.eof {
			return nil, 0, true // the next byte may be the second of a doubled quote
		}
		doubled := end+1 < len(text) && text[end+1] == '"'
		if !doubled && len(s.scratch) == from {
			return text[at:end:end], end + 1, false
		}
		s.scratch = append(s.scratch, text[at:end]...)
		if !doubled {
			return s.scratch[from:len(s.scratch):len(s.scratch)], end + 1, false
		}
		s.scratch = append(s.scratch, '"')
		at = end + 2
	}
}
