package local

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// CreateOptions are those of `job create`.
type CreateOptions struct {
	Store   job.Store
	Catalog job.Catalog // registered components; nil for none
	WorkDir string
	File    string
	Set     []string  // overrides, path=value
	Name    string    // "" is the file's, or one that is drawn
	Cluster string    // "" is the file's compute, or else job.DefaultCluster
	Now     time.Time // time of creation
	// Runner starts a runner for a cluster that has none and returns at once.
	Runner func(cluster string) error
}

// Create reads, checks and queues a job with its code as it is now, and sees to
// it that a runner lives. The job has been queued when it returns without an
// error; the problems are warnings about the file.
func Create(ctx context.Context, o CreateOptions) (job.Record, []job.Problem, error) {
	j, err := job.LoadWith(o.File, finder(ctx, o.Catalog), o.Set...)
	if err != nil {
		return job.Record{}, nil, err
	}
	if o.Name != "" {
		j.Name = o.Name
	}
	if err := KeepCode(o.WorkDir, j); err != nil {
		return job.Record{}, nil, err
	}
	r, err := job.Submit(ctx, o.Store, job.Submission{Job: j, Cluster: o.Cluster, Now: o.Now, Random: rand.Reader})
	if err != nil {
		return job.Record{}, nil, err
	}
	if err := EnsureRunner(ctx, o.WorkDir, r.Cluster, o.Runner); err != nil {
		return r, j.Warnings, errs.Wrap(err, "job %s is queued, but has no runner", r.Name)
	}
	return r, j.Warnings, nil
}

// KeepCode replaces the code folder of a job, and of its steps, by snapshots: the
// job runs with its code as it is now.
func KeepCode(workDir string, j *job.Job) error {
	if j.Pipeline != nil {
		for _, name := range j.Pipeline.Order {
			if err := KeepCode(workDir, j.Pipeline.Steps[name].Job); err != nil {
				return errs.Wrap(err, "jobs.%s", name)
			}
		}
	}
	if j.Command == nil || j.Command.Code == "" || job.IsRemote(j.Command.Code) || strings.HasPrefix(j.Command.Code, snapshotScheme) {
		return nil
	}
	name, err := Snapshot(workDir, j.Command.Code)
	if err != nil {
		return errs.Wrap(err, "field code")
	}
	j.Command.Code = name
	return nil
}

// EnsureRunner wakes the runner of a cluster, or starts one.
func EnsureRunner(ctx context.Context, workDir, cluster string, start func(cluster string) error) error {
	if Wake(ctx, workDir, cluster) == nil {
		return nil
	}
	if start == nil {
		return errs.New(errs.Unavailable, "cluster %s has no runner in %s; start `drivecast compute run`", cluster, workDir)
	}
	return start(cluster)
}

// StartDetached runs this program with args so that it outlives this process
// and its terminal. What it prints goes to the log file.
func StartDetached(log string, args []string) error {
	program, err := os.Executable()
	if err != nil {
		return errs.Wrap(err, "find this program")
	}
	if err := os.MkdirAll(filepath.Dir(log), 0o755); err != nil {
		return errs.Wrap(err, "make the runner's log")
	}
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return errs.Wrap(err, "open the runner's log")
	}
	defer out.Close()
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = out, out
	detached(cmd)
	if err := cmd.Start(); err != nil {
		return errs.Wrap(err, "start a runner")
	}
	return errs.Wrap(cmd.Process.Release(), "let the runner go")
}

// RunnerLog is where a runner that was started in the background writes.
func RunnerLog(workDir, cluster string) string {
	return filepath.Join(workDir, "compute", cluster+".log")
}

// Cancel asks for the end of a job and tells the runner. Children of a sweep or
// pipeline are canceled by their parent.
func Cancel(ctx context.Context, s job.Store, workDir, name string, now time.Time) (job.Record, error) {
	r, err := s.Cancel(ctx, name, now.UTC().Truncate(time.Millisecond))
	if err != nil {
		return r, err
	}
	_, err = ask(ctx, workDir, r.Cluster, "cancel")
	if err != nil && !errs.Is(err, errs.Unavailable) {
		return r, err
	}
	return r, nil
}

// Download copies the outputs of a job that has ended (only the named one, if
// output is not ""), its logs and its artifact folder into dir, as named-outputs/NAME and
// artifacts/….
func Download(ctx context.Context, s job.Store, workDir, name, output, dir string) error {
	r, err := s.Get(ctx, name)
	if err != nil {
		return err
	}
	if !r.State.Terminal() {
		return errs.New(errs.State, "job %s is %s; wait for its end, or cancel it", name, r.State)
	}
	base := JobDir(workDir, name)
	type part struct{ from, to string }
	parts := []part{{OutputDir(workDir, name), "named-outputs"}, {filepath.Join(base, "user_logs"), "artifacts/user_logs"}, {filepath.Join(base, "code", "outputs"), "artifacts/outputs"}}
	if output != "" {
		parts = []part{{filepath.Join(OutputDir(workDir, name), output), "named-outputs/" + output}}
		if _, err := os.Stat(parts[0].from); err != nil {
			return errs.New(errs.NotFound, "job %s has no output %s", name, output)
		}
	}
	for _, p := range parts {
		err := copyTree(filepath.Join(dir, filepath.FromSlash(p.to)), p.from, 0o644)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return errs.Wrap(err, "download job %s", name)
		}
	}
	return nil
}

// ExitError is the error that a followed job's end means for the command that
// followed it: nil for Completed.
func ExitError(r job.Record) error {
	switch r.State {
	case job.Completed:
		return nil
	case job.Canceled:
		return errs.New(errs.Canceled, "job %s was canceled", r.Name)
	}
	detail := r.Detail
	if detail == "" {
		detail = "see its log"
	}
	return errs.New(errs.Internal, "job %s: %s: %s", r.Name, r.State, detail)
}

// PrintWarnings writes a file's warnings, one a line.
func PrintWarnings(w io.Writer, file string, list []job.Problem) {
	for _, p := range list {
		_, _ = io.WriteString(w, "warning: "+file+": "+p.String()+"\n") // a closed stderr is no reason to stop
	}
}
