// Package tracking is the record of experiments: what runs were made, with what
// parameters, measured how, reading which data and yielding which models. It
// holds the rules (names, limits, what may follow what, what searches mean);
// where the record is kept is behind Store.
//
// Times are milliseconds since 1970, as clients of the MLflow API send them.
package tracking

import "strconv"

// The life stages of experiments and runs.
const (
	Active  = "active"
	Deleted = "deleted"
)

// The states of runs.
const (
	Running   = "RUNNING"
	Scheduled = "SCHEDULED"
	Finished  = "FINISHED"
	Failed    = "FAILED"
	Killed    = "KILLED"
)

// View chooses records by life stage.
type View uint8

// The views. ActiveOnly is the default of every search.
const (
	ActiveOnly View = iota
	DeletedOnly
	All
)

// Tag is a key and a text: of tags, parameters and tags of inputs.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Experiment is a named group of runs.
type Experiment struct {
	ID               string
	Name             string // unique, those of deleted experiments included
	ArtifactLocation string // URI below which its runs keep their files
	Stage            string // Active or Deleted
	Created          int64
	Updated          int64
	Tags             []Tag
}

// RunInfo is what a run is, without what was logged to it.
type RunInfo struct {
	ID           string
	Name         string
	ExperimentID string
	UserID       string
	Status       string
	Start        int64
	End          int64 // 0 while it has none
	ArtifactURI  string
	Stage        string // Active or Deleted
}

// Run is a run with the latest value of each metric.
type Run struct {
	RunInfo
	Metrics      []Metric
	Params       []Tag
	Tags         []Tag
	Datasets     []DatasetInput
	ModelInputs  []string // ids of logged models
	ModelOutputs []ModelOutput
	Rev          int64  // changes whenever anything of the run does
	Bare         bool   // only RunInfo and Rev are filled; see Query.Have
	Body         []byte // not nil: in place of what was logged; see Query.Form
}

// Metric is one measured value. NaN is a value; infinities are kept as the
// largest finite numbers.
type Metric struct {
	Key           string
	Value         float64
	Timestamp     int64
	Step          int64
	ModelID       string // the logged model it was measured on, or ""
	DatasetName   string
	DatasetDigest string
	RunID         string // filled where metrics of several runs are returned
}

// Batch is what one request logs to a run; all of it is recorded, or nothing.
type Batch struct {
	Metrics []Metric
	Params  []Tag
	Tags    []Tag
	Single  bool // it is the one thing that a request logs, not part of a list
}

// field names a field of the batch in messages.
func (b Batch) field(list string, i int, name string) string {
	if b.Single {
		return name
	}
	return list + "[" + strconv.Itoa(i) + "]." + name
}

// Dataset describes data that runs read. It is known by experiment, name and
// digest.
type Dataset struct {
	Name       string `json:"name"`
	Digest     string `json:"digest"`
	SourceType string `json:"source_type"`
	Source     string `json:"source"`
	Schema     string `json:"schema,omitempty"`
	Profile    string `json:"profile,omitempty"`
}

// DatasetInput is a dataset as one run read it; the tag mlflow.data.context says
// in which role.
type DatasetInput struct {
	Dataset Dataset `json:"dataset"`
	Tags    []Tag   `json:"tags,omitempty"`
}

// DatasetSummary names a dataset of an experiment and one role it was read in.
type DatasetSummary struct {
	ExperimentID string `json:"experiment_id"`
	Name         string `json:"name"`
	Digest       string `json:"digest"`
	Context      string `json:"context,omitempty"`
}

// ModelOutput is a logged model that a run yielded at a step.
type ModelOutput struct {
	ModelID string
	Step    int64
}

// The tags that have a meaning here.
const (
	RunNameTag      = "mlflow.runName"
	UserTag         = "mlflow.user"
	ModelHistoryTag = "mlflow.log-model.history"
	DataContextTag  = "mlflow.data.context"
)

// DefaultExperimentID is the experiment that always exists, named "Default".
const DefaultExperimentID = "0"
