package job

import (
	"fmt"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// Problem is one finding about a document: where, what, and how to mend it.
type Problem struct {
	Line    int    `json:"line"`              // 1-based line of the file; 0 when the field came from --set or is absent
	Field   string `json:"field"`             // dotted path of the field, as --set spells it; "" for the whole file
	Message string `json:"message"`           // what is wrong, without a full stop
	Mend    string `json:"mend"`              // what to do about it, without a full stop
	Warning bool   `json:"warning,omitempty"` // true when the document is usable all the same
}

// String prints the problem on one line, without the file's name.
func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	if p.Field != "" {
		b.WriteString(p.Field + ": ")
	}
	b.WriteString(p.Message)
	if p.Mend != "" {
		b.WriteString("; " + p.Mend)
	}
	return b.String()
}

// Problems are the findings about one file, in the order of their lines.
type Problems struct {
	File string
	List []Problem
}

// Errors returns those that are not warnings.
func (p Problems) Errors() []Problem { return p.pick(false) }

// Warnings returns those that leave the document usable.
func (p Problems) Warnings() []Problem { return p.pick(true) }

func (p Problems) pick(warning bool) []Problem {
	out := []Problem{}
	for _, x := range p.List {
		if x.Warning == warning {
			out = append(out, x)
		}
	}
	return out
}

// Err returns nil when there are only warnings, and otherwise an error of kind
// Invalid that names the file and every fault, one a line.
func (p Problems) Err() error {
	bad := p.Errors()
	if len(bad) == 0 {
		return nil
	}
	lines := make([]string, len(bad))
	for i, x := range bad {
		lines[i] = p.File + ": " + x.String()
	}
	return errs.New(errs.Invalid, "%s", strings.Join(lines, "\n"))
}
