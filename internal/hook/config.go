package hook

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
)

// Config says which pushes start which jobs.
type Config struct {
	Repository string   `yaml:"repository"` // as GitHub names it, owner/name
	Clone      string   `yaml:"clone"`      // URL or folder that the commits are fetched from
	Branch     string   `yaml:"branch"`     // default main
	Paths      []string `yaml:"paths"`      // patterns or folders, of which one must have changed; none is any
	Dir        string   `yaml:"dir"`        // folder of drivecast's data, default ./drivecast-data
	Secrets    []string `yaml:"secret_files"`
	Jobs       []Job    `yaml:"jobs"`
}

// Job is one job of a push.
type Job struct {
	File    string   `yaml:"file"`    // in the repository
	Set     []string `yaml:"set"`     // overrides, path=value
	Compute string   `yaml:"compute"` // cluster; default the file's
}

// ReadConfig reads and checks a file. Relative paths in it are those of its folder.
func ReadConfig(name string) (*Config, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, errs.Wrap(err, "read the settings of the webhook")
	}
	c, err := ParseConfig(text)
	if err != nil {
		return nil, errs.Wrap(err, "read %s", name)
	}
	below := func(p string) string {
		if p == "" || filepath.IsAbs(p) {
			return p
		}
		return filepath.Join(filepath.Dir(name), p)
	}
	c.Dir = below(c.Dir)
	for i := range c.Secrets {
		c.Secrets[i] = below(c.Secrets[i])
	}
	if !strings.Contains(c.Clone, ":") {
		c.Clone = below(c.Clone)
	}
	return c, nil
}

// ParseConfig reads settings; what is wrong with them is errs.Invalid.
func ParseConfig(text []byte) (*Config, error) {
	c := &Config{Branch: "main", Dir: "drivecast-data"}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return nil, errs.New(errs.Invalid, "the settings are not as expected: %w", err)
	}
	return c, c.check()
}

func (c *Config) check() error {
	owner, name, ok := strings.Cut(c.Repository, "/")
	switch {
	case !ok || owner == "" || name == "" || strings.Contains(name, "/"):
		return errs.New(errs.Invalid, "repository %q: write owner/name, as GitHub does", c.Repository)
	case c.Clone == "" || strings.HasPrefix(c.Clone, "-") || strings.Contains(c.Clone, "::"):
		return errs.New(errs.Invalid, "clone %q: write the URL or the folder that commits are fetched from", c.Clone)
	case c.Branch == "" || strings.HasPrefix(c.Branch, "-") || strings.ContainsAny(c.Branch, " ~^:?*[\\") || strings.Contains(c.Branch, ".."):
		return errs.New(errs.Invalid, "branch %q is no name of a branch", c.Branch)
	case len(c.Jobs) == 0:
		return errs.New(errs.Invalid, "jobs: name at least one file")
	}
	for i, j := range c.Jobs {
		if !filepath.IsLocal(filepath.FromSlash(j.File)) {
			return errs.New(errs.Invalid, "jobs[%d].file %q: write a path in the repository", i, j.File)
		}
	}
	for _, p := range c.Paths {
		if _, err := path.Match(p, ""); err != nil {
			return errs.New(errs.Invalid, "paths: %q is no pattern", p)
		}
	}
	return nil
}

// touches reports whether a changed file is one that starts jobs.
func (c *Config) touches(name string) bool {
	for _, p := range c.Paths {
		if ok, _ := path.Match(p, name); ok || strings.HasPrefix(name, strings.TrimSuffix(p, "/")+"/") {
			return true
		}
	}
	return false
}
