package tracking

// The states of logged models.
const (
	ModelPending      = "LOGGED_MODEL_PENDING"
	ModelReady        = "LOGGED_MODEL_READY"
	ModelUploadFailed = "LOGGED_MODEL_UPLOAD_FAILED"
)

// LoggedModel is a model that was logged as a thing of its own, with its own
// files, parameters and metrics.
type LoggedModel struct {
	ID            string // "m-" and 32 hexadecimal digits
	ExperimentID  string
	Name          string
	Type          string
	SourceRunID   string
	ArtifactURI   string
	Status        string
	StatusMessage string
	Created       int64
	Updated       int64
	Tags          []Tag
	Params        []Tag
	Metrics       []Metric
}
