package sqlstore

import (
	"context"
	"database/sql"
	"math"
	"strconv"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/filter"
	"github.com/drivecast/drivecast/internal/tracking"
)

const modelColumns = "l.id, l.model_id, l.experiment, l.name, l.type, l.source_run, l.artifact_uri, l.status, l.status_message, l.created, l.updated"

type modelRow struct {
	key int64
	*tracking.LoggedModel
}

func scanModel(rows *sql.Rows, more ...any) (modelRow, error) {
	m := modelRow{LoggedModel: &tracking.LoggedModel{}}
	var experiment int64
	err := rows.Scan(append([]any{&m.key, &m.ID, &experiment, &m.Name, &m.Type, &m.SourceRunID, &m.ArtifactURI, &m.Status, &m.StatusMessage, &m.Created, &m.Updated}, more...)...)
	m.ExperimentID = strconv.FormatInt(experiment, 10)
	return m, err
}

// modelKey returns the key of a logged model that is not deleted.
func (t *Tx) modelKey(id string) (key int64, err error) {
	ok, err := t.Get("SELECT id FROM logged_models WHERE model_id = ? AND stage = ?"+t.lock(forChange), []any{id, tracking.Active}, &key)
	if err == nil && !ok {
		err = tracking.NoModel(id)
	}
	return key, err
}

// CreateModel adds a logged model and fills in its artifact URI.
func (s *Tracking) CreateModel(ctx context.Context, m *tracking.LoggedModel) error {
	return s.db.Update(ctx, func(t *Tx) error {
		experiment, err := t.activeExperiment(m.ExperimentID)
		if err != nil {
			return err
		}
		var location string
		if _, err := t.Get("SELECT artifact_location FROM experiments WHERE id = ?", []any{experiment}, &location); err != nil {
			return err
		}
		if m.ArtifactURI == "" {
			m.ArtifactURI = location + "/models/" + m.ID + "/artifacts"
		}
		var key int64
		_, err = t.Get(`INSERT INTO logged_models (model_id, experiment, name, type, source_run, artifact_uri, status, status_message, stage, created, updated)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			[]any{m.ID, experiment, m.Name, m.Type, m.SourceRunID, m.ArtifactURI, m.Status, m.StatusMessage, tracking.Active, m.Created, m.Updated}, &key)
		if err != nil {
			return err
		}
		if err := t.setTags("logged_model_params", "model", key, m.Params); err != nil {
			return err
		}
		return t.setTags("logged_model_tags", "model", key, m.Tags)
	})
}

// Model returns a logged model that is not deleted.
func (s *Tracking) Model(ctx context.Context, id string) (m *tracking.LoggedModel, err error) {
	err = s.db.View(ctx, func(t *Tx) error {
		var found []modelRow
		err := t.each("SELECT "+modelColumns+" FROM logged_models l WHERE l.model_id = ? AND l.stage = ?", []any{id, tracking.Active}, func(r *sql.Rows) error {
			row, err := scanModel(r)
			found = append(found, row)
			return err
		})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return tracking.NoModel(id)
		}
		m = found[0].LoggedModel
		return t.fillModels(found)
	})
	return m, err
}

func (t *Tx) fillModels(rows []modelRow) error {
	byKey := map[int64]*tracking.LoggedModel{}
	ids := make([]any, len(rows))
	for i, r := range rows {
		byKey[r.key], ids[i] = r.LoggedModel, r.key
	}
	err := t.tagsOf("logged_model_tags", "model", ids, func(id int64, tag tracking.Tag) { byKey[id].Tags = append(byKey[id].Tags, tag) })
	if err != nil {
		return err
	}
	err = t.tagsOf("logged_model_params", "model", ids, func(id int64, tag tracking.Tag) { byKey[id].Params = append(byKey[id].Params, tag) })
	if err != nil {
		return err
	}
	return eachChunk(ids, func(m string, ids []any) error {
		return t.each(`SELECT g.model, r.uuid, k.key, g.time, g.step, g.value, g.nan, g.dataset_name, g.dataset_digest FROM logged_model_metrics g
			JOIN metric_keys k ON k.id = g.metric JOIN runs r ON r.id = g.run WHERE g.model IN `+m+" ORDER BY g.model, k.key, g.time, g.step", ids, func(r *sql.Rows) error {
			var id, nan int64
			var p tracking.Metric
			err := r.Scan(&id, &p.RunID, &p.Key, &p.Timestamp, &p.Step, &p.Value, &nan, &p.DatasetName, &p.DatasetDigest)
			if nan != 0 {
				p.Value = math.NaN()
			}
			p.ModelID = byKey[id].ID
			byKey[id].Metrics = append(byKey[id].Metrics, p)
			return err
		})
	})
}

// change runs f with the key of a logged model and marks it updated.
func (s *Tracking) changeModel(ctx context.Context, id string, now int64, f func(t *Tx, key int64) error) error {
	return s.db.Update(ctx, func(t *Tx) error {
		key, err := t.modelKey(id)
		if err != nil {
			return err
		}
		if err := f(t, key); err != nil {
			return err
		}
		_, err = t.Exec("UPDATE logged_models SET updated = ? WHERE id = ? AND updated < ?", now, key, now)
		return err
	})
}

// FinalizeModel sets the status of a logged model.
func (s *Tracking) FinalizeModel(ctx context.Context, id, status string, now int64) error {
	return s.changeModel(ctx, id, now, func(t *Tx, key int64) error {
		_, err := t.Exec("UPDATE logged_models SET status = ? WHERE id = ?", status, key)
		return err
	})
}

// DeleteModel marks a logged model deleted.
func (s *Tracking) DeleteModel(ctx context.Context, id string, now int64) error {
	return s.db.Update(ctx, func(t *Tx) error {
		n, err := t.Exec("UPDATE logged_models SET stage = ?, updated = ? WHERE model_id = ?", tracking.Deleted, now, id)
		if err == nil && n == 0 {
			err = tracking.NoModel(id)
		}
		return err
	})
}

// SetModelTags sets tags of a logged model.
func (s *Tracking) SetModelTags(ctx context.Context, id string, tags []tracking.Tag, now int64) error {
	return s.changeModel(ctx, id, now, func(t *Tx, key int64) error { return t.setTags("logged_model_tags", "model", key, tags) })
}

// DeleteModelTag removes one tag of a logged model.
func (s *Tracking) DeleteModelTag(ctx context.Context, id, tag string, now int64) error {
	return s.changeModel(ctx, id, now, func(t *Tx, key int64) error {
		n, err := t.Exec("DELETE FROM logged_model_tags WHERE model = ? AND key = ?", key, tag)
		if err == nil && n == 0 {
			err = errs.New(errs.NotFound, "No tag with key '%s' found for model with ID '%s'.", tag, id)
		}
		return err
	})
}

// LogModelParams adds parameters to a logged model.
func (s *Tracking) LogModelParams(ctx context.Context, id string, params []tracking.Tag) error {
	return s.changeModel(ctx, id, 0, func(t *Tx, key int64) error { return t.setTags("logged_model_params", "model", key, params) })
}

var modelFields = map[string]string{
	"name": "l.name", "model_id": "l.model_id", "model_type": "l.type", "status": "l.status", "source_run_id": "l.source_run", "experiment_id": "l.experiment",
	"artifact_uri": "l.artifact_uri", "creation_timestamp": "l.created", "last_updated_timestamp": "l.updated",
}

// SearchModels returns one page of logged models.
func (s *Tracking) SearchModels(ctx context.Context, q tracking.ModelQuery) (page []*tracking.LoggedModel, next string, err error) {
	b := &search{columns: modelColumns, from: "logged_models l", limit: q.Limit, token: q.Token, mark: markOf("models", q.ExperimentIDs, q.Clauses, q.Order, q.Datasets, q.OrderDatasets), bad: tracking.BadToken}
	experimentsOf(b, "l.experiment", q.ExperimentIDs)
	b.and("l.stage = ?", tracking.Active)
	for _, c := range q.Clauses {
		switch c.Entity {
		case "tag":
			s.tagClause(b, c, "logged_model_tags", "model", "l.id")
		case "param":
			s.tagClause(b, c, "logged_model_params", "model", "l.id")
		case "metric":
			modelMetricClause(b, c, q.Datasets)
		default:
			s.columnClause(b, c, modelFields[c.Key])
		}
	}
	for i, o := range q.Order {
		switch o.Entity {
		case "tag":
			b.terms = append(b.terms, orderTerm(b, o, nil, "logged_model_tags", "model", "l.id")...)
		case "param":
			b.terms = append(b.terms, orderTerm(b, o, nil, "logged_model_params", "model", "l.id")...)
		case "metric":
			b.terms = append(b.terms, modelMetricTerms(o, q.OrderDatasets[i])...)
		default:
			b.terms = append(b.terms, term{expr: modelFields[o.Key], desc: o.Desc})
		}
	}
	err = s.db.View(ctx, func(t *Tx) error {
		rows, token, err := collect(t, b, scanModel)
		if err != nil {
			return err
		}
		next = token
		for _, r := range rows {
			page = append(page, r.LoggedModel)
		}
		return t.fillModels(rows)
	})
	return page, next, err
}

const modelMetricRows = " FROM logged_model_metrics g JOIN metric_keys k ON k.id = g.metric WHERE g.model = l.id AND k.key = ?"

func datasetCond(d tracking.DatasetKey) (string, []any) {
	if d.Digest == "" {
		return "g.dataset_name = ?", []any{d.Name}
	}
	return "(g.dataset_name = ? AND g.dataset_digest = ?)", []any{d.Name, d.Digest}
}

func modelMetricClause(b *search, c filter.Clause, datasets []tracking.DatasetKey) {
	cond, condArgs := numberCond("g.value", c.Op, c.Value.Number)
	text := "EXISTS (SELECT 1" + modelMetricRows + " AND g.nan = 0 AND " + cond
	args := append([]any{c.Key}, condArgs...)
	for i, d := range datasets {
		one, oneArgs := datasetCond(d)
		sep := " OR "
		if i == 0 {
			sep = " AND ("
		}
		text += sep + one
		args = append(args, oneArgs...)
	}
	if len(datasets) > 0 {
		text += ")"
	}
	b.and(text+")", args...)
}

// modelMetricTerms orders by the newest value of a metric; models without it
// come last.
func modelMetricTerms(o filter.Order, d tracking.DatasetKey) []term {
	rows, args := modelMetricRows, []any{o.Key}
	if d.Name != "" {
		cond, condArgs := datasetCond(d)
		rows, args = rows+" AND "+cond, append(args, condArgs...)
	}
	return []term{
		{expr: "(CASE WHEN EXISTS (SELECT 1" + rows + ") THEN 0 ELSE 1 END)", args: args},
		{expr: "COALESCE((SELECT g.value" + rows + " ORDER BY g.time DESC, g.step DESC LIMIT 1), 0)", desc: o.Desc, args: args},
	}
}
