package table

import (
	"bytes"
	"context"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/drivecast/drivecast/errs"
)

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
		reached := s.next + bytes.Count(s.buf[s.pos:s.end], []byte{'\n'})
		return s.fault(reached, "", why, "copy or download the file again")
	}
	return errs.Wrap(err, "read %s", s.name)
}
