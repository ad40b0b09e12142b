package local

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// errCancelRequested is why the context of a canceled job ends.
var errCancelRequested = errors.New("cancellation was requested")

// Run takes the cluster's lock and runs its jobs until ctx ends; with ExitIdle,
// until nothing is left. When another runner holds the lock the error is of
// kind Exists. Jobs that are running when ctx ends are stopped and queued again.
func (c *Cluster) Run(ctx context.Context) error {
	b, err := light(c.cfg.WorkDir, c.cfg.Name)
	if err != nil {
		return err
	}
	defer b.douse()
	if err := c.cfg.Store.Expire(ctx, c.cfg.Name); err != nil {
		return errs.Wrap(err, "take over cluster %s", c.cfg.Name)
	}
	c.run = ctx
	go b.serve(c.answer)
	c.scaleTo(c.cfg.Min)
	beats, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	go c.heartbeat(beats)
	defer c.done.Wait() // before the heartbeat stops: leases hold until all is written down
	return c.loop(ctx, b)
}

// giveUp is how long a queue may refuse to be written before the runner ends:
// its disk is full or read-only, and waiting mends neither.
const giveUp = 15 * time.Second

func (c *Cluster) loop(ctx context.Context, b *beacon) error {
	var refused time.Time // since when; zero while all is well
	for {
		if err := c.claimAll(ctx); err == nil {
			refused = time.Time{}
		} else if now := time.Now(); refused.IsZero() {
			refused = now
			c.cfg.Logger.Warn("cannot claim a job, trying again", "error", err)
		} else if now.Sub(refused) > giveUp {
			return errs.Wrap(err, "the queue has not been writable for %s; free or mount its disk", giveUp)
		}
		wait := min(c.cfg.Poll, c.scaleDown())
		if c.cfg.ExitIdle && c.empty() {
			if left, err := c.leave(ctx, b); err != nil || !left {
				return err
			}
		}
		timer := time.NewTimer(max(wait, time.Millisecond))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-c.wake:
		case <-c.freed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// leave stops listening and looks at the queue a last time. It reports whether
// work came in after all.
func (c *Cluster) leave(ctx context.Context, b *beacon) (more bool, err error) {
	b.ln.Close()
	open := []job.State{job.Queued, job.Starting, job.Preparing, job.Running, job.Finalizing, job.CancelRequested}
	n, err := c.cfg.Store.Count(ctx, job.Query{Cluster: c.cfg.Name, States: open})
	if err != nil {
		c.cfg.Logger.Warn("cannot look at the queue", "error", err)
		n = 1
	}
	if n == 0 {
		return false, nil
	}
	if err := b.listen(); err != nil {
		return false, err
	}
	go b.serve(c.answer)
	return true, nil
}

// claimAll takes jobs as long as there are nodes for them.
func (c *Cluster) claimAll(ctx context.Context) error {
	for ctx.Err() == nil {
		now := c.cfg.Now()
		r, err := c.cfg.Store.Claim(ctx, job.Claim{
			Cluster: c.cfg.Name, Owner: c.owner, Now: now, Until: now.Add(c.cfg.Lease), MaxNodes: c.claimable(),
		})
		if errs.Is(err, errs.NotFound) || ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		c.hand(ctx, r)
	}
	return nil
}

// hand gives a claimed job its nodes and starts to work on it.
func (c *Cluster) hand(ctx context.Context, r job.Record) {
	ctx, cancel := context.WithCancelCause(ctx)
	c.mu.Lock()
	c.work[r.Name] = cancel
	c.mu.Unlock()
	if r.Nodes <= c.cfg.Max { // one that wants more ends with the reason
		c.take(r.Name, r.Nodes)
	}
	if r.State == job.CancelRequested {
		cancel(errCancelRequested)
	}
	c.done.Add(1)
	go func() {
		defer c.done.Done()
		defer cancel(nil)
		c.runJob(ctx, r)
		c.mu.Lock()
		delete(c.work, r.Name)
		close(c.ended)
		c.ended = make(chan struct{})
		c.mu.Unlock()
		c.release(r.Name)
		poke(c.freed)
	}()
}

// heartbeat renews the leases and carries cancellations to the jobs in hand.
func (c *Cluster) heartbeat(ctx context.Context) {
	tick := time.NewTicker(c.cfg.Lease / 6)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.beat:
		case <-tick.C:
		}
		names := c.inHand()
		if len(names) == 0 {
			continue
		}
		canceled, err := c.cfg.Store.Renew(ctx, c.owner, names, c.cfg.Now().Add(c.cfg.Lease))
		if err != nil {
			if ctx.Err() == nil {
				c.cfg.Logger.Warn("cannot renew leases, trying again", "error", err)
			}
			continue
		}
		c.mu.Lock()
		for _, n := range canceled {
			if cancel := c.work[n]; cancel != nil {
				cancel(errCancelRequested)
			}
		}
		c.mu.Unlock()
	}
}

func (c *Cluster) inHand() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.work))
}

// answer serves the beacon.
func (c *Cluster) answer(verb string) string {
	switch verb {
	case "wake":
		poke(c.wake)
		return "ok"
	case "cancel":
		poke(c.beat)
		poke(c.wake)
		return "ok"
	case "status":
		text, err := json.Marshal(c.Status())
		if err == nil {
			return string(text)
		}
	}
	return "what?"
}

// Wake makes the cluster look at the queue now.
func (c *Cluster) Wake() { poke(c.wake) }

func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
