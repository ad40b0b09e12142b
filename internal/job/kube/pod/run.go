package pod

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// work is one attempt at one index.
type work struct {
	*Node
	spec  *Spec
	task  *job.Job // the command to run: of a sweep, the trial
	index int
	name  string // of the job, or of the trial
	run   string // tracking run that it logs to
}

// Run runs the command of the pod's index and keeps what it made. The code is the
// command's, or one of the node's own with an error that says why. Ending ctx ends
// the command.
func (n *Node) Run(ctx context.Context) (code int, err error) {
	text, err := os.ReadFile(n.path("spec.json"))
	if err != nil {
		return ExitHopeless, errs.Wrap(err, "read the job's spec")
	}
	s, err := decodeSpec(text)
	if err != nil {
		return ExitHopeless, err
	}
	w := &work{Node: n, spec: s, task: s.Task, index: n.number(EnvIndex), name: s.Job, run: n.getenv("MLFLOW_RUN_ID")}
	done, err := w.begin(ctx)
	if err != nil {
		return ExitCode(err), err
	}
	if done {
		w.say("index %d is done already: an earlier pod kept all it made", w.index)
		return 0, w.close(ctx, 0)
	}
	if code, err = w.attempt(ctx); err != nil {
		return ExitCode(err), err
	}
	return code, nil
}

// begin finds out whether the index is done, and marks its run as running.
func (w *work) begin(ctx context.Context) (done bool, err error) {
	if w.spec.Task.Sweep != nil {
		return w.draw(ctx)
	}
	if w.spec.Layout.Several() {
		return w.marked(ctx)
	}
	return false, w.Client.UpdateRun(ctx, w.run, "RUNNING", time.Time{})
}

// attempt runs the processes of the index and keeps outputs and logs.
func (w *work) attempt(ctx context.Context) (int, error) {
	plan, err := w.plan()
	if err != nil {
		return 0, err
	}
	within, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if limit := w.task.Limits.Timeout; limit > 0 {
		timer := time.AfterFunc(limit, func() { stop(errTimeout) })
		defer timer.Stop()
	}
	if w.spec.Task.Sweep != nil {
		go w.watchSiblings(within, stop)
	}
	code, err := w.execute(within, plan)
	if err != nil {
		return 0, err
	}
	cause := context.Cause(within)
	switch {
	case errors.Is(cause, errStoppedEarly):
		w.say("stopped early by %s", w.spec.Task.Sweep.Stop.Kind)
		code = 0
	case errors.Is(cause, errTimeout):
		w.say("stopped after the time limit of %s", w.task.Limits.Timeout)
	case code != 0:
		w.say("the command ended with exit code %d", code)
	}
	keep, end := context.WithTimeout(context.WithoutCancel(ctx), w.patience(ctx))
	defer end()
	return code, w.settle(keep, code, errors.Is(cause, errStoppedEarly), ctx.Err() != nil)
}

var (
	errTimeout      = errors.New("time limit")
	errStoppedEarly = errors.New("early termination")
)

// patience is how long the results may take on their way: little once the cluster
// wants the pod gone.
func (w *work) patience(ctx context.Context) time.Duration {
	if ctx.Err() != nil {
		return 15 * time.Second
	}
	return 24 * time.Hour
}

// settle keeps what an attempt made and says on the tracking server how it ended.
// An attempt that the cluster interrupted only leaves its log: another will follow,
// or who canceled the job has said so.
func (w *work) settle(ctx context.Context, code int, early, interrupted bool) error {
	if code == 0 && !early && !interrupted {
		if err := w.keepOutputs(ctx); err != nil {
			return err
		}
	}
	if err := w.keepLogs(ctx); err != nil {
		if code == 0 {
			return err
		}
		w.say("the log was not kept: %v", err)
	}
	if interrupted {
		return nil
	}
	if early {
		return w.closeTrial(ctx, "KILLED")
	}
	return w.close(ctx, code)
}

// close ends the tracking run when this index is what it waited for.
func (w *work) close(ctx context.Context, code int) error {
	status := "FINISHED"
	if code != 0 {
		status = "FAILED"
		if err := w.Client.SetTag(ctx, w.run, "drivecast.exit_code", fmt.Sprint(code)); err != nil {
			return err
		}
	}
	if w.spec.Task.Sweep != nil {
		return w.closeTrial(ctx, status)
	}
	if w.spec.Layout.Several() {
		final := code != 0 && w.number(EnvFailures) >= w.spec.Layout.Retries
		if all, err := w.allMarked(ctx); err != nil || !all && !final {
			return err
		}
	}
	return w.Client.UpdateRun(ctx, w.run, status, w.Now())
}

// say writes a line of ours to the container's log.
func (w *work) say(format string, args ...any) {
	text := strings.TrimRight(fmt.Sprintf(format, args...), "\n")
	fmt.Fprintf(w.Stdout, "drivecast: %s\n", text)
}
