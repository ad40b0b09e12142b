// Package registry is the register of models: names, numbered versions under
// them, stages, aliases and tags. It holds the rules; where the register is kept
// is behind Store, and where a version's files are is asked of Sources.
//
// Times are milliseconds since 1970.
package registry

import "context"

// Tag is a key and a text.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Alias is a name for one version of a model.
type Alias struct {
	Alias   string `json:"alias"`
	Version string `json:"version"`
}

// Model is a name under which versions are kept.
type Model struct {
	Name        string
	Description string
	Created     int64
	Updated     int64
	Tags        []Tag
	Aliases     []Alias
	Latest      []Version // the newest version of each stage
}

// Version is one version of a model.
type Version struct {
	Name        string
	Number      int64
	Created     int64
	Updated     int64
	UserID      string
	Stage       string // one of the stages
	Description string
	Source      string // as its maker wrote it
	Storage     string // the artifact URI that Source means
	RunID       string
	RunLink     string
	ModelID     string // the logged model it was made from, or ""
	Status      string // Ready
	Message     string
	Tags        []Tag
	Aliases     []string
}

// The stages of versions.
const (
	NoStage    = "None"
	Staging    = "Staging"
	Production = "Production"
	Archived   = "Archived"
)

// Ready is the state of a version whose files can be used.
const Ready = "READY"

// Sources resolves what versions are made from.
type Sources interface {
	// RunArtifacts returns the artifact URI of a run.
	RunArtifacts(ctx context.Context, runID string) (string, error)
	// LoggedModel returns the artifact URI of a logged model and the run that
	// yielded it, "" when none did.
	LoggedModel(ctx context.Context, modelID string) (uri, runID string, err error)
}

// Store keeps the register. Every method is one transaction; missing things are
// answered with NoModel, NoVersion and NoAlias.
type Store interface {
	CreateModel(ctx context.Context, m Model) error
	Model(ctx context.Context, name string) (*Model, error)
	RenameModel(ctx context.Context, name, newName string, now int64) error
	DescribeModel(ctx context.Context, name, text string, now int64) error
	DeleteModel(ctx context.Context, name string, now int64) error
	SetModelTag(ctx context.Context, name string, t Tag, now int64) error
	DeleteModelTag(ctx context.Context, name, key string, now int64) error
	SearchModels(ctx context.Context, q Query) ([]*Model, string, error)

	// CreateVersion adds v under the next free number and returns it.
	CreateVersion(ctx context.Context, v Version) (int64, error)
	Version(ctx context.Context, name string, number int64) (*Version, error)
	DescribeVersion(ctx context.Context, name string, number int64, text string, now int64) error
	// StageVersion moves a version; with archive, the others of that stage are
	// archived.
	StageVersion(ctx context.Context, name string, number int64, stage string, archive bool, now int64) error
	DeleteVersion(ctx context.Context, name string, number, now int64) error
	SetVersionTag(ctx context.Context, name string, number int64, t Tag, now int64) error
	DeleteVersionTag(ctx context.Context, name string, number int64, key string, now int64) error
	SearchVersions(ctx context.Context, q Query) ([]*Version, string, error)
	// LatestVersions returns the newest version of each of the stages.
	LatestVersions(ctx context.Context, name string, stages []string) ([]Version, error)

	SetAlias(ctx context.Context, name, alias string, number, now int64) error
	DeleteAlias(ctx context.Context, name, alias string, now int64) error
	VersionByAlias(ctx context.Context, name, alias string) (*Version, error)

	// Moves returns the record of each model that has or had the name, oldest
	// first; every method above that changes something adds to it, with the actor
	// of its context (see ActorOf), in the same transaction.
	Moves(ctx context.Context, name string) ([][]Move, error)
}
