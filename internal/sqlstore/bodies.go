package sqlstore

import (
	"context"
	"database/sql"

	"github.com/drivecast/drivecast/internal/tracking"
)

const bodiesTable = "run_bodies"

// KeepBodies keeps what a searcher made of runs. Runs that are gone are passed
// over.
func (s *Tracking) KeepBodies(ctx context.Context, form string, bodies []tracking.Body) error {
	return s.db.Update(ctx, func(t *Tx) error {
		for _, b := range bodies {
			var key int64
			ok, err := t.Get("SELECT id FROM runs WHERE uuid = ? AND rev = ?", []any{b.RunID, b.Rev}, &key)
			if err == nil && ok {
				_, err = t.Exec(`INSERT INTO run_bodies (run, rev, form, body) VALUES (?, ?, ?, ?)
					ON CONFLICT (run) DO UPDATE SET rev = excluded.rev, form = excluded.form, body = excluded.body`, key, b.Rev, form, b.Body)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// WholeRuns returns the runs of these ids that there are, with everything that was
// logged to them.
func (s *Tracking) WholeRuns(ctx context.Context, ids []string) (runs []*tracking.Run, err error) {
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	err = s.db.View(ctx, func(t *Tx) error {
		runs = nil
		return eachChunk(args, func(m string, args []any) error {
			some, err := t.wholeRuns("r.uuid IN "+m, args)
			runs = append(runs, some...)
			return err
		})
	})
	return runs, err
}

const bodySpan = 5000 // keys looked at in one transaction

// Unkept returns whole runs, at most limit, of which no body of this form and
// their Rev is kept, beginning at a place: 0, and then what next was. next is 0
// behind the last run.
func (s *Tracking) Unkept(ctx context.Context, form string, from int64, limit int) (runs []*tracking.Run, next int64, err error) {
	err = s.db.View(ctx, func(t *Tx) error {
		var last int64
		if _, err := t.Get("SELECT COALESCE(MAX(id), 0) FROM runs", nil, &last); err != nil {
			return err
		}
		var keys []any
		err := t.each(`SELECT r.id FROM runs r LEFT JOIN run_bodies b ON b.run = r.id AND b.rev = r.rev AND b.form = ?
			WHERE r.id > ? AND r.id <= ? AND b.run IS NULL ORDER BY r.id LIMIT ?`, []any{form, from, from + bodySpan, limit}, func(rows *sql.Rows) error {
			var key int64
			err := rows.Scan(&key)
			keys = append(keys, key)
			return err
		})
		if err != nil {
			return err
		}
		if next = from + bodySpan; len(keys) == limit {
			next = keys[limit-1].(int64)
		}
		if next >= last {
			next = 0
		}
		runs = nil
		return eachChunk(keys, func(m string, keys []any) error {
			some, err := t.wholeRuns("r.id IN "+m, keys)
			runs = append(runs, some...)
			return err
		})
	})
	return runs, next, err
}

func (t *Tx) wholeRuns(where string, args []any) (runs []*tracking.Run, err error) {
	var found []runRow
	err = t.each("SELECT "+runColumns+" FROM runs r WHERE "+where, args, func(rows *sql.Rows) error {
		r, err := scanRun(rows)
		found = append(found, r)
		runs = append(runs, r.Run)
		return err
	})
	if err != nil {
		return nil, err
	}
	return runs, t.fill(found)
}

// kept gives the runs the bodies that are kept of them, and returns those of
// which there is none.
func (t *Tx) kept(form string, rows []runRow) ([]runRow, error) {
	if form == "" || len(rows) == 0 {
		return rows, nil
	}
	byKey, keys := make(map[int64]*tracking.Run, len(rows)), make([]any, len(rows))
	for i, r := range rows {
		byKey[r.key], keys[i] = r.Run, r.key
	}
	err := eachChunk(keys, func(m string, keys []any) error {
		return t.each("SELECT run, rev, body FROM run_bodies WHERE run IN "+m+" AND form = ?", append(keys[:len(keys):len(keys)], form), func(rows *sql.Rows) error {
			var key, rev int64
			var body []byte
			err := rows.Scan(&key, &rev, &body)
			if r := byKey[key]; err == nil && r.Rev == rev {
				r.Body = body
			}
			return err
		})
	})
	lacking := rows[:0]
	for _, r := range rows {
		if r.Body == nil {
			lacking = append(lacking, r)
		}
	}
	return lacking, err
}
