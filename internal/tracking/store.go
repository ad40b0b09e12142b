package tracking

import (
	"context"

	"github.com/drivecast/drivecast/internal/filter"
)

// Store keeps the record. Every method is one transaction. Implementations
// answer errs.NotFound, errs.Exists and errs.State with the texts of this
// package (see NoRun and its like), and errs.Invalid for a garbled page token.
type Store interface {
	// Prepare gives the default experiment, which always exists, its artifact
	// location below root when it has none yet.
	Prepare(ctx context.Context, root string) error

	// CreateExperiment adds e and returns its id, chosen by the store. When
	// e.ArtifactLocation is "", it becomes root + "/" + id.
	CreateExperiment(ctx context.Context, e Experiment, root string) (string, error)
	Experiment(ctx context.Context, id string) (*Experiment, error)
	ExperimentByName(ctx context.Context, name string) (*Experiment, error)
	// ExperimentsAt returns the ids of the experiments whose artifact location is
	// one of these.
	ExperimentsAt(ctx context.Context, locations []string) ([]string, error)
	RenameExperiment(ctx context.Context, id, name string, now int64) error
	// StageExperiment deletes or restores an experiment and its runs.
	StageExperiment(ctx context.Context, id, stage string, now int64) error
	SetExperimentTag(ctx context.Context, id string, t Tag, now int64) error
	DeleteExperimentTag(ctx context.Context, id, key string, now int64) error
	SearchExperiments(ctx context.Context, q Query) ([]Experiment, string, error)

	// CreateRun adds r, whose experiment must be active; "" as ArtifactURI
	// becomes the experiment's location + "/" + id + "/artifacts", and the
	// stored URI is returned.
	CreateRun(ctx context.Context, r *Run) (string, error)
	Run(ctx context.Context, id string) (*Run, error)
	RunInfo(ctx context.Context, id string) (*RunInfo, error)
	UpdateRun(ctx context.Context, id string, c RunChange) (*RunInfo, error)
	StageRun(ctx context.Context, id, stage string, now int64) error
	Log(ctx context.Context, runID string, b Batch) error
	DeleteTag(ctx context.Context, runID, key string) error
	AppendModelHistory(ctx context.Context, runID, entry string) error
	LogInputs(ctx context.Context, runID string, datasets []DatasetInput, models []string) error
	LogOutputs(ctx context.Context, runID string, models []ModelOutput) error
	SearchRuns(ctx context.Context, q Query) ([]*Run, string, error)
	// KeepBodies keeps what a searcher made of runs, in place of what was kept
	// before. Runs that are gone or at another Rev are passed over.
	KeepBodies(ctx context.Context, form string, bodies []Body) error
	// WholeRuns returns the runs of these ids that there are, in no order.
	WholeRuns(ctx context.Context, ids []string) ([]*Run, error)
	// Unkept returns runs, at most limit, of which no body of this form and their
	// Rev is kept. It begins at a place: 0, and then what next was; next is 0 when
	// all runs were looked at. A call may return none and yet not be the last.
	Unkept(ctx context.Context, form string, from int64, limit int) (runs []*Run, next int64, err error)
	// History returns the points of one metric by time, step and value; limit 0
	// means all of them.
	History(ctx context.Context, runID, key, token string, limit int) ([]Metric, string, error)
	// Sampled returns points of one metric of several runs, at steps chosen by
	// SampleSteps.
	Sampled(ctx context.Context, q SampleQuery) ([]Metric, error)
	DatasetSummaries(ctx context.Context, experimentIDs []string, limit int) ([]DatasetSummary, error)

	CreateModel(ctx context.Context, m *LoggedModel) error
	Model(ctx context.Context, id string) (*LoggedModel, error)
	FinalizeModel(ctx context.Context, id, status string, now int64) error
	DeleteModel(ctx context.Context, id string, now int64) error
	SetModelTags(ctx context.Context, id string, tags []Tag, now int64) error
	DeleteModelTag(ctx context.Context, id, key string, now int64) error
	LogModelParams(ctx context.Context, id string, params []Tag) error
	SearchModels(ctx context.Context, q ModelQuery) ([]*LoggedModel, string, error)
}

// RunChange is what UpdateRun changes; zero fields stay as they are.
type RunChange struct {
	Status string
	End    int64
	Name   string
}

// Query is a checked search. Entities and keys of Clauses and Order have their
// one spelling: entity "attribute", "metric", "param", "tag" or "dataset".
type Query struct {
	ExperimentIDs []string // of runs and models: where to look
	View          View
	Clauses       []filter.Clause
	Order         []filter.Order // the default order is appended already
	Limit         int            // at least 1
	Token         string         // where the page before ended, or ""

	// Have reports whether the searcher still has the run of that id as it was
	// at that Rev; such runs are returned bare. nil means that it has none.
	Have func(id string, rev int64) bool
	// Form, when not "", lets the store return a run with its Body in place of what
	// was logged to it, if a body of that form is kept for the run's Rev.
	Form string
}

// Body is what a searcher made of a run as it was at a Rev.
type Body struct {
	RunID string
	Rev   int64
	Body  []byte
}

// ModelQuery is a checked search for logged models.
type ModelQuery struct {
	Query
	Datasets      []DatasetKey // metric clauses look only at these, when there are any
	OrderDatasets []DatasetKey // parallel to Order: which dataset a metric term means
}

// DatasetKey names a dataset; Digest may be "" for any.
type DatasetKey struct{ Name, Digest string }

// SampleQuery asks for one metric of several runs at no more than Limit steps
// each. Start and End bound the steps when Bounded is true.
type SampleQuery struct {
	RunIDs     []string
	Key        string
	Bounded    bool
	Start, End int64
	Limit      int
}
