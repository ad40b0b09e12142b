package table

import (
	"bytes"
	"io"
	"unicode/utf8"
)

const (
	blockSize = 1 << 20  // bytes asked for at a time
	maxRecord = 64 << 20 // bytes in one record, quotes and line ends included
)

// Scanner reads a CSV stream record by record without copying: the fields that
// Field returns are good until the next call of Next.
//
// It takes what people have: a byte-order mark, LF or CRLF, ',', ';' or tab
// between fields (found from the header), quoted fields with doubled quotes and
// line ends inside. Blank lines are passed over. It does not judge how many
// fields a record has; callers do, because some stop and some set the row aside.
type Scanner struct {
	name  string
	r     io.Reader
	sep   byte
	names []string

	buf        []byte
	pos, limit int  // the unread records: buf[pos:limit] ends at a line end or at the end of input
	end        int  // buf[limit:end] is the beginning of a record
	eof        bool // r is exhausted
	quoted     bool // buf[pos:limit] holds a quote somewhere
	suspect    bool // buf[pos:limit] holds a NUL or invalid UTF-8 somewhere

	// The current record: field i is text[ends[i-1]+1 : ends[i]], the first begins at 0.
	text    []byte
	ends    []int32
	fields  int    // how many fields it has
	need    []int  // which of ends are set, rising; nil stands for all
	spliced bool   // text is scratch
	scratch []byte // holds the text of a record with quotes
	line    int    // line on which the current record begins
	next    int    // line on which the next one begins
	bad     string
	err     error
}

// NewScanner reads the header of the stream r. The name stands for the stream in
// errors. sep is the field separator, or 0 to find it. Errors are of kind
// Invalid and name the line, or are those of r.
func NewScanner(r io.Reader, name string, sep byte) (*Scanner, error) {
	s := &Scanner{name: name, r: r, sep: sep, next: 1, buf: make([]byte, blockSize)}
	if err := s.fill(); err != nil {
		return nil, err
	}
	if err := s.checkStart(); err != nil {
		return nil, err
	}
	if s.sep == 0 {
		s.sep = separator(s.buf[s.pos:s.limit])
	}
	if !s.Next() {
		if s.err != nil {
			return nil, s.err
		}
		return nil, s.fault(0, "", "the file is empty", "hand over a CSV file with a header line")
	}
	if s.bad != "" {
		return nil, s.fault(s.line, "", s.bad, "is this a CSV file? save it as UTF-8 text")
	}
	return s, s.takeHeader()
}

// Names returns the header's fields, without spaces around them. A field without
// a name is called "Unnamed: " and its position from 0, as pandas does.
func (s *Scanner) Names() []string { return s.names }

// Separator returns the byte between fields.
func (s *Scanner) Separator() byte { return s.sep }

// Len returns how many fields the current record has.
func (s *Scanner) Len() int { return s.fields }

// Field returns field i of the current record, unquoted. Next overwrites it.
func (s *Scanner) Field(i int) []byte {
	from := int32(0)
	if i > 0 {
		from = s.ends[i-1] + 1
	}
	return s.text[from:s.ends[i]:s.ends[i]]
}

// Number reads a field as ParseNumber does. Where the separator is not a comma,
// one comma may stand for the decimal point, as spreadsheets of half the world
// write it.
func (s *Scanner) Number(cell []byte) (float64, bool) {
	v, ok := ParseNumber(cell)
	if ok || s.sep == ',' || len(cell) > 64 {
		return v, ok
	}
	at := bytes.IndexByte(cell, ',')
	if at < 0 || bytes.IndexByte(cell, '.') >= 0 {
		return 0, false
	}
	point := append(make([]byte, 0, 64), cell...)
	point[at] = '.'
	return ParseNumber(point)
}

// Line returns the 1-based line on which the current record begins.
func (s *Scanner) Line() int { return s.line }

// Bad says what is wrong with the text of the current record (bytes that are
// not UTF-8, text after a closing quote), or is "".
func (s *Scanner) Bad() string { return s.bad }

// Err returns the error that ended the scan, nil at the end of input.
func (s *Scanner) Err() error { return s.err }

// Next goes to the next record and reports whether there is one.
func (s *Scanner) Next() bool {
	for s.err == nil {
		if s.pos >= s.limit {
			if s.eof && s.end == s.limit {
				return false
			}
			if s.err = s.fill(); s.err != nil {
				return false
			}
			if s.pos >= s.limit && s.eof {
				return false
			}
			continue
		}
		line := s.buf[s.pos:s.limit]
		n := bytes.IndexByte(line, '\n')
		if n >= 0 {
			line = line[:n]
		}
		if s.quoted && bytes.IndexByte(line, '"') >= 0 {
			if s.nextQuoted() {
				return true
			}
			continue
		}
		s.pos += len(line)
		if n >= 0 {
			s.pos++
		}
		s.line = s.next
		s.next++
		line = bytes.TrimSuffix(line, []byte{'\r'})
		if len(line) == 0 {
			continue
		}
		if s.need == nil {
			s.split(line)
		} else {
			s.pick(line)
		}
		s.judge(line)
		return true
	}
	return false
}

// judge sets bad for the record whose text is given.
func (s *Scanner) judge(text []byte) {
	s.bad = ""
	if s.suspect {
		if bytes.IndexByte(text, 0) >= 0 {
			s.bad = "holds NUL bytes, which no text has"
		} else if !utf8.Valid(text) {
			s.bad = "holds bytes that are not UTF-8 text"
		}
	}
}
