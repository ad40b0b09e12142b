//go:build unix

package local_test

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/local"
	"github.com/drivecast/drivecast/internal/sqlstore"
)

const runnerVariable = "DRIVECAST_TEST_RUNNER_DIR"

// TestMain lets the test binary be the runner that is killed.
func TestMain(m *testing.M) {
	dir := os.Getenv(runnerVariable)
	if dir == "" {
		os.Exit(m.Run())
	}
	if err := runRunner(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func runRunner(dir string) error {
	if err := os.Unsetenv(runnerVariable); err != nil {
		return err
	}
	store, err := sqlstore.OpenJobs(context.Background(), filepath.Join(dir, "jobs.db"))
	if err != nil {
		return err
	}
	defer store.Close()
	c, err := local.NewCluster(local.Config{
		Store: store, Name: "cpu", Max: 4, WorkDir: filepath.Join(dir, "work"), Idle: -1, ExitIdle: true, MaxLost: 1000,
	})
	if err != nil {
		return err
	}
	return c.Run(context.Background())
}

func openJobs(t *testing.T, dir string) *sqlstore.Jobs {
	t.Helper()
	s, err := sqlstore.OpenJobs(t.Context(), filepath.Join(dir, "jobs.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestKilledRunnerLosesNothing kills the runner at random moments until every
// job is over: each has run to its end exactly once.
func TestKilledRunnerLosesNothing(t *testing.T) {
	const jobs, kills = 60, 100
	dir := t.TempDir()
	store := openJobs(t, dir)
	ends := filepath.Join(dir, "ends")
	for i := range jobs {
		spec := &job.Job{Kind: job.KindCommand, Command: &job.Command{Line: fmt.Sprintf("sleep 0.0%d; echo $AZUREML_JOB_NAME >> %s; sleep 0.01; exit %d", i%10, ends, i%2)}}
		if _, err := job.Submit(t.Context(), store, job.Submission{Job: spec, Cluster: "cpu", Now: time.Now(), Random: rand.Reader}); err != nil {
			t.Fatal(err)
		}
	}
	say := fmt.Sprintf("sleep 0.02; echo $AZUREML_JOB_NAME >> %s; echo x > ${{outputs.o}}/f", ends)
	families := []string{
		"type: sweep\ntrial: {command: '" + say + "', environment: 'azureml:e:1'}\noutputs: {o: {}}\nsampling_algorithm: grid\nsearch_space: {x: {type: choice, values: [1, 2, 3, 4, 5, 6]}}\nobjective: {goal: minimize, primary_metric: m}\n",
		"type: pipeline\njobs:\n  a: {command: '" + say + "', environment: 'azureml:e:1', outputs: {o: {}}}\n" +
			"  b: {command: '" + say + "', environment: 'azureml:e:1', outputs: {o: {}}, inputs: {i: '${{parent.jobs.a.outputs.o}}'}}\n" +
			"  c: {command: '" + say + "', environment: 'azureml:e:1', outputs: {o: {}}, inputs: {i: '${{parent.jobs.b.outputs.o}}'}}\n",
	}
	for i, text := range families {
		d, err := job.Parse([]byte(text), filepath.Join(dir, "f.yml"))
		if err != nil {
			t.Fatal(err)
		}
		j, err := d.Job(nil)
		if err != nil {
			t.Fatal(err)
		}
		j.Name = fmt.Sprint("family", i)
		if _, err := job.Submit(t.Context(), store, job.Submission{Job: j, Cluster: "cpu", Now: time.Now(), Random: rand.Reader}); err != nil {
			t.Fatal(err)
		}
	}
	random := mathrand.New(mathrand.NewPCG(8, 1))
	killed := 0
	for deadline := time.Now().Add(time.Minute); ; {
		runner := exec.Command(os.Args[0])
		runner.Env = append(os.Environ(), runnerVariable+"="+dir)
		out := &strings.Builder{}
		runner.Stderr = out
		if err := runner.Start(); err != nil {
			t.Fatal(err)
		}
		var timer *time.Timer
		if killed < kills {
			timer = time.AfterFunc(time.Duration(20+random.IntN(80))*time.Millisecond, func() { _ = runner.Process.Kill() })
			killed++
		}
		err := runner.Wait()
		if timer != nil {
			timer.Stop()
		}
		if err == nil {
			break
		}
		if time.Now().After(deadline) || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("runner: %v\n%s", err, out)
		}
	}
	t.Logf("%d kills", killed)
	check(t, store, ends, jobs+2+6+3)
}

func check(t *testing.T, store job.Store, ends string, jobs int) {
	t.Helper()
	text, err := os.ReadFile(ends)
	if err != nil {
		t.Fatal(err)
	}
	list, err := store.List(t.Context(), job.Query{Limit: 1000})
	if err != nil || len(list) != jobs {
		t.Fatalf("%d jobs, %v", len(list), err)
	}
	ended := map[string]int{}
	for _, name := range strings.Fields(string(text)) {
		ended[name]++
	}
	for _, r := range list {
		if r.Kind != job.KindCommand {
			if r.State != job.Completed {
				t.Errorf("%+v", r)
			}
			continue
		}
		if n := ended[r.Name]; n != 1 {
			t.Errorf("%s ran to its end %d times: %+v", r.Name, n, r)
		}
		if r.State != job.Completed && r.State != job.Failed || r.ExitCode == nil {
			t.Errorf("%s has no result: %+v", r.Name, r)
		}
	}
}
