package table

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
	"unicode/utf8"

	"github.com/drivecast/drivecast/errs"
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
func (s *Scanner) Len() int { return len(s.ends) }

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
		s.split(line)
		s.judge(line)
		return true
	}
	return false
}

// split cuts a line without quotes into fields, eight bytes at a time.
func (s *Scanner) split(line []byte) {
	const low, high = 0x7f7f7f7f7f7f7f7f, 0x8080808080808080
	ends, seps := s.ends[:0], uint64(s.sep)*0x0101010101010101
	at := 0
	for ; at+8 <= len(line); at += 8 {
		x := binary.LittleEndian.Uint64(line[at:]) ^ seps // separators become zero bytes
		for found := ^((x&low + low) | x) & high; found != 0; found &= found - 1 {
			ends = append(ends, int32(at+bits.TrailingZeros64(found)/8))
		}
	}
	for ; at < len(line); at++ {
		if line[at] == s.sep {
			ends = append(ends, int32(at))
		}
	}
	s.text, s.ends = line, append(ends, int32(len(line)))
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

// fill brings in more input: it moves the unread part to the front, reads, and
// sets limit behind the last line end.
func (s *Scanner) fill() error {
	if s.pos > 0 {
		s.end = copy(s.buf, s.buf[s.pos:s.end])
		s.pos, s.limit = 0, 0
	}
	want := max(blockSize/2, s.end) // a long record makes longer reads, so that it is not gone through too often
	for from := s.end; ; {
		if s.end == len(s.buf) {
			if len(s.buf) >= maxRecord {
				return s.fault(s.next, "", "a record is longer than 64 MB", "is a quote left open? is this a CSV file?")
			}
			s.buf = append(s.buf, make([]byte, len(s.buf))...)
		}
		n, err := s.r.Read(s.buf[s.end:])
		s.end += n
		if err == io.EOF {
			s.eof, s.limit = true, s.end
			break
		} else if err != nil {
			return s.readFault(err)
		}
		if s.end < len(s.buf) && s.end-from < want {
			continue // small reads: gather them
		}
		if at := bytes.LastIndexByte(s.buf[s.limit:s.end], '\n'); at >= 0 {
			s.limit += at + 1
			break
		}
	}
	window := s.buf[s.pos:s.limit]
	s.quoted = bytes.IndexByte(window, '"') >= 0
	s.suspect = bytes.IndexByte(window, 0) >= 0 || !utf8.Valid(window)
	return nil
}

func (s *Scanner) fault(line int, column, problem, mend string) error {
	return &errs.Input{File: s.name, Row: line, Column: column, Problem: problem, Mend: mend}
}

// readFault turns an error of the stream into one that names the line reached.
func (s *Scanner) readFault(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if why := damage(err); why != "" {
		return s.fault(s.next, "", why, "copy or download the file again")
	}
	return errs.Wrap(err, "read %s", s.name)
}
