package sqlstore

import (
	"context"
	"database/sql"
	"strconv"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/filter"
	"github.com/drivecast/drivecast/internal/tracking"
)

// Tracking is the record of experiments in a DB. It is a tracking.Store.
type Tracking struct{ db *DB }

// Tracking returns the record of experiments.
func (d *DB) Tracking() *Tracking { return &Tracking{d} }

var _ tracking.Store = (*Tracking)(nil)

// Prepare gives the default experiment its artifact location.
func (s *Tracking) Prepare(ctx context.Context, root string) error {
	return s.db.Update(ctx, func(t *Tx) error {
		_, err := t.Exec("UPDATE experiments SET artifact_location = ? WHERE id = 0 AND artifact_location = ''", root+"/0")
		return err
	})
}

// experimentKey reads an experiment id.
func experimentKey(id string) (int64, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != id {
		return 0, tracking.NoExperiment(id)
	}
	return n, nil
}

const experimentColumns = "e.id, e.name, e.artifact_location, e.stage, e.created, e.updated"

func scanExperiment(rows *sql.Rows, more ...any) (tracking.Experiment, error) {
	var e tracking.Experiment
	var id int64
	err := rows.Scan(append([]any{&id, &e.Name, &e.ArtifactLocation, &e.Stage, &e.Created, &e.Updated}, more...)...)
	e.ID = strconv.FormatInt(id, 10)
	return e, err
}

// CreateExperiment adds an experiment.
func (s *Tracking) CreateExperiment(ctx context.Context, e tracking.Experiment, root string) (string, error) {
	var id int64
	err := s.db.Update(ctx, func(t *Tx) error {
		var n int
		if _, err := t.Get("SELECT COUNT(*) FROM experiments WHERE name = ?", []any{e.Name}, &n); err != nil {
			return err
		}
		if n > 0 {
			return tracking.ExperimentExists(e.Name)
		}
		_, err := t.Get("INSERT INTO experiments (name, artifact_location, stage, created, updated) VALUES (?, ?, ?, ?, ?) RETURNING id",
			[]any{e.Name, e.ArtifactLocation, e.Stage, e.Created, e.Updated}, &id)
		if err != nil {
			if s.db.dialect.constraint(err) {
				return tracking.ExperimentExists(e.Name)
			}
			return err
		}
		if e.ArtifactLocation == "" {
			if _, err := t.Exec("UPDATE experiments SET artifact_location = ? WHERE id = ?", root+"/"+strconv.FormatInt(id, 10), id); err != nil {
				return err
			}
		}
		if err := t.grantMaker(auth.Thing{Kind: auth.Experiment, ID: strconv.FormatInt(id, 10)}); err != nil {
			return err
		}
		return t.setTags("experiment_tags", "experiment", id, e.Tags)
	})
	return strconv.FormatInt(id, 10), err
}

// ExperimentsAt returns the experiments that keep their files at these locations.
func (s *Tracking) ExperimentsAt(ctx context.Context, locations []string) (ids []string, err error) {
	args := make([]any, len(locations))
	for i, l := range locations {
		args[i] = l
	}
	err = s.db.View(ctx, func(t *Tx) error {
		ids = nil
		return eachChunk(args, func(m string, args []any) error {
			return t.each("SELECT id FROM experiments WHERE artifact_location IN "+m, args, func(r *sql.Rows) error {
				var id int64
				err := r.Scan(&id)
				ids = append(ids, strconv.FormatInt(id, 10))
				return err
			})
		})
	})
	return ids, err
}

// setTags sets tags in one of the tables of tags.
func (t *Tx) setTags(table, owner string, id int64, tags []tracking.Tag) error {
	if len(tags) == 0 {
		return nil
	}
	values := make([]any, 0, 3*len(tags))
	for _, tag := range lastOfEach(tags) {
		values = append(values, id, tag.Key, tag.Value)
	}
	return t.bulk("INSERT INTO "+table+" ("+owner+", key, value) VALUES ", " ON CONFLICT ("+owner+", key) DO UPDATE SET value = excluded.value", 3, values)
}

// lastOfEach keeps the last tag of each key.
func lastOfEach(tags []tracking.Tag) []tracking.Tag {
	at := make(map[string]int, len(tags))
	out := make([]tracking.Tag, 0, len(tags))
	for _, t := range tags {
		if i, ok := at[t.Key]; ok {
			out[i] = t
			continue
		}
		at[t.Key] = len(out)
		out = append(out, t)
	}
	return out
}

func (t *Tx) experiment(where string, arg any) (*tracking.Experiment, error) {
	var found *tracking.Experiment
	err := t.each("SELECT "+experimentColumns+" FROM experiments e WHERE "+where, []any{arg}, func(r *sql.Rows) error {
		e, err := scanExperiment(r)
		found = &e
		return err
	})
	if err != nil || found == nil {
		return nil, err
	}
	err = t.each("SELECT key, value FROM experiment_tags WHERE experiment = ? ORDER BY key", []any{found.ID}, func(r *sql.Rows) error {
		var tag tracking.Tag
		err := r.Scan(&tag.Key, &tag.Value)
		found.Tags = append(found.Tags, tag)
		return err
	})
	return found, err
}

// Experiment returns the experiment of that id.
func (s *Tracking) Experiment(ctx context.Context, id string) (e *tracking.Experiment, err error) {
	key, err := experimentKey(id)
	if err != nil {
		return nil, err
	}
	err = s.db.View(ctx, func(t *Tx) error {
		if e, err = t.experiment("e.id = ?", key); err == nil && e == nil {
			err = tracking.NoExperiment(id)
		}
		return err
	})
	return e, err
}

// ExperimentByName returns the experiment of that name.
func (s *Tracking) ExperimentByName(ctx context.Context, name string) (e *tracking.Experiment, err error) {
	err = s.db.View(ctx, func(t *Tx) error {
		if e, err = t.experiment("e.name = ?", name); err == nil && e == nil {
			err = tracking.NoExperimentNamed(name)
		}
		return err
	})
	return e, err
}

// activeExperiment returns the key of an experiment that takes changes.
func (t *Tx) activeExperiment(id string) (int64, error) {
	key, err := experimentKey(id)
	if err != nil {
		return 0, err
	}
	var stage string
	ok, err := t.Get("SELECT stage FROM experiments WHERE id = ?"+t.lock(forStaying), []any{key}, &stage)
	switch {
	case err != nil:
		return 0, err
	case !ok:
		return 0, tracking.NoExperiment(id)
	case stage != tracking.Active:
		return 0, tracking.ExperimentNotActive(id, stage)
	}
	return key, nil
}

// RenameExperiment gives an active experiment another name.
func (s *Tracking) RenameExperiment(ctx context.Context, id, name string, now int64) error {
	return s.db.Update(ctx, func(t *Tx) error {
		key, err := t.activeExperiment(id)
		if errs.Is(err, errs.Invalid) {
			return errs.New(errs.State, "Cannot rename a non-active experiment.")
		}
		if err != nil {
			return err
		}
		_, err = t.Exec("UPDATE experiments SET name = ?, updated = ? WHERE id = ?", name, now, key)
		if err != nil && s.db.dialect.constraint(err) {
			return tracking.ExperimentExists(name)
		}
		return err
	})
}

// StageExperiment deletes or restores an experiment and its runs.
func (s *Tracking) StageExperiment(ctx context.Context, id, stage string, now int64) error {
	key, err := experimentKey(id)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(t *Tx) error {
		var old string
		ok, err := t.Get("SELECT stage FROM experiments WHERE id = ?"+t.lock(forChange), []any{key}, &old)
		if err != nil {
			return err
		}
		if !ok || old == stage {
			return tracking.NoExperiment(id)
		}
		if _, err := t.Exec("UPDATE experiments SET stage = ?, updated = ? WHERE id = ?", stage, now, key); err != nil {
			return err
		}
		deleted := now
		if stage == tracking.Active {
			deleted = 0
		}
		_, err = t.Exec("UPDATE runs SET stage = ?, deleted_time = ?, rev = rev + 1 WHERE experiment = ? AND stage = ?", stage, deleted, key, old)
		return err
	})
}

// SetExperimentTag sets one tag.
func (s *Tracking) SetExperimentTag(ctx context.Context, id string, tag tracking.Tag, now int64) error {
	return s.db.Update(ctx, func(t *Tx) error {
		key, err := t.activeExperiment(id)
		if err != nil {
			return err
		}
		if err := t.setTags("experiment_tags", "experiment", key, []tracking.Tag{tag}); err != nil {
			return err
		}
		_, err = t.Exec("UPDATE experiments SET updated = ? WHERE id = ?", now, key)
		return err
	})
}

// DeleteExperimentTag removes one tag.
func (s *Tracking) DeleteExperimentTag(ctx context.Context, id, tag string, now int64) error {
	return s.db.Update(ctx, func(t *Tx) error {
		key, err := t.activeExperiment(id)
		if err != nil {
			return err
		}
		n, err := t.Exec("DELETE FROM experiment_tags WHERE experiment = ? AND key = ?", key, tag)
		if err == nil && n == 0 {
			return errs.New(errs.NotFound, "No tag with name: %s in experiment with id %s", tag, id)
		}
		if err != nil {
			return err
		}
		_, err = t.Exec("UPDATE experiments SET updated = ? WHERE id = ?", now, key)
		return err
	})
}

var experimentFields = map[string]string{"name": "e.name", "creation_time": "e.created", "last_update_time": "e.updated", "experiment_id": "e.id"}

// SearchExperiments returns one page of experiments.
func (s *Tracking) SearchExperiments(ctx context.Context, q tracking.Query) (page []tracking.Experiment, next string, err error) {
	b := &search{columns: experimentColumns, from: "experiments e", limit: q.Limit, token: q.Token, mark: markOf("experiments", q.View, q.Clauses, q.Order), bad: tracking.BadToken}
	viewOf(b, "e.stage", q.View)
	for _, c := range q.Clauses {
		if c.Entity == "tag" {
			s.tagClause(b, c, "experiment_tags", "experiment", "e.id")
		} else {
			s.columnClause(b, c, experimentFields[c.Key])
		}
	}
	for _, o := range q.Order {
		b.terms = append(b.terms, orderTerm(b, o, experimentFields, "experiment_tags", "experiment", "e.id")...)
	}
	err = s.db.View(ctx, func(t *Tx) error {
		page, next, err = collect(t, b, scanExperiment)
		if err != nil {
			return err
		}
		byID := map[string]*tracking.Experiment{}
		ids := make([]any, len(page))
		for i := range page {
			byID[page[i].ID], ids[i] = &page[i], page[i].ID
		}
		return t.tagsOf("experiment_tags", "experiment", ids, func(id int64, tag tracking.Tag) {
			e := byID[strconv.FormatInt(id, 10)]
			e.Tags = append(e.Tags, tag)
		})
	})
	return page, next, err
}

func viewOf(b *search, column string, v tracking.View) {
	switch v {
	case tracking.ActiveOnly:
		b.and(column+" = ?", tracking.Active)
	case tracking.DeletedOnly:
		b.and(column+" = ?", tracking.Deleted)
	}
}

// orderTerm returns the terms of one ordering by an attribute or a tag; rows
// without the tag come last either way.
func orderTerm(b *search, o filter.Order, fields map[string]string, table, owner, id string) []term {
	if o.Entity == "attribute" {
		return []term{{expr: fields[o.Key], desc: o.Desc}}
	}
	a := b.alias()
	b.join("LEFT JOIN "+table+" "+a+" ON "+a+"."+owner+" = "+id+" AND "+a+".key = ?", o.Key)
	return []term{{expr: "(CASE WHEN " + a + ".key IS NULL THEN 1 ELSE 0 END)"}, {expr: "COALESCE(" + a + ".value, '')", desc: o.Desc}}
}
