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
	check(t, store, ends, jobs)
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
	for _, r := range list {
		if n := strings.Count(string(text), r.Name+"\n"); n != 1 {
			t.Errorf("%s ran to its end %d times: %+v", r.Name, n, r)
		}
		if r.State != job.Completed && r.State != job.Failed || r.ExitCode == nil {
			t.Errorf("%s has no result: %+v", r.Name, r)
		}
	}
}
