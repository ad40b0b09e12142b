package azureml

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// form says how a string can be written.
type form struct {
	plain  bool // without quotes
	single bool // in single quotes
	lines  bool // it has line breaks
}

// otherTypes are plain spellings that YAML 1.1 does not read as text, besides
// those that the function plain knows: times, base 60, merge and default keys.
var otherTypes = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?|<<|=` +
		`|\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?([Tt]|[ \t]+)\d\d?:\d\d:\d\d(\.\d*)?([ \t]*(Z|[-+]\d\d?(:\d\d)?))?)$`)
})

// formOf looks at what stands in s.
func formOf(s string) form {
	if s == "" {
		return form{single: true}
	}
	f := form{plain: !strings.HasPrefix(s, "---") && !strings.HasPrefix(s, "..."), single: true}
	runes := []rune(s)
	blank := func(i int) bool { return i < 0 || i >= len(runes) || strings.ContainsRune(" \t\r\n", runes[i]) }
	for i, r := range runes {
		last := i == len(runes)-1
		switch {
		case i == 0 && strings.ContainsRune("#,[]{}&*!|>'\"%@`", r), i == 0 && strings.ContainsRune("?-", r) && blank(1):
			f.plain = false
		case r == ':' && blank(i+1), r == '#' && blank(i-1):
			f.plain = false
		case r == '\n':
			f.lines, f.plain = true, false
			f.single = f.single && (i == 0 || runes[i-1] != ' ') && (last || runes[i+1] != ' ')
		case r == ' ':
			f.plain = f.plain && i > 0 && !last
		case r < ' ' || r > '~': // escapes are for double quotes only
			f.plain, f.single = false, false
		}
	}
	if _, isText := plain(s).(string); !isText || otherTypes().MatchString(s) {
		f.plain = false
	}
	return f
}

// single writes s in single quotes: a line break is an empty line, a quote two.
func (d *dumper) single(s string, indent int, fold bool) {
	d.write("'")
	for i := 0; i < len(s); {
		switch end := i; s[i] {
		case ' ':
			for end < len(s) && s[end] == ' ' {
				end++
			}
			if end == i+1 && fold && d.column > lineWidth && i > 0 && end < len(s) {
				d.line()
				d.write(strings.Repeat(" ", indent))
			} else {
				d.write(s[i:end])
			}
			i = end
		case '\n':
			d.line()
			for ; i < len(s) && s[i] == '\n'; i++ {
				d.line()
			}
			d.write(strings.Repeat(" ", indent))
		case '\'':
			d.write("''")
			i++
		default:
			for end < len(s) && !strings.ContainsRune(" \n'", rune(s[end])) {
				end++
			}
			d.write(s[i:end])
			i = end
		}
	}
	d.write("'")
}

// escapes are those that YAML has a letter for.
var escapes = map[rune]string{
	0: "0", 7: "a", 8: "b", '\t': "t", '\n': "n", 11: "v", 12: "f", '\r': "r", 27: "e", '"': `"`, '\\': `\`,
	0x85: "N", 0xA0: "_", 0x2028: "L", 0x2029: "P",
}

func escaped(r rune) string {
	switch letter, ok := escapes[r]; {
	case ok:
		return `\` + letter
	case r <= 0xff:
		return fmt.Sprintf(`\x%02X`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04X`, r)
	}
	return fmt.Sprintf(`\U%08X`, r)
}

// double writes s in double quotes. A line that grows beyond the width ends in a
// backslash, before a space or after an escape.
func (d *dumper) double(s string, indent int, fold bool) {
	d.write(`"`)
	runes := []rune(s)
	start := 0 // of what is not yet written
	for i, r := range runes {
		special := r < ' ' || r > '~' || r == '"' || r == '\\'
		if special {
			d.write(string(runes[start:i]))
			d.write(escaped(r))
			start = i + 1
		}
		if i == 0 || i >= len(runes)-1 || r != ' ' && start < i || !fold || d.column+i-start <= lineWidth {
			continue
		}
		if start < i {
			d.write(string(runes[start:i]))
			start = i
		}
		d.write(`\`)
		d.line()
		d.write(strings.Repeat(" ", indent))
		if runes[start] == ' ' {
			d.write(`\`)
		}
	}
	d.write(string(runes[start:]) + `"`)
}
