package local

import (
	"context"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// Runs is the tracking server as jobs see it. Errors of kind Unavailable are
// tried again for a while.
type Runs interface {
	// Start makes the tracking run of a job, or returns the one it made before
	// for a job of that name, and marks it as running.
	Start(ctx context.Context, s RunStart) (Run, error)
	// End sets the run's status: FINISHED, FAILED or KILLED.
	End(ctx context.Context, runID, status string, at time.Time) error
	// Upload keeps a file or folder as the run's artifact under name, a slash
	// path such as user_logs/std_log.txt.
	Upload(ctx context.Context, runID, name, path string) error
	// Metric returns the history of a metric, oldest first; empty when the run
	// has none. Sweeps judge their trials by it.
	Metric(ctx context.Context, runID, key string) ([]Point, error)
	// Tag sets tags of the run.
	Tag(ctx context.Context, runID string, tags map[string]string) error
}

// Point is one value of a metric.
type Point struct {
	Step  int64
	Value float64
	Time  time.Time
}

// RunStart says what run a job wants.
type RunStart struct {
	Job        string // name of the job, unique
	Experiment string
	Name       string            // of the run: the display name, or else the job's
	Parent     string            // run id of the parent job; "" for none
	Tags       map[string]string // Azure ML's and MLflow's tags, and the job's own
	At         time.Time
	Again      bool // the run may have been made: by an earlier runner, or by a server that went away before it answered
}

// Run names a tracking run.
type Run struct {
	ID, ExperimentID string
}

// runTags are the tags of a job's run, as Azure ML's runs carry them.
func runTags(j *job.Job, r job.Record, parentRun string) map[string]string {
	tags := map[string]string{
		"mlflow.source.type": "JOB", "mlflow.source.name": j.Source,
		"azureml.job.name": r.Name, "azureml.job.type": string(r.Kind), "azureml.compute": r.Cluster,
		"drivecast.job.name": r.Name,
	}
	if parentRun != "" {
		tags["mlflow.parentRunId"] = parentRun
	}
	if j.Description != "" {
		tags["mlflow.note.content"] = j.Description
	}
	for k, v := range j.Properties {
		tags[k] = v
	}
	for k, v := range j.Tags {
		tags[k] = v
	}
	return tags
}

// tracked calls f until it succeeds, fails for good, or the time for retries is
// over. What is being done is said once a try.
func (c *Cluster) tracked(ctx context.Context, doing string, f func(context.Context) error) error {
	end := c.cfg.Now().Add(c.cfg.TrackingFor)
	wait := 50 * time.Millisecond
	for {
		err := f(ctx)
		if err == nil || !errs.Is(err, errs.Unavailable) || ctx.Err() != nil {
			return errs.Wrap(err, "%s", doing)
		}
		if !c.cfg.Now().Before(end) {
			return errs.Wrap(err, "%s: given up after %s", doing, c.cfg.TrackingFor)
		}
		c.cfg.Logger.Warn("tracking server does not answer, trying again", "doing", doing, "in", wait, "error", err)
		select {
		case <-ctx.Done():
			return errs.Wrap(ctx.Err(), "%s", doing)
		case <-time.After(wait):
		}
		wait = min(2*wait, 5*time.Second)
	}
}

// runStatus is MLflow's word for the end of a job.
func runStatus(s job.State) string {
	switch s {
	case job.Completed:
		return "FINISHED"
	case job.Canceled:
		return "KILLED"
	}
	return "FAILED"
}
