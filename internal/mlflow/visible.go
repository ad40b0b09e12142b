package mlflow

import (
	"context"
	"strings"

	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/registry"
	"github.com/drivecast/drivecast/internal/tracking"
)

// Records is what the sender of a request may see of the record and the
// register: everything, where nobody is asked who they are.
type Records struct{ h *Handler }

// Records returns the searches behind which nothing is shown that may not be.
func (h *Handler) Records() Records { return Records{h} }

func (v Records) filter(ctx context.Context, kind auth.Kind) (func(string) bool, error) {
	if v.h.cfg.Auth == nil {
		return func(string) bool { return true }, nil
	}
	return v.h.cfg.Auth.Filter(ctx, kind)
}

// experiments keeps those of the ids that may be read.
func (v Records) experiments(ctx context.Context, ids []string) ([]string, error) {
	may, err := v.filter(ctx, auth.Experiment)
	if err != nil {
		return nil, err
	}
	kept := make([]string, 0, len(ids))
	for _, id := range ids {
		if may(id) {
			kept = append(kept, id)
		}
	}
	return kept, nil
}

// pageful is how many things are looked at together when some of a page may not
// be shown.
const pageful = 1000

// refill takes pages until one is full of things that may be shown, or there are
// no more. A limit of 0 is what the search makes of it.
func refill[T any](limit int, token string, fetch func(limit int, token string) ([]T, string, error), may func(T) bool) ([]T, string, error) {
	page, next, err := fetch(limit, token)
	if err != nil {
		return nil, "", err
	}
	full := len(page)
	var out []T
	take := func() (n int) { // returns how much of the page was needed
		for _, x := range page {
			if len(out) == full {
				break
			}
			n++
			if may(x) {
				out = append(out, x)
			}
		}
		return n
	}
	take()
	for next != "" && len(out) < full {
		var after string
		if page, after, err = fetch(pageful, next); err != nil {
			return nil, "", err
		}
		if n := take(); n < len(page) { // the next page begins in the middle of this one
			if _, after, err = fetch(n, next); err != nil {
				return nil, "", err
			}
		}
		next = after
	}
	return out, next, nil
}

// SearchExperiments is tracking.Service.SearchExperiments for whoever asks.
func (v Records) SearchExperiments(ctx context.Context, q tracking.Search) ([]tracking.Experiment, string, error) {
	may, err := v.filter(ctx, auth.Experiment)
	if err != nil {
		return nil, "", err
	}
	return refill(q.Limit, q.Token, func(limit int, token string) ([]tracking.Experiment, string, error) {
		q.Limit, q.Token = limit, token
		return v.h.Runs.SearchExperiments(ctx, q)
	}, func(x tracking.Experiment) bool { return may(x.ID) })
}

// SearchRuns is tracking.Service.SearchRuns for whoever asks.
func (v Records) SearchRuns(ctx context.Context, q tracking.Search) (page []*tracking.Run, next string, err error) {
	if q.ExperimentIDs, err = v.experiments(ctx, q.ExperimentIDs); err != nil {
		return nil, "", err
	}
	return v.h.Runs.SearchRuns(ctx, q)
}

// SearchModels is registry.Service.SearchModels for whoever asks.
func (v Records) SearchModels(ctx context.Context, q registry.Search) ([]*registry.Model, string, error) {
	may, err := v.filter(ctx, auth.Model)
	if err != nil {
		return nil, "", err
	}
	return refill(q.Limit, q.Token, func(limit int, token string) ([]*registry.Model, string, error) {
		q.Limit, q.Token = limit, token
		return v.h.Models.SearchModels(ctx, q)
	}, func(m *registry.Model) bool { return may(m.Name) })
}

// SearchVersions is registry.Service.SearchVersions for whoever asks.
func (v Records) SearchVersions(ctx context.Context, q registry.Search) ([]*registry.Version, string, error) {
	may, err := v.filter(ctx, auth.Model)
	if err != nil {
		return nil, "", err
	}
	return refill(q.Limit, q.Token, func(limit int, token string) ([]*registry.Version, string, error) {
		q.Limit, q.Token = limit, token
		return v.h.Models.SearchVersions(ctx, q)
	}, func(m *registry.Version) bool { return may(m.Name) })
}

// quiet are the routes that change something and are called too often to be
// logged one by one, and those that change nothing although they are posted.
var quiet = map[string]bool{
	"runs/log-metric": true, "runs/log-parameter": true, "runs/log-batch": true, "runs/log-inputs": true, "runs/outputs": true,
	"runs/set-tag": true, "runs/log-model": true, "logged-models/*/params": true, "runs/search": true, "experiments/search": true,
	"experiments/search-datasets": true, "registered-models/search": true, "model-versions/search": true,
	"registered-models/get-latest-versions": true, "logged-models/search": true,
}

// about are the fields that say what a request is about, for the log.
var about = []string{
	"experiment_id", "run_id", "run_uuid", "name", "new_name", "version", "alias", "stage", "key", "username", "permission",
	"is_admin", "role_id", "role_permission_id", "resource_type", "resource_pattern", "resource_id", "token_id", "scope", "delivery_id",
}

// note tells the gate what the request is about.
func (c *call) note(path string) {
	d := auth.DeedOf(c.r.Context())
	if d.Quiet = quiet[path]; d.Quiet {
		return
	}
	parts := append([]string(nil), c.path...)
	for _, f := range about {
		if raw, ok := c.raw[f]; ok && len(raw) < 1000 {
			parts = append(parts, f+"="+strings.Trim(string(raw), `"`))
		}
	}
	d.Target = strings.Join(parts, " ")
}
