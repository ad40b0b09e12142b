//go:build services && unix

package kube

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// metricsOf are the lines of a training's report that do not name places or runs.
func metricsOf(report string) (out []string) {
	for line := range strings.Lines(report) {
		f := strings.Fields(line)
		if len(f) == 2 && f[0] != "run" && f[0] != "version" && strings.ContainsRune(f[1], '.') {
			out = append(out, f[0]+" "+f[1])
		}
	}
	return out
}

// TestPair runs the project's own job file twice, with one command but for --target.
func TestPair(t *testing.T) {
	nodes(t, 1)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "job.yaml"), read(t, "../../cmd/drivecast/job.yaml"))
	must(t, dir, "simulate", "--drives", "200", "--days", "60", "--out", "data/simulated")
	for _, iteration := range []string{"1", "2"} {
		command := []string{"job", "create", "-f", "job.yaml", "--set", "inputs.iteration=" + iteration, "--stream"}
		here := metricsOf(must(t, dir, command...))
		there := metricsOf(must(t, dir, append(command, "--target", "kube")...))
		if len(here) < 5 || fmt.Sprint(here) != fmt.Sprint(there) {
			t.Errorf("iteration %s: on this machine %v, on Kubernetes %v", iteration, here, there)
		}
	}
}

func TestTwentyShards(t *testing.T) {
	nodes(t, 3)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "shards.yml"), `
command: echo shard $JOB_COMPLETION_INDEX; echo $((JOB_COMPLETION_INDEX * JOB_COMPLETION_INDEX)) > "${{outputs.parts}}/square"
outputs: {parts: {type: uri_folder, path: ./parts}}
`)
	begin := time.Now()
	out := must(t, dir, "job", "create", "-f", "shards.yml", "--target", "kube", "--shards", "20", "--stream", "-n", "twenty_shards")
	took := time.Since(begin)
	t.Logf("20 shards took %s", took)
	if took > 10*time.Second {
		t.Errorf("20 shards took %s, at most 10 s are allowed", took)
	}
	for i := range 20 {
		if got := strings.TrimSpace(read(t, filepath.Join(dir, "parts", fmt.Sprint(i), "square"))); got != fmt.Sprint(i*i) {
			t.Errorf("shard %d left %q", i, got)
		}
		if line := fmt.Sprintf("[%d] shard %d\n", i, i); !strings.Contains(out, line) {
			t.Errorf("the log has no line %q", line)
		}
	}
	code, _, message := drivecast(t, dir, "job", "create", "-f", "shards.yml", "--target", "kube", "-n", "twenty_shards")
	if code != 1 || !strings.Contains(message, "already") {
		t.Errorf("a name that is taken: exit %d, %q", code, message)
	}
	must(t, dir, "job", "download", "-n", "twenty_shards", "--target", "kube", "-p", "got")
	if got := read(t, filepath.Join(dir, "got", "named-outputs", "parts", "7", "square")); got != "49\n" {
		t.Errorf("downloaded %q", got)
	}
	if got := read(t, filepath.Join(dir, "got", "artifacts", "user_logs", "std_log_process_7.txt")); got != "shard 7\n" {
		t.Errorf("downloaded the log %q", got)
	}
}

func TestFailureGivesTheExitCode(t *testing.T) {
	nodes(t, 1)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "fail.yml"), "command: echo about to fail; exit 7\n")
	code, out, message := drivecast(t, dir, "job", "create", "-f", "fail.yml", "--target", "kube", "--stream", "-n", "failing")
	if code != 1 || !strings.Contains(out, "about to fail\n") || !strings.Contains(message, "exit code 7") {
		t.Errorf("exit %d, out %q, errors %q", code, out, message)
	}
	var r struct {
		Status   string
		ExitCode int `json:"exit_code"`
		RunID    string
	}
	if err := json.Unmarshal([]byte(must(t, dir, "job", "show", "-n", "failing", "--target", "kube", "-o", "json")), &r); err != nil {
		t.Fatal(err)
	}
	if r.Status != "Failed" || r.ExitCode != 7 {
		t.Errorf("%+v", r)
	}
	if list := must(t, dir, "job", "list", "--target", "kube"); !strings.Contains(list, "failing") {
		t.Errorf("the list has no such job:\n%s", list)
	}
}

func TestCancelReachesGrandchildren(t *testing.T) {
	nodes(t, 1)
	dir := t.TempDir()
	pid := filepath.Join(dir, "pid")
	write(t, filepath.Join(dir, "sleep.yml"), "command: sh -c 'sleep 600 & echo $! > "+pid+".new; mv "+pid+".new "+pid+"; wait'\n")
	must(t, dir, "job", "create", "-f", "sleep.yml", "--target", "kube", "-n", "sleeper")
	await(t, 30*time.Second, "the command to start", func() bool { _, err := os.Stat(pid); return err == nil })
	must(t, dir, "job", "cancel", "-n", "sleeper", "--target", "kube")
	code, _, message := drivecast(t, dir, "job", "stream", "-n", "sleeper", "--target", "kube")
	if code != 1 || !strings.Contains(message, "canceled") {
		t.Errorf("exit %d, %q", code, message)
	}
	await(t, 5*time.Second, "the grandchild to end", func() bool {
		stat, err := os.ReadFile("/proc/" + strings.TrimSpace(read(t, pid)) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ") // ended, if nobody has asked yet how
	})
}

func TestSweepMarksTheBest(t *testing.T) {
	nodes(t, 1)
	dir := t.TempDir()
	must(t, dir, "simulate", "--drives", "150", "--days", "50", "--out", "data")
	write(t, filepath.Join(dir, "sweep.yml"), `
type: sweep
trial:
  command: drivecast train --data "${{inputs.data}}" --iteration ${{search_space.iteration}} && echo tried ${{search_space.iteration}}
inputs: {data: {type: uri_folder, path: ./data}}
search_space: {iteration: {type: choice, values: [1, 2]}}
sampling_algorithm: grid
objective: {goal: maximize, primary_metric: roc_auc}
limits: {max_total_trials: 2, max_concurrent_trials: 1}
experiment_name: kube-sweep
`)
	out := must(t, dir, "job", "create", "-f", "sweep.yml", "--target", "kube", "--stream", "-n", "swept")
	if !strings.Contains(out, "[0] tried 1\n") || !strings.Contains(out, "[1] tried 2\n") {
		t.Errorf("the trials printed:\n%s", out)
	}
	id := strings.TrimSpace(must(t, dir, "job", "show", "-n", "swept", "--target", "kube", "--query", "run_id", "-o", "tsv"))
	text, err := exec.Command("curl", "-sf", shared.tracking+"/api/2.0/mlflow/runs/get?run_id="+id).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"best_child_job"`, `"FINISHED"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the sweep's run has no %s: %s", want, text)
		}
	}
}

// await waits until something is so.
func await(t *testing.T, within time.Duration, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !so(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s for %s", within, what)
		}
	}
}
