package local

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// ignore is the list of an ignore file, in the syntax of .gitignore. Later
// lines win.
type ignore struct{ rules []rule }

type rule struct {
	match  *regexp.Regexp
	keep   bool // the line starts with !
	folder bool // the line ends with /
}

// readIgnore reads .amlignore of a folder, or .gitignore when there is none.
func readIgnore(dir string) (*ignore, error) {
	for _, name := range []string{".amlignore", ".gitignore"} {
		f, err := os.Open(filepath.Join(dir, name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, errs.Wrap(err, "open %s", name)
		}
		defer f.Close()
		ig := &ignore{}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			if r, ok := parseRule(lines.Text()); ok {
				ig.rules = append(ig.rules, r)
			}
		}
		return ig, errs.Wrap(lines.Err(), "read %s", name)
	}
	return &ignore{}, nil
}

func parseRule(line string) (rule, bool) {
	line = strings.TrimRight(line, "\r")
	for strings.HasSuffix(line, " ") && !strings.HasSuffix(line, `\ `) {
		line = line[:len(line)-1]
	}
	if line == "" || line[0] == '#' {
		return rule{}, false
	}
	var r rule
	if line[0] == '!' {
		r.keep, line = true, line[1:]
	}
	if strings.HasSuffix(line, "/") {
		r.folder, line = true, strings.TrimSuffix(line, "/")
	}
	anchored := strings.Contains(line, "/")
	line = strings.TrimPrefix(line, "/")
	if line == "" {
		return rule{}, false
	}
	text := globToRegexp(line)
	if !anchored {
		text = "(?:.*/)?" + text
	}
	re, err := regexp.Compile("^" + text + "$")
	if err != nil {
		return rule{}, false // git ignores patterns that it cannot read, too
	}
	r.match = re
	return r, true
}

// globToRegexp translates *, ?, [a-z] and ** of one pattern.
func globToRegexp(glob string) string {
	var b strings.Builder
	for i := 0; i < len(glob); i++ {
		rest := glob[i:]
		switch {
		case strings.HasPrefix(rest, "**/"):
			b.WriteString("(?:.*/)?")
			i += 2
		case strings.HasPrefix(rest, "/**") && len(rest) == 3:
			b.WriteString("/.*")
			i += 2
		case rest[0] == '*':
			b.WriteString("[^/]*")
		case rest[0] == '?':
			b.WriteString("[^/]")
		case rest[0] == '[' && strings.IndexByte(rest[1:], ']') > 0:
			end := strings.IndexByte(rest[1:], ']') + 1
			class := rest[1:end]
			if class[0] == '!' {
				class = "^" + class[1:]
			}
			b.WriteString("[" + strings.ReplaceAll(class, `\`, `\\`) + "]")
			i += end
		case rest[0] == '\\' && len(rest) > 1:
			b.WriteString(regexp.QuoteMeta(rest[1:2]))
			i++
		default:
			b.WriteString(regexp.QuoteMeta(rest[:1]))
		}
	}
	return b.String()
}

// skips reports whether the slash path rel, seen from the folder of the ignore
// file, is left out.
func (ig *ignore) skips(rel string, folder bool) bool {
	out := false
	for _, r := range ig.rules {
		if (folder || !r.folder) && r.match.MatchString(rel) {
			out = !r.keep
		}
	}
	return out
}
