package mlflow

import (
	"context"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/tracking"
)

// need says what the sender of a request must be allowed to do; it is asked when
// the fields of the request have passed their checks, and only when users have
// to show who they are. It returns errs.Denied. Every route names one.
type need func(*call) error

// anyone lets everyone pass whom the gate has let in. The route filters what it
// answers with.
func anyone(*call) error { return nil }

func admin(c *call) error { return c.h.cfg.Auth.RequireAdmin(c.r.Context()) }

func (h *Handler) require(ctx context.Context, kind auth.Kind, id string, l auth.Level) error {
	if h.cfg.Auth == nil {
		return nil
	}
	return h.cfg.Auth.Require(ctx, auth.Thing{Kind: kind, ID: id}, l)
}

// inExperiment wants a level on the experiment that the request names.
func inExperiment(l auth.Level) need {
	return func(c *call) error {
		id := c.str("experiment_id")
		if id == "" {
			id = tracking.DefaultExperimentID
		}
		return c.h.require(c.r.Context(), auth.Experiment, id, l)
	}
}

func readsNamed(c *call) error {
	x, err := c.h.Runs.ExperimentByName(c.r.Context(), c.str("experiment_name"))
	if err != nil {
		return err
	}
	return c.h.require(c.r.Context(), auth.Experiment, x.ID, auth.Read)
}

// makes wants that the sender may make things. Where this server keeps its files
// is chosen by the server, or by an admin.
func makes(c *call) error {
	if uri := c.str("artifact_location"); uri != "" {
		if _, _, err := c.h.place(uri, ""); err == nil {
			return admin(c)
		}
	}
	return c.h.cfg.Auth.RequireScope(c.r.Context(), auth.Edit)
}

func makesModel(c *call) error { return c.h.cfg.Auth.RequireScope(c.r.Context(), auth.Edit) }

func (h *Handler) requireRun(ctx context.Context, id string, l auth.Level) error {
	if h.cfg.Auth == nil {
		return nil
	}
	experiment, err := h.Runs.ExperimentOf(ctx, id)
	if err != nil {
		return err
	}
	return h.require(ctx, auth.Experiment, experiment, l)
}

func (h *Handler) requireLogged(ctx context.Context, id string, l auth.Level) error {
	if h.cfg.Auth == nil {
		return nil
	}
	m, err := h.Runs.Model(ctx, id)
	if err != nil {
		return err
	}
	return h.require(ctx, auth.Experiment, m.ExperimentID, l)
}

// ofRun wants a level on the experiment of the request's run.
func ofRun(l auth.Level) need {
	return func(c *call) error { return c.h.requireRun(c.r.Context(), c.runID(), l) }
}

// ofRuns wants that every run of the request may be read.
func ofRuns(c *call) error {
	for _, id := range c.runIDs() {
		if err := c.h.requireRun(c.r.Context(), id, auth.Read); err != nil {
			return err
		}
	}
	return nil
}

// runIDs returns the runs of a request for several histories.
func (c *call) runIDs() []string {
	ids := append(c.strs("run_ids"), c.strs("run_id")...)
	if len(ids) == 1 && strings.Contains(ids[0], ",") {
		ids = strings.Split(ids[0], ",")
	}
	return ids
}

// requireLinked wants a level on each of the logged models that a request to a
// run names besides.
func (c *call) requireLinked(l auth.Level, ids ...string) error {
	if c.h.cfg.Auth == nil {
		return nil
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if id == "" {
			continue
		}
		if err := c.h.requireLogged(c.r.Context(), id, l); err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
	}
	return nil
}

// signsUpload wants Edit where the file will be put.
func signsUpload(c *call) error {
	if id := c.str("model_id"); id != "" {
		if err := c.h.requireLogged(c.r.Context(), id, auth.Edit); err != nil {
			return err
		}
	}
	if id := c.runID(); id != "" || c.str("model_id") == "" {
		return c.h.requireRun(c.r.Context(), id, auth.Edit)
	}
	return nil
}

// ofLogged wants a level on the experiment of the logged model in the path.
func ofLogged(l auth.Level) need {
	return func(c *call) error { return c.h.requireLogged(c.r.Context(), c.path[0], l) }
}

// ofModel wants a level on the registered model that the request names.
func ofModel(l auth.Level) need {
	return func(c *call) error { return c.h.require(c.r.Context(), auth.Model, c.str("name"), l) }
}

// makesVersion wants Edit on the model and Read on whatever the version is made
// from: its files are handed to everyone who may read the model.
func makesVersion(c *call) error {
	ctx := c.r.Context()
	if err := c.h.require(ctx, auth.Model, c.str("name"), auth.Edit); err != nil {
		return err
	}
	for _, id := range []string{c.str("run_id"), runOf(c.str("source"))} {
		if id != "" {
			if err := c.h.requireRun(ctx, id, auth.Read); err != nil && !errs.Is(err, errs.NotFound) && !errs.Is(err, errs.Invalid) {
				return err
			}
		}
	}
	if id := c.str("model_id"); id != "" {
		if err := c.h.requireLogged(ctx, id, auth.Read); err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
	}
	return c.h.requireSource(ctx, c.str("source"))
}

// runOf returns the run of a runs:/ URI, or "".
func runOf(source string) string {
	rest, ok := strings.CutPrefix(source, "runs:")
	if !ok {
		return ""
	}
	id, _, _ := strings.Cut(strings.TrimLeft(rest, "/"), "/")
	return id
}

func (h *Handler) requireSource(ctx context.Context, source string) error {
	if rest, ok := strings.CutPrefix(source, "models:"); ok {
		rest = strings.TrimLeft(rest, "/")
		if strings.HasPrefix(rest, "m-") {
			id, _, _ := strings.Cut(rest, "/")
			err := h.requireLogged(ctx, id, auth.Read)
			if errs.Is(err, errs.NotFound) {
				return nil // the registry says so better
			}
			return err
		}
		name, _, _ := strings.Cut(rest, "/")
		name, _, _ = strings.Cut(name, "@")
		return h.require(ctx, auth.Model, name, auth.Read)
	}
	if _, _, err := h.place(source, ""); err != nil {
		return nil // files that this server does not hand out
	}
	return h.requireURI(ctx, source, auth.Read)
}
