package job

import (
	"context"
	"encoding/json"
	"time"
)

// Record is a submitted job in the queue. Times are UTC to the millisecond; the
// zero time is "not yet".
type Record struct {
	Name       string          `json:"name"`
	Seq        int64           `json:"-"` // order of submission, given by the store
	Parent     string          `json:"parent,omitempty"`
	Kind       Kind            `json:"kind"`
	Cluster    string          `json:"compute"`
	Nodes      int             `json:"nodes"` // nodes it holds while in progress; 0 for a job that watches over children
	Display    string          `json:"display_name,omitempty"`
	Experiment string          `json:"experiment_name"`
	Spec       json.RawMessage `json:"spec,omitempty"` // the Job
	State      State           `json:"status"`
	Outcome    State           `json:"outcome,omitempty"`  // the end it is going to, once known
	Detail     string          `json:"detail,omitempty"`   // why it is in this state, for people
	RunID      string          `json:"run_id,omitempty"`   // its tracking run
	Attempt    int             `json:"attempt"`            // processes started for it so far
	Lost       int             `json:"lost,omitempty"`     // attempts whose node was lost
	Failures   int             `json:"failures,omitempty"` // attempts that failed and were tried again
	ExitCode   *int            `json:"exit_code,omitempty"`
	Processes  []Process       `json:"processes,omitempty"` // of the current attempt, one per node
	Best       string          `json:"best,omitempty"`      // best child of a sweep
	Notes      json.RawMessage `json:"notes,omitempty"`     // what a watcher keeps across restarts
	Owner      string          `json:"-"`                   // runner that holds the lease
	Fence      int64           `json:"-"`                   // grows with each claim
	Lease      time.Time       `json:"-"`                   // end of the lease
	Created    time.Time       `json:"created"`
	Started    time.Time       `json:"started,omitzero"`
	Ended      time.Time       `json:"ended,omitzero"`
}

// Process is a started process, told apart from a later one with the same id by
// the time the system started it.
type Process struct {
	PID     int    `json:"pid"`
	Started string `json:"started"` // system-dependent, compared only for equality
}

// Job returns the typed job of the record.
func (r Record) Job() (*Job, error) {
	var j Job
	err := json.Unmarshal(r.Spec, &j)
	return &j, err
}

// Query selects records. Zero fields do not restrict.
type Query struct {
	Cluster string
	Parent  string // children of this job
	Top     bool   // only jobs without a parent
	States  []State
	Before  int64 // only records submitted before this Seq: the next page
	Limit   int   // 0 is 100; at most 1000
}

// Claim asks for one job of a cluster.
type Claim struct {
	Cluster  string
	Owner    string
	Now      time.Time
	Until    time.Time // end of the lease that is asked for
	MaxNodes int       // only jobs that need at most so many nodes
}

// Store is the durable queue. Every method is one transaction; a method that
// returned nil has been written so that a crash of the process keeps it.
// Implementations pass the suite in jobtest.
type Store interface {
	// Add queues a record as it is, and returns it with its Seq. A name that is
	// taken is of kind Exists.
	Add(ctx context.Context, r Record) (Record, error)
	// Get returns the record, or an error of kind NotFound.
	Get(ctx context.Context, name string) (Record, error)
	// List returns records, newest first, without their Spec.
	List(ctx context.Context, q Query) ([]Record, error)
	// Count returns how many records List would find without Limit.
	Count(ctx context.Context, q Query) (int, error)
	// Claim takes, for the owner, the oldest job that is Queued, or in progress
	// with an ended lease (those first), raises its fence, and makes Queued
	// Starting. A job of zero nodes always fits. With nothing to claim the error
	// is of kind NotFound.
	Claim(ctx context.Context, c Claim) (Record, error)
	// Renew moves the leases of those of the named jobs that the owner holds, and
	// returns, sorted, the names of those whose cancellation was asked for.
	Renew(ctx context.Context, owner string, names []string, until time.Time) (canceled []string, err error)
	// Expire ends the leases of a cluster. Only who holds the cluster's lock
	// may call it: no other runner lives then.
	Expire(ctx context.Context, cluster string) error
	// Update changes the record that was claimed with this fence and returns
	// it. An older fence, or a record in a terminal state, is of kind State. An
	// error of change is returned and nothing is written. Name, Seq, Spec,
	// Owner, Fence and Created stay as they are.
	Update(ctx context.Context, name string, fence int64, change func(*Record) error) (Record, error)
	// Cancel makes a waiting job Canceled and one in progress CancelRequested,
	// and returns it. Asking twice is no fault; a terminal state is of kind State.
	Cancel(ctx context.Context, name string, now time.Time) (Record, error)
}
