// Package jobtest holds the in-memory queue and the suite that every queue
// passes.
package jobtest

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// Memory is a queue in memory: the test double of the durable one. It is safe
// for concurrent use.
type Memory struct {
	mu      sync.Mutex
	records map[string]*job.Record
	seq     int64
	assets  []job.Asset // in the order of registration
}

// NewMemory makes an empty queue.
func NewMemory() *Memory { return &Memory{records: map[string]*job.Record{}} }

var _ job.Store = (*Memory)(nil)

// Add is described at job.Store.
func (m *Memory) Add(_ context.Context, r job.Record) (job.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records[r.Name] != nil {
		return job.Record{}, errs.New(errs.Exists, "a job named %s exists", r.Name)
	}
	m.seq++
	r.Seq = m.seq
	m.records[r.Name] = clone(&r)
	return r, nil
}

// Get is described at job.Store.
func (m *Memory) Get(_ context.Context, name string) (job.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.records[name]
	if r == nil {
		return job.Record{}, errs.New(errs.NotFound, "no job is named %s", name)
	}
	return *clone(r), nil
}

// List is described at job.Store.
func (m *Memory) List(_ context.Context, q job.Query) ([]job.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := m.find(q)
	limit := q.Limit
	if limit <= 0 {
		limit = 100
	}
	limit = min(limit, 1000)
	return out[:min(limit, len(out))], nil
}

// Count is described at job.Store.
func (m *Memory) Count(_ context.Context, q job.Query) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.find(q)), nil
}

func (m *Memory) find(q job.Query) []job.Record {
	out := []job.Record{}
	for _, r := range m.records {
		fits := (q.Cluster == "" || q.Cluster == r.Cluster) && (q.Parent == "" || q.Parent == r.Parent) &&
			(!q.Top || r.Parent == "") && (len(q.States) == 0 || slices.Contains(q.States, r.State)) &&
			(q.Before == 0 || r.Seq < q.Before)
		if fits {
			c := clone(r)
			c.Spec = nil
			out = append(out, *c)
		}
	}
	slices.SortFunc(out, func(a, b job.Record) int { return cmp.Compare(b.Seq, a.Seq) })
	return out
}

// Claim is described at job.Store.
func (m *Memory) Claim(_ context.Context, c job.Claim) (job.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var best *job.Record
	for _, r := range m.records {
		lost := !r.State.Terminal() && !r.State.Waiting() && !r.Lease.After(c.Now)
		if r.Cluster != c.Cluster || r.Nodes > c.MaxNodes || !lost && r.State != job.Queued {
			continue
		}
		if best == nil || rank(r) < rank(best) || rank(r) == rank(best) && r.Seq < best.Seq {
			best = r
		}
	}
	if best == nil {
		return job.Record{}, errs.New(errs.NotFound, "nothing to claim")
	}
	best.Fence++
	best.Owner, best.Lease = c.Owner, c.Until
	if best.State == job.Queued {
		best.State = job.Starting
	}
	return *clone(best), nil
}

func rank(r *job.Record) int {
	if r.State == job.Queued {
		return 1
	}
	return 0
}

// Renew is described at job.Store.
func (m *Memory) Renew(_ context.Context, owner string, names []string, until time.Time) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for _, name := range names {
		r := m.records[name]
		if r != nil && r.Owner == owner && !r.State.Terminal() && !r.State.Waiting() {
			r.Lease = until
			if r.State == job.CancelRequested {
				out = append(out, r.Name)
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// Expire is described at job.Store.
func (m *Memory) Expire(_ context.Context, cluster string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.records {
		if r.Cluster == cluster {
			r.Lease = time.Time{}
		}
	}
	return nil
}

// Update is described at job.Store.
func (m *Memory) Update(_ context.Context, name string, fence int64, change func(*job.Record) error) (job.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.records[name]
	switch {
	case r == nil:
		return job.Record{}, errs.New(errs.NotFound, "no job is named %s", name)
	case r.State.Terminal():
		return job.Record{}, errs.New(errs.State, "job %s has ended: %s", name, r.State)
	case r.Fence != fence:
		return job.Record{}, errs.New(errs.State, "job %s was claimed by another runner", name)
	}
	next := clone(r)
	if err := change(next); err != nil {
		return job.Record{}, err
	}
	next.Name, next.Seq, next.Spec, next.Owner, next.Fence, next.Created = r.Name, r.Seq, r.Spec, r.Owner, r.Fence, r.Created
	m.records[name] = clone(next)
	return *next, nil
}

// Cancel is described at job.Store.
func (m *Memory) Cancel(_ context.Context, name string, now time.Time) (job.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.records[name]
	switch {
	case r == nil:
		return job.Record{}, errs.New(errs.NotFound, "no job is named %s", name)
	case r.State.Terminal():
		return job.Record{}, errs.New(errs.State, "job %s has ended: %s", name, r.State)
	case r.State.Waiting():
		r.State, r.Outcome, r.Ended = job.Canceled, job.Canceled, now
	default:
		r.State = job.CancelRequested
	}
	return *clone(r), nil
}

func clone(r *job.Record) *job.Record {
	c := *r
	c.Spec, c.Notes = slices.Clone(r.Spec), slices.Clone(r.Notes)
	c.Processes = slices.Clone(r.Processes)
	if r.ExitCode != nil {
		code := *r.ExitCode
		c.ExitCode = &code
	}
	return &c
}
