package errs

import (
	"strconv"
	"strings"
)

// Input is a fault in data that a person handed to drivecast. It names the
// place as exactly as it is known and says how to mend it. Its kind is Invalid.
type Input struct {
	File    string // path or name of the stream; "" when unknown
	Row     int    // 1-based line of the file, the header being line 1; 0 when unknown
	Column  string // column or field name; "" when the fault is not in one
	Problem string // what is wrong, without a full stop
	Mend    string // what to do about it, without a full stop; "" when nothing is known
}

// Error prints one line: file, row, column, problem, mend.
func (e *Input) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		b.WriteString(": ")
	}
	if e.Row > 0 {
		b.WriteString("line ")
		b.WriteString(strconv.Itoa(e.Row))
		b.WriteString(": ")
	}
	if e.Column != "" {
		b.WriteString("column ")
		b.WriteString(strconv.Quote(e.Column))
		b.WriteString(": ")
	}
	b.WriteString(e.Problem)
	if e.Mend != "" {
		b.WriteString("; ")
		b.WriteString(e.Mend)
	}
	return b.String()
}
