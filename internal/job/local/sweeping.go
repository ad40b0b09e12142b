package local

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/sweep"
	"github.com/drivecast/drivecast/internal/search"
)

// hopeless is how many trials may fail at the start, none having done better,
// before a sweep is given up.
const hopeless = 10

// trialNotes is what a trial's record keeps of its draw.
type trialNotes struct {
	Point  []float64         `json:"point"`
	Values map[string]string `json:"values"`
}

// tuner is a sweep in progress.
type tuner struct {
	*worker
	sampler *search.Sampler
	trials  []job.Record
	scores  map[string]float64 // of trials that have ended
	stopped map[string]bool    // by the policy
}

// sweep draws trials until the limits are reached and returns how it ended.
func (w *worker) sweep(ctx context.Context) (result, error) {
	s, l := w.job.Sweep, w.job.Limits
	how := s.Sampling
	if !s.Seeded {
		h := fnv.New64a()
		h.Write([]byte(w.rec.Name)) // a hash takes every byte
		how.Seed = h.Sum64() | 1
	}
	sampler, err := search.New(s.Space, how, s.Goal)
	if err != nil {
		return result{}, err
	}
	t := &tuner{worker: w, sampler: sampler, scores: map[string]float64{}, stopped: map[string]bool{}}
	total := l.MaxTrials
	if n := sampler.Size(); n > 0 {
		total = min(total, n)
	}
	end := w.rec.Started.Add(l.Timeout)
	for {
		ended := w.c.endings()
		if t.trials, err = w.children(ctx); err != nil {
			return result{}, err
		}
		if err := t.score(ctx); err != nil {
			return result{}, err
		}
		open := t.open()
		late := l.Timeout > 0 && !w.c.cfg.Now().Before(end)
		if late || t.hopeless() || open == 0 && len(t.trials) >= total {
			return t.conclude(ctx, late)
		}
		if n := min(total-len(t.trials), l.MaxConcurrent-open); n > 0 {
			if err := t.draw(ctx, n); err != nil {
				return result{}, err
			}
			continue
		}
		if err := t.judge(ctx); err != nil {
			return result{}, err
		}
		w.wait(ctx, t.patience(end), ended)
		if ctx.Err() != nil {
			return result{}, ctx.Err()
		}
	}
}

// patience is how long to wait for the next end of a trial.
func (t *tuner) patience(end time.Time) time.Duration {
	d := 5 * time.Second
	if t.job.Sweep.Stop.Kind != "" {
		d = 500 * time.Millisecond
	}
	return max(time.Millisecond, min(d, end.Sub(t.c.cfg.Now())))
}

func (t *tuner) open() int {
	n := 0
	for _, r := range t.trials {
		if !r.State.Terminal() {
			n++
		}
	}
	return n
}

// score reads the metric of trials that have ended since last time.
func (t *tuner) score(ctx context.Context) error {
	for _, r := range t.trials {
		if _, known := t.scores[r.Name]; known || !r.State.Terminal() {
			continue
		}
		values, err := t.values(ctx, r)
		if err != nil {
			return err
		}
		t.scores[r.Name] = sweep.Best(t.job.Sweep.Goal, values)
		if r.State == job.Failed {
			t.scores[r.Name] = math.NaN()
		}
		t.note(fmt.Sprintf("trial %s %s, %s %v", r.Name, r.State, t.job.Sweep.Metric, t.scores[r.Name]))
	}
	return nil
}

// values is the history of the metric of a trial.
func (t *tuner) values(ctx context.Context, r job.Record) ([]float64, error) {
	if t.c.cfg.Runs == nil || r.RunID == "" {
		return nil, nil
	}
	var points []Point
	err := t.c.tracked(ctx, "read the metric of trial "+r.Name, func(ctx context.Context) (err error) {
		points, err = t.c.cfg.Runs.Metric(ctx, r.RunID, t.job.Sweep.Metric)
		return err
	})
	if errs.Is(err, errs.NotFound) {
		return nil, nil // logged nothing yet
	}
	slices.SortStableFunc(points, func(a, b Point) int { return int(a.Step - b.Step) })
	out := make([]float64, len(points))
	for i, p := range points {
		out[i] = p.Value
	}
	return out, err
}

// hopeless reports whether all of the first trials failed.
func (t *tuner) hopeless() bool {
	failed := 0
	for _, r := range t.trials {
		switch r.State {
		case job.Failed:
			failed++
		case job.Completed, job.Canceled:
			return false
		}
	}
	return failed >= hopeless
}

// draw queues n more trials.
func (t *tuner) draw(ctx context.Context, n int) error {
	known, running := t.known()
	for i := len(t.trials); i < len(t.trials)+n; i++ {
		point := t.sampler.Draw(i, search.Pending(known, running))
		running = append(running, point)
		values := t.sampler.Values(point)
		trial, err := t.job.Trial(values)
		if err != nil {
			return err
		}
		trial.Tags = maps.Clone(t.job.Tags)
		if trial.Tags == nil {
			trial.Tags = map[string]string{}
		}
		for name, v := range values {
			trial.Tags["hyperparameters."+name] = v
		}
		notes, err := json.Marshal(trialNotes{Point: point, Values: values})
		if err != nil {
			return errs.Wrap(err, "write down trial %d", i)
		}
		if err := t.addChild(ctx, fmt.Sprintf("%s_%d", t.rec.Name, i), trial, notes); err != nil {
			return err
		}
	}
	return nil
}

// known returns the trials that have ended, with their scores, and the points of
// those that have not.
func (t *tuner) known() (ended []search.Result, running [][]float64) {
	for _, r := range t.trials {
		var notes trialNotes
		if json.Unmarshal(r.Notes, &notes) != nil || len(notes.Point) == 0 {
			continue
		}
		if v, ok := t.scores[r.Name]; ok {
			ended = append(ended, search.Result{Point: notes.Point, Value: v})
		} else {
			running = append(running, notes.Point)
		}
	}
	return ended, running
}

// judge stops running trials by the policy.
func (t *tuner) judge(ctx context.Context) error {
	p := t.job.Sweep.Stop
	if p.Kind == "" {
		return nil
	}
	var seen []sweep.Trial
	for _, r := range t.trials {
		if r.State == job.Failed || r.State.Waiting() {
			continue
		}
		values, err := t.values(ctx, r)
		if err != nil {
			return err
		}
		seen = append(seen, sweep.Trial{Name: r.Name, Values: values, Running: r.State == job.Running && !t.stopped[r.Name]})
	}
	for _, name := range p.Stop(t.job.Sweep.Goal, seen) {
		t.stopped[name] = true
		t.note("trial " + name + " is stopped early by " + p.Kind)
		if err := t.cancelChild(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// conclude marks the best trial and says how the sweep ended.
func (t *tuner) conclude(ctx context.Context, late bool) (result, error) {
	best, completed := job.Record{}, 0
	for _, r := range t.trials {
		if r.State == job.Completed {
			completed++
		}
		v, ok := t.scores[r.Name]
		if ok && r.State != job.Failed && !math.IsNaN(v) && (best.Name == "" || t.job.Sweep.Goal.Better(v, t.scores[best.Name])) {
			best = r
		}
	}
	why := []string{}
	if late {
		why = append(why, fmt.Sprintf("stopped after its time limit of %s", t.job.Limits.Timeout))
	}
	if best.Name == "" && completed > 0 {
		why = append(why, "no trial logged the metric "+t.job.Sweep.Metric)
	}
	if best.Name != "" {
		if err := t.crown(ctx, best); err != nil {
			return result{}, err
		}
		why = append(why, fmt.Sprintf("best trial %s, %s %v", best.Name, t.job.Sweep.Metric, t.scores[best.Name]))
	}
	if completed == 0 && best.Name == "" {
		return result{outcome: job.Failed, detail: strings.Join(append(why, "no trial completed"), "; ")}, nil
	}
	return result{outcome: job.Completed, detail: strings.Join(why, "; ")}, nil
}

// crown marks the best trial in the queue and on the tracking server, and makes
// its outputs those of the sweep.
func (t *tuner) crown(ctx context.Context, best job.Record) error {
	t.tag(ctx, t.rec.RunID, map[string]string{
		"best_child_run_id": best.RunID, "best_child_job": best.Name, "best_metric": fmt.Sprint(t.scores[best.Name]),
	})
	t.tag(ctx, best.RunID, map[string]string{"sweep.best": "true"})
	for name := range t.job.Outputs {
		err := copyTree(filepath.Join(OutputDir(t.c.cfg.WorkDir, t.rec.Name), name), filepath.Join(OutputDir(t.c.cfg.WorkDir, best.Name), name), 0o644)
		if err != nil {
			return errs.Wrap(err, "keep output %s of trial %s", name, best.Name)
		}
	}
	return t.to(ctx, job.Running, func(r *job.Record) { r.Best = best.Name })
}
