package client

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// Tag is a name and a text.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Metric is one measured value. A NaN or infinite Value is sent as MLflow
// writes it.
type Metric struct {
	Key   string
	Value float64
	Time  time.Time
	Step  int64
}

// MarshalJSON writes the metric as the REST API wants it.
func (m Metric) MarshalJSON() ([]byte, error) {
	var v any = m.Value
	switch {
	case math.IsNaN(m.Value):
		v = "NaN"
	case math.IsInf(m.Value, 1):
		v = "Infinity"
	case math.IsInf(m.Value, -1):
		v = "-Infinity"
	}
	return json.Marshal(map[string]any{"key": m.Key, "value": v, "timestamp": millis(m.Time), "step": m.Step})
}

// Experiment is a named group of runs.
type Experiment struct {
	ID    string `json:"experiment_id"`
	Name  string `json:"name"`
	Stage string `json:"lifecycle_stage"` // "active" or "deleted"
}

// RunInfo says what a run is and where its artifacts are.
type RunInfo struct {
	ID           string `json:"run_id"`
	Name         string `json:"run_name"`
	ExperimentID string `json:"experiment_id"`
	Status       string `json:"status"`
	Start        Int    `json:"start_time"` // milliseconds since 1970
	End          Int    `json:"end_time"`   // 0 while running
	ArtifactURI  string `json:"artifact_uri"`
}

// Run is one run with its latest metrics.
type Run struct {
	Info RunInfo `json:"info"`
	Data struct {
		Metrics []struct {
			Key   string `json:"key"`
			Value any    `json:"value"`
		} `json:"metrics"`
		Params []Tag `json:"params"`
		Tags   []Tag `json:"tags"`
	} `json:"data"`
}

// Metric returns the latest value of the metric, and whether there is one.
func (r *Run) Metric(key string) (float64, bool) {
	for _, m := range r.Data.Metrics {
		if v, ok := m.Value.(float64); ok && m.Key == key {
			return v, true
		}
	}
	return math.NaN(), false
}

// Tag returns the value of the tag, or "".
func (r *Run) Tag(key string) string { return lookup(r.Data.Tags, key) }

// Param returns the value of the parameter, or "".
func (r *Run) Param(key string) string { return lookup(r.Data.Params, key) }

func lookup(tags []Tag, key string) string {
	for _, t := range tags {
		if t.Key == key {
			return t.Value
		}
	}
	return ""
}

// EnsureExperiment returns the experiment of that name and makes it first when
// there is none.
func (c *Client) EnsureExperiment(ctx context.Context, name string) (*Experiment, error) {
	var out struct {
		Experiment Experiment `json:"experiment"`
	}
	q := url.Values{"experiment_name": {name}}
	err := c.call(ctx, http.MethodGet, "experiments/get-by-name", q, &out)
	if errs.Is(err, errs.NotFound) {
		err = c.call(ctx, http.MethodPost, "experiments/create", map[string]string{"name": name}, nil)
		if err == nil || errs.Is(err, errs.Exists) { // somebody else may have been quicker
			err = c.call(ctx, http.MethodGet, "experiments/get-by-name", q, &out)
		}
	}
	if err != nil {
		return nil, errs.Wrap(err, "open experiment %q", name)
	}
	return &out.Experiment, nil
}

// FindExperiment returns the experiment of that name; one that is not there is of kind
// NotFound.
func (c *Client) FindExperiment(ctx context.Context, name string) (*Experiment, error) {
	var out struct {
		Experiment Experiment `json:"experiment"`
	}
	err := c.call(ctx, http.MethodGet, "experiments/get-by-name", url.Values{"experiment_name": {name}}, &out)
	return &out.Experiment, errs.Wrap(err, "find experiment %q", name)
}

// CreateRun starts a run in the experiment.
func (c *Client) CreateRun(ctx context.Context, experimentID, name string, start time.Time, tags []Tag) (*RunInfo, error) {
	in := map[string]any{"experiment_id": experimentID, "run_name": name, "start_time": millis(start), "tags": tags}
	var out struct {
		Run Run `json:"run"`
	}
	if err := c.call(ctx, http.MethodPost, "runs/create", in, &out); err != nil {
		return nil, errs.Wrap(err, "start run %q", name)
	}
	return &out.Run.Info, nil
}

// GetRun returns the run of that id.
func (c *Client) GetRun(ctx context.Context, id string) (*Run, error) {
	var out struct {
		Run Run `json:"run"`
	}
	err := c.call(ctx, http.MethodGet, "runs/get", url.Values{"run_id": {id}}, &out)
	return &out.Run, errs.Wrap(err, "get run %s", id)
}

// UpdateRun sets the run's status (RUNNING, FINISHED, FAILED, KILLED) and, when
// end is not zero, its end.
func (c *Client) UpdateRun(ctx context.Context, id, status string, end time.Time) error {
	in := map[string]any{"run_id": id, "status": status}
	if !end.IsZero() {
		in["end_time"] = millis(end)
	}
	return errs.Wrap(c.call(ctx, http.MethodPost, "runs/update", in, nil), "set run %s to %s", id, status)
}

// The most that one log-batch request may carry.
const (
	maxParams  = 100
	maxTags    = 100
	maxMetrics = 800
)

// Log records metrics, parameters and tags of a run, in as few requests as the
// server's limits allow.
func (c *Client) Log(ctx context.Context, runID string, metrics []Metric, params, tags []Tag) error {
	for len(metrics)+len(params)+len(tags) > 0 {
		in := map[string]any{"run_id": runID}
		metrics = cut(in, "metrics", metrics, maxMetrics)
		params = cut(in, "params", params, maxParams)
		tags = cut(in, "tags", tags, maxTags)
		if err := c.call(ctx, http.MethodPost, "runs/log-batch", in, nil); err != nil {
			return errs.Wrap(err, "log to run %s", runID)
		}
	}
	return nil
}

func cut[T any](in map[string]any, key string, items []T, limit int) []T {
	n := min(len(items), limit)
	if n > 0 {
		in[key] = items[:n]
	}
	return items[n:]
}

// SetTag sets one tag of a run.
func (c *Client) SetTag(ctx context.Context, runID, key, value string) error {
	return c.Log(ctx, runID, nil, nil, []Tag{{key, value}})
}

// Dataset describes the data that a run read.
type Dataset struct {
	Name       string `json:"name"`
	Digest     string `json:"digest"`      // at most 36 characters
	SourceType string `json:"source_type"` // such as "local"
	Source     string `json:"source"`      // JSON text
	Schema     string `json:"schema,omitempty"`
	Profile    string `json:"profile,omitempty"`
}

// LogInput records that the run read the dataset in the given role, such as
// "training".
func (c *Client) LogInput(ctx context.Context, runID string, d Dataset, role string) error {
	in := map[string]any{"run_id": runID, "datasets": []any{map[string]any{
		"dataset": d, "tags": []Tag{{"mlflow.data.context", role}},
	}}}
	return errs.Wrap(c.call(ctx, http.MethodPost, "runs/log-inputs", in, nil), "log the data of run %s", runID)
}

// Search is a query for runs; zero fields take the server's defaults.
type Search struct {
	ExperimentIDs []string `json:"experiment_ids"`
	Filter        string   `json:"filter,omitempty"`
	OrderBy       []string `json:"order_by,omitempty"`
	Max           int      `json:"max_results,omitempty"`
	PageToken     string   `json:"page_token,omitempty"`
}

// SearchRuns returns one page of runs and the token of the next, or "".
func (c *Client) SearchRuns(ctx context.Context, s Search) (runs []Run, next string, err error) {
	var out struct {
		Runs []Run  `json:"runs"`
		Next string `json:"next_page_token"`
	}
	err = c.call(ctx, http.MethodPost, "runs/search", s, &out)
	return out.Runs, out.Next, errs.Wrap(err, "search runs")
}
