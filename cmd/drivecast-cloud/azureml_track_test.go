package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/mlflow/client"
)

// logAsJob is what jobs of these tests do: they log to their run, over the
// workspace's MLflow server, and give it files.
func logAsJob(ctx context.Context, getenv func(string) string, score string) error {
	c, err := client.New(getenv("MLFLOW_TRACKING_URI"), getenv)
	if err != nil {
		return err
	}
	id := getenv("MLFLOW_RUN_ID")
	run, err := c.GetRun(ctx, id)
	if err != nil {
		return err
	}
	if run.Info.ID != id || run.Info.ExperimentID != getenv("MLFLOW_EXPERIMENT_ID") {
		return fmt.Errorf("run %+v", run.Info)
	}
	var v float64
	if _, err := fmt.Sscan(score, &v); err != nil {
		return err
	}
	if err := c.Log(ctx, id, []client.Metric{{Key: "score", Value: v, Time: time.Now()}}, []client.Tag{{Key: "learner", Value: "tree"}}, nil); err != nil {
		return err
	}
	for _, text := range []string{"first", "then " + score} { // a job that begins anew writes its files again
		if err := os.WriteFile("model.txt", []byte(text), 0o644); err != nil {
			return err
		}
		if err := c.UploadFile(ctx, run.Info.ArtifactURI+"/model", "a b/model.txt", "model.txt"); err != nil {
			return err
		}
	}
	back, err := c.ReadFile(ctx, run.Info.ArtifactURI, "model/a b/model.txt", 100)
	if err != nil || string(back) != "then "+score {
		return fmt.Errorf("read back %q, %v", back, err)
	}
	if names, err := c.FileNames(ctx, run.Info.ArtifactURI, "model/a b"); err != nil || len(names) != 1 || names[0] != "model.txt" {
		return fmt.Errorf("names %q, %v", names, err)
	}
	if err := c.DownloadDir(ctx, run.Info.ArtifactURI+"/model", "copy"); err != nil {
		return err
	}
	if _, err := c.ReadFile(ctx, run.Info.ArtifactURI, "absent", 100); !errs.Is(err, errs.NotFound) {
		return fmt.Errorf("a file that is not there: %v", err)
	}
	if err := os.Truncate("model.txt", 33<<20); err != nil { // more than one block
		return err
	}
	if err := c.UploadFile(ctx, run.Info.ArtifactURI, "large", "model.txt"); err != nil {
		return err
	}
	if large, err := c.ReadFile(ctx, run.Info.ArtifactURI, "large", 64<<20); err != nil || len(large) != 33<<20 || string(large[:5]) != "then " {
		return fmt.Errorf("a large file: %d bytes, %v", len(large), err)
	}
	err = c.Call(ctx, "POST", "logged-models", map[string]any{"experiment_id": run.Info.ExperimentID}, nil)
	if !errs.Is(err, errs.Unsupported) {
		return fmt.Errorf("logged-models: %v; a workspace has none", err)
	}
	_, err = c.EnsureExperiment(ctx, "made by a job")
	return err
}

// asJob is a command line that runs this test program as a job that logs a score.
func asJob(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("DRIVECAST_TEST_SELF", self)
	return "DRIVECAST_TEST_SCORE=%s \"$DRIVECAST_TEST_SELF\" -test.run TestLogsAsJob"
}

// TestLogsAsJob is the process of a job; on its own it has nothing to do.
func TestLogsAsJob(t *testing.T) {
	score := os.Getenv("DRIVECAST_TEST_SCORE")
	if score == "" {
		t.Skip("not run as a job")
	}
	if err := logAsJob(t.Context(), os.Getenv, score); err != nil {
		t.Fatal(err)
	}
}

func TestJobsOfTheFakeLogToTheirRuns(t *testing.T) {
	command := asJob(t)
	env, stop := startFake(t, t.TempDir())
	defer stop()
	dir := writeFiles(t, map[string]string{"job.yml": "command: " + fmt.Sprintf(command, "0.75") + "\nenvironment: azureml:e:1\nexperiment_name: drives\noutputs: {o: {type: uri_folder}}\n"})
	code, out, message := against(t, env, "job", "create", "-f", filepath.Join(dir, "job.yml"), "--name", "j", "--stream")
	if code != 0 || !strings.Contains(out, "score") || !strings.Contains(out, "0.75") {
		t.Fatalf("exit %d, %s, %s", code, out, message)
	}
	if code, out, message := against(t, env, "job", "show", "-n", "j", "-o", "json"); code != 0 || !strings.Contains(out, `"score": 0.75`) || !strings.Contains(out, `"learner": "tree"`) {
		t.Errorf("show: exit %d, %s, %s", code, out, message)
	}
	to := t.TempDir()
	if code, _, message := against(t, env, "job", "download", "-n", "j", "-p", to); code != 0 {
		t.Fatalf("download: exit %d, %s", code, message)
	}
	if text, err := os.ReadFile(filepath.Join(to, "model", "a b", "model.txt")); err != nil || string(text) != "then 0.75" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestSweepsOfTheFakeFindTheBest(t *testing.T) {
	command := asJob(t)
	env, stop := startFake(t, t.TempDir())
	defer stop()
	dir := writeFiles(t, map[string]string{"sweep.yml": `
type: sweep
trial:
  command: ` + fmt.Sprintf(command, "0.${{search_space.x}}") + ` && mkdir outputs && echo ${{search_space.x}} > outputs/x
  environment: azureml:e:1
sampling_algorithm: grid
search_space: {x: {type: choice, values: [3, 8, 5]}}
objective: {goal: maximize, primary_metric: score}
limits: {max_total_trials: 3, max_concurrent_trials: 2}
`})
	code, out, message := against(t, env, "job", "create", "-f", filepath.Join(dir, "sweep.yml"), "--name", "s", "--stream")
	if code != 0 || !strings.Contains(out, "best trial s_1, score 0.8") {
		t.Fatalf("exit %d, %s, %s", code, out, message)
	}
	if code, out, message := against(t, env, "job", "show", "-n", "s", "-o", "json"); code != 0 || !strings.Contains(out, `"best_child_run_id": "s_1"`) {
		t.Errorf("show: exit %d, %s, %s", code, out, message)
	}
	if code, out, message := against(t, env, "job", "show", "-n", "s_2"); code != 0 || !strings.Contains(out, "0.5") {
		t.Errorf("show of a trial: exit %d, %s, %s", code, out, message)
	}
	to := t.TempDir()
	if code, _, message := against(t, env, "job", "download", "-n", "s", "-p", to); code != 0 {
		t.Fatalf("download: exit %d, %s", code, message)
	}
	if text, err := os.ReadFile(filepath.Join(to, "outputs", "x")); err != nil || string(text) != "8\n" {
		t.Errorf("the best trial's file: %q, %v", text, err)
	}
}

func TestSweepsOfTheFakeStopPoorTrials(t *testing.T) {
	command := asJob(t)
	env, stop := startFake(t, t.TempDir())
	defer stop()
	dir := writeFiles(t, map[string]string{"sweep.yml": `
type: sweep
trial:
  command: ` + fmt.Sprintf(command, "0.${{search_space.x}}") + ` && (test ${{search_space.x}} = 8 || sleep 100)
  environment: azureml:e:1
sampling_algorithm: grid
search_space: {x: {type: choice, values: [8, 1]}}
objective: {goal: maximize, primary_metric: score}
limits: {max_total_trials: 2, max_concurrent_trials: 1}
early_termination: {type: bandit, slack_amount: 0.1, evaluation_interval: 1}
`})
	code, out, message := against(t, env, "job", "create", "-f", filepath.Join(dir, "sweep.yml"), "--name", "s", "--stream")
	if code != 0 || !strings.Contains(out, "best trial s_0, score 0.8") || !strings.Contains(out, "s_1 is stopped early by bandit") {
		t.Fatalf("exit %d, %s, %s", code, out, message)
	}
	if code, out, message := against(t, env, "job", "show", "-n", "s_1"); code != 0 || !strings.Contains(out, "Canceled") {
		t.Errorf("show of a trial: exit %d, %s, %s", code, out, message)
	}
}
