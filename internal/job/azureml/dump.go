package azureml

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// lineWidth is the column after which long text goes on in the next line.
const lineWidth = 80

// dump writes YAML 1.1 in block style, as Azure ML's own tools do byte for byte:
// keys in their order, two columns a level, lists at the column of their key,
// quotes only where text needs them, everything beyond ASCII escaped, and long
// text folded at spaces beyond column 80. Azure ML takes components in this form.
func dump(o ordered) string {
	d := dumper{}
	d.block(o, 0)
	d.line()
	return d.out.String()
}

// dumper writes YAML; column counts the characters of the line so far.
type dumper struct {
	out    strings.Builder
	column int
}

func (d *dumper) write(s string) {
	d.out.WriteString(s)
	d.column += utf8.RuneCountInString(s)
}

func (d *dumper) line() {
	d.out.WriteByte('\n')
	d.column = 0
}

// next begins a line at a column, unless that is where the dumper stands.
func (d *dumper) next(indent int) {
	if d.column != indent {
		d.line()
		d.write(strings.Repeat(" ", indent))
	}
}

// block writes the entries of a map, one a line.
func (d *dumper) block(o ordered, indent int) {
	for i, p := range o {
		if i > 0 {
			d.line()
			d.write(strings.Repeat(" ", indent))
		} else {
			d.next(indent)
		}
		d.text(p.key, indent, false)
		d.write(":")
		d.entry(p.value, indent)
	}
}

// entry writes the value of a key that stands at column indent.
func (d *dumper) entry(v any, indent int) {
	switch v := v.(type) {
	case ordered:
		if len(v) > 0 {
			d.line()
			d.write(strings.Repeat(" ", indent+2))
			d.block(v, indent+2)
			return
		}
	case []any:
		if len(v) > 0 {
			d.line()
			d.write(strings.Repeat(" ", indent))
			d.list(v, indent)
			return
		}
	}
	d.write(" ")
	d.scalar(v, indent+2)
}

func (d *dumper) list(list []any, indent int) {
	for i, v := range list {
		if i > 0 {
			d.line()
			d.write(strings.Repeat(" ", indent))
		}
		d.write("- ")
		switch v := v.(type) {
		case ordered:
			if len(v) > 0 {
				d.block(v, indent+2)
				continue
			}
		case []any:
			if len(v) > 0 {
				d.list(v, indent+2)
				continue
			}
		}
		d.scalar(v, indent+2)
	}
}

// scalar writes a value that is no map and no list, or an empty one. Further
// lines begin at indent.
func (d *dumper) scalar(v any, indent int) {
	switch v := v.(type) {
	case nil:
		d.write("null")
	case bool:
		d.write(strconv.FormatBool(v))
	case ordered:
		d.write("{}")
	case []any:
		d.write("[]")
	case string:
		d.text(v, indent, true)
	case float64:
		d.write(yamlFloat(v))
	default:
		d.write(fmt.Sprint(v))
	}
}

// yamlFloat spells a float so that YAML 1.1 reads one again: its exponent needs
// a point before it.
func yamlFloat(f float64) string {
	s := float(f)
	switch s {
	case "nan", "inf":
		return "." + s
	case "-inf":
		return "-.inf"
	}
	if !strings.Contains(s, ".") {
		s = strings.Replace(s, "e", ".0e", 1)
	}
	return s
}

// text writes a string in the plainest form that reads back the same; fold says
// whether it may go over several lines.
func (d *dumper) text(s string, indent int, fold bool) {
	switch f := formOf(s); {
	case f.plain && (fold || !f.lines):
		d.folded(s, indent, fold)
	case f.single && (fold || !f.lines):
		d.single(s, indent, fold)
	default:
		d.double(s, indent, fold)
	}
}

// folded writes words; a single space beyond the width becomes a new line.
func (d *dumper) folded(s string, indent int, fold bool) {
	for s != "" {
		word, rest := upTo(s, ' ')
		d.write(word)
		spaces := len(rest) - len(strings.TrimLeft(rest, " "))
		if spaces == 1 && fold && d.column > lineWidth {
			d.line()
			d.write(strings.Repeat(" ", indent))
		} else {
			d.write(rest[:spaces])
		}
		s = rest[spaces:]
	}
}

// upTo cuts s before its first c.
func upTo(s string, c byte) (before, rest string) {
	if i := strings.IndexByte(s, c); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}
