package dataver

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// ignored are the patterns of .dvcignore files, in the syntax of .gitignore; the
// last that matches decides.
type ignored []pattern

type pattern struct {
	base   string // folder of its file: "" or ending in a slash
	match  *regexp.Regexp
	keep   bool // written with !
	folder bool // written with a slash at its end
}

// readIgnored reads one file of patterns; base is its folder, from the root.
func readIgnored(root, base, name string) (ignored, error) {
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(base), name))
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, errs.Wrap(err, "read %s", name)
	}
	if base != "" {
		base += "/"
	}
	var out ignored
	for line := range strings.Lines(string(text)) {
		if p, ok := parsePattern(strings.TrimRight(line, "\r\n")); ok {
			p.base = base
			out = append(out, p)
		}
	}
	return out, nil
}

func parsePattern(line string) (p pattern, ok bool) {
	if !strings.HasSuffix(line, `\ `) {
		line = strings.TrimRight(line, " \t")
	}
	if line == "" || line[0] == '#' {
		return p, false
	}
	if line[0] == '!' {
		p.keep, line = true, line[1:]
	}
	if strings.HasSuffix(line, "/") {
		p.folder, line = true, line[:len(line)-1]
	}
	anchored := strings.Contains(line, "/")
	line = strings.TrimPrefix(line, "/")
	if line == "" {
		return p, false
	}
	text := translate(line)
	if !anchored {
		text = "(?:.*/)?" + text
	}
	re, err := regexp.Compile("^" + text + "$")
	p.match = re
	return p, err == nil // git passes over patterns that it cannot read, too
}

// translate makes a regular expression of one glob.
func translate(glob string) string {
	var b strings.Builder
	for i := 0; i < len(glob); i++ {
		rest := glob[i:]
		class := strings.IndexByte(rest[1:], ']')
		switch {
		case strings.HasPrefix(rest, "**/"):
			b.WriteString("(?:.*/)?")
			i += 2
		case rest == "/**":
			b.WriteString("/.*")
			i += 2
		case rest[0] == '*':
			b.WriteString("[^/]*")
		case rest[0] == '?':
			b.WriteString("[^/]")
		case rest[0] == '[' && class > 0:
			set := rest[1 : class+1]
			if set[0] == '!' {
				set = "^" + set[1:]
			}
			b.WriteString("[" + strings.ReplaceAll(set, `\`, `\\`) + "]")
			i += class + 1
		case rest[0] == '\\' && len(rest) > 1:
			b.WriteString(regexp.QuoteMeta(rest[1:2]))
			i++
		default:
			b.WriteString(regexp.QuoteMeta(rest[:1]))
		}
	}
	return b.String()
}

// skips reports whether the path, from the root, is left out. Its folders have
// been asked about before.
func (g ignored) skips(path string, folder bool) bool {
	name := path[strings.LastIndexByte(path, '/')+1:]
	if name == ".git" || folder && (name == ".hg" || name == ".dvc") {
		return true
	}
	for i := len(g) - 1; i >= 0; i-- {
		p := g[i]
		if p.folder && !folder || !strings.HasPrefix(path, p.base) {
			continue
		}
		if p.match.MatchString(path[len(p.base):]) {
			return !p.keep
		}
	}
	return false
}
