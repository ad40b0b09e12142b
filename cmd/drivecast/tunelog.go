package main

import (
	"context"
	"path"
	"strconv"
	"sync"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/mlflow/client"
	"github.com/drivecast/drivecast/internal/tune"
)

// The tags of a study's runs. By them a study that goes on finds its runs again,
// whatever moment it was interrupted at.
const (
	tagParent  = "mlflow.parentRunId"
	tagStudy   = "drivecast.tune.study"
	tagTrials  = "drivecast.tune.trials"
	tagTrial   = "drivecast.tune.trial"
	tagState   = "drivecast.tune.state"
	tagRung    = "drivecast.tune.rung"
	tagBest    = "drivecast.tune.best"
	tagVersion = "drivecast.tune.version" // of a study that is over: name/version
)

// studyLog records a study as a run, and each of its trials as a run nested in it.
type studyLog struct {
	runLogger
	experiment string
	metric     string
	settings   tune.Settings
	about      map[string]string
	parent     *client.RunInfo
	own        bool // the parent is ours to end
	version    string
	over       bool // the study had been concluded before

	mu     sync.Mutex
	trials map[int]*trialRun
}

// trialRun is the run of a trial.
type trialRun struct {
	id   string
	open bool // it runs
	rung int  // the highest that is logged; -1: none
}

// opened finds the run of the study, or makes it.
func (l *studyLog) opened(ctx context.Context, id string, trials int) error {
	l.trials = map[int]*trialRun{}
	if err := l.findParent(ctx, id, strconv.Itoa(trials)); err != nil {
		return err
	}
	if l.over {
		return l.findTrials(ctx)
	}
	if l.own {
		if err := l.server.UpdateRun(ctx, l.parent.ID, "RUNNING", time.Time{}); err != nil {
			return err
		}
	}
	params := []client.Tag{{Key: "tune.method", Value: methodName(l.settings)}, {Key: "tune.trials", Value: strconv.Itoa(trials)},
		{Key: "tune.seed", Value: strconv.FormatUint(l.settings.Seed, 10)}}
	for name, v := range l.about {
		if v != "" && (name == "metric" || name == "cv" || name == "resource") {
			params = append(params, client.Tag{Key: "tune." + name, Value: v})
		}
	}
	for _, name := range l.settings.Space.Names() {
		params = append(params, client.Tag{Key: "tune.space." + name, Value: atMost(l.settings.Space[name].String(), maxParam)})
	}
	if err := l.server.Log(ctx, l.parent.ID, nil, params, []client.Tag{{Key: tagStudy, Value: id}, {Key: tagTrials, Value: strconv.Itoa(trials)}}); err != nil {
		return err
	}
	return l.findTrials(ctx)
}

// findParent finds the run of the study with as many trials, or begins one.
func (l *studyLog) findParent(ctx context.Context, id, trials string) error {
	if run := l.getenv("MLFLOW_RUN_ID"); run != "" {
		r, err := l.server.GetRun(ctx, run)
		if err == nil {
			l.parent = &r.Info
		}
		return err
	}
	l.own = true
	if l.experiment == "" {
		l.experiment = "Default"
	}
	e, err := l.server.EnsureExperiment(ctx, l.experiment)
	if err != nil {
		return err
	}
	filter := "tags.`" + tagStudy + "` = '" + id + "' AND tags.`" + tagTrials + "` = '" + trials + "'"
	found, _, err := l.server.SearchRuns(ctx, client.Search{ExperimentIDs: []string{e.ID}, Filter: filter, Max: 1})
	if err != nil {
		return err
	}
	if len(found) > 0 {
		l.parent = &found[0].Info
		l.version = found[0].Tag(tagVersion)
		l.over = l.parent.Status == "FINISHED"
		return nil
	}
	tags := []client.Tag{{Key: "mlflow.source.name", Value: "drivecast tune"}, {Key: "mlflow.source.type", Value: "LOCAL"},
		{Key: tagStudy, Value: id}, {Key: tagTrials, Value: trials}}
	if user := l.getenv("USER"); user != "" {
		tags = append(tags, client.Tag{Key: "mlflow.user", Value: user})
	}
	l.parent, err = l.server.CreateRun(ctx, e.ID, "", l.now(), tags)
	return err
}

// findTrials lists the runs of trials that there are.
func (l *studyLog) findTrials(ctx context.Context) error {
	search := client.Search{ExperimentIDs: []string{l.parent.ExperimentID}, Filter: "tags.`" + tagParent + "` = '" + l.parent.ID + "'", Max: 500}
	for {
		runs, next, err := l.server.SearchRuns(ctx, search)
		if err != nil {
			return err
		}
		for _, r := range runs {
			trial, err := strconv.Atoi(r.Tag(tagTrial))
			if err != nil {
				continue // nested by somebody else
			}
			rung, err := strconv.Atoi(r.Tag(tagRung))
			if err != nil {
				rung = -1
			}
			l.trials[trial] = &trialRun{id: r.Info.ID, open: r.Info.Status == "RUNNING", rung: rung}
		}
		if next == "" {
			return nil
		}
		search.PageToken = next
	}
}

// begun opens the run of the job's trial.
func (l *studyLog) begun(ctx context.Context, j tune.Job, params map[string]string) error {
	_, err := l.trial(ctx, j, params)
	return err
}

// trial returns the run of a trial, running.
func (l *studyLog) trial(ctx context.Context, j tune.Job, params map[string]string) (*trialRun, error) {
	l.mu.Lock()
	t := l.trials[j.Trial]
	l.mu.Unlock()
	if t != nil && t.open {
		return t, nil
	}
	if t != nil {
		t.open = true
		return t, l.server.UpdateRun(ctx, t.id, "RUNNING", time.Time{})
	}
	info, err := l.server.CreateRun(ctx, l.parent.ExperimentID, "trial "+strconv.Itoa(j.Trial), l.now(), []client.Tag{
		{Key: tagParent, Value: l.parent.ID}, {Key: tagTrial, Value: strconv.Itoa(j.Trial)},
		{Key: "mlflow.source.name", Value: "drivecast tune"}, {Key: "mlflow.source.type", Value: "LOCAL"}})
	if err != nil {
		return nil, err
	}
	t = &trialRun{id: info.ID, open: true, rung: -1}
	l.mu.Lock()
	l.trials[j.Trial] = t
	l.mu.Unlock()
	var tags []client.Tag
	for name, v := range params {
		tags = append(tags, client.Tag{Key: name, Value: v})
	}
	return t, l.server.Log(ctx, t.id, nil, tags, nil)
}

// ended logs an outcome and ends the run of its trial. An outcome that the study
// file had is logged only when the run does not have it.
func (l *studyLog) ended(ctx context.Context, o tune.Outcome, known bool) error {
	l.mu.Lock()
	t := l.trials[o.Trial]
	l.mu.Unlock()
	if known && t != nil && !t.open && t.rung >= o.Rung {
		return nil
	}
	t, err := l.trial(ctx, o.Job, o.Params)
	if err != nil {
		return err
	}
	tags := []client.Tag{{Key: tagState, Value: string(o.State)}, {Key: tagRung, Value: strconv.Itoa(o.Rung)}}
	if o.Error != "" {
		tags = append(tags, client.Tag{Key: "drivecast.tune.error", Value: o.Error})
	}
	var metrics []client.Metric
	now := l.now()
	for i, v := range o.Values {
		metrics = append(metrics, client.Metric{Key: l.metric + "_fold", Value: v, Time: now, Step: int64(o.Rung*l.settings.Steps + i)})
	}
	if o.State != tune.Failed {
		metrics = append(metrics, client.Metric{Key: l.metric, Value: o.Value, Time: now, Step: int64(o.Rung)},
			client.Metric{Key: l.metric + "_std", Value: o.Std(), Time: now, Step: int64(o.Rung)})
	}
	if err := l.server.Log(ctx, t.id, metrics, nil, tags); err != nil {
		return err
	}
	status := "FINISHED"
	if o.State == tune.Failed {
		status = "FAILED"
	}
	t.open, t.rung = false, max(t.rung, o.Rung)
	return l.server.UpdateRun(ctx, t.id, status, l.now())
}

// conclude logs the model that was trained with the best setting to the run of
// the study, and registers it, unless that was done before.
func (l *studyLog) conclude(ctx context.Context, r *tuneReport, dir, register string) (runID, version string, err error) {
	name, number := path.Split(l.version)
	if l.over && (register == "" || register+"/" == name) {
		return l.parent.ID, number, nil
	}
	best := r.best()
	if t := l.trials[best.Trial]; t != nil {
		if err := l.server.SetTag(ctx, t.id, tagBest, "true"); err != nil {
			return "", "", err
		}
		if err := l.server.SetTag(ctx, l.parent.ID, "drivecast.tune.best_run", t.id); err != nil {
			return "", "", err
		}
	}
	now := l.now()
	err = l.server.Log(ctx, l.parent.ID, []client.Metric{{Key: "cv_" + l.metric, Value: best.Value, Time: now}, {Key: "cv_" + l.metric + "_std", Value: best.Std(), Time: now}},
		nil, []client.Tag{{Key: "drivecast.tune.best_trial", Value: strconv.Itoa(best.Trial)}})
	if err != nil {
		return "", "", err
	}
	final := l.runLogger
	final.getenv = func(name string) string {
		if name == "MLFLOW_RUN_ID" {
			return l.parent.ID
		}
		return l.getenv(name)
	}
	runID, version, err = final.record(ctx, r.Result, dir, "", register)
	if err == nil && version != "" {
		err = l.server.SetTag(ctx, l.parent.ID, tagVersion, register+"/"+version)
	}
	return runID, version, err
}

// end gives the study's run, and those of trials that were cut short, their last
// state, and returns err.
func (l *studyLog) end(ctx context.Context, err error) error {
	if l.parent == nil || l.over {
		return err
	}
	stopped := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	status := "FINISHED"
	switch {
	case err != nil && stopped:
		status = "KILLED"
	case err != nil:
		status = "FAILED"
	}
	if e := l.findTrials(ctx); e != nil && err == nil { // a run may have begun while its answer was cut off
		err = e
	}
	for _, t := range l.trials {
		if t.open {
			if e := l.server.UpdateRun(ctx, t.id, "KILLED", l.now()); e != nil && err == nil {
				err = e
			}
		}
	}
	if l.own {
		if e := l.server.UpdateRun(ctx, l.parent.ID, status, l.now()); e != nil && err == nil {
			return errs.Wrap(e, "end the run of the study")
		}
	}
	return err
}

// maxParam is the length of a parameter that every MLflow server takes.
const maxParam = 500

func atMost(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
