package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// launchAll starts the processes of a plan behind their gates, writes them
// down, and opens the gates.
func (w *worker) launchAll(ctx context.Context, plan []launch) (list []*started, err error) {
	defer func() {
		if err != nil {
			for _, s := range list {
				s.gate.Close() // closed unopened: the command never starts
			}
		}
	}()
	for _, l := range plan {
		s, err := start(l)
		if err != nil {
			return list, err
		}
		list = append(list, s)
	}
	now := w.c.cfg.Now().UTC().Truncate(time.Millisecond)
	err = w.to(ctx, job.Running, func(r *job.Record) {
		r.Attempt++
		r.Processes, r.Detail = nil, ""
		for _, s := range list {
			r.Processes = append(r.Processes, s.Process)
		}
		if r.Started.IsZero() {
			r.Started = now
		}
	})
	if err != nil {
		return list, err
	}
	for _, s := range list {
		if err := s.open(); err != nil {
			w.c.cfg.Logger.Warn("a process ended before its command started", "job", w.rec.Name, "error", err)
		}
	}
	return list, nil
}

func (w *worker) adoptAll() []*started {
	var out []*started
	for i, p := range w.rec.Processes {
		out = append(out, adopt(p, w.exit(i)))
	}
	return out
}

func (w *worker) exit(i int) string {
	return exitPath(w.c.cfg.WorkDir, w.rec.Name, w.rec.Attempt, i)
}

// mark names an attempt to the processes in it.
func mark(name string, attempt int) string { return fmt.Sprintf("%s-%d", name, attempt) }

// watch waits for the processes of the attempt, within the limits of time and
// patience.
func (w *worker) watch(ctx context.Context, list []*started) result {
	var timeout <-chan time.Time
	if limit := w.job.Limits.Timeout; limit > 0 {
		t := time.NewTimer(time.Until(w.rec.Started.Add(limit)))
		defer t.Stop()
		timeout = t.C
	}
	ended := make(chan int, len(list))
	for i, s := range list {
		go func() { <-s.done; ended <- i }()
	}
	for n := 0; n < len(list); n++ {
		select {
		case i := <-ended:
			if code, ok := exitCode(w.exit(i)); !ok || code != 0 {
				w.killAll(list)
				return w.verdict(i)
			}
		case <-timeout:
			w.killAll(list)
			return result{outcome: job.Failed, detail: fmt.Sprintf("stopped after its time limit of %s", w.job.Limits.Timeout)}
		case <-ctx.Done():
			return w.interrupted(ctx, list)
		}
	}
	for _, s := range list {
		s.sweepUp()
	}
	return w.verdict(0)
}

// interrupted stops the processes because the job was canceled, or because the
// runner stops.
func (w *worker) interrupted(ctx context.Context, list []*started) result {
	w.killAll(list)
	if errors.Is(context.Cause(ctx), errCancelRequested) {
		return result{outcome: job.Canceled, detail: "canceled"}
	}
	return result{again: true}
}

func (w *worker) killAll(list []*started) {
	done := make(chan struct{})
	for _, s := range list {
		go func() {
			s.kill(mark(w.rec.Name, w.rec.Attempt), w.c.cfg.Grace)
			s.sweepUp()
			done <- struct{}{}
		}()
	}
	for range list {
		<-done
	}
}

// verdict judges an attempt by the exit code of process i.
func (w *worker) verdict(i int) result {
	code, ok := exitCode(w.exit(i))
	switch {
	case !ok:
		return result{lost: true}
	case code == 0:
		return result{outcome: job.Completed, code: &code}
	}
	detail := fmt.Sprintf("the command ended with exit code %d", code)
	if len(w.rec.Processes) > 1 {
		detail = fmt.Sprintf("the command of process %d ended with exit code %d", i, code)
	}
	if code > 128 && code < 160 {
		detail += fmt.Sprintf(" (signal %d)", code-128)
	}
	return result{outcome: job.Failed, code: &code, detail: detail}
}

// openRun makes the job's tracking run unless it has one.
func (w *worker) openRun(ctx context.Context) (Run, error) {
	if w.c.cfg.Runs == nil {
		return Run{}, nil
	}
	var parentRun string
	if w.rec.Parent != "" {
		p, err := w.c.cfg.Store.Get(ctx, w.rec.Parent)
		if err != nil && !errs.Is(err, errs.NotFound) {
			return Run{}, err
		}
		parentRun = p.RunID
	}
	name := w.rec.Display
	if name == "" {
		name = w.rec.Name
	}
	var run Run
	again := w.rec.Fence > 1
	err := w.c.tracked(ctx, "make the tracking run of job "+w.rec.Name, func(ctx context.Context) (err error) {
		run, err = w.c.cfg.Runs.Start(ctx, RunStart{
			Job: w.rec.Name, Experiment: w.rec.Experiment, Name: name, Parent: parentRun,
			Tags: runTags(w.job, w.rec, parentRun), At: w.c.cfg.Now(), Again: again,
		})
		again = true // a server that went away may have made it
		return err
	})
	return run, err
}

// closeRun keeps logs and the outputs folder as artifacts and ends the run.
func (w *worker) closeRun(ctx context.Context, outcome job.State, at time.Time) error {
	if w.c.cfg.Runs == nil || w.rec.RunID == "" {
		return nil
	}
	for name, path := range w.artifacts() {
		err := w.c.tracked(ctx, "keep "+name+" of job "+w.rec.Name, func(ctx context.Context) error {
			return w.c.cfg.Runs.Upload(ctx, w.rec.RunID, name, path)
		})
		if err != nil {
			w.c.cfg.Logger.Warn("an artifact was not kept", "job", w.rec.Name, "error", err)
		}
	}
	return w.c.tracked(ctx, "end the tracking run of job "+w.rec.Name, func(ctx context.Context) error {
		return w.c.cfg.Runs.End(ctx, w.rec.RunID, runStatus(outcome), at)
	})
}
