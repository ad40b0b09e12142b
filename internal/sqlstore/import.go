package sqlstore

import (
	"context"
	"iter"
	"strconv"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/registry"
	"github.com/drivecast/drivecast/internal/tracking"
)

// Import writes records that another server made, with their ids and times. Each
// method is one transaction and leaves alone what is there already, so that an
// import that was broken off can be run again.
type Import struct{ db *DB }

// Import returns a writer of foreign records.
func (d *DB) Import() *Import { return &Import{d} }

// ImportedRun is a run with all that was logged to it.
type ImportedRun struct {
	tracking.RunInfo
	Deleted  int64 // when it was deleted, 0 when it was not or nobody knows
	Params   []tracking.Tag
	Tags     []tracking.Tag
	Datasets []tracking.DatasetInput
	Points   iter.Seq2[tracking.Metric, error] // every point of every metric
}

// ModelLink says that a run read ("in") or yielded ("out") a logged model.
type ModelLink struct {
	RunID     string
	Direction string // "in" or "out"
	Step      int64
}

// Experiment adds an experiment under its own id and returns it. When that id is
// taken by another name it gets the next free one; when the name is there
// already, its id is returned and nothing changes.
func (i *Import) Experiment(ctx context.Context, e tracking.Experiment) (id string, fresh bool, err error) {
	want, err := strconv.ParseInt(e.ID, 10, 64)
	if err != nil {
		return "", false, errs.New(errs.Invalid, "experiment %q has id %q, which is not a number", e.Name, e.ID)
	}
	err = i.db.Update(ctx, func(t *Tx) error {
		var key int64
		there, err := t.Get("SELECT id FROM experiments WHERE name = ?", []any{e.Name}, &key)
		if err != nil || there {
			id = strconv.FormatInt(key, 10)
			return err
		}
		values := []any{e.Name, e.ArtifactLocation, e.Stage, e.Created, e.Updated}
		taken, err := t.Get("SELECT id FROM experiments WHERE id = ?", []any{want}, &key)
		if err != nil {
			return err
		}
		if taken {
			_, err = t.Get("INSERT INTO experiments (name, artifact_location, stage, created, updated) VALUES (?, ?, ?, ?, ?) RETURNING id", values, &key)
		} else {
			key = want
			_, err = t.Exec("INSERT INTO experiments (id, name, artifact_location, stage, created, updated) VALUES (?, ?, ?, ?, ?, ?)", append([]any{want}, values...)...)
			if err == nil {
				err = i.db.dialect.advance(t, "experiments", "id")
			}
		}
		if err != nil {
			return err
		}
		id, fresh = strconv.FormatInt(key, 10), true
		return t.setTags("experiment_tags", "experiment", key, e.Tags)
	})
	return id, fresh, err
}

// HasRun reports whether a run is there.
func (i *Import) HasRun(ctx context.Context, id string) (there bool, err error) {
	err = i.db.View(ctx, func(t *Tx) error {
		var key int64
		there, err = t.Get("SELECT id FROM runs WHERE uuid = ?", []any{id}, &key)
		return err
	})
	return there, err
}

const importChunk = 2000 // points written at a time

// Run adds a run and returns how many points it has; -1 when the run is there
// already.
func (i *Import) Run(ctx context.Context, r ImportedRun) (points int, err error) {
	err = i.db.Update(ctx, func(t *Tx) (err error) {
		points, err = t.importRun(r)
		return err
	})
	return points, err
}

// Runs adds runs in one transaction; those that are there already stay.
func (i *Import) Runs(ctx context.Context, runs []ImportedRun) error {
	return i.db.Update(ctx, func(t *Tx) error {
		for _, r := range runs {
			if _, err := t.importRun(r); err != nil {
				return errs.Wrap(err, "run %s", r.ID)
			}
		}
		return nil
	})
}

func (t *Tx) importRun(r ImportedRun) (points int, err error) {
	var key, experiment int64
	there, err := t.Get("SELECT id FROM runs WHERE uuid = ?", []any{r.ID}, &key)
	if err != nil || there {
		return -1, err
	}
	if experiment, err = strconv.ParseInt(r.ExperimentID, 10, 64); err != nil {
		return 0, err
	}
	_, err = t.Get("INSERT INTO runs (uuid, experiment, name, user_id, status, start_time, end_time, artifact_uri, stage, deleted_time) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
		[]any{r.ID, experiment, r.Name, r.UserID, r.Status, r.Start, r.End, r.ArtifactURI, r.Stage, r.Deleted}, &key)
	if err != nil {
		return 0, err
	}
	if err := t.setTags("params", "run", key, r.Params); err != nil {
		return 0, err
	}
	if err := t.setTags("tags", "run", key, r.Tags); err != nil {
		return 0, err
	}
	for _, d := range r.Datasets {
		if err := t.logInput(key, experiment, d); err != nil {
			return 0, err
		}
	}
	return t.importPoints(key, experiment, r.Points)
}

func (t *Tx) importPoints(run, experiment int64, points iter.Seq2[tracking.Metric, error]) (n int, err error) {
	if points == nil {
		return 0, nil
	}
	chunk := make([]tracking.Metric, 0, importChunk)
	for m, err := range points {
		if err != nil {
			return n, err
		}
		if chunk = append(chunk, m); len(chunk) == importChunk {
			if err := t.logMetrics(run, experiment, chunk); err != nil {
				return n, err
			}
			n, chunk = n+len(chunk), chunk[:0]
		}
	}
	return n + len(chunk), t.logMetrics(run, experiment, chunk)
}

// Model adds a logged model, its metrics (RunID names the run of each) and its
// links to runs; fresh is false when it is there already.
func (i *Import) Model(ctx context.Context, m tracking.LoggedModel, stage string, links []ModelLink) (fresh bool, err error) {
	err = i.db.Update(ctx, func(t *Tx) error {
		var key int64
		there, err := t.Get("SELECT id FROM logged_models WHERE model_id = ?", []any{m.ID}, &key)
		if err != nil || there {
			return err
		}
		experiment, err := strconv.ParseInt(m.ExperimentID, 10, 64)
		if err != nil {
			return err
		}
		_, err = t.Get(`INSERT INTO logged_models (model_id, experiment, name, type, source_run, artifact_uri, status, status_message, stage, created, updated)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			[]any{m.ID, experiment, m.Name, m.Type, m.SourceRunID, m.ArtifactURI, m.Status, m.StatusMessage, stage, m.Created, m.Updated}, &key)
		if err != nil {
			return err
		}
		fresh = true
		if err := t.setTags("logged_model_params", "model", key, m.Params); err != nil {
			return err
		}
		if err := t.setTags("logged_model_tags", "model", key, m.Tags); err != nil {
			return err
		}
		return t.importModelLinks(key, m, links)
	})
	return fresh, err
}

func (t *Tx) importModelLinks(key int64, m tracking.LoggedModel, links []ModelLink) error {
	for _, p := range m.Metrics {
		run, err := t.run(p.RunID)
		if errs.Is(err, errs.NotFound) {
			continue // its run was removed for good
		}
		if err != nil {
			return err
		}
		id, err := t.metricID(p.Key, true)
		if err != nil {
			return err
		}
		value, nan := storedValue(p.Value)
		err = t.bulk(insertModelMetrics, updateModelMetrics, 9, []any{key, run.key, id, p.Timestamp, p.Step, value, nan, p.DatasetName, p.DatasetDigest})
		if err != nil {
			return err
		}
	}
	for _, l := range links {
		run, err := t.run(l.RunID)
		if errs.Is(err, errs.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if _, err := t.Exec("INSERT INTO run_models (run, direction, model_id, step) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", run.key, l.Direction, m.ID, l.Step); err != nil {
			return err
		}
	}
	return nil
}

// Registered adds a registered model with its versions; the numbers up to last
// are never given again. fresh is false when the name is there already.
func (i *Import) Registered(ctx context.Context, m registry.Model, versions []registry.Version, last int64) (fresh bool, err error) {
	err = i.db.Update(ctx, func(t *Tx) error {
		var key int64
		fresh, err = t.Get("INSERT INTO registered_models (name, description, created, updated, last_version) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
			[]any{m.Name, m.Description, m.Created, m.Updated, last}, &key)
		if err != nil || !fresh {
			return err
		}
		if err := t.setTags("registered_model_tags", "model", key, trackingTags(m.Tags)); err != nil {
			return err
		}
		for _, v := range versions {
			var version int64
			_, err := t.Get(`INSERT INTO model_versions (model, version, created, updated, user_id, stage, description, source, storage, run_id, run_link, model_id, status, status_message)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
				[]any{key, v.Number, v.Created, v.Updated, v.UserID, v.Stage, v.Description, v.Source, v.Storage, v.RunID, v.RunLink, v.ModelID, v.Status, v.Message}, &version)
			if err != nil {
				return err
			}
			if err := t.setTags("model_version_tags", "version", version, trackingTags(v.Tags)); err != nil {
				return err
			}
		}
		for _, a := range m.Aliases {
			if _, err := t.Exec("INSERT INTO model_aliases (model, alias, version) VALUES (?, ?, ?)", key, a.Alias, a.Version); err != nil {
				return err
			}
		}
		return nil
	})
	return fresh, err
}

// storedValue splits a value into what is stored and whether it is NaN.
func storedValue(v float64) (value float64, nan int64) {
	if v != v {
		return 0, 1
	}
	return v + 0, 0 // -0 is 0
}
