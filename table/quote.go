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

// splitQuoted cuts the first record of text into fields, which are brought
// together in scratch. It returns the record's size in bytes and lines with its
// line end, and false when text ends inside it.
func (s *Scanner) splitQuoted(text []byte) (size, lines int, ok bool) {
	s.ends, s.scratch, s.bad = s.ends[:0], s.scratch[:0], ""
	at := 0
	for {
		quoted := at < len(text) && text[at] == '"'
		if quoted {
			if at, ok = s.unquote(text, at+1); !ok {
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
		last = last || rest[n] == '\n'
		tail := rest[:n]
		if last {
			tail = bytes.TrimSuffix(tail, []byte{'\r'})
		}
		if !quoted {
			s.scratch = append(s.scratch, tail...)
		} else if len(bytes.TrimSpace(tail)) > 0 {
			s.bad = "has text after a closing quote"
		}
		s.ends = append(s.ends, int32(len(s.scratch)))
		s.scratch = append(s.scratch, s.sep)
		at = min(at+n+1, len(text))
		if last {
			s.text, s.fields, s.spliced = s.scratch, len(s.ends), true
			return at, bytes.Count(text[:at], []byte{'\n'}), true
		}
	}
}

// unquote appends a quoted field to scratch. It begins at text[at], behind its
// first quote. It returns the place behind its last quote, and false when text
// ends before that quote.
func (s *Scanner) unquote(text []byte, at int) (next int, ok bool) {
	for {
		n := bytes.IndexByte(text[at:], '"')
		if n < 0 {
			return 0, false
		}
		end := at + n
		if end+1 == len(text) && !s.eof {
			return 0, false // the next byte may be the second of a doubled quote
		}
		s.scratch = append(s.scratch, text[at:end]...)
		if end+1 == len(text) || text[end+1] != '"' {
			return end + 1, true
		}
		s.scratch = append(s.scratch, '"')
		at = end + 2
	}
}
