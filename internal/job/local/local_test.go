package local_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/jobtest"
	"github.com/drivecast/drivecast/internal/job/local"
)

// bench is a cluster under test with its queue.
type bench struct {
	t     *testing.T
	store job.Store
	dir   string
	runs  *fakeRuns
	cfg   local.Config
}

func newBench(t *testing.T) *bench {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the commands of these tests are for a Unix shell")
	}
	b := &bench{t: t, store: jobtest.NewMemory(), dir: t.TempDir(), runs: &fakeRuns{dir: t.TempDir()}}
	b.cfg = local.Config{
		Store: b.store, Catalog: b.store.(job.Catalog), Name: "cpu", Max: 2, WorkDir: filepath.Join(b.dir, "work"), Runs: b.runs, Tracking: "http://tracking.test",
		Idle: -1, ExitIdle: true, Poll: 20 * time.Millisecond, Grace: 300 * time.Millisecond, TrackingFor: 2 * time.Second,
	}
	return b
}

func (b *bench) submit(yaml string) string {
	b.t.Helper()
	file := filepath.Join(b.dir, fmt.Sprintf("job%d.yml", time.Now().UnixNano()))
	if err := os.WriteFile(file, []byte(yaml), 0o644); err != nil {
		b.t.Fatal(err)
	}
	j, err := job.Load(file)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := local.KeepCode(b.cfg.WorkDir, j); err != nil {
		b.t.Fatal(err)
	}
	r, err := job.Submit(b.t.Context(), b.store, job.Submission{Job: j, Cluster: "cpu", Now: time.Now(), Random: rand.Reader})
	if err != nil {
		b.t.Fatal(err)
	}
	return r.Name
}

// run lets the cluster work until nothing is left.
func (b *bench) run() {
	b.t.Helper()
	c, err := local.NewCluster(b.cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), 30*time.Second)
	defer cancel()
	if err := c.Run(ctx); err != nil || ctx.Err() != nil {
		b.t.Fatalf("Run = %v, context %v", err, ctx.Err())
	}
}

func (b *bench) get(name string) job.Record {
	b.t.Helper()
	r, err := b.store.Get(b.t.Context(), name)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bench) log(name string) string {
	text, _ := os.ReadFile(local.LogPath(b.cfg.WorkDir, name, 0))
	return string(text)
}

// until waits for a condition on a job.
func (b *bench) until(name string, ok func(job.Record) bool) job.Record {
	b.t.Helper()
	for range 1000 {
		if r := b.get(name); ok(r) {
			return r
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.t.Fatalf("job %s stays at %+v", name, b.get(name))
	return job.Record{}
}

// fakeRuns is a tracking server in memory that can be out of reach for a while.
type fakeRuns struct {
	mu     sync.Mutex
	down   int // calls that still fail
	starts []local.RunStart
	ends   map[string]string
	files  map[string]string
	tags   map[string]string
	dir    string // metrics are the numbers in the file of the run's id
}

func (f *fakeRuns) call() error {
	if f.down > 0 {
		f.down--
		return errs.New(errs.Unavailable, "connection refused")
	}
	return nil
}

func (f *fakeRuns) Start(_ context.Context, s local.RunStart) (local.Run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.call(); err != nil {
		return local.Run{}, err
	}
	if !slices.ContainsFunc(f.starts, func(x local.RunStart) bool { return x.Job == s.Job }) {
		f.starts = append(f.starts, s)
	}
	return local.Run{ID: "run-" + s.Job, ExperimentID: "7"}, nil
}

func (f *fakeRuns) End(_ context.Context, id, status string, _ time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.call(); err != nil {
		return err
	}
	if f.ends == nil {
		f.ends = map[string]string{}
	}
	f.ends[id] = status
	return nil
}

func (f *fakeRuns) Upload(_ context.Context, id, name, path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.call(); err != nil {
		return err
	}
	if f.files == nil {
		f.files = map[string]string{}
	}
	text, _ := os.ReadFile(path)
	f.files[id+"/"+name] = string(text)
	return nil
}

func (f *fakeRuns) Metric(_ context.Context, id, key string) ([]local.Point, error) {
	text, err := os.ReadFile(filepath.Join(f.dir, id))
	if err != nil {
		return nil, errs.New(errs.NotFound, "no metric %s", key)
	}
	var out []local.Point
	for i, word := range strings.Fields(string(text)) {
		v, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return nil, err
		}
		out = append(out, local.Point{Step: int64(i), Value: v})
	}
	return out, nil
}

func (f *fakeRuns) Tag(_ context.Context, id string, tags map[string]string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tags == nil {
		f.tags = map[string]string{}
	}
	for k, v := range tags {
		f.tags[id+"/"+k] = v
	}
	return nil
}

func TestJobRunsToCompletion(t *testing.T) {
	b := newBench(t)
	b.runs.down = 2 // the server is a little late
	if err := os.WriteFile(filepath.Join(b.dir, "part.txt"), []byte("from the code folder\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	name := b.submit(`
command: |
  cat part.txt
  echo iteration ${{inputs.iteration}} $[[--skip ${{inputs.absent}}]] of $AZUREML_RUN_ID >&2
  echo $MLFLOW_RUN_ID $MLFLOW_TRACKING_URI $MLFLOW_EXPERIMENT_NAME $WORD
  echo result > ${{outputs.model}}/model.txt
  mkdir outputs; echo kept > outputs/plot.txt
code: .
experiment_name: fleet
environment_variables: {WORD: "iteration-${{inputs.iteration}}"}
inputs:
  iteration: 2
  absent: {type: string, optional: true}
outputs:
  model: {type: uri_folder, path: ./collected}
`)
	b.run()
	r := b.get(name)
	if r.State != job.Completed || r.ExitCode == nil || *r.ExitCode != 0 || r.Attempt != 1 {
		t.Fatalf("record = %+v", r)
	}
	want := "from the code folder\niteration 2 of " + name + "\nrun-" + name + " http://tracking.test fleet iteration-2\n"
	if got := b.log(name); got != want {
		t.Errorf("log = %q, want %q", got, want)
	}
	if got := b.runs.files["run-"+name+"/user_logs/std_log.txt"]; got != want {
		t.Errorf("log artifact = %q", got)
	}
	if _, ok := b.runs.files["run-"+name+"/outputs"]; !ok {
		t.Errorf("the outputs folder was not kept: %v", b.runs.files)
	}
	if got := b.runs.ends["run-"+name]; got != "FINISHED" {
		t.Errorf("run status %q", got)
	}
	text, err := os.ReadFile(filepath.Join(b.dir, "collected", "model.txt"))
	if err != nil || string(text) != "result\n" {
		t.Errorf("output = %q, %v", text, err)
	}
	if s := b.runs.starts[0]; s.Experiment != "fleet" || s.Tags["azureml.job.name"] != name {
		t.Errorf("run = %+v", s)
	}
}

func TestJobFailsWithItsCode(t *testing.T) {
	b := newBench(t)
	name := b.submit("command: echo before; kill -9 $$")
	again := b.submit("command: 'n=$(cat $DRIVECAST_COUNT 2>/dev/null || echo 0); echo $((n+1)) > $DRIVECAST_COUNT; test $n -ge 2'\nretry_settings: {max_retries: 2}")
	b.cfg.Env = []string{"DRIVECAST_COUNT=" + filepath.Join(b.dir, "count")}
	b.run()
	if r := b.get(name); r.State != job.Failed || r.ExitCode == nil || *r.ExitCode != 137 || !strings.Contains(r.Detail, "signal 9") {
		t.Errorf("record = %+v", r)
	}
	if r := b.get(again); r.State != job.Completed || r.Attempt != 3 {
		t.Errorf("after retries: %+v", r)
	}
	if err := local.ExitError(b.get(name)); err == nil {
		t.Error("a failed job is no success")
	}
}

func TestTimeLimitStopsTheJob(t *testing.T) {
	b := newBench(t)
	name := b.submit("command: sleep 60\nlimits: {timeout: 1}")
	start := time.Now()
	b.run()
	if r := b.get(name); r.State != job.Failed || !strings.Contains(r.Detail, "time limit") || time.Since(start) > 10*time.Second {
		t.Errorf("after %s: %+v", time.Since(start), r)
	}
}

func TestCancelReachesGrandchildren(t *testing.T) {
	b := newBench(t)
	beats := filepath.Join(b.dir, "beats")
	name := b.submit(`
command: |
  setsid sh -c 'trap "" TERM; while :; do echo x >> ` + beats + `; sleep 0.02; done' &
  (trap "" TERM; while :; do sleep 1; done)
`)
	done := make(chan struct{})
	go func() { defer close(done); b.run() }()
	b.until(name, func(r job.Record) bool {
		info, err := os.Stat(beats)
		return r.State == job.Running && err == nil && info.Size() > 4
	})
	if _, err := local.Cancel(t.Context(), b.store, b.cfg.WorkDir, name, time.Now()); err != nil {
		t.Fatal(err)
	}
	<-done
	if r := b.get(name); r.State != job.Canceled {
		t.Errorf("record = %+v", r)
	}
	size := func() int64 { info, _ := os.Stat(beats); return info.Size() }
	before := size()
	time.Sleep(200 * time.Millisecond)
	if after := size(); after != before {
		t.Errorf("a grandchild still writes: %d, then %d bytes", before, after)
	}
	if got := b.runs.ends["run-"+name]; got != "KILLED" {
		t.Errorf("run status %q", got)
	}
}

func TestStreamFollowsTheLog(t *testing.T) {
	b := newBench(t)
	name := b.submit("command: for i in 1 2 3; do echo line $i; sleep 0.05; done; exit 4")
	go b.run()
	var out bytes.Buffer
	r, err := local.Stream(t.Context(), b.store, b.cfg.WorkDir, name, &out)
	if err != nil || r.State != job.Failed {
		t.Fatalf("Stream = %+v, %v", r, err)
	}
	if want := "line 1\nline 2\nline 3\ndrivecast: the command ended with exit code 4\n"; out.String() != want {
		t.Errorf("streamed %q, want %q", out.String(), want)
	}
}

func TestJobsThatWantMoreNodesThanThereAreFail(t *testing.T) {
	b := newBench(t)
	name := b.submit("command: echo\nresources: {instance_count: 3}")
	other := b.submit("command: echo here")
	b.run()
	if r := b.get(name); r.State != job.Failed || !strings.Contains(r.Detail, "--max-instances 3") {
		t.Errorf("%s: %s", r.State, r.Detail)
	}
	if r := b.get(other); r.State != job.Completed {
		t.Errorf("the job after it: %s: %s", r.State, r.Detail)
	}
}

func TestClusterScales(t *testing.T) {
	b := newBench(t)
	b.cfg.ExitIdle, b.cfg.Idle = false, 200*time.Millisecond
	c, err := local.NewCluster(b.cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	var names []string
	for range 3 {
		names = append(names, b.submit("command: sleep 0.2"))
	}
	b.until(names[0], func(r job.Record) bool { return r.State == job.Running })
	time.Sleep(50 * time.Millisecond)
	s, err := local.Status(t.Context(), b.cfg.WorkDir, "cpu")
	if err != nil || s.Current != 2 || s.Nodes[0].State != "running" {
		t.Errorf("busy: %+v, %v", s, err)
	}
	other, err := local.NewCluster(b.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Run(ctx); !errs.Is(err, errs.Exists) {
		t.Errorf("a second runner: %v, want kind exists", err)
	}
	for _, n := range names {
		b.until(n, func(r job.Record) bool { return r.State == job.Completed })
	}
	if s := c.Status(); s.Current == 0 || s.Nodes[0].State != "idle" {
		t.Errorf("idle: %+v", s)
	}
	time.Sleep(500 * time.Millisecond)
	if s := c.Status(); s.Current != 0 {
		t.Errorf("after the idle time: %+v", s)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestStoppedRunnerQueuesAgain(t *testing.T) {
	b := newBench(t)
	b.cfg.ExitIdle = false
	name := b.submit("command: test -e " + b.dir + "/go || sleep 60")
	c, err := local.NewCluster(b.cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	b.until(name, func(r job.Record) bool { return r.State == job.Running })
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if r := b.get(name); r.State != job.Queued {
		t.Fatalf("record = %+v", r)
	}
	if err := os.WriteFile(b.dir+"/go", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	b.cfg.ExitIdle = true
	b.run()
	if r := b.get(name); r.State != job.Completed {
		t.Errorf("record = %+v", r)
	}
}
