package dataver

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// config is what .dvc/config and .dvc/config.local say; values of the latter win.
type config struct {
	sections map[string]map[string]string // "core", "cache", `remote "NAME"`
	names    []string                     // of remotes, in the order of the files
}

// readConfig reads the files in a .dvc folder. Missing files are empty.
func readConfig(dir string) (*config, error) {
	c := &config{sections: map[string]map[string]string{}}
	for _, name := range []string{"config", "config.local"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if missing(err) {
			continue
		}
		if err != nil {
			return nil, errs.Wrap(err, "read the configuration")
		}
		if err := c.parse(filepath.Join(dir, name), string(text)); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *config) parse(file, text string) error {
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, 1<<20)
	section, row := "", 0
	for lines.Scan() {
		row++
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if line[0] == '[' {
			name, ok := strings.CutSuffix(line[1:], "]")
			if !ok {
				return &errs.Input{File: file, Row: row, Problem: "the section has no ]"}
			}
			section = strings.Trim(strings.TrimSpace(name), "'")
			if c.sections[section] == nil {
				c.sections[section] = map[string]string{}
			}
			if name, ok := strings.CutPrefix(section, `remote "`); ok && !slices.Contains(c.names, strings.TrimSuffix(name, `"`)) {
				c.names = append(c.names, strings.TrimSuffix(name, `"`))
			}
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || section == "" {
			return &errs.Input{File: file, Row: row, Problem: "this is neither a section nor a line like key = value"}
		}
		c.sections[section][strings.ToLower(strings.TrimSpace(key))] = unquote(strings.TrimSpace(value))
		if strings.TrimSpace(key) == "url" || strings.TrimSpace(key) == "dir" {
			c.sections[section]["from"] = filepath.Dir(file) // paths are relative to the file
		}
	}
	return errs.Wrap(lines.Err(), "read %s", file)
}

func unquote(s string) string {
	if len(s) > 1 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// get returns a value, "" when it is not set.
func (c *config) get(section, key string) string { return c.sections[section][key] }

// list returns a value of items with commas between them.
func (c *config) list(section, key string) []string {
	return strings.FieldsFunc(c.get(section, key), func(r rune) bool { return r == ',' || r == ' ' })
}

// path returns a value that is a path, from the folder of the file it is in.
func (c *config) path(section, key string) string {
	p := filepath.FromSlash(c.get(section, key))
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.get(section, "from"), p)
}

// AddRemote adds or replaces a remote in the configuration of the repository, as
// `dvc remote add` writes it. A path is kept relative to the configuration.
func (r *Repo) AddRemote(name, url string, isDefault bool) error {
	if name == "" || strings.ContainsAny(name, "\"'[]\n") || strings.ContainsAny(url, "\n") || url == "" {
		return errs.New(errs.Usage, "a remote needs a plain name and a URL or a path")
	}
	dir := filepath.Join(r.Root, ".dvc")
	if !strings.Contains(url, "://") && !filepath.IsAbs(url) {
		full, err := filepath.Abs(url)
		if err == nil {
			url, err = filepath.Rel(dir, full)
		}
		if err != nil {
			return errs.Wrap(err, "find %s", url)
		}
		url = filepath.ToSlash(url)
	}
	file := filepath.Join(dir, "config")
	text, err := os.ReadFile(file)
	if err != nil && !missing(err) {
		return errs.Wrap(err, "read the configuration")
	}
	out := setValue(string(text), `'remote "`+name+`"'`, "url", url)
	if isDefault {
		out = setValue(out, "core", "remote", name)
	}
	if err := replace(file, []byte(out), 0o644, true); err != nil {
		return errs.Wrap(err, "write the configuration")
	}
	r.config, err = readConfig(dir)
	return err
}

// setValue sets one key of a section in the text of a configuration and leaves
// the rest of it as it is.
func setValue(text, section, key, value string) string {
	line := "    " + key + " = " + value
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if text == "" {
		lines = nil
	}
	at := slices.IndexFunc(lines, func(l string) bool { return strings.TrimSpace(l) == "["+section+"]" })
	if at < 0 {
		fresh := []string{"[" + section + "]", line}
		if section == "core" { // DVC has it first
			return strings.Join(append(fresh, lines...), "\n") + "\n"
		}
		return strings.Join(append(lines, fresh...), "\n") + "\n"
	}
	for i := at + 1; i < len(lines) && !strings.HasPrefix(strings.TrimSpace(lines[i]), "["); i++ {
		if k, _, ok := strings.Cut(lines[i], "="); ok && strings.TrimSpace(k) == key {
			lines[i] = line
			return strings.Join(lines, "\n") + "\n"
		}
	}
	return strings.Join(slices.Insert(lines, at+1, line), "\n") + "\n"
}
