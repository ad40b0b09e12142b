package azurefake

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	arm "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/sweep"
	"github.com/drivecast/drivecast/internal/search"
)

// trial is one trial of a sweep.
type trial struct {
	n       int
	point   []float64
	child   *record
	stop    context.CancelFunc
	early   bool // stopped by the policy
	running bool
	score   float64 // the best value of the metric; NaN while there is none
}

// tuning is a sweep on its way.
type tuning struct {
	s       *Server
	r       *record
	p       *arm.SweepJob
	sampler *search.Sampler
	goal    search.Goal
	metric  string
	given   map[string]string // the sweep's inputs
	log     *together
	trials  []*trial
}

// together is a log that several trials write to.
type together struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *together) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// judgeEvery is how often the policy looks at the metrics of running trials.
const judgeEvery = 200 * time.Millisecond

// sweep runs the trials of a sweep, those that may at once, and marks the best by the
// metric that they logged. It fails when every trial does.
func (s *Server) sweep(ctx context.Context, r *record, p *arm.SweepJob) error {
	log, err := s.openLog(r.Name)
	if err != nil {
		return err
	}
	defer log.Close()
	t := &tuning{s: s, r: r, p: p, log: &together{w: log}, goal: goalOf(p)}
	if t.sampler, err = samplerOf(p); err != nil {
		return err
	}
	if o := p.Objective; o != nil {
		t.metric = text(o.PrimaryMetric)
	}
	total, atOnce := maxTrials, s.o.Slots
	if l := p.Limits; l != nil {
		if l.MaxTotalTrials != nil {
			total = int(*l.MaxTotalTrials)
		}
		if l.MaxConcurrentTrials != nil {
			atOnce = min(atOnce, max(1, int(*l.MaxConcurrentTrials)))
		}
	}
	if n := t.sampler.Size(); n > 0 {
		total = min(total, n)
	}
	if t.given, err = s.inputTexts(p.Inputs); err != nil {
		return err
	}
	if err := os.RemoveAll(s.runDir(r.Name)); err != nil {
		return errs.Wrap(err, "clear the runs of %s", r.Name)
	}
	if err := t.run(ctx, total, atOnce); err != nil {
		return err
	}
	return t.conclude(ctx)
}

// run starts trials until there were enough and all have ended.
func (t *tuning) run(ctx context.Context, total, atOnce int) error {
	type end struct {
		*trial
		err error
	}
	ends := make(chan end)
	var broken error // no trial could be drawn
	policy, look := policyOf(t.p), time.NewTicker(judgeEvery)
	defer look.Stop()
	for open := 0; open > 0 || len(t.trials) < total && ctx.Err() == nil; {
		if open < atOnce && len(t.trials) < total && ctx.Err() == nil {
			one, own, err := t.draw(ctx)
			if err != nil {
				broken, total = err, 0
				continue
			}
			open++
			go func() { ends <- end{one, t.do(own, one)} }()
			continue
		}
		select {
		case e := <-ends:
			open--
			t.ended(ctx, e.trial, e.err)
		case <-look.C:
			t.judge(ctx, policy)
		}
	}
	if broken != nil {
		return broken
	}
	return ctx.Err()
}

// draw makes the next trial: a job of the sweep that runs.
func (t *tuning) draw(ctx context.Context) (*trial, context.Context, error) {
	var known []search.Result
	var pending [][]float64
	for _, o := range t.trials {
		if o.running {
			pending = append(pending, o.point)
		} else {
			known = append(known, search.Result{Point: o.point, Value: o.score})
		}
	}
	own, stop := context.WithCancel(ctx)
	one := &trial{n: len(t.trials), stop: stop, running: true, score: math.NaN()}
	one.point = t.sampler.Draw(one.n, search.Pending(known, pending))
	name := t.r.Name + "_" + strconv.Itoa(one.n)
	body, err := json.Marshal(arm.JobBase{ID: to.Ptr(t.r.scope() + "/jobs/" + name), Name: &name, Properties: &arm.CommandJob{
		JobType: to.Ptr(arm.JobTypeCommand), Command: t.p.Trial.Command, EnvironmentID: t.p.Trial.EnvironmentID, CodeID: t.p.Trial.CodeID,
		ExperimentName: t.p.ExperimentName, DisplayName: &name, ComputeID: t.p.ComputeID, Inputs: t.p.Inputs,
		Parameters: t.sampler.Values(one.point),
	}})
	if err != nil {
		stop()
		return nil, nil, errs.Wrap(err, "write trial %d", one.n)
	}
	one.child = &record{Workspace: t.r.Workspace, Name: name, Status: "Running", Created: time.Now().UTC().Format(time.RFC3339Nano), Body: body, Parent: t.r.Name}
	t.s.mu.Lock()
	t.s.state.Jobs = append(t.s.state.Jobs, one.child)
	t.s.running[one.child.Workspace+"/"+name] = stop
	err = t.s.save()
	t.s.mu.Unlock()
	t.trials = append(t.trials, one)
	if err != nil {
		stop()
	}
	return one, own, err
}

// do runs the command with one choice of values.
func (t *tuning) do(ctx context.Context, one *trial) (err error) {
	part := strconv.Itoa(one.n)
	dir := filepath.Join(t.s.runDir(t.r.Name), part)
	work, values, tags := filepath.Join(dir, "work"), map[string]string{}, map[string]string{}
	for name, v := range t.given {
		values["inputs."+name] = v
	}
	for name, v := range t.sampler.Values(one.point) {
		values["search_space."+name], tags["hyperparameters."+name] = v, v
	}
	for name := range t.p.Outputs {
		values["outputs."+name] = filepath.Join(dir, "outputs", name)
	}
	if err := t.s.history.Clear(one.child.Name); err != nil {
		return err
	}
	env, err := t.s.begin(ctx, t.r, part, tags)
	if err != nil {
		return err
	}
	defer func() { t.s.end(ctx, t.r, part, err) }()
	for _, path := range append([]string{work}, outputPaths(values)...) {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return errs.Wrap(err, "make %s", path)
		}
	}
	line, err := job.Expand(text(t.p.Trial.Command), lookup(values))
	if err != nil {
		return err
	}
	if t.p.Trial.CodeID != nil {
		if err := t.s.code(t.r.Workspace, *t.p.Trial.CodeID, work); err != nil {
			return err
		}
	}
	for name, v := range t.p.Trial.EnvironmentVariables {
		env = append(env, name+"="+text(v))
	}
	log, err := t.s.openLog(one.child.Name)
	if err != nil {
		return err
	}
	defer log.Close()
	failed := t.s.command(ctx, line, work, env, io.MultiWriter(log, t.log))
	if err := t.s.keep(one.child.Name, work, filepath.Join(dir, "outputs")); err != nil {
		return err
	}
	return failed
}

// outputPaths are the folders of a trial's outputs.
func outputPaths(values map[string]string) []string {
	var out []string
	for name, path := range values {
		if len(name) > 8 && name[:8] == "outputs." {
			out = append(out, path)
		}
	}
	return out
}

// values is the metric's history; what cannot be read is logged and none.
func (t *tuning) values(ctx context.Context, one *trial) []float64 {
	v, err := t.s.history.Values(context.WithoutCancel(ctx), t.r.scope(), one.child.Name, t.metric)
	if err != nil {
		t.s.o.Log.Error("read a metric", "error", err)
	}
	return v
}

// ended writes down how a trial ended.
func (t *tuning) ended(ctx context.Context, one *trial, err error) {
	one.running = false
	one.stop()
	status := "Completed"
	t.s.mu.Lock()
	asked := one.child.Status == "CancelRequested" // for this trial alone
	delete(t.s.running, one.child.Workspace+"/"+one.child.Name)
	t.s.mu.Unlock()
	switch {
	case one.early || asked || ctx.Err() != nil:
		status = "Canceled"
	case err != nil:
		status = "Failed"
	}
	if err == nil || one.early {
		one.score = sweep.Best(t.goal, t.values(ctx, one))
	}
	fmt.Fprintf(t.log, "trial %s %s, %s %v\n", one.child.Name, status, t.metric, one.score)
	if err != nil && !one.early {
		fmt.Fprintf(t.log, "trial %s: %v\n", one.child.Name, err)
	}
	t.s.turn(one.child, status)
}

// judge stops running trials by the policy.
func (t *tuning) judge(ctx context.Context, p sweep.Policy) {
	if p.Kind == "" {
		return
	}
	seen, byName := []sweep.Trial{}, map[string]*trial{}
	for _, one := range t.trials {
		byName[one.child.Name] = one
		seen = append(seen, sweep.Trial{Name: one.child.Name, Values: t.values(ctx, one), Running: one.running && !one.early})
	}
	for _, name := range p.Stop(t.goal, seen) {
		fmt.Fprintf(t.log, "trial %s is stopped early by %s\n", name, p.Kind)
		byName[name].early = true
		byName[name].stop()
	}
}

// conclude marks the best trial, whose files become the sweep's.
func (t *tuning) conclude(ctx context.Context) error {
	best, completed := (*trial)(nil), 0
	for _, one := range t.trials {
		if one.child.Status == "Completed" {
			completed++
		}
		if !math.IsNaN(one.score) && (best == nil || t.goal.Better(one.score, best.score)) {
			best = one
		}
	}
	if completed == 0 && best == nil {
		return errs.New(errs.Internal, "all %d trials failed", len(t.trials))
	}
	if best == nil {
		fmt.Fprintf(t.log, "no trial logged the metric %s: none is the best\n", t.metric)
		return nil
	}
	fmt.Fprintf(t.log, "best trial %s, %s %v\n", best.child.Name, t.metric, best.score)
	found := map[string]string{"best_child_run_id": best.child.Name, "score": fmt.Sprint(best.score)}
	t.s.mu.Lock()
	t.r.Properties = found
	t.s.mu.Unlock()
	if err := t.s.history.Tag(ctx, t.r.scope(), t.r.Name, found); err != nil {
		return err
	}
	if err := t.s.history.Tag(ctx, t.r.scope(), best.child.Name, map[string]string{"sweep.best": "true"}); err != nil {
		return err
	}
	for _, part := range []string{"outputs", "named-outputs"} {
		if err := copyTree(t.s.blobPath(store, artifacts(t.r.Name)+"/"+part), t.s.blobPath(store, artifacts(best.child.Name)+"/"+part)); err != nil {
			return err
		}
	}
	return nil
}
