package tune

import (
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/search"
)

// Objective judges the settings of a job. It reports the value of each step, and
// ends when report returns false. An error is the failure of this setting only,
// unless the context has ended.
type Objective func(ctx context.Context, j Job, params map[string]string, report func(value float64) (more bool)) error

// Options are how a study is run; its outcome does not depend on them.
type Options struct {
	Workers int              // jobs at the same time; 0 stands for 1
	Journal string           // file of outcomes; "" for none
	ID      string           // of a new study: letters, digits and hyphens
	Now     func() time.Time // tells how long jobs take
	// Opened is told the id of the study, which is that of its beginning, before any
	// job. Begun and Ended are told of each job that is run now; Known of each that the
	// journal had. Begun may be called from many goroutines; an error ends the study.
	Opened func(ctx context.Context, id string, trials int) error
	Begun  func(ctx context.Context, j Job, params map[string]string) error
	Ended  func(ctx context.Context, o Outcome) error
	Known  func(ctx context.Context, o Outcome) error
}

// Result is a finished study.
type Result struct {
	Settings Settings
	Trials   int       // settings that were tried
	Jobs     []Outcome // in the order of decision
	Best     int       // index into Jobs
	Resumed  int       // jobs that the journal had
}

// hopeless is how many jobs may fail at the start, none having succeeded, before
// a study is given up.
const hopeless = 10

// Run runs the study. Its faults: Usage and Invalid for settings that cannot be,
// State for a journal of another study, Invalid for one that was damaged and for
// a study of which every setting failed, Canceled when ctx ends; a study with a
// journal is then gone on with by running it again.
func Run(ctx context.Context, s Settings, objective Objective, opt Options) (*Result, error) {
	s, err := s.withDefaults()
	if err != nil {
		return nil, err
	}
	p, trials, err := newPlan(s)
	if err != nil {
		return nil, err
	}
	if !idForm.MatchString(opt.ID) {
		return nil, errs.New(errs.Usage, "the id %q of a study is not of letters, digits and hyphens", opt.ID)
	}
	sampler, err := search.New(s.Space, search.Sampling{Kind: s.Method, Seed: s.Seed}, s.Goal)
	if err != nil {
		return nil, err
	}
	j, err := openJournal(opt.Journal, opt.ID, s)
	if err != nil {
		return nil, err
	}
	defer j.close()
	if opt.Opened != nil {
		if err := opt.Opened(ctx, j.id, trials); err != nil {
			return nil, err
		}
	}
	r := &runner{settings: s, plan: p, sampler: sampler, objective: objective, opt: opt, journal: j, ended: make(chan ending)}
	if err := r.run(ctx); err != nil {
		return nil, err
	}
	out := &Result{Settings: s, Trials: trials, Jobs: r.over[:len(r.decided)], Resumed: r.resumed}
	if out.Best = best(s.Goal, out.Jobs); out.Best < 0 {
		return nil, r.allFailed()
	}
	return out, nil
}

type ending struct {
	outcome Outcome
	err     error // the study cannot go on
}

// runner is a study in progress. All of it belongs to one goroutine, but for the
// objective and Begun.
type runner struct {
	settings  Settings
	plan      plan
	sampler   *search.Sampler
	objective Objective
	opt       Options
	journal   *journal
	decided   []Job
	over      []Outcome // by job; State "" while it runs
	first     int       // jobs of the start that are over
	running   int
	resumed   int
	ended     chan ending
}

func (r *runner) run(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		for ; r.running > 0; r.running-- { // the others give up
			<-r.ended
		}
	}()
	for {
		for r.running < max(1, r.opt.Workers) {
			job, prefix, ok := r.decide()
			if !ok {
				break
			}
			if err := r.begin(ctx, job, prefix); err != nil {
				return err
			}
		}
		if r.first >= hopeless && best(r.settings.Goal, r.over[:r.first]) < 0 {
			return r.allFailed()
		}
		if r.running == 0 {
			return ctx.Err()
		}
		e := <-r.ended
		r.running--
		if e.err != nil {
			return e.err
		}
		if err := r.journal.append(e.outcome); err != nil {
			return err
		}
		r.finish(e.outcome)
		if r.opt.Ended != nil {
			if err := r.opt.Ended(ctx, e.outcome); err != nil {
				return err
			}
		}
	}
}

// decide returns the next job and how many outcomes it was decided from: the
// fewest that decide it, from those up to Ahead jobs back on. It returns false
// when the outcomes known do not decide it, or nothing is left.
func (r *runner) decide() (Job, int, bool) {
	least := 0
	if r.settings.adaptive() || r.settings.Halving.Kind == "asha" {
		least = max(0, len(r.decided)+1-r.settings.Ahead)
	}
	for n := least; n <= r.first; n++ {
		if job, ok := r.plan.next(r.decided, r.over[:n]); ok {
			return job, n, true
		}
	}
	return Job{}, 0, false
}

// begin starts a job, or takes its outcome from the journal.
func (r *runner) begin(ctx context.Context, job Job, prefix int) error {
	r.decided, r.over = append(r.decided, job), append(r.over, Outcome{})
	params := r.sampler.Values(job.Point)
	if o, line, ok := r.journal.outcome(job.Job); ok {
		if err := o.matches(job, params); err != "" {
			return r.journal.fault(line, "%s", err)
		}
		r.resumed++
		r.finish(o)
		if r.opt.Known != nil {
			return r.opt.Known(ctx, o)
		}
		return nil
	}
	r.running++
	before := r.over[:prefix:prefix]
	go func() { r.ended <- r.try(ctx, job, params, before) }()
	return nil
}

func (r *runner) finish(o Outcome) {
	r.over[o.Job.Job] = o
	for r.first < len(r.over) && r.over[r.first].State != "" {
		r.first++
	}
}

// try runs one job.
func (r *runner) try(ctx context.Context, job Job, params map[string]string, before []Outcome) ending {
	if err := ctx.Err(); err != nil {
		return ending{err: err}
	}
	if r.opt.Begun != nil {
		if err := r.opt.Begun(ctx, job, params); err != nil {
			return ending{err: err}
		}
	}
	begin := r.opt.Now()
	if i := slices.IndexFunc(before, func(o Outcome) bool {
		return o.State == Complete && o.Share == job.Share && maps.Equal(o.Params, params)
	}); i >= 0 { // a setting that was judged already is not judged again
		return ending{outcome: Outcome{Job: job, Params: params, State: Complete, Values: before[i].Values, Value: before[i].Value}}
	}
	o := Outcome{Job: job, Params: params, State: Complete}
	undefined := false
	err := r.objective(ctx, job, params, func(v float64) bool {
		if undefined = math.IsNaN(v) || math.IsInf(v, 0); undefined {
			return false
		}
		o.Values = append(o.Values, v)
		if r.settings.Prune != "" && len(o.Values) < r.settings.Steps && median(r.settings.Goal, o.Values, before) {
			o.State = Pruned
			return false
		}
		return len(o.Values) < r.settings.Steps
	})
	if ctx.Err() != nil {
		return ending{err: ctx.Err()}
	}
	switch {
	case err == nil && undefined:
		err = errs.New(errs.Invalid, "the metric is not defined in step %d", len(o.Values)+1)
	case err == nil && o.State == Complete && len(o.Values) != r.settings.Steps:
		err = errs.New(errs.Internal, "%d of %d steps were reported", len(o.Values), r.settings.Steps)
	}
	if err != nil {
		o.State, o.Error, o.Values = Failed, err.Error(), nil
	} else {
		o.Value = mean(o.Values)
	}
	o.Seconds = r.opt.Now().Sub(begin).Seconds()
	return ending{outcome: o}
}

// allFailed is the error of a study without a single success.
func (r *runner) allFailed() error {
	for _, o := range r.over {
		if o.State == Failed {
			return errs.New(errs.Invalid, "all of %d trials failed; the first with %v: %s", r.first, o.Params, o.Error)
		}
	}
	return errs.New(errs.Invalid, "the study has no trial that was finished")
}
