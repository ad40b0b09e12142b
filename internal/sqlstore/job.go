package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// Jobs is the durable queue of jobs and the catalog of their assets. Several
// processes may have one database open.
type Jobs struct{ d *DB }

var (
	_ job.Store   = (*Jobs)(nil)
	_ job.Catalog = (*Jobs)(nil)
)

// Jobs is the queue in this database.
func (d *DB) Jobs() *Jobs { return &Jobs{d: d} }

// OpenJobs opens the queue in an SQLite file, which is made when absent. Close
// ends the connections.
func OpenJobs(ctx context.Context, file string) (*Jobs, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, errs.Wrap(err, "find %s", file)
	}
	d, err := Open(ctx, "sqlite:///"+abs, Options{})
	if err != nil {
		return nil, err
	}
	return d.Jobs(), nil
}

// Close closes the database.
func (s *Jobs) Close() error { return s.d.Close() }

const (
	jobHeads = `seq, name, parent, kind, cluster, nodes, display, experiment, state, outcome, detail, run_id, attempt, lost,
		failures, exit_code, processes, best, notes, owner, fence, lease, created, started, ended, revision`
	jobColumns = jobHeads + `, spec`
	inProgress = `'Starting', 'Provisioning', 'Preparing', 'Running', 'Finalizing', 'CancelRequested'`
	ended      = `'Completed', 'Failed', 'Canceled', 'NotResponding', 'Paused'`
)

// row is a record with the number of its last change.
type row struct {
	job.Record
	revision int64
}

func scanJob(scan func(...any) error, withSpec bool) (row, error) {
	var r row
	var processes, notes, spec string
	var lease, created, started, end int64
	var code sql.NullInt64
	to := []any{&r.Seq, &r.Name, &r.Parent, &r.Kind, &r.Cluster, &r.Nodes, &r.Display, &r.Experiment, &r.State, &r.Outcome, &r.Detail,
		&r.RunID, &r.Attempt, &r.Lost, &r.Failures, &code, &processes, &r.Best, &notes, &r.Owner, &r.Fence, &lease, &created, &started, &end, &r.revision}
	if withSpec {
		to = append(to, &spec)
	}
	if err := scan(to...); err != nil {
		return r, err
	}
	if code.Valid {
		n := int(code.Int64)
		r.ExitCode = &n
	}
	if notes != "" {
		r.Notes = json.RawMessage(notes)
	}
	if spec != "" {
		r.Spec = json.RawMessage(spec)
	}
	r.Lease, r.Created, r.Started, r.Ended = fromMilli(lease), fromMilli(created), fromMilli(started), fromMilli(end)
	if processes == "" {
		return r, nil
	}
	return r, errs.Wrap(json.Unmarshal([]byte(processes), &r.Processes), "read the processes of job %s", r.Name)
}

func fromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func toMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// changing are the values of the columns that Update may change.
func changing(r job.Record) ([]any, error) {
	processes := ""
	if len(r.Processes) > 0 {
		b, err := json.Marshal(r.Processes)
		if err != nil {
			return nil, errs.Wrap(err, "write the processes of job %s", r.Name)
		}
		processes = string(b)
	}
	var code any
	if r.ExitCode != nil {
		code = *r.ExitCode
	}
	return []any{r.Parent, string(r.Kind), r.Cluster, r.Nodes, r.Display, r.Experiment, string(r.State), string(r.Outcome), r.Detail, r.RunID, r.Attempt, r.Lost,
		r.Failures, code, processes, r.Best, string(r.Notes), toMilli(r.Lease), toMilli(r.Started), toMilli(r.Ended)}, nil
}

// Add is described at job.Store.
func (s *Jobs) Add(ctx context.Context, r job.Record) (job.Record, error) {
	values, err := changing(r)
	if err != nil {
		return job.Record{}, err
	}
	values = append(values, r.Name, string(r.Spec), r.Owner, r.Fence, toMilli(r.Created))
	err = s.d.Update(ctx, func(t *Tx) error {
		added, err := t.Get(`INSERT INTO jobs (parent, kind, cluster, nodes, display, experiment, state, outcome, detail, run_id,
			attempt, lost, failures, exit_code, processes, best, notes, lease, started, ended, name, spec, owner, fence, created, revision)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
			ON CONFLICT (name) DO NOTHING RETURNING seq`, values, &r.Seq)
		if err == nil && !added {
			return errs.New(errs.Exists, "a job named %s exists", r.Name)
		}
		return err
	})
	if err != nil {
		return job.Record{}, errs.Wrap(err, "add job %s", r.Name)
	}
	return r, nil
}

// Get is described at job.Store.
func (s *Jobs) Get(ctx context.Context, name string) (job.Record, error) {
	var r row
	err := s.d.View(ctx, func(t *Tx) (err error) {
		r, err = getJob(t, name)
		return err
	})
	return r.Record, err
}

func getJob(t *Tx, name string) (row, error) {
	r, found, err := oneJob(t, `SELECT `+jobColumns+` FROM jobs WHERE name = ?`+t.lock(forChange), name)
	if err == nil && !found {
		err = errs.New(errs.NotFound, "no job is named %s", name)
	}
	return r, errs.Wrap(err, "read job %s", name)
}

// oneJob reads the first record of a query for jobColumns.
func oneJob(t *Tx, query string, args ...any) (r row, found bool, err error) {
	err = t.each(query, args, func(rows *sql.Rows) (err error) {
		found = true
		r, err = scanJob(rows.Scan, true)
		return err
	})
	return r, found, err
}

// where writes a query's conditions.
func where(q job.Query) (string, []any) {
	text, args := ` WHERE 1 = 1`, []any{}
	and := func(condition string, values ...any) {
		text, args = text+` AND `+condition, append(args, values...)
	}
	if q.Cluster != "" {
		and(`cluster = ?`, q.Cluster)
	}
	if q.Parent != "" {
		and(`parent = ?`, q.Parent)
	}
	if q.Top {
		and(`parent || '' = ''`) // not by the index: the page follows seq
	}
	if len(q.States) > 0 {
		states := make([]any, len(q.States))
		for i, s := range q.States {
			states[i] = string(s)
		}
		and(`state IN (?`+strings.Repeat(`, ?`, len(states)-1)+`)`, states...)
	}
	if q.Before > 0 {
		and(`seq < ?`, q.Before)
	}
	return text, args
}

// List is described at job.Store.
func (s *Jobs) List(ctx context.Context, q job.Query) ([]job.Record, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = 100
	}
	text, args := where(q)
	out := []job.Record{}
	err := s.d.View(ctx, func(t *Tx) error {
		return t.each(`SELECT `+jobHeads+` FROM jobs`+text+` ORDER BY seq DESC LIMIT ?`, append(args, min(limit, 1000)), func(rows *sql.Rows) error {
			r, err := scanJob(rows.Scan, false)
			out = append(out, r.Record)
			return err
		})
	})
	return out, errs.Wrap(err, "list jobs")
}

// Count is described at job.Store.
func (s *Jobs) Count(ctx context.Context, q job.Query) (n int, err error) {
	text, args := where(q)
	err = s.d.View(ctx, func(t *Tx) error {
		_, err := t.Get(`SELECT COUNT(*) FROM jobs`+text, args, &n)
		return err
	})
	return n, errs.Wrap(err, "count jobs")
}

// Claim is described at job.Store.
func (s *Jobs) Claim(ctx context.Context, c job.Claim) (job.Record, error) {
	var r row
	err := s.d.Update(ctx, func(t *Tx) error {
		take := func(which string, args ...any) (found bool, err error) {
			args = append([]any{c.Owner, toMilli(c.Until), c.Cluster}, args...)
			r, found, err = oneJob(t, `UPDATE jobs SET owner = ?, lease = ?, fence = fence + 1, revision = revision + 1,
				state = CASE state WHEN 'Queued' THEN 'Starting' ELSE state END
				WHERE seq = (SELECT seq FROM jobs WHERE cluster = ? AND `+which+` AND nodes <= ? ORDER BY seq LIMIT 1`+t.lock(whereIsFree)+`) RETURNING `+jobColumns,
				append(args, c.MaxNodes)...)
			return found, err
		}
		found, err := take(`state IN (`+inProgress+`) AND lease <= ?`, toMilli(c.Now))
		if err == nil && !found {
			found, err = take(`state = 'Queued'`)
		}
		if err == nil && !found {
			err = errs.New(errs.NotFound, "nothing to claim")
		}
		return err
	})
	if err != nil {
		return job.Record{}, errs.Wrap(err, "claim a job of cluster %s", c.Cluster)
	}
	return r.Record, nil
}

// Renew is described at job.Store.
func (s *Jobs) Renew(ctx context.Context, owner string, names []string, until time.Time) (canceled []string, err error) {
	if len(names) == 0 {
		return nil, nil
	}
	args := []any{toMilli(until), owner}
	for _, n := range names {
		args = append(args, n)
	}
	err = s.d.Update(ctx, func(t *Tx) error {
		canceled = nil
		return t.each(`UPDATE jobs SET lease = ?, revision = revision + 1 WHERE owner = ? AND state IN (`+inProgress+`)
			AND name IN (?`+strings.Repeat(`, ?`, len(names)-1)+`) RETURNING name, state`, args, func(rows *sql.Rows) error {
			var name, state string
			err := rows.Scan(&name, &state)
			if job.State(state) == job.CancelRequested {
				canceled = append(canceled, name)
			}
			return err
		})
	})
	slices.Sort(canceled)
	return canceled, errs.Wrap(err, "renew leases")
}

// Expire is described at job.Store.
func (s *Jobs) Expire(ctx context.Context, cluster string) error {
	err := s.d.Update(ctx, func(t *Tx) error {
		_, err := t.Exec(`UPDATE jobs SET lease = 0, revision = revision + 1 WHERE cluster = ? AND state IN (`+inProgress+`)`, cluster)
		return err
	})
	return errs.Wrap(err, "end the leases of cluster %s", cluster)
}

// Update is described at job.Store.
func (s *Jobs) Update(ctx context.Context, name string, fence int64, change func(*job.Record) error) (job.Record, error) {
	var next job.Record
	err := s.d.Update(ctx, func(t *Tx) error {
		old, err := getJob(t, name)
		switch {
		case err != nil:
			return err
		case old.State.Terminal():
			return errs.New(errs.State, "job %s has ended: %s", name, old.State)
		case old.Fence != fence:
			return errs.New(errs.State, "job %s was claimed by another runner", name)
		}
		next = old.Record
		if err := change(&next); err != nil {
			return err
		}
		next.Name, next.Seq, next.Spec, next.Owner, next.Fence, next.Created = old.Name, old.Seq, old.Spec, old.Owner, old.Fence, old.Created
		values, err := changing(next)
		if err != nil {
			return err
		}
		n, err := t.Exec(`UPDATE jobs SET parent = ?, kind = ?, cluster = ?, nodes = ?, display = ?, experiment = ?, state = ?,
			outcome = ?, detail = ?, run_id = ?, attempt = ?, lost = ?, failures = ?, exit_code = ?, processes = ?, best = ?, notes = ?,
			lease = ?, started = ?, ended = ?, revision = revision + 1 WHERE seq = ? AND revision = ?`, append(values, old.Seq, old.revision)...)
		if err == nil && n != 1 {
			err = errs.New(errs.Unavailable, "job %s was changed at the same time", name)
		}
		return err
	})
	if err != nil {
		return job.Record{}, err
	}
	return next, nil
}

// Cancel is described at job.Store.
func (s *Jobs) Cancel(ctx context.Context, name string, now time.Time) (job.Record, error) {
	var r row
	err := s.d.Update(ctx, func(t *Tx) (err error) {
		var found bool
		r, found, err = oneJob(t, `UPDATE jobs SET
			outcome = CASE WHEN state IN ('Queued', 'NotStarted') THEN 'Canceled' ELSE outcome END,
			ended = CASE WHEN state IN ('Queued', 'NotStarted') THEN ? ELSE ended END,
			state = CASE WHEN state IN ('Queued', 'NotStarted') THEN 'Canceled' ELSE 'CancelRequested' END, revision = revision + 1
			WHERE name = ? AND state NOT IN (`+ended+`) RETURNING `+jobColumns, toMilli(now), name)
		if err != nil || found {
			return err
		}
		if r, err = getJob(t, name); err != nil {
			return err
		}
		return errs.New(errs.State, "job %s has ended: %s", name, r.State)
	})
	if err != nil {
		return job.Record{}, errs.Wrap(err, "cancel job %s", name)
	}
	return r.Record, nil
}
