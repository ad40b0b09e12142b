package local

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// watchOver runs a job that only has children: it needs no node. Everything it
// knows is in the queue, so that it can be taken up again at any moment.
func (w *worker) watchOver(ctx context.Context, advance func(context.Context) (result, error)) error {
	if err := os.MkdirAll(filepath.Dir(LogPath(w.c.cfg.WorkDir, w.rec.Name, 0)), 0o755); err != nil {
		return errs.Wrap(err, "make the job's folder")
	}
	if w.rec.State == job.Starting && w.rec.RunID == "" {
		run, err := w.openRun(ctx)
		if err != nil {
			return err
		}
		err = w.to(ctx, job.Running, func(r *job.Record) {
			r.RunID, r.Attempt, r.Started = run.ID, r.Attempt+1, w.c.cfg.Now().UTC().Truncate(time.Millisecond)
		})
		if err != nil {
			return err
		}
	} else if err := w.to(ctx, job.Running, nil); err != nil {
		return err
	}
	res, err := advance(ctx)
	canceled := errors.Is(context.Cause(ctx), errCancelRequested)
	switch {
	case w.c.run.Err() != nil && !canceled:
		w.requeue("the runner stopped")
		return nil
	case canceled:
		res, err = result{outcome: job.Canceled, detail: "canceled"}, nil
	case err != nil:
		res = result{outcome: job.Failed, detail: err.Error()}
	}
	if left := w.cancelChildren(); left != nil {
		w.requeue("the runner stopped")
		return nil
	}
	return w.finish(ctx, res)
}

// children lists the job's children, oldest first.
func (w *worker) children(ctx context.Context) ([]job.Record, error) {
	var out []job.Record
	q := job.Query{Parent: w.rec.Name, Limit: 1000}
	for {
		page, err := w.c.cfg.Store.List(ctx, q)
		if err != nil {
			return nil, errs.Wrap(err, "list the children of job %s", w.rec.Name)
		}
		out = append(out, page...)
		if len(page) < q.Limit {
			break
		}
		q.Before = page[len(page)-1].Seq
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out, nil
}

// addChild queues a child under a name of its own. A child that is there
// already was queued by an earlier runner.
func (w *worker) addChild(ctx context.Context, name string, j *job.Job, notes []byte) error {
	child := *j
	child.Name, child.Experiment = name, w.rec.Experiment
	_, err := job.Submit(ctx, w.c.cfg.Store, job.Submission{
		Job: &child, Cluster: w.rec.Cluster, Parent: w.rec.Name, Notes: notes, Now: w.c.cfg.Now(), Random: rand.Reader,
	})
	if errs.Is(err, errs.Exists) {
		return nil
	}
	poke(w.c.wake)
	return err
}

// wait returns when a job has ended, after at most d, or when ctx ends.
func (w *worker) wait(ctx context.Context, d time.Duration, ended <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-ended:
	case <-t.C:
	}
}

// endings is a channel that closes when a job next ends. It is asked for before
// looking at the queue, so that no end is missed.
func (c *Cluster) endings() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// cancelChildren cancels what still runs and waits for it. It returns an error
// when the runner stops before.
func (w *worker) cancelChildren() error {
	for {
		ended := w.c.endings()
		list, err := w.children(w.c.run)
		if err != nil {
			return err
		}
		open := 0
		for _, child := range list {
			if child.State.Terminal() {
				continue
			}
			open++
			if child.State != job.CancelRequested {
				if err := w.cancelChild(w.c.run, child.Name); err != nil {
					return err
				}
			}
		}
		if open == 0 {
			return nil
		}
		w.wait(w.c.run, time.Second, ended)
		if err := w.c.run.Err(); err != nil {
			return err
		}
	}
}

func (w *worker) cancelChild(ctx context.Context, name string) error {
	_, err := w.c.cfg.Store.Cancel(ctx, name, w.c.cfg.Now().UTC().Truncate(time.Millisecond))
	poke(w.c.beat)
	if errs.Is(err, errs.State) { // it ended in the meantime
		return nil
	}
	return err
}

// tag sets tags of a tracking run; a fault is only worth a line in the log.
func (w *worker) tag(ctx context.Context, runID string, tags map[string]string) {
	if w.c.cfg.Runs == nil || runID == "" {
		return
	}
	err := w.c.tracked(ctx, "tag the run of job "+w.rec.Name, func(ctx context.Context) error { return w.c.cfg.Runs.Tag(ctx, runID, tags) })
	if err != nil {
		w.c.cfg.Logger.Warn("a tracking run was not tagged", "job", w.rec.Name, "error", err)
	}
}
