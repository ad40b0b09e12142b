package dataver

import (
	"context"
	"os"
)

// Change is one way in which the workspace, or a remote, differs from what is
// recorded.
type Change struct {
	File  string `json:"file"`            // that records it
	Stage string `json:"stage,omitempty"` // of dvc.yaml
	Path  string `json:"path"`
	// Kind is "modified", "deleted" or "new" of the workspace; "not in cache";
	// "changed command", "changed dependency", "changed parameter" of stages;
	// "not in remote" or "not here" when compared with a remote.
	Kind string `json:"change"`
	// Objects is how many objects a remote or the cache lacks.
	Objects int `json:"objects,omitempty"`
}

// Status compares the workspace with what is recorded. No target means all.
func (r *Repo) Status(ctx context.Context, targets []string) ([]Change, error) {
	t, err := r.load()
	if err != nil {
		return nil, err
	}
	outs, err := r.pick(t, targets)
	if err != nil {
		return nil, err
	}
	changes := []Change{}
	for _, o := range outs {
		kind, err := r.compare(ctx, o)
		if err != nil {
			return nil, err
		}
		if kind != "" {
			changes = append(changes, Change{File: o.File, Stage: o.Stage, Path: o.Path, Kind: kind})
		}
	}
	if len(targets) == 0 {
		more, err := r.stageChanges(ctx, t)
		if err != nil {
			return nil, err
		}
		changes = append(changes, more...)
	}
	return changes, r.cache.save()
}

// compare returns how an output differs from its record, "" if it does not.
func (r *Repo) compare(ctx context.Context, o *Output) (string, error) {
	if o.legacy {
		return "", errLegacy(o)
	}
	if _, err := os.Stat(r.full(o.Path)); missing(err) {
		return "deleted", nil
	}
	m, err := r.measure(ctx, o.Path, false)
	switch {
	case err != nil:
		return "", err
	case o.OID == "":
		return "new", nil
	case m.OID != o.OID:
		return "modified", nil
	}
	if _, err := os.Stat(r.cache.path(o.OID)); missing(err) && o.Cached {
		return "not in cache", nil
	}
	return "", nil
}
