package hook

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// Queue takes jobs.
type Queue interface {
	// Start queues the job of a file under a name. One that has the name already is
	// of kind errs.Exists.
	Start(ctx context.Context, name, file, commit string, j Job) error
	// Ended reports whether a job has come to its end, or is not known.
	Ended(ctx context.Context, name string) (bool, error)
}

// Options are what a receiver works with.
type Options struct {
	Secrets [][]byte // one, or two while the secret is changed
	Dir     string   // where deliveries and checkouts are kept
	Queue   Queue
	Logger  *slog.Logger
	Now     func() time.Time
	Wait    time.Duration // before a failed fetch is tried again, doubled each time; 0 is 5 s
}

// minSecret is the length, in bytes, below which a secret can be guessed.
const minSecret = 16

// Receiver takes deliveries and starts their jobs.
type Receiver struct {
	cfg    *Config
	o      Options
	wake   chan struct{}
	bodies chan struct{}

	mu    sync.Mutex // of the files of deliveries
	tries map[string]int
}

// New makes a receiver; Run starts jobs.
func New(cfg *Config, o Options) (*Receiver, error) {
	if len(o.Secrets) == 0 {
		return nil, errs.New(errs.Usage, "the webhook has no secret: name a file under secret_files, or set DRIVECAST_WEBHOOK_SECRET")
	}
	for _, s := range o.Secrets {
		if len(s) < minSecret {
			return nil, errs.New(errs.Usage, "a secret of the webhook has %d characters; take at least %d at random", len(s), minSecret)
		}
	}
	if o.Wait == 0 {
		o.Wait = 5 * time.Second
	}
	for _, dir := range []string{"deliveries", "checkouts"} {
		if err := os.MkdirAll(filepath.Join(o.Dir, dir), 0o755); err != nil {
			return nil, errs.Wrap(err, "make the folder of the webhook")
		}
	}
	half, _ := filepath.Glob(filepath.Join(o.Dir, "checkouts", ".new-*")) // of a killed process
	for _, dir := range half {
		os.RemoveAll(dir)
	}
	return &Receiver{cfg: cfg, o: o, wake: make(chan struct{}, 1), bodies: make(chan struct{}, atOnce), tries: map[string]int{}}, nil
}

// The states of a delivery.
const (
	waiting = "waiting"
	started = "started"
	failed  = "failed"
)

// delivery is the record of one push.
type delivery struct {
	Key      string    `json:"key"` // of its body
	ID       string    `json:"id"`  // that GitHub gave it
	Commit   string    `json:"commit"`
	Received time.Time `json:"received"`
	State    string    `json:"state"`
	Reason   string    `json:"reason,omitempty"` // of a failed one
	Jobs     []string  `json:"jobs"`
}

func (r *Receiver) file(key string) string {
	return filepath.Join(r.o.Dir, "deliveries", key+".json")
}

func (r *Receiver) checkout(key string) string { return filepath.Join(r.o.Dir, "checkouts", key) }

// accept keeps a delivery for Run. fresh is false for one that waits or has started;
// one that failed is taken again.
func (r *Receiver) accept(d *delivery) (fresh bool, err error) {
	for i := range r.cfg.Jobs {
		d.Jobs = append(d.Jobs, fmt.Sprintf("push-%.10s-%.8s-%d", d.Commit, d.Key, i+1))
	}
	d.State = waiting
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, err := r.read(d.Key); err == nil && old.State != failed {
		return false, nil
	}
	if err := r.write(d); err != nil {
		return false, err
	}
	delete(r.tries, d.Key)
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return true, nil
}

func (r *Receiver) read(key string) (*delivery, error) {
	text, err := os.ReadFile(r.file(key))
	if err != nil {
		return nil, err
	}
	var d delivery
	return &d, json.Unmarshal(text, &d)
}

func (r *Receiver) write(d *delivery) error {
	return errs.Wrap(table.WriteFile(r.file(d.Key), func(w io.Writer) error { return json.NewEncoder(w).Encode(d) }), "keep a delivery")
}

// Run starts the jobs of deliveries until the context ends.
func (r *Receiver) Run(ctx context.Context) {
	for ctx.Err() == nil {
		again, err := r.round(ctx)
		if err != nil && ctx.Err() == nil {
			r.o.Logger.Error("webhook deliveries cannot be read", "err", err)
		}
		wait := time.Minute
		if again > 0 {
			wait = again
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-t.C:
		}
		t.Stop()
	}
}

// round starts what waits, oldest first, and returns when to try again what failed
// for now; 0 is when something comes.
func (r *Receiver) round(ctx context.Context) (again time.Duration, err error) {
	list, err := r.list()
	if err != nil {
		return 0, err
	}
	for _, d := range list {
		if d.State != waiting {
			r.tidy(ctx, d)
			continue
		}
		err := r.start(ctx, d)
		if ctx.Err() != nil {
			return 0, nil // it stays waiting
		}
		if err != nil && passing(err) && r.tries[d.Key] < maxTries {
			wait := r.o.Wait << r.tries[d.Key]
			r.tries[d.Key]++
			r.o.Logger.Warn("webhook delivery is tried again", "delivery", d.ID, "err", err, "in", wait)
			if again == 0 || wait < again {
				again = wait
			}
			continue
		}
		if d.State = started; err != nil {
			d.State, d.Reason = failed, err.Error()
			r.o.Logger.Error("webhook delivery failed", "delivery", d.ID, "commit", d.Commit, "err", err)
		}
		r.mu.Lock()
		err = r.write(d)
		r.mu.Unlock()
		if err != nil {
			return 0, err
		}
	}
	return again, nil
}

// maxTries is how often a delivery is tried again.
const maxTries = 5

// passing reports whether an error may go by itself.
func passing(err error) bool { return errs.Is(err, errs.Unavailable) || errs.Is(err, errs.Internal) }

func (r *Receiver) list() ([]*delivery, error) {
	entries, err := os.ReadDir(filepath.Join(r.o.Dir, "deliveries"))
	if err != nil {
		return nil, err
	}
	var out []*delivery
	for _, e := range entries {
		key, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok {
			continue
		}
		d, err := r.read(key)
		if err != nil || d.Key != key {
			r.o.Logger.Error("the record of a webhook delivery is damaged; it is passed over", "file", r.file(key), "err", err)
			continue
		}
		out = append(out, d)
	}
	slices.SortStableFunc(out, func(a, b *delivery) int { return a.Received.Compare(b.Received) })
	return out, nil
}

// start checks a commit out and queues its jobs; those of an earlier try are there.
func (r *Receiver) start(ctx context.Context, d *delivery) error {
	dir := r.checkout(d.Key)
	if err := r.fetch(ctx, d.Commit, dir); err != nil {
		return err
	}
	for i, j := range r.cfg.Jobs {
		file := filepath.Join(dir, filepath.FromSlash(j.File))
		if _, err := os.Stat(file); err != nil {
			return errs.New(errs.NotFound, "the commit %.10s has no file %s", d.Commit, j.File)
		}
		err := r.o.Queue.Start(ctx, d.Jobs[i], file, d.Commit, j)
		if err != nil && !errs.Is(err, errs.Exists) {
			return errs.Wrap(err, "start %s", j.File)
		}
		r.o.Logger.Info("a push started a job", "delivery", d.ID, "commit", d.Commit, "job", d.Jobs[i])
	}
	return nil
}

// tidy removes the checkout of a delivery whose jobs have ended.
func (r *Receiver) tidy(ctx context.Context, d *delivery) {
	if _, err := os.Stat(r.checkout(d.Key)); err != nil {
		return
	}
	for _, name := range d.Jobs {
		if ended, err := r.o.Queue.Ended(ctx, name); err != nil || !ended {
			return
		}
	}
	if err := os.RemoveAll(r.checkout(d.Key)); err != nil {
		r.o.Logger.Warn("a checkout cannot be removed", "err", err)
	}
}
