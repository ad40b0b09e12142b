package job

import (
	"context"
	"encoding/json"
	"time"
)

// Asset is a registered document: a compute, schedule, data asset, component,
// environment or model reference, or a remembered step of a pipeline.
type Asset struct {
	Kind    Kind            `json:"kind"`
	Name    string          `json:"name"`
	Version string          `json:"version"` // "" for kinds without versions
	Spec    json.RawMessage `json:"spec"`
	Created time.Time       `json:"created"`
}

// Catalog keeps assets. Every method is one transaction.
type Catalog interface {
	// Put registers an asset, or replaces the one of the same kind, name and version.
	Put(ctx context.Context, a Asset) error
	// Asset returns one; with version "latest", or "" where versions exist, the
	// one that was registered last. An unknown one is of kind NotFound.
	Asset(ctx context.Context, k Kind, name, version string) (Asset, error)
	// Assets lists those of a kind by name, the newest version of a name first.
	Assets(ctx context.Context, k Kind) ([]Asset, error)
	// Drop removes every version of a name, or is of kind NotFound.
	Drop(ctx context.Context, k Kind, name string) error
}
