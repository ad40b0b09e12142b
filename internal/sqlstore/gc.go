package sqlstore

import (
	"context"
	"database/sql"
	"os"
	"slices"
	"strconv"

	"github.com/drivecast/drivecast/internal/tracking"
)

// Remains is a deleted run or logged model, and where its files are.
type Remains struct{ ID, URI string }

// Garbage is what was deleted long enough ago to be removed for good.
type Garbage struct {
	Runs, Models []Remains
	Experiments  []string // with everything in them
	Kept         int      // deleted runs and models whose files registered versions use
}

// Conditions of rows that go. Whatever a registered version was made from stays.
const (
	goneRun   = "r.stage = ? AND r.deleted_time < ?"
	usedRun   = "EXISTS (SELECT 1 FROM model_versions v WHERE v.run_id = r.uuid)"
	goneModel = "l.stage = ? AND l.updated < ?"
	usedModel = "EXISTS (SELECT 1 FROM model_versions v WHERE v.model_id = l.model_id)"
)

// Garbage lists what was deleted before a time, in milliseconds since 1970. The
// default experiment always stays, and an experiment as long as something in it
// does.
func (d *DB) Garbage(ctx context.Context, before int64) (out Garbage, err error) {
	err = d.View(ctx, func(t *Tx) error {
		out = Garbage{}
		gone := []any{tracking.Deleted, before}
		err := t.each("SELECT e.id FROM experiments e WHERE e.id <> 0 AND e.stage = ? AND e.updated < ?"+
			" AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.experiment = e.id AND (NOT ("+goneRun+") OR "+usedRun+"))"+
			" AND NOT EXISTS (SELECT 1 FROM logged_models l WHERE l.experiment = e.id AND "+usedModel+") ORDER BY e.id", slices.Concat(gone, gone), func(r *sql.Rows) error {
			var id int64
			err := r.Scan(&id)
			out.Experiments = append(out.Experiments, strconv.FormatInt(id, 10))
			return err
		})
		if err != nil {
			return err
		}
		if out.Runs, err = t.remains("SELECT r.uuid, r.artifact_uri FROM runs r WHERE "+goneRun+" AND NOT "+usedRun+" ORDER BY r.id", gone...); err != nil {
			return err
		}
		if out.Models, err = t.remains("SELECT l.model_id, l.artifact_uri FROM logged_models l WHERE "+goneModel+" AND NOT "+usedModel+" ORDER BY l.id", gone...); err != nil {
			return err
		}
		for _, id := range out.Experiments { // logged models are not deleted with their experiment, and go with it
			key, err := experimentKey(id)
			if err != nil {
				return err
			}
			more, err := t.remains("SELECT l.model_id, l.artifact_uri FROM logged_models l WHERE l.experiment = ? AND NOT ("+goneModel+") ORDER BY l.id", append([]any{key}, gone...)...)
			if err != nil {
				return err
			}
			out.Models = append(out.Models, more...)
		}
		_, err = t.Get("SELECT (SELECT COUNT(*) FROM runs r WHERE "+goneRun+" AND "+usedRun+") + (SELECT COUNT(*) FROM logged_models l WHERE "+goneModel+" AND "+usedModel+")",
			slices.Concat(gone, gone), &out.Kept)
		return err
	})
	return out, err
}

func (t *Tx) remains(query string, args ...any) (out []Remains, err error) {
	err = t.each(query, args, func(r *sql.Rows) error {
		var x Remains
		err := r.Scan(&x.ID, &x.URI)
		out = append(out, x)
		return err
	})
	return out, err
}

// Purge removes the records of garbage, unless they were restored meanwhile.
func (d *DB) Purge(ctx context.Context, g Garbage) error {
	for _, step := range []struct {
		query string
		ids   []any
	}{
		{"DELETE FROM runs WHERE stage = 'deleted' AND uuid IN ", idsOf(g.Runs)},
		{"DELETE FROM logged_models WHERE (stage = 'deleted' OR experiment IN (SELECT id FROM experiments WHERE stage = 'deleted')) AND model_id IN ", idsOf(g.Models)},
		{"DELETE FROM experiments WHERE stage = 'deleted' AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.experiment = experiments.id) AND CAST(id AS TEXT) IN ", anys(g.Experiments)},
	} {
		err := eachChunk(step.ids, func(marks string, ids []any) error {
			return d.Update(ctx, func(t *Tx) error {
				_, err := t.Exec(step.query+marks, ids...)
				return err
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func idsOf(list []Remains) []any {
	out := make([]any, len(list))
	for i, x := range list {
		out[i] = x.ID
	}
	return out
}

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, x := range list {
		out[i] = x
	}
	return out
}

// Shrink gives the space of removed records back to the file system and returns
// how many bytes it was; PostgreSQL does that by itself.
func (d *DB) Shrink(ctx context.Context) (int64, error) {
	if d.path == "" {
		return 0, nil
	}
	before, err := os.Stat(d.path)
	if err != nil {
		return 0, err
	}
	for _, text := range []string{"VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if _, err := d.write.db.ExecContext(ctx, text); err != nil {
			return 0, d.dialect.fault(err)
		}
	}
	after, err := os.Stat(d.path)
	if err != nil {
		return 0, err
	}
	return max(before.Size()-after.Size(), 0), nil
}
