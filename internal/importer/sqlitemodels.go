package importer

import (
	"context"
	"strconv"

	"github.com/drivecast/drivecast/internal/registry"
	"github.com/drivecast/drivecast/internal/sqlstore"
	"github.com/drivecast/drivecast/internal/tracking"
)

// modelStates are the states of logged models as databases number them.
var modelStates = map[int64]string{1: tracking.ModelPending, 2: tracking.ModelReady, 3: tracking.ModelUploadFailed}

func (w *work) sqliteModels(ctx context.Context, d *database) error {
	if d.columns["logged_models"] == nil {
		return nil
	}
	type row struct {
		tracking.LoggedModel
		state int64
		stage string
	}
	var list []row
	query := d.pick("logged_models", "model_id:t experiment_id:t name:t artifact_location:t creation_timestamp_ms:i last_updated_timestamp_ms:i status:i lifecycle_stage:t model_type:t source_run_id:t status_message:t", "ORDER BY creation_timestamp_ms, model_id")
	err := d.each(ctx, query, nil, func(scan scanner) error {
		var m row
		err := scan(&m.ID, &m.ExperimentID, &m.Name, &m.ArtifactURI, &m.Created, &m.Updated, &m.state, &m.stage, &m.Type, &m.SourceRunID, &m.StatusMessage)
		list = append(list, m)
		return err
	})
	if err != nil {
		return err
	}
	for _, m := range list {
		if m.Status = modelStates[m.state]; m.Status == "" {
			m.Status = tracking.ModelPending
		}
		if m.stage == "" {
			m.stage = tracking.Active
		}
		if m.Params, err = d.pairs(ctx, "logged_model_params", "param_key", "param_value", "WHERE model_id = ?", m.ID); err != nil {
			return err
		}
		if m.Tags, err = d.pairs(ctx, "logged_model_tags", "tag_key", "tag_value", "WHERE model_id = ?", m.ID); err != nil {
			return err
		}
		links, err := d.links(ctx, &m.LoggedModel)
		if err != nil {
			return err
		}
		if err := w.model(ctx, m.LoggedModel, m.stage, links); err != nil {
			return err
		}
	}
	return nil
}

// links reads a logged model's metrics and which runs read or yielded it.
func (d *database) links(ctx context.Context, m *tracking.LoggedModel) ([]sqlstore.ModelLink, error) {
	query := d.pick("logged_model_metrics", "metric_name:t metric_timestamp_ms:i metric_step:i metric_value:f run_id:t dataset_name:t dataset_digest:t", "WHERE model_id = ?")
	err := d.each(ctx, query, []any{m.ID}, func(scan scanner) error {
		var p tracking.Metric
		err := scan(&p.Key, &p.Timestamp, &p.Step, &p.Value, &p.RunID, &p.DatasetName, &p.DatasetDigest)
		m.Metrics = append(m.Metrics, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	var out []sqlstore.ModelLink
	step := "0"
	if d.columns["inputs"]["step"] {
		step = "COALESCE(step, 0)"
	}
	ends := `SELECT source_id, 'out', ` + step + ` FROM inputs WHERE source_type = 'RUN_OUTPUT' AND destination_type = 'MODEL_OUTPUT' AND destination_id = ?1
		UNION ALL SELECT source_id, 'in', 0 FROM inputs WHERE source_type = 'RUN_INPUT' AND destination_type = 'MODEL_INPUT' AND destination_id = ?1`
	err = d.each(ctx, ends, []any{m.ID}, func(scan scanner) error {
		var l sqlstore.ModelLink
		err := scan(&l.RunID, &l.Direction, &l.Step)
		out = append(out, l)
		return err
	})
	return out, err
}

// deletedStage marks versions that are gone and whose number stays taken.
const deletedStage = "Deleted_Internal"

func (w *work) sqliteRegistry(ctx context.Context, d *database) error {
	if d.columns["registered_models"] == nil {
		return nil
	}
	var list []registry.Model
	query := d.pick("registered_models", "name:t description:t creation_time:i last_updated_time:i", "ORDER BY name")
	err := d.each(ctx, query, nil, func(scan scanner) error {
		var m registry.Model
		err := scan(&m.Name, &m.Description, &m.Created, &m.Updated)
		list = append(list, m)
		return err
	})
	if err != nil {
		return err
	}
	for _, m := range list {
		tags, err := d.pairs(ctx, "registered_model_tags", "key", "value", "WHERE name = ?", m.Name)
		if err != nil {
			return err
		}
		aliases, err := d.pairs(ctx, "registered_model_aliases", "alias", "version", "WHERE name = ? ORDER BY alias", m.Name)
		if err != nil {
			return err
		}
		for _, t := range tags {
			m.Tags = append(m.Tags, registry.Tag(t))
		}
		for _, a := range aliases {
			m.Aliases = append(m.Aliases, registry.Alias{Alias: a.Key, Version: a.Value})
		}
		versions, last, err := d.versions(ctx, m.Name)
		if err != nil {
			return err
		}
		if err := w.registered(ctx, m, versions, last); err != nil {
			return err
		}
	}
	return nil
}

func (d *database) versions(ctx context.Context, name string) (out []registry.Version, last int64, err error) {
	query := d.pick("model_versions", "version:i creation_time:i last_updated_time:i user_id:t current_stage:t description:t source:t storage_location:t run_id:t run_link:t status:t status_message:t", "WHERE name = ? ORDER BY version")
	err = d.each(ctx, query, []any{name}, func(scan scanner) error {
		v := registry.Version{Name: name}
		err := scan(&v.Number, &v.Created, &v.Updated, &v.UserID, &v.Stage, &v.Description, &v.Source, &v.Storage, &v.RunID, &v.RunLink, &v.Status, &v.Message)
		if last = max(last, v.Number); v.Stage != deletedStage {
			out = append(out, v)
		}
		return err
	})
	for i := range out {
		if err != nil {
			return nil, 0, err
		}
		var tags []tracking.Tag
		tags, err = d.pairs(ctx, "model_version_tags", "key", "value", "WHERE name = ? AND version = ?", name, strconv.FormatInt(out[i].Number, 10))
		for _, t := range tags {
			out[i].Tags = append(out[i].Tags, registry.Tag(t))
		}
	}
	return out, last, err
}
