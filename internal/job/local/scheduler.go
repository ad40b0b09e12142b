package local

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// Missed says what becomes of firings while no scheduler ran.
type Missed string

// The choices.
const (
	MissedLatest Missed = "latest" // the last one is made up for
	MissedAll    Missed = "all"    // each is made up for, at most maxMissed
	MissedSkip   Missed = "skip"   // none is
)

const (
	maxMissed = 1000            // firings made up for at once
	onTime    = 2 * time.Minute // later than this a firing was missed
	stateKind = job.Kind("scheduleState")
)

// Scheduler queues the jobs of registered schedules when they are due. A firing
// has a name of its own, made of the schedule and the time, so that it cannot
// happen twice, whatever is killed in between.
type Scheduler struct {
	Options CreateOptions // Store, Catalog, WorkDir and Runner are used
	Missed  Missed        // "" is MissedLatest
	Now     func() time.Time
	Logger  *slog.Logger
	Once    bool // Run returns once no schedule is enabled
}

// scheduleState is what is remembered of a schedule.
type scheduleState struct {
	Last     time.Time `json:"last"`     // firings up to here are done with
	Disabled bool      `json:"disabled"` // by command
}

// Run fires schedules until ctx ends. Only one scheduler runs in a folder: a
// second one is of kind Exists.
func (s *Scheduler) Run(ctx context.Context) error {
	b, err := light(s.Options.WorkDir, "schedules")
	if err != nil {
		return err
	}
	defer b.douse()
	wake := make(chan struct{}, 1)
	go b.serve(func(string) string { poke(wake); return "ok" })
	for {
		next, err := s.Tick(ctx)
		if err != nil && ctx.Err() == nil {
			s.Logger.Warn("schedules could not be read, trying again", "error", err)
		}
		if s.Once && err == nil && next.IsZero() {
			return nil
		}
		wait := 30 * time.Second
		if !next.IsZero() {
			wait = min(wait, max(0, next.Sub(s.Now())))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		case <-time.After(wait):
		}
	}
}

// Tick fires what is due now and returns when something is due next; the zero
// time when no schedule is enabled.
func (s *Scheduler) Tick(ctx context.Context) (next time.Time, err error) {
	list, err := s.Options.Catalog.Assets(ctx, job.KindSchedule)
	if err != nil {
		return next, err
	}
	for _, a := range list {
		at, err := s.tick(ctx, a)
		if err != nil {
			s.Logger.Error("a schedule cannot fire", "schedule", a.Name, "error", err)
			continue
		}
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next, nil
}

func (s *Scheduler) tick(ctx context.Context, a job.Asset) (next time.Time, err error) {
	state, err := scheduleStateOf(ctx, s.Options.Catalog, a)
	if err != nil {
		return next, err
	}
	d, err := AssetDocument(a)
	if err != nil {
		return next, err
	}
	sched, err := d.Schedule(a.Created, finder(ctx, s.Options.Catalog))
	if err != nil || state.Disabled || !sched.Enabled {
		return next, err
	}
	now := s.Now()
	due, last := s.due(sched, state.Last, now)
	for _, at := range due {
		if err := s.fire(ctx, a.Name, sched, at); err != nil {
			return next, err
		}
		if err := saveState(ctx, s.Options.Catalog, a.Name, scheduleState{Last: at}, now); err != nil {
			return next, err
		}
	}
	if last.After(state.Last) {
		err = saveState(ctx, s.Options.Catalog, a.Name, scheduleState{Last: last}, now)
	}
	return sched.Next(now), err
}

// due lists the firings after last that are to happen now, and the time up to
// which all are done with then.
func (s *Scheduler) due(sched *job.Schedule, last, now time.Time) ([]time.Time, time.Time) {
	var due []time.Time
	for at := sched.Next(last); !at.IsZero() && !at.After(now); at = sched.Next(at) {
		due, last = append(due, at), at
		if len(due) > maxMissed {
			due = due[1:]
		}
	}
	switch n := len(due); {
	case n == 0 || s.Missed == MissedAll:
	case s.Missed == MissedSkip && now.Sub(due[n-1]) > onTime:
		due = nil
	default:
		due = due[n-1:]
	}
	return due, last
}

func (s *Scheduler) fire(ctx context.Context, name string, sched *job.Schedule, at time.Time) error {
	j, err := s.jobOf(ctx, sched)
	if err != nil {
		return err
	}
	o := s.Options
	o.Name, o.Now = name+"_"+at.UTC().Format("20060102T150405Z"), s.Now()
	if j.Tags == nil {
		j.Tags = map[string]string{}
	}
	j.Tags["schedule"] = name
	r, _, err := Enqueue(ctx, o, j)
	if errs.Is(err, errs.Exists) {
		return nil // it was fired before a crash
	}
	s.Logger.Info("schedule fired", "schedule", name, "at", at, "job", r.Name)
	return err
}

// jobOf reads the job that a schedule runs.
func (s *Scheduler) jobOf(ctx context.Context, sched *job.Schedule) (*job.Job, error) {
	switch {
	case sched.Inline != nil:
		j := *sched.Inline
		return &j, nil
	case !job.IsRemote(sched.Job):
		return job.LoadWith(sched.Job, finder(ctx, s.Options.Catalog), sched.Changes...)
	}
	name, _, ok := SplitReference(sched.Job)
	if !ok {
		return nil, errs.New(errs.Unsupported, "job %s is not on this machine", sched.Job)
	}
	if len(sched.Changes) > 0 {
		return nil, errs.New(errs.Unsupported, "the schedule changes %s of job %s; name the job's file instead", strings.Join(sched.Changes, ", "), name)
	}
	r, err := s.Options.Store.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	j, err := r.Job()
	if err == nil {
		j.Name = ""
	}
	return j, err
}

func scheduleStateOf(ctx context.Context, c job.Catalog, a job.Asset) (scheduleState, error) {
	state := scheduleState{Last: a.Created}
	kept, err := c.Asset(ctx, stateKind, a.Name, "")
	if errs.Is(err, errs.NotFound) {
		return state, nil
	}
	if err != nil {
		return state, err
	}
	err = json.Unmarshal(kept.Spec, &state)
	if state.Last.Before(a.Created) {
		state.Last = a.Created // the schedule was registered anew
	}
	return state, errs.Wrap(err, "read the state of schedule %s", a.Name)
}

func saveState(ctx context.Context, c job.Catalog, name string, state scheduleState, now time.Time) error {
	text, err := json.Marshal(state)
	if err != nil {
		return errs.Wrap(err, "write the state of schedule %s", name)
	}
	return c.Put(ctx, job.Asset{Kind: stateKind, Name: name, Spec: text, Created: now.UTC().Truncate(time.Millisecond)})
}

// EnableSchedule turns a schedule on or off. What it missed while off stays
// missed.
func EnableSchedule(ctx context.Context, c job.Catalog, workDir, name string, on bool, now time.Time) error {
	if _, err := c.Asset(ctx, job.KindSchedule, name, ""); err != nil {
		return err
	}
	if err := saveState(ctx, c, name, scheduleState{Last: now, Disabled: !on}, now); err != nil {
		return err
	}
	err := Wake(ctx, workDir, "schedules")
	if errs.Is(err, errs.Unavailable) {
		return nil
	}
	return err
}

// ScheduleStatus is what is known of a schedule.
type ScheduleStatus struct {
	Name    string    `json:"name"`
	Display string    `json:"display_name,omitempty"`
	Enabled bool      `json:"is_enabled"`
	Last    time.Time `json:"last,omitzero"` // firings up to here are done with
	Next    time.Time `json:"next,omitzero"`
	Zone    string    `json:"time_zone"`
}

// Schedules lists the registered schedules.
func Schedules(ctx context.Context, c job.Catalog, now time.Time) ([]ScheduleStatus, error) {
	list, err := c.Assets(ctx, job.KindSchedule)
	if err != nil {
		return nil, err
	}
	out := []ScheduleStatus{}
	for _, a := range list {
		state, err := scheduleStateOf(ctx, c, a)
		if err != nil {
			return nil, err
		}
		d, err := AssetDocument(a)
		if err != nil {
			return nil, err
		}
		sched, err := d.Schedule(a.Created, finder(ctx, c))
		if err != nil {
			return nil, err
		}
		s := ScheduleStatus{Name: a.Name, Display: sched.Display, Enabled: sched.Enabled && !state.Disabled, Last: state.Last, Zone: sched.Zone.String()}
		if s.Enabled {
			s.Next = sched.Next(now)
		}
		out = append(out, s)
	}
	return out, nil
}
