package importer

import (
	"context"
	"iter"
	"math"

	"github.com/drivecast/drivecast/internal/sqlstore"
	"github.com/drivecast/drivecast/internal/tracking"
)

func (w *work) sqliteRuns(ctx context.Context, d *database) error {
	var list []sqlstore.ImportedRun
	query := d.pick("runs", "run_uuid:t name:t experiment_id:t user_id:t status:t start_time:i end_time:i artifact_uri:t lifecycle_stage:t deleted_time:i", "ORDER BY start_time, run_uuid")
	err := d.each(ctx, query, nil, func(scan scanner) error {
		var r sqlstore.ImportedRun
		err := scan(&r.ID, &r.Name, &r.ExperimentID, &r.UserID, &r.Status, &r.Start, &r.End, &r.ArtifactURI, &r.Stage, &r.Deleted)
		list = append(list, r)
		return err
	})
	if err != nil {
		return err
	}
	for _, r := range list {
		if r.Params, err = d.pairs(ctx, "params", "key", "value", "WHERE run_uuid = ?", r.ID); err != nil {
			return err
		}
		if r.Tags, err = d.pairs(ctx, "tags", "key", "value", "WHERE run_uuid = ?", r.ID); err != nil {
			return err
		}
		if r.Datasets, err = d.inputs(ctx, r.ID); err != nil {
			return err
		}
		r.Points = d.points(ctx, r.ID)
		if err := w.run(ctx, named(r)); err != nil {
			return err
		}
	}
	return nil
}

// named gives a run of the days before names its tag's name.
func named(r sqlstore.ImportedRun) sqlstore.ImportedRun {
	for _, t := range r.Tags {
		if t.Key == tracking.RunNameTag && r.Name == "" {
			r.Name = t.Value
		}
	}
	return r
}

// points reads the metrics of a run in the order in which they were measured.
func (d *database) points(ctx context.Context, run string) iter.Seq2[tracking.Metric, error] {
	query := d.pick("metrics", "key:t value:f timestamp:i step:i is_nan:i", "WHERE run_uuid = ? ORDER BY key, timestamp, step")
	return func(yield func(tracking.Metric, error) bool) {
		rows, err := d.QueryContext(ctx, query, run)
		if err != nil {
			yield(tracking.Metric{}, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			var m tracking.Metric
			var nan bool
			err := rows.Scan(&m.Key, &m.Value, &m.Timestamp, &m.Step, &nan)
			if nan {
				m.Value = math.NaN()
			}
			if !yield(m, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(tracking.Metric{}, err)
		}
	}
}

func (d *database) inputs(ctx context.Context, run string) ([]tracking.DatasetInput, error) {
	if d.columns["inputs"] == nil || d.columns["datasets"] == nil {
		return nil, nil
	}
	var ids []string
	var out []tracking.DatasetInput
	query := `SELECT i.input_uuid, d.name, d.digest, d.dataset_source_type, d.dataset_source, COALESCE(d.dataset_schema, ''), COALESCE(d.dataset_profile, '')
		FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id
		WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id = ?`
	err := d.each(ctx, query, []any{run}, func(scan scanner) error {
		var in tracking.DatasetInput
		var id string
		s := &in.Dataset
		err := scan(&id, &s.Name, &s.Digest, &s.SourceType, &s.Source, &s.Schema, &s.Profile)
		ids, out = append(ids, id), append(out, in)
		return err
	})
	for i := range out {
		if err != nil {
			return nil, err
		}
		out[i].Tags, err = d.pairs(ctx, "input_tags", "name", "value", "WHERE input_uuid = ?", ids[i])
	}
	return out, err
}
