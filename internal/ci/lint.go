package ci

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rhysd/actionlint"
	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
)

// Flaw is one thing that is wrong with a workflow or an action.
type Flaw struct {
	File   string `json:"file"`
	Line   int    `json:"line"` // from 1
	Column int    `json:"column"`
	Rule   string `json:"rule"`
	Says   string `json:"says"`
	Mend   string `json:"mend,omitempty"`
}

// mostWorkflow is the largest file that is examined.
const mostWorkflow = 1 << 20

// Workflows lists the files that Lint takes for each path: itself, or of a folder
// its .github/workflows, its action.yml, and when it has neither, those of its own YAML files that look like one.
// A path that is not there, or has none, is of kind NotFound.
func Workflows(paths []string) ([]string, error) {
	var out []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, errs.New(errs.NotFound, "workflows: %w", err)
		}
		if !info.IsDir() {
			out = append(out, path)
			continue
		}
		found, err := yamlsOf(filepath.Join(path, ".github", "workflows"))
		for _, name := range []string{"action.yml", "action.yaml"} {
			if at := filepath.Join(path, name); err == nil && regular(at) {
				found = append(found, at)
			}
		}
		if err == nil && len(found) == 0 {
			if found, err = yamlsOf(path); err == nil {
				found = slices.DeleteFunc(found, otherYAML)
			}
		}
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, errs.New(errs.NotFound, "%s has no workflow and no action", path)
		}
		out = append(out, found...)
	}
	return out, nil
}

// otherYAML reports whether a file is YAML of another kind: it has none of the keys
// that begin a workflow or an action.
func otherYAML(path string) bool {
	text, err := os.ReadFile(path)
	var root yaml.Node
	if err != nil || len(text) > mostWorkflow || yaml.Unmarshal(text, &root) != nil {
		return false // LintFile says what is wrong with it
	}
	return len(root.Content) == 0 || child(root.Content[0], "on") == nil && child(root.Content[0], "jobs") == nil && child(root.Content[0], "runs") == nil
}

func regular(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func yamlsOf(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, errs.Wrap(err, "workflows")
	}
	var out []string
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); !e.IsDir() && (ext == ".yml" || ext == ".yaml") {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	return out, nil
}

// LintFile reads a file for Lint. One over a megabyte is of kind TooLarge.
func LintFile(path string) ([]Flaw, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, errs.New(errs.NotFound, "workflow: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostWorkflow+1))
	if err != nil {
		return nil, errs.Wrap(err, "read %s", path)
	}
	if len(text) > mostWorkflow {
		return nil, errs.New(errs.TooLarge, "%s is over a megabyte, which no workflow is", path)
	}
	return Lint(path, text)
}

// Lint examines a workflow or a composite action: by actionlint, which knows the
// syntax, and by rules of hardening, which keep others out. Flaws are in order of
// their lines.
func Lint(path string, text []byte) ([]Flaw, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return []Flaw{{File: path, Line: 1, Column: 1, Rule: "syntax", Says: strings.Join(strings.Fields(err.Error()), " ")}}, nil
	}
	h := &hardening{file: path}
	if len(root.Content) > 0 && child(root.Content[0], "runs") != nil && child(root.Content[0], "jobs") == nil {
		h.action(root.Content[0])
	} else {
		if err := h.actionlint(text); err != nil {
			return nil, err
		}
		if len(root.Content) > 0 {
			h.workflow(root.Content[0])
		}
	}
	slices.SortStableFunc(h.flaws, func(a, b Flaw) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), strings.Compare(a.Rule, b.Rule))
	})
	return h.flaws, nil
}

func (h *hardening) actionlint(text []byte) error {
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{LogWriter: io.Discard})
	if err != nil {
		return errs.Wrap(err, "actionlint")
	}
	found, err := linter.Lint(h.file, bytes.Clone(text), nil)
	if err != nil {
		return errs.New(errs.Invalid, "%s: %w", h.file, err)
	}
	for _, e := range found {
		h.flaws = append(h.flaws, Flaw{File: h.file, Line: e.Line, Column: e.Column, Rule: e.Kind, Says: e.Message})
	}
	return nil
}
