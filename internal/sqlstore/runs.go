package sqlstore

import (
	"context"
	"database/sql"
	"strconv"

	"github.com/drivecast/drivecast/internal/tracking"
)

const runColumns = "r.id, r.uuid, r.experiment, r.name, r.user_id, r.status, r.start_time, r.end_time, r.artifact_uri, r.stage, r.rev"

// runRow is a run with its key.
type runRow struct {
	key, experiment int64
	*tracking.Run
}

func scanRun(rows *sql.Rows, more ...any) (runRow, error) {
	r := runRow{Run: &tracking.Run{}}
	err := rows.Scan(append([]any{&r.key, &r.ID, &r.experiment, &r.Name, &r.UserID, &r.Status, &r.Start, &r.End, &r.ArtifactURI, &r.Stage, &r.Rev}, more...)...)
	r.ExperimentID = strconv.FormatInt(r.experiment, 10)
	return r, err
}

func (t *Tx) run(uuid string) (runRow, error) {
	var found runRow
	err := t.each("SELECT "+runColumns+" FROM runs r WHERE r.uuid = ?", []any{uuid}, func(rows *sql.Rows) (err error) {
		found, err = scanRun(rows)
		return err
	})
	if err == nil && found.Run == nil {
		err = tracking.NoRun(uuid)
	}
	return found, err
}

// activeRun returns a run that takes changes; no other transaction changes it
// until this one ends.
func (t *Tx) activeRun(uuid string) (key, experiment int64, err error) {
	var stage string
	ok, err := t.Get("SELECT id, experiment, stage FROM runs WHERE uuid = ?"+t.lock(forChange), []any{uuid}, &key, &experiment, &stage)
	switch {
	case err != nil:
	case !ok:
		err = tracking.NoRun(uuid)
	case stage != tracking.Active:
		err = tracking.RunNotActive(uuid, stage)
	}
	return key, experiment, err
}

// CreateRun adds a run to an active experiment.
func (s *Tracking) CreateRun(ctx context.Context, r *tracking.Run) (uri string, err error) {
	err = s.db.Update(ctx, func(t *Tx) error {
		experiment, err := t.activeExperiment(r.ExperimentID)
		if err != nil {
			return err
		}
		if uri = r.ArtifactURI; uri == "" {
			var location string
			if _, err := t.Get("SELECT artifact_location FROM experiments WHERE id = ?", []any{experiment}, &location); err != nil {
				return err
			}
			uri = location + "/" + r.ID + "/artifacts"
		}
		var key int64
		_, err = t.Get("INSERT INTO runs (uuid, experiment, name, user_id, status, start_time, end_time, artifact_uri, stage) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
			[]any{r.ID, experiment, r.Name, r.UserID, r.Status, r.Start, r.End, uri, r.Stage}, &key)
		if err != nil {
			return err
		}
		return t.setTags("tags", "run", key, r.Tags)
	})
	return uri, err
}

// Run returns a run with everything that was logged to it.
func (s *Tracking) Run(ctx context.Context, id string) (run *tracking.Run, err error) {
	err = s.db.View(ctx, func(t *Tx) error {
		r, err := t.run(id)
		if err != nil {
			return err
		}
		run = r.Run
		return t.fill([]runRow{r})
	})
	return run, err
}

// RunInfo returns a run without what was logged to it.
func (s *Tracking) RunInfo(ctx context.Context, id string) (info *tracking.RunInfo, err error) {
	err = s.db.View(ctx, func(t *Tx) error {
		r, err := t.run(id)
		if err == nil {
			info = &r.RunInfo
		}
		return err
	})
	return info, err
}

// UpdateRun changes status, end and name of an active run.
func (s *Tracking) UpdateRun(ctx context.Context, id string, c tracking.RunChange) (info *tracking.RunInfo, err error) {
	err = s.db.Update(ctx, func(t *Tx) error {
		key, _, err := t.activeRun(id)
		if err != nil {
			return err
		}
		_, err = t.Exec(`UPDATE runs SET rev = rev + 1, status = COALESCE(NULLIF(?, ''), status),
			end_time = COALESCE(NULLIF(CAST(? AS BIGINT), 0), end_time), name = COALESCE(NULLIF(?, ''), name) WHERE id = ?`,
			c.Status, c.End, c.Name, key)
		if err != nil {
			return err
		}
		if c.Name != "" {
			if err := t.setTags("tags", "run", key, []tracking.Tag{{Key: tracking.RunNameTag, Value: c.Name}}); err != nil {
				return err
			}
		}
		r, err := t.run(id)
		if err == nil {
			info = &r.RunInfo
		}
		return err
	})
	return info, err
}

// StageRun deletes or restores a run.
func (s *Tracking) StageRun(ctx context.Context, id, stage string, now int64) error {
	return s.db.Update(ctx, func(t *Tx) error {
		r, err := t.run(id)
		if err != nil {
			return err
		}
		deleted := now
		if stage == tracking.Active {
			deleted = 0
		}
		_, err = t.Exec("UPDATE runs SET stage = ?, deleted_time = ?, rev = rev + 1 WHERE id = ?", stage, deleted, r.key)
		return err
	})
}

// DeleteTag removes one tag of an active run.
func (s *Tracking) DeleteTag(ctx context.Context, runID, key string) error {
	return s.db.Update(ctx, func(t *Tx) error {
		run, _, err := t.activeRun(runID)
		if err != nil {
			return err
		}
		n, err := t.Exec("DELETE FROM tags WHERE run = ? AND key = ?", run, key)
		if err == nil && n == 0 {
			return tracking.NoTag(runID, key)
		}
		if err != nil {
			return err
		}
		return t.touch(run)
	})
}

// touch marks a run changed.
func (t *Tx) touch(run int64) error {
	_, err := t.Exec("UPDATE runs SET rev = rev + 1 WHERE id = ?", run)
	return err
}

// AppendModelHistory appends a JSON object to the tag that lists the models of a
// run.
func (s *Tracking) AppendModelHistory(ctx context.Context, runID, entry string) error {
	return s.db.Update(ctx, func(t *Tx) error {
		run, _, err := t.activeRun(runID)
		if err != nil {
			return err
		}
		list := ""
		if _, err := t.Get("SELECT value FROM tags WHERE run = ? AND key = ?", []any{run, tracking.ModelHistoryTag}, &list); err != nil {
			return err
		}
		if n := len(list); n > 2 && list[n-1] == ']' {
			list = list[:n-1] + ", " + entry + "]"
		} else {
			list = "[" + entry + "]"
		}
		if err := t.setTags("tags", "run", run, []tracking.Tag{{Key: tracking.ModelHistoryTag, Value: list}}); err != nil {
			return err
		}
		return t.touch(run)
	})
}
