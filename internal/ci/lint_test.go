package ci

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const pinnedCheckout = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"

// job is a workflow that is clean but for what a test puts in.
func job(on, top, of, steps string) string {
	return "name: n\non: " + on + "\n" + top + "\njobs:\n  a:\n    runs-on: ubuntu-latest\n    timeout-minutes: 5\n" + of + "    steps:\n" + steps
}

func TestLint(t *testing.T) {
	const none = "permissions: {}"
	keep := "      - uses: " + pinnedCheckout + "\n        with:\n          persist-credentials: false\n"
	theirCommit := keep + "          ref: ${{ github.event.pull_request.head.sha }}\n"
	for _, c := range []struct{ name, text, want string }{
		{"clean", job("push", none, "", keep+"      - run: echo \"$GITHUB_SHA ${{ github.sha }}\"\n"), ""},
		{"a tag", job("push", none, "", "      - uses: azure/login@v2\n"), "9 unpinned-uses"},
		{"a short hash", job("push", none, "", "      - uses: azure/login@a457da9\n"), "9 unpinned-uses"},
		{"no permissions", job("push", "", "", "      - run: echo\n"), "5 permissions"},
		{"its own permissions", job("push", "", "    permissions: {}\n", "      - run: echo\n"), ""},
		{"write-all", job("push", "permissions: write-all", "", "      - run: echo\n"), "3 permissions"},
		{"a title in a script", job("pull_request", none, "", "      - run: echo ${{ github.event.pull_request.title }}\n"), "9 template-injection,9 expression"},
		{"an actor in a script", job("push", none, "", "      - run: |\n          true\n          echo ${{ github.actor }}\n"), "11 template-injection"},
		{"a secret in a script", job("push", none, "", "      - run: echo ${{ secrets.X }}\n"), "9 template-injection"},
		{"a harmless value hides another", job("push", none, "", "      - run: echo ${{ github.sha || github.head_ref }}\n"), "9 template-injection,9 expression"},
		{"a stranger's commit", job("pull_request_target", none, "", theirCommit), "2 dangerous-trigger,12 untrusted-checkout"},
		{"a stranger's commit later", job("{workflow_run: {workflows: [n]}}", none, "", strings.ReplaceAll(theirCommit, "pull_request.head.sha", "workflow_run.head_sha")), "12 untrusted-checkout"},
		{"a commit on pull_request", job("pull_request", none, "", theirCommit), ""},
		{"the token stays", job("push", none, "", "      - uses: "+pinnedCheckout+"\n"), "9 persist-credentials"},
		{"an image", job("push", none, "    container: alpine:3\n", "      - run: echo\n"), "8 unpinned-image"},
		{"unknown key", job("push", none, "    stepz: []\n", "      - run: echo\n"), "8 syntax-check"},
		{"not YAML", "on: [push\n", "1 syntax"},
		{"an action without a shell", "name: a\nruns:\n  using: composite\n  steps:\n    - run: echo ${{ inputs.x }}\n", "5 shell,5 template-injection"},
		{"an action", "name: a\nruns:\n  using: composite\n  steps:\n    - uses: a/b@main\n", "5 unpinned-uses"},
	} {
		flaws, err := Lint("w.yml", []byte(c.text))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var got []string
		for _, f := range flaws {
			got = append(got, fmt.Sprint(f.Line, " ", f.Rule))
		}
		if strings.Join(got, ",") != c.want {
			t.Errorf("%s: %q, want %q\n%+v\n%s", c.name, strings.Join(got, ","), c.want, flaws, c.text)
		}
	}
}

// TestOwnWorkflows keeps what we ship clean.
func TestOwnWorkflows(t *testing.T) {
	files, err := Workflows([]string{"../..", "../../examples/github"})
	if err != nil || len(files) < 4 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		flaws, err := LintFile(f)
		if err != nil || len(flaws) > 0 {
			t.Errorf("%s: %+v, %v", f, flaws, err)
		}
	}
}

func TestWorkflowsFound(t *testing.T) {
	dir := t.TempDir()
	if _, err := Workflows([]string{dir}); err == nil {
		t.Error("an empty folder has workflows")
	}
	big := filepath.Join(dir, "big.yml")
	if err := os.WriteFile(big, make([]byte, mostWorkflow+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LintFile(big); err == nil {
		t.Error("a file over the limit is examined")
	}
	if got, err := Workflows([]string{dir}); err != nil || len(got) != 1 || got[0] != big {
		t.Errorf("%v, %v", got, err)
	}
}

func TestOtherYAMLIsNoWorkflow(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"drivecast.yaml": "gate:\n  audit: {}\n", "list.yml": "- a\n", "flow.yml": "on: push\njobs: {}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := Workflows([]string{dir}); err != nil || len(got) != 1 || filepath.Base(got[0]) != "flow.yml" {
		t.Errorf("%v, %v", got, err)
	}
}

func FuzzLint(f *testing.F) {
	f.Add([]byte(job("push", "permissions: {}", "", "      - run: echo\n")))
	f.Add([]byte("runs:\n  steps: &a\n    - *a\n"))
	f.Add([]byte("on: push\njobs: {a: {steps: [{uses: *x}]}}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		flaws, err := Lint("w.yml", text)
		for _, flaw := range flaws {
			if err != nil || flaw.Line < 0 || flaw.Rule == "" || flaw.Says == "" {
				t.Fatalf("%q: %+v, %v", text, flaw, err)
			}
		}
	})
}
