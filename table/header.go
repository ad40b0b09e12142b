package table

import (
	"bytes"
	"strconv"
	"strings"
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// checkStart passes over a byte-order mark and refuses formats that are known
// not to be CSV by their first bytes.
func (s *Scanner) checkStart() error {
	head := s.buf[s.pos:s.limit]
	switch {
	case bytes.HasPrefix(head, byteOrderMark):
		s.pos += len(byteOrderMark)
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return s.fault(1, "", "the text is UTF-16", "save it as UTF-8")
	case bytes.HasPrefix(head, []byte("PAR1")):
		return s.fault(0, "", "this is a Parquet file, not CSV", "export it as CSV")
	}
	return nil
}

// separator returns the likeliest field separator of a header line: the one of
// ',' ';' and tab that occurs most outside quotes, ',' when none does.
func separator(head []byte) byte {
	var count [256]int
	inside := false
	for _, c := range head {
		if c == '"' {
			inside = !inside
		} else if c == '\n' && !inside {
			break
		} else if !inside {
			count[c]++
		}
	}
	best := byte(',')
	for _, c := range []byte{';', '\t'} {
		if count[c] > count[best] {
			best = c
		}
	}
	return best
}

// takeHeader names the columns from the current record.
func (s *Scanner) takeHeader() error {
	for i := range s.Len() {
		name := strings.TrimSpace(string(s.Field(i)))
		if strings.IndexByte(name, '\r') >= 0 {
			return s.fault(1, "", "lines end in a carriage return alone", "save the file with LF or CRLF line ends")
		}
		if name == "" {
			name = "Unnamed: " + strconv.Itoa(i)
		}
		s.names = append(s.names, name)
	}
	return nil
}

// Unique returns an error of kind Invalid when two columns have one name.
func (s *Scanner) Unique() error {
	seen := make(map[string]bool, len(s.names))
	for _, name := range s.names {
		if seen[name] {
			return s.fault(1, name, "two columns have this name", "rename one of them in the header")
		}
		seen[name] = true
	}
	return nil
}
