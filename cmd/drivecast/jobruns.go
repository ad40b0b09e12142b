package main

import (
	"context"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/drivecast/drivecast/internal/job/local"
	"github.com/drivecast/drivecast/internal/mlflow/client"
)

// jobRuns makes the tracking runs of jobs on an MLflow server.
type jobRuns struct {
	c *client.Client

	mu          sync.Mutex
	experiments map[string]string // name to id
	artifacts   map[string]string // run to the place of its artifacts
}

func newJobRuns(c *client.Client) *jobRuns {
	return &jobRuns{c: c, experiments: map[string]string{}, artifacts: map[string]string{}}
}

var _ local.Runs = (*jobRuns)(nil)

// Start is described at local.Runs.
func (j *jobRuns) Start(ctx context.Context, s local.RunStart) (local.Run, error) {
	experiment, err := j.experiment(ctx, s.Experiment)
	if err != nil {
		return local.Run{}, err
	}
	if s.Again {
		filter := "tags.`drivecast.job.name` = '" + strings.ReplaceAll(s.Job, "'", "") + "'"
		found, _, err := j.c.SearchRuns(ctx, client.Search{ExperimentIDs: []string{experiment}, Filter: filter, Max: 1})
		if err != nil {
			return local.Run{}, err
		}
		if len(found) > 0 {
			id := found[0].Info.ID
			return local.Run{ID: id, ExperimentID: experiment}, j.c.UpdateRun(ctx, id, "RUNNING", time.Time{})
		}
	}
	var tags []client.Tag
	for k, v := range s.Tags {
		tags = append(tags, client.Tag{Key: k, Value: v})
	}
	info, err := j.c.CreateRun(ctx, experiment, s.Name, s.At, tags)
	if err != nil {
		return local.Run{}, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.artifacts[info.ID] = info.ArtifactURI
	return local.Run{ID: info.ID, ExperimentID: experiment}, nil
}

func (j *jobRuns) experiment(ctx context.Context, name string) (string, error) {
	j.mu.Lock()
	id, ok := j.experiments[name]
	j.mu.Unlock()
	if ok {
		return id, nil
	}
	e, err := j.c.EnsureExperiment(ctx, name)
	if err != nil {
		return "", err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.experiments[name] = e.ID
	return e.ID, nil
}

// End is described at local.Runs.
func (j *jobRuns) End(ctx context.Context, runID, status string, at time.Time) error {
	j.mu.Lock()
	delete(j.artifacts, runID)
	j.mu.Unlock()
	return j.c.UpdateRun(ctx, runID, status, at)
}

// Upload is described at local.Runs.
func (j *jobRuns) Upload(ctx context.Context, runID, name, path string) error {
	j.mu.Lock()
	uri, ok := j.artifacts[runID]
	j.mu.Unlock()
	if !ok {
		run, err := j.c.GetRun(ctx, runID)
		if err != nil {
			return err
		}
		uri = run.Info.ArtifactURI
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return j.c.UploadDir(ctx, strings.TrimRight(uri, "/")+"/"+name, path)
	}
	return j.c.UploadFile(ctx, uri, name, path)
}

// Metric is described at local.Runs.
func (j *jobRuns) Metric(ctx context.Context, runID, key string) ([]local.Point, error) {
	list, err := j.c.MetricHistory(ctx, runID, key)
	if err != nil {
		return nil, err
	}
	out := make([]local.Point, len(list))
	for i, m := range list {
		out[i] = local.Point{Step: m.Step, Value: m.Value, Time: m.Time}
	}
	return out, nil
}

// Tag is described at local.Runs.
func (j *jobRuns) Tag(ctx context.Context, runID string, tags map[string]string) error {
	var list []client.Tag
	for k, v := range tags {
		list = append(list, client.Tag{Key: k, Value: v})
	}
	return j.c.Log(ctx, runID, nil, nil, list)
}
