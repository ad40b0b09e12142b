package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// composite is what of action.yml a runner needs.
type composite struct {
	Inputs map[string]struct{ Default string }
	Runs   struct {
		Steps []struct {
			ID, Name, Run string
			Env           map[string]string
		}
	}
}

var actionValue = regexp.MustCompile(`\$\{\{ *(inputs|steps)\.([a-z-]+)(?:\.outputs\.([a-z-]+))? *\}\}`)

// runAction runs the scripts of action.yml as GitHub's runner does, with files for
// outputs and summary, and returns whether all succeeded, the outputs and the summary.
func runAction(t *testing.T, dir string, inputs map[string]string, env []string) (ok bool, outputs map[string]string, summary string) {
	t.Helper()
	text, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var action composite
	if err := yaml.Unmarshal(text, &action); err != nil {
		t.Fatal(err)
	}
	outputs = map[string]string{}
	summaryFile := filepath.Join(dir, "summary.md")
	value := func(m string) string {
		p := actionValue.FindStringSubmatch(m)
		if p[1] == "steps" {
			return outputs[p[2]+"."+p[3]]
		}
		if v, given := inputs[p[2]]; given {
			return v
		}
		return action.Inputs[p[2]].Default
	}
	for _, step := range action.Runs.Steps {
		if step.Run == "" {
			continue
		}
		output := filepath.Join(t.TempDir(), "output")
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		c := exec.CommandContext(ctx, "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.Run)
		c.Dir = dir
		c.Env = append(os.Environ(), env...)
		c.Env = append(c.Env, "DRIVECAST_TEST_MAIN=1", "GITHUB_OUTPUT="+output, "GITHUB_STEP_SUMMARY="+summaryFile, "RUNNER_TEMP="+t.TempDir())
		for k, v := range step.Env {
			c.Env = append(c.Env, k+"="+actionValue.ReplaceAllStringFunc(v, value))
		}
		said, err := c.CombinedOutput()
		cancel()
		t.Logf("%s: %s", step.Name, said)
		written, _ := os.ReadFile(output) // a step need not write any
		for line := range strings.Lines(string(written)) {
			k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
			outputs[step.ID+"."+k] = v
		}
		if err != nil {
			got, _ := os.ReadFile(summaryFile)
			return false, outputs, string(got)
		}
	}
	got, err := os.ReadFile(summaryFile)
	if err != nil {
		t.Fatal(err)
	}
	return true, outputs, string(got)
}

func TestAction(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("needs bash, which GitHub's runners have")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, rules string
		ok          bool
	}{
		{"a model that may", "gate: {detection: {alarm_budget: 0.2, min: 0.5}}", true},
		{"a model that may not", "gate: {detection: {alarm_budget: 0.01, min: 1}}", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var posted int
			github := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					_, _ = w.Write([]byte("[]"))
					return
				}
				if r.URL.Path == "/repos/o/r/issues/5/comments" && r.Header.Get("Authorization") == "Bearer given" {
					posted++
				}
				_, _ = w.Write([]byte("{}"))
			}))
			defer github.Close()
			dir := t.TempDir()
			write(t, filepath.Join(dir, "train data.csv"), actionRows(1))
			write(t, filepath.Join(dir, "heldout.csv"), actionRows(2))
			write(t, filepath.Join(dir, "drivecast.yaml"), c.rules)
			ok, outputs, summary := runAction(t, dir,
				map[string]string{"binary": self, "data": "train data.csv", "holdout": "heldout.csv", "comment": "true", "token": "given"},
				[]string{"GITHUB_API_URL=" + github.URL, "GITHUB_REPOSITORY=o/r", "GITHUB_REF=refs/pull/5/merge"})
			verdict := map[bool]string{true: "pass", false: "fail"}[c.ok]
			if ok != c.ok || outputs["gate.verdict"] != verdict || posted != 1 || !strings.Contains(summary, "## drivecast: ") {
				t.Errorf("ok %v, outputs %v, %d comments, summary:\n%s", ok, outputs, posted, summary)
			}
		})
	}
}

func TestActionStopsAtAFault(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("needs bash, which GitHub's runners have")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "train.csv"), actionRows(1))
	write(t, filepath.Join(dir, "drivecast.yaml"), "gate: {detecton: {}}")
	ok, outputs, summary := runAction(t, dir, map[string]string{"binary": self, "data": "train.csv", "holdout": "train.csv"}, nil)
	if ok || outputs["gate.verdict"] != "" || summary != "" {
		t.Errorf("ok %v, outputs %v, summary %q", ok, outputs, summary)
	}
}

// actionRows are drives of which the failing ones have more errors, as a rule.
func actionRows(seed uint64) string {
	r := rand.New(rand.NewPCG(seed, 9))
	var b strings.Builder
	b.WriteString("serial_number,hours,errors,failure\n")
	for i := range 400 {
		failed := i % 4 / 3
		fmt.Fprintf(&b, "S%d-%d,%d,%d,%d\n", seed, i, 20000+r.IntN(9000), r.IntN(30)+failed*r.IntN(60), failed)
	}
	return b.String()
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
