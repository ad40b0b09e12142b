package sqlstore

import (
	"context"
	"database/sql"
	"strconv"

	"github.com/drivecast/drivecast/internal/tracking"
)

// LogInputs records which datasets and logged models a run read.
func (s *Tracking) LogInputs(ctx context.Context, runID string, datasets []tracking.DatasetInput, models []string) error {
	return s.db.Update(ctx, func(t *Tx) error {
		run, experiment, err := t.activeRun(runID)
		if err != nil {
			return err
		}
		for _, d := range datasets {
			if err := t.logInput(run, experiment, d); err != nil {
				return err
			}
		}
		var outputs []tracking.ModelOutput
		for _, m := range models {
			outputs = append(outputs, tracking.ModelOutput{ModelID: m})
		}
		if err := t.linkModels(run, "in", outputs); err != nil {
			return err
		}
		return t.touch(run)
	})
}

func (t *Tx) logInput(run, experiment int64, in tracking.DatasetInput) error {
	d := in.Dataset
	var dataset, input int64
	_, err := t.Exec(`INSERT INTO datasets (experiment, name, digest, source_type, source, schema, profile) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		experiment, d.Name, d.Digest, d.SourceType, d.Source, d.Schema, d.Profile)
	if err != nil {
		return err
	}
	if _, err := t.Get("SELECT id FROM datasets WHERE experiment = ? AND name = ? AND digest = ?", []any{experiment, d.Name, d.Digest}, &dataset); err != nil {
		return err
	}
	fresh, err := t.Get("INSERT INTO inputs (run, dataset) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING id", []any{run, dataset}, &input)
	if err != nil || !fresh { // the run read it before: what was said then stays
		return err
	}
	return t.setTags("input_tags", "input", input, in.Tags)
}

func (t *Tx) linkModels(run int64, direction string, models []tracking.ModelOutput) error {
	values := make([]any, 0, 4*len(models))
	at := make(map[string]int, len(models))
	for _, m := range models {
		if _, err := t.modelKey(m.ModelID); err != nil {
			return err
		}
		if i, ok := at[m.ModelID]; ok { // the last word counts
			values[i] = m.Step
			continue
		}
		values = append(values, run, direction, m.ModelID, m.Step)
		at[m.ModelID] = len(values) - 1
	}
	return t.bulk("INSERT INTO run_models (run, direction, model_id, step) VALUES ", " ON CONFLICT (run, direction, model_id) DO UPDATE SET step = excluded.step", 4, values)
}

// LogOutputs records which logged models a run yielded.
func (s *Tracking) LogOutputs(ctx context.Context, runID string, models []tracking.ModelOutput) error {
	return s.db.Update(ctx, func(t *Tx) error {
		run, _, err := t.activeRun(runID)
		if err != nil {
			return err
		}
		if err := t.linkModels(run, "out", models); err != nil {
			return err
		}
		return t.touch(run)
	})
}

// fillInputs reads the datasets and logged models that runs read and yielded.
func (t *Tx) fillInputs(byKey map[int64]*tracking.Run, ids []any) error {
	return eachChunk(ids, func(m string, ids []any) error {
		type place struct {
			run *tracking.Run
			at  int
		}
		inputs := map[int64]place{}
		var keys []any
		err := t.each(`SELECT i.id, i.run, d.name, d.digest, d.source_type, d.source, d.schema, d.profile FROM inputs i
			JOIN datasets d ON d.id = i.dataset WHERE i.run IN `+m+" ORDER BY i.id", ids, func(r *sql.Rows) error {
			var id, run int64
			var d tracking.Dataset
			err := r.Scan(&id, &run, &d.Name, &d.Digest, &d.SourceType, &d.Source, &d.Schema, &d.Profile)
			of := byKey[run]
			inputs[id] = place{of, len(of.Datasets)}
			of.Datasets = append(of.Datasets, tracking.DatasetInput{Dataset: d})
			keys = append(keys, id)
			return err
		})
		if err != nil {
			return err
		}
		err = t.tagsOf("input_tags", "input", keys, func(id int64, tag tracking.Tag) {
			p := inputs[id]
			p.run.Datasets[p.at].Tags = append(p.run.Datasets[p.at].Tags, tag)
		})
		if err != nil {
			return err
		}
		return t.each("SELECT run, direction, model_id, step FROM run_models WHERE run IN "+m, ids, func(r *sql.Rows) error {
			var run int64
			var direction string
			var o tracking.ModelOutput
			if err := r.Scan(&run, &direction, &o.ModelID, &o.Step); err != nil {
				return err
			}
			if of := byKey[run]; direction == "in" {
				of.ModelInputs = append(of.ModelInputs, o.ModelID)
			} else {
				of.ModelOutputs = append(of.ModelOutputs, o)
			}
			return nil
		})
	})
}

// DatasetSummaries returns datasets of experiments and the roles they were read
// in.
func (s *Tracking) DatasetSummaries(ctx context.Context, experimentIDs []string, limit int) (out []tracking.DatasetSummary, err error) {
	b := &search{}
	experimentsOf(b, "d.experiment", experimentIDs)
	args := append([]any{tracking.DataContextTag}, b.args...)
	err = s.db.View(ctx, func(t *Tx) error {
		return t.each(`SELECT DISTINCT d.experiment, d.name, d.digest, COALESCE(it.value, '') FROM datasets d JOIN inputs i ON i.dataset = d.id
			LEFT JOIN input_tags it ON it.input = i.id AND it.key = ? WHERE `+b.where[0]+" ORDER BY 1, 2, 3, 4 LIMIT ?", append(args, limit), func(r *sql.Rows) error {
			var d tracking.DatasetSummary
			var id int64
			err := r.Scan(&id, &d.Name, &d.Digest, &d.Context)
			d.ExperimentID = strconv.FormatInt(id, 10)
			out = append(out, d)
			return err
		})
	})
	return out, err
}
