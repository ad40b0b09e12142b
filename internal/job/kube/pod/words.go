package pod

import (
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// words divides a command line into words as a shell does: blanks, single and
// double quotes, backslashes and $VARIABLE. What only a real shell can do is of kind
// Unsupported.
func words(line string, getenv func(string) string) ([]string, error) {
	var out []string
	var b strings.Builder
	line = strings.TrimSpace(line)
	open, quote := false, byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote == '\'' && c != '\'':
			b.WriteByte(c)
		case c == quote && quote != 0:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, open = c, true
		case c == '\\':
			if i++; i < len(line) && line[i] != '\n' {
				if quote == '"' && !strings.ContainsRune("$`\"\\", rune(line[i])) {
					b.WriteByte('\\')
				}
				b.WriteByte(line[i])
				open = true
			}
		case c == '$':
			name := variableAt(line[i+1:])
			if name == "" {
				return nil, shellOnly(line[i:])
			}
			b.WriteString(getenv(strings.Trim(name, "{}")))
			i, open = i+len(name), true
		case quote == '"' && c != '`':
			b.WriteByte(c)
		case c == ' ' || c == '\t':
			if open {
				out, open = append(out, b.String()), false
				b.Reset()
			}
		case strings.IndexByte("|&;<>()`*?[]~#!\r\n", c) >= 0:
			return nil, shellOnly(line[i:])
		default:
			b.WriteByte(c)
			open = true
		}
	}
	if quote != 0 {
		return nil, errs.New(errs.Invalid, "the command has an open %c", quote)
	}
	if open {
		out = append(out, b.String())
	}
	if len(out) == 0 {
		return nil, errs.New(errs.Invalid, "the command is empty")
	}
	return out, nil
}

func shellOnly(rest string) error {
	return errs.New(errs.Unsupported, "%.1q in the command is for a shell; take an image that has one", rest)
}

// variableAt is the name, in braces or not, that s begins with.
func variableAt(s string) string {
	if strings.HasPrefix(s, "{") {
		end := strings.IndexByte(s, '}')
		if end > 1 && len(variableAt(s[1:end])) == end-1 {
			return s[:end+1]
		}
		return ""
	}
	n := 0
	for n < len(s) && (s[n] == '_' || s[n] >= 'a' && s[n] <= 'z' || s[n] >= 'A' && s[n] <= 'Z' || n > 0 && s[n] >= '0' && s[n] <= '9') {
		n++
	}
	return s[:n]
}
