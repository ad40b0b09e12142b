package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// worker brings one claimed job forward.
type worker struct {
	c   *Cluster
	rec job.Record
	job *job.Job
}

// result is how the processes of an attempt ended.
type result struct {
	outcome job.State
	code    *int
	detail  string
	lost    bool // the node went away under the command
	again   bool // the runner stops: queue the job once more
}

// runJob works on a claimed job until it is over, queued again, or another
// runner has taken it.
func (c *Cluster) runJob(ctx context.Context, r job.Record) {
	w := &worker{c: c, rec: r}
	log := c.cfg.Logger.With("job", r.Name)
	j, err := r.Job()
	w.job = j
	if err == nil {
		err = w.advance(ctx)
	}
	switch {
	case err == nil:
		log.Info("job "+string(w.rec.State), "detail", w.rec.Detail)
	case errs.Is(err, errs.State):
		log.Warn("job was taken over by another runner", "error", err)
	case ctx.Err() != nil && !errors.Is(context.Cause(ctx), errCancelRequested):
		w.requeue("the runner stopped")
	default:
		log.Error("job failed", "error", err)
		w.finish(ctx, result{outcome: w.unlessCanceled(ctx, job.Failed), detail: err.Error()})
	}
}

func (w *worker) unlessCanceled(ctx context.Context, s job.State) job.State {
	if errors.Is(context.Cause(ctx), errCancelRequested) {
		return job.Canceled
	}
	return s
}

// advance goes on from where the record says the job is.
func (w *worker) advance(ctx context.Context) error {
	if w.rec.Outcome != "" { // the processes have ended; an earlier runner did not get to the end
		return w.conclude(ctx)
	}
	switch w.job.Kind {
	case job.KindCommand:
	case job.KindSweep:
		return w.watchOver(ctx, w.sweep)
	case job.KindPipeline:
		return w.watchOver(ctx, w.pipeline)
	default:
		return errs.New(errs.Unsupported, "a %s cannot run on this machine", w.job.Kind)
	}
	if w.rec.Nodes > w.c.cfg.Max {
		return errs.New(errs.Invalid, "the job wants %d nodes, cluster %s has at most %d; set it with `drivecast compute create -n %s --max-instances %d`", w.rec.Nodes, w.c.cfg.Name, w.c.cfg.Max, w.c.cfg.Name, w.rec.Nodes)
	}
	if len(w.rec.Processes) > 0 {
		return w.settle(ctx, w.watch(ctx, w.adoptAll()))
	}
	if errors.Is(context.Cause(ctx), errCancelRequested) {
		return w.finish(ctx, result{outcome: job.Canceled, detail: "canceled before it started"})
	}
	plan, err := w.prepare(ctx)
	if err != nil {
		return err
	}
	running, err := w.launchAll(ctx, plan)
	if err != nil {
		return err
	}
	return w.settle(ctx, w.watch(ctx, running))
}

// to updates the record and keeps the new one. A request to cancel stays
// visible: only an end replaces it.
func (w *worker) to(ctx context.Context, s job.State, change func(*job.Record)) error {
	for try := 0; ; try++ {
		r, err := w.c.cfg.Store.Update(ctx, w.rec.Name, w.rec.Fence, func(r *job.Record) error {
			if change != nil {
				change(r)
			}
			if r.State != job.CancelRequested || s.Terminal() {
				r.State = s
			}
			return nil
		})
		if err == nil {
			w.rec = r
			return nil
		}
		if errs.Is(err, errs.State) || errs.Is(err, errs.NotFound) || ctx.Err() != nil || try == 6 {
			return errs.Wrap(err, "set job %s to %s", w.rec.Name, s)
		}
		w.c.cfg.Logger.Warn("the queue refused a change, trying again", "job", w.rec.Name, "error", err)
		time.Sleep(10 * time.Millisecond << try)
	}
}

// settle decides what follows from the end of an attempt.
func (w *worker) settle(ctx context.Context, res result) error {
	switch {
	case res.again:
		w.requeue("the runner stopped")
		return nil
	case res.lost && w.rec.Lost+1 < w.c.cfg.MaxLost:
		return w.restart(ctx, "the node was lost", true)
	case res.lost:
		res.outcome, res.detail = job.Failed, fmt.Sprintf("the node was lost %d times", w.rec.Lost+1)
	case res.outcome == job.Failed && w.rec.Failures < w.job.Limits.Retries:
		return w.restart(ctx, res.detail+"; trying again", false)
	}
	return w.finish(ctx, res)
}

func (w *worker) restart(ctx context.Context, why string, lost bool) error {
	w.note(why)
	return w.to(context.WithoutCancel(ctx), job.Queued, func(r *job.Record) {
		r.Processes, r.Detail = nil, why
		if lost {
			r.Lost++
		} else {
			r.Failures++
		}
	})
}

// requeue gives the job back; it is done when everything else stops, so it does
// not take a context.
func (w *worker) requeue(why string) {
	w.note(why + "; the job is queued again")
	err := w.to(context.Background(), job.Queued, func(r *job.Record) {
		r.Processes, r.Detail = nil, why
	})
	if err != nil {
		w.c.cfg.Logger.Warn("cannot queue the job again; its lease will end", "job", w.rec.Name, "error", err)
	}
}

// finish writes the outcome down and concludes.
func (w *worker) finish(ctx context.Context, res result) error {
	if res.detail != "" {
		w.note(res.detail)
	}
	if w.c.cfg.Runs == nil && len(w.job.Outputs) == 0 { // nothing to keep: end at once
		end := w.c.cfg.Now().UTC().Truncate(time.Millisecond)
		return w.to(context.WithoutCancel(ctx), res.outcome, func(r *job.Record) {
			r.Outcome, r.ExitCode, r.Detail, r.Ended = res.outcome, res.code, res.detail, end
		})
	}
	err := w.to(context.WithoutCancel(ctx), job.Finalizing, func(r *job.Record) {
		r.Outcome, r.ExitCode, r.Detail = res.outcome, res.code, res.detail
	})
	if err != nil {
		return err
	}
	return w.conclude(ctx)
}

// conclude keeps outputs and log and sets the final state. It can be repeated.
func (w *worker) conclude(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	outcome, detail := w.rec.Outcome, w.rec.Detail
	if outcome == job.Completed {
		if err := w.collect(); err != nil {
			outcome, detail = job.Failed, err.Error()
			w.note(detail)
		}
	}
	end := w.c.cfg.Now().UTC().Truncate(time.Millisecond)
	if err := w.closeRun(ctx, outcome, end); err != nil {
		w.c.cfg.Logger.Warn("the tracking run could not be closed", "job", w.rec.Name, "error", err)
		detail = joinDetail(detail, err.Error())
	}
	return w.to(ctx, outcome, func(r *job.Record) { r.Outcome, r.Detail, r.Ended = outcome, detail, end })
}

func joinDetail(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// note appends a line of ours to the job's log.
func (w *worker) note(text string) {
	path := LogPath(w.c.cfg.WorkDir, w.rec.Name, 0)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return // the job never got a folder; the detail of the record says it
	}
	defer f.Close()
	fmt.Fprintf(f, "drivecast: %s\n", text)
}
