package pod

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job/sweep"
	"github.com/drivecast/drivecast/internal/mlflow/client"
	"github.com/drivecast/drivecast/internal/search"
)

const (
	tagJob   = "drivecast.job.name"
	tagPoint = "drivecast.point"
	statusOK = "FINISHED"
)

// Sampler draws a sweep's trials; its seed is the file's, or made of the name.
func (s *Spec) Sampler() (*search.Sampler, error) {
	how := s.Task.Sweep.Sampling
	if !s.Task.Sweep.Seeded {
		h := fnv.New64a()
		h.Write([]byte(s.Job)) // a hash takes every byte
		how.Seed = h.Sum64() | 1
	}
	return search.New(s.Task.Sweep.Space, how, s.Task.Sweep.Goal)
}

// trialName is the job name of a trial.
func (w *work) trialName(i int) string { return fmt.Sprintf("%s_%d", w.spec.Job, i) }

// draw makes this index's trial: a point drawn as the seed, the index and, for
// samplers that learn, the results so far say; and its tracking run. A trial that an
// earlier pod began keeps its point and run.
func (w *work) draw(ctx context.Context) (done bool, err error) {
	sampler, err := w.spec.Sampler()
	if err != nil {
		return false, err
	}
	trials, err := w.trials(ctx)
	if err != nil {
		return false, err
	}
	w.name = w.trialName(w.index)
	var point []float64
	for _, t := range trials {
		if t.run.Tag(tagJob) == w.name {
			w.run, point = t.run.Info.ID, t.point
			done = t.run.Info.Status == statusOK || t.run.Info.Status == "KILLED"
		}
	}
	if point == nil {
		known, running := results(w.spec.Task.Sweep.Goal, trials)
		point = sampler.Draw(w.index, search.Pending(known, running))
	}
	values := sampler.Values(point)
	if w.task, err = w.spec.Task.Trial(values); err != nil || done {
		return done, err
	}
	if w.run != w.getenv("MLFLOW_RUN_ID") {
		return false, w.Client.UpdateRun(ctx, w.run, "RUNNING", time.Time{})
	}
	return false, w.openTrial(ctx, point, values)
}

func (w *work) openTrial(ctx context.Context, point []float64, values map[string]string) error {
	text, err := json.Marshal(point)
	if err != nil {
		return errs.Wrap(err, "write down trial %d", w.index)
	}
	tags := []client.Tag{
		{Key: tagJob, Value: w.name}, {Key: tagPoint, Value: string(text)}, {Key: "mlflow.parentRunId", Value: w.getenv("MLFLOW_RUN_ID")},
		{Key: "mlflow.source.type", Value: "JOB"}, {Key: "azureml.job.name", Value: w.name}, {Key: "azureml.job.type", Value: "command"},
	}
	for k, v := range values {
		tags = append(tags, client.Tag{Key: "hyperparameters." + k, Value: v})
	}
	info, err := w.Client.CreateRun(ctx, w.getenv("MLFLOW_EXPERIMENT_ID"), w.name, w.Now(), tags)
	if err != nil {
		return err
	}
	w.run = info.ID
	return nil
}

// trial is what the tracking server knows of one.
type trial struct {
	run    client.Run
	point  []float64
	values []float64 // history of the metric
}

// trials are those of the sweep that have begun, with their metrics.
func (w *work) trials(ctx context.Context) ([]trial, error) {
	s := client.Search{ExperimentIDs: []string{w.getenv("MLFLOW_EXPERIMENT_ID")}, Max: 1000,
		Filter: "tags.`mlflow.parentRunId` = '" + strings.ReplaceAll(w.getenv("MLFLOW_RUN_ID"), "'", "") + "'"}
	var out []trial
	for {
		runs, next, err := w.Client.SearchRuns(ctx, s)
		if err != nil {
			return nil, err
		}
		for _, r := range runs {
			t := trial{run: r}
			if json.Unmarshal([]byte(r.Tag(tagPoint)), &t.point) != nil {
				continue // a run that the command itself nested below the sweep's
			}
			if t.values, err = w.history(ctx, r.Info.ID); err != nil {
				return nil, err
			}
			out = append(out, t)
		}
		if next == "" {
			return out, nil
		}
		s.PageToken = next
	}
}

func (w *work) history(ctx context.Context, run string) ([]float64, error) {
	list, err := w.Client.MetricHistory(ctx, run, w.spec.Task.Sweep.Metric)
	if errs.Is(err, errs.NotFound) {
		return nil, nil // logged nothing yet
	}
	slices.SortStableFunc(list, func(a, b client.Metric) int { return int(a.Step - b.Step) })
	out := make([]float64, len(list))
	for i, m := range list {
		out[i] = m.Value
	}
	return out, err
}

func results(goal search.Goal, trials []trial) (ended []search.Result, running [][]float64) {
	for _, t := range trials {
		if t.run.Info.Status == "RUNNING" {
			running = append(running, t.point)
			continue
		}
		v := sweep.Best(goal, t.values)
		if t.run.Info.Status == "FAILED" {
			v = math.NaN()
		}
		ended = append(ended, search.Result{Point: t.point, Value: v})
	}
	return ended, running
}

// watchSiblings ends this trial when the sweep's policy says so.
func (w *work) watchSiblings(ctx context.Context, stop func(error)) {
	policy, goal := w.spec.Task.Sweep.Stop, w.spec.Task.Sweep.Goal
	if policy.Kind == "" {
		return
	}
	every := w.Poll
	if every == 0 {
		every = 5 * time.Second
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
		trials, err := w.trials(ctx)
		if err != nil {
			continue // looked at again soon; no reason to end a trial
		}
		var seen []sweep.Trial
		for _, t := range trials {
			if t.run.Info.Status != "FAILED" {
				seen = append(seen, sweep.Trial{Name: t.run.Tag(tagJob), Values: t.values, Running: t.run.Info.Status == "RUNNING"})
			}
		}
		if slices.Contains(policy.Stop(goal, seen), w.name) {
			stop(errStoppedEarly)
			return
		}
	}
}

// closeTrial ends the trial's run and marks the best of all trials, until a look
// after the mark finds none better: so the last to end is right, whoever that is.
func (w *work) closeTrial(ctx context.Context, status string) error {
	if err := w.Client.UpdateRun(ctx, w.run, status, w.Now()); err != nil {
		return err
	}
	marked := ""
	for {
		trials, err := w.trials(ctx)
		if err != nil {
			return err
		}
		best, value := w.best(trials)
		if best == nil || best.run.Info.ID == marked {
			return w.closeSweep(ctx, trials)
		}
		marked = best.run.Info.ID
		if err := w.crown(ctx, trials, best, value); err != nil {
			return err
		}
	}
}

func (w *work) best(trials []trial) (best *trial, value float64) {
	for i, t := range trials {
		v := sweep.Best(w.spec.Task.Sweep.Goal, t.values)
		if t.run.Info.Status != "RUNNING" && t.run.Info.Status != "FAILED" && !math.IsNaN(v) && (best == nil || w.spec.Task.Sweep.Goal.Better(v, value)) {
			best, value = &trials[i], v
		}
	}
	return best, value
}

func (w *work) crown(ctx context.Context, trials []trial, best *trial, value float64) error {
	for _, t := range trials {
		is := t.run.Info.ID == best.run.Info.ID
		if is == (t.run.Tag("sweep.best") == "true") {
			continue
		}
		if err := w.Client.SetTag(ctx, t.run.Info.ID, "sweep.best", fmt.Sprint(is)); err != nil {
			return err
		}
	}
	return w.Client.Log(ctx, w.getenv("MLFLOW_RUN_ID"), nil, nil, []client.Tag{
		{Key: "best_child_run_id", Value: best.run.Info.ID}, {Key: "best_child_job", Value: best.run.Tag(tagJob)}, {Key: "best_metric", Value: fmt.Sprint(value)},
	})
}

// closeSweep ends the sweep's run once every trial has ended.
func (w *work) closeSweep(ctx context.Context, trials []trial) error {
	ended, good := 0, false
	for _, t := range trials {
		if t.run.Info.Status != "RUNNING" {
			ended++
		}
		good = good || t.run.Info.Status == statusOK
	}
	if ended < w.spec.Layout.Count {
		return nil
	}
	status := "FAILED"
	if good {
		status = statusOK
	}
	return w.Client.UpdateRun(ctx, w.getenv("MLFLOW_RUN_ID"), status, w.Now())
}
