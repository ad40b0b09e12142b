//go:build conformance

// Package workflows checks every workflow that we ship with tools of others: zizmor
// for what is unsafe, and the schemas of GitHub, GitLab and Azure DevOps.
package workflows

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	interpreter = "DRIVECAST_PY_WORKFLOWS"
	root        = "../../"
)

// tool runs a program of the environment.
func tool(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	py := os.Getenv(interpreter)
	if py == "" {
		t.Fatalf("%s does not name a Python with conformance/envs/workflows.txt", interpreter)
	}
	out, err := exec.Command(filepath.Join(filepath.Dir(py), name), args...).CombinedOutput()
	return string(out), err
}

func shipped(t *testing.T, patterns ...string) []string {
	t.Helper()
	var files []string
	for _, p := range patterns {
		found, err := filepath.Glob(root + p)
		if err != nil || len(found) == 0 {
			t.Fatalf("nothing is at %s (%v)", p, err)
		}
		files = append(files, found...)
	}
	return files
}

// edited writes a copy of a file in which from, which it must have, is to.
func edited(t *testing.T, file, from, to string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), from) {
		t.Fatalf("%s has no %q (%v)", file, from, err)
	}
	copied := filepath.Join(t.TempDir(), filepath.Base(file))
	if err := os.WriteFile(copied, []byte(strings.ReplaceAll(string(text), from, to)), 0o644); err != nil {
		t.Fatal(err)
	}
	return copied
}

func TestZizmor(t *testing.T) {
	files := shipped(t, ".github/workflows/*.yml", "examples/github/.github/workflows/*.yml", "action.yml")
	for _, f := range files {
		if out, err := tool(t, "zizmor", "--offline", f); err != nil {
			t.Errorf("%s: %v\n%s", f, err, out)
		}
	}
	broken := edited(t, root+"examples/github/.github/workflows/deploy.yml", "@11bd71901bbe5b1630ceea73d27597364c9af683", "@v4")
	if out, err := tool(t, "zizmor", "--offline", broken); err == nil {
		t.Errorf("an action that is not pinned was not found:\n%s", out)
	}
}

func TestSchemas(t *testing.T) {
	for _, c := range []struct {
		files    []string
		options  []string
		from, to string // makes the first file wrong
	}{
		{shipped(t, ".github/workflows/*.yml", "examples/github/.github/workflows/*.yml"), []string{"--builtin-schema", "vendor.github-workflows"}, "runs-on:", "runs-upon:"},
		{shipped(t, "action.yml"), []string{"--builtin-schema", "vendor.github-actions"}, "using: composite", "using: compost"},
		{shipped(t, "examples/gitlab/.gitlab-ci.yml"), []string{"--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"}, "id_tokens:", "id_token:"},
		{shipped(t, "examples/azure-devops/azure-pipelines.yml"), []string{"--builtin-schema", "vendor.azure-pipelines", "--regex-variant", "nonunicode"}, "- task:", "- tusk:"},
	} {
		if out, err := tool(t, "check-jsonschema", append(c.options, c.files...)...); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		broken := edited(t, c.files[0], c.from, c.to)
		if out, err := tool(t, "check-jsonschema", append(c.options, broken)...); err == nil || strings.Contains(out, "Traceback") {
			t.Errorf("%s with %q: %v\n%s", c.files[0], c.to, err, out)
		}
	}
}

// TestScriptsParse has the shell read every script of the examples.
func TestScriptsParse(t *testing.T) {
	for _, f := range shipped(t, "examples/webhook/post-receive", "examples/webhook/release/*.sh") {
		if out, err := exec.Command("sh", "-n", f).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", f, err, out)
		}
	}
}
