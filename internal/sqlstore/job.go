// Package sqlstore keeps records in SQLite.
package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// Jobs is the durable queue of jobs and the catalog of their assets. Every
// change is one statement, so that processes which share the file never wait
// for each other longer than one write.
type Jobs struct{ read, write *sql.DB }

var (
	_ job.Store   = (*Jobs)(nil)
	_ job.Catalog = (*Jobs)(nil)
)

// NewJobs makes the queue on connections to one database.
func NewJobs(read, write *sql.DB) *Jobs { return &Jobs{read: read, write: write} }

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
	return []any{r.Parent, r.Kind, r.Cluster, r.Nodes, r.Display, r.Experiment, r.State, r.Outcome, r.Detail, r.RunID, r.Attempt, r.Lost,
		r.Failures, code, processes, r.Best, string(r.Notes), toMilli(r.Lease), toMilli(r.Started), toMilli(r.Ended)}, nil
}

// Add is described at job.Store.
func (s *Jobs) Add(ctx context.Context, r job.Record) (job.Record, error) {
	values, err := changing(r)
	if err != nil {
		return job.Record{}, err
	}
	values = append(values, r.Name, string(r.Spec), r.Owner, r.Fence, toMilli(r.Created))
	err = s.write.QueryRowContext(ctx, `INSERT INTO jobs (parent, kind, cluster, nodes, display, experiment, state, outcome, detail, run_id,
		attempt, lost, failures, exit_code, processes, best, notes, lease, started, ended, name, spec, owner, fence, created, revision)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
		ON CONFLICT (name) DO NOTHING RETURNING seq`, values...).Scan(&r.Seq)
	if errors.Is(err, sql.ErrNoRows) {
		return job.Record{}, errs.New(errs.Exists, "a job named %s exists", r.Name)
	}
	return r, errs.Wrap(err, "add job %s", r.Name)
}

// Get is described at job.Store.
func (s *Jobs) Get(ctx context.Context, name string) (job.Record, error) {
	r, err := s.get(ctx, s.read, name)
	return r.Record, err
}

func (s *Jobs) get(ctx context.Context, db *sql.DB, name string) (row, error) {
	r, err := scanJob(db.QueryRowContext(ctx, `SELECT `+jobColumns+` FROM jobs WHERE name = ?`, name).Scan, true)
	if errors.Is(err, sql.ErrNoRows) {
		return r, errs.New(errs.NotFound, "no job is named %s", name)
	}
	return r, errs.Wrap(err, "read job %s", name)
}

// where writes a query's conditions.
func where(q job.Query) (string, []any) {
	text, args := ` WHERE 1`, []any{}
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
		and(`+parent = ''`) // the plus keeps the scan in the order of seq
	}
	if len(q.States) > 0 {
		states := make([]any, len(q.States))
		for i, s := range q.States {
			states[i] = s
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
	rows, err := s.read.QueryContext(ctx, `SELECT `+jobHeads+` FROM jobs`+text+` ORDER BY seq DESC LIMIT ?`, append(args, min(limit, 1000))...)
	if err != nil {
		return nil, errs.Wrap(err, "list jobs")
	}
	defer rows.Close()
	out := []job.Record{}
	for rows.Next() {
		r, err := scanJob(rows.Scan, false)
		if err != nil {
			return nil, errs.Wrap(err, "list jobs")
		}
		out = append(out, r.Record)
	}
	return out, errs.Wrap(rows.Err(), "list jobs")
}

// Count is described at job.Store.
func (s *Jobs) Count(ctx context.Context, q job.Query) (int, error) {
	var n int
	text, args := where(q)
	err := s.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM jobs`+text, args...).Scan(&n)
	return n, errs.Wrap(err, "count jobs")
}

// Claim is described at job.Store.
func (s *Jobs) Claim(ctx context.Context, c job.Claim) (job.Record, error) {
	take := func(which string, args ...any) (row, error) {
		args = append([]any{c.Owner, toMilli(c.Until), c.Cluster}, args...)
		return scanJob(s.write.QueryRowContext(ctx, `UPDATE jobs SET owner = ?, lease = ?, fence = fence + 1, revision = revision + 1,
			state = CASE state WHEN 'Queued' THEN 'Starting' ELSE state END
			WHERE seq = (SELECT seq FROM jobs WHERE cluster = ? AND `+which+` AND nodes <= ? ORDER BY seq LIMIT 1) RETURNING `+jobColumns,
			append(args, c.MaxNodes)...).Scan, true)
	}
	r, err := take(`state IN (`+inProgress+`) AND lease <= ?`, toMilli(c.Now))
	if errors.Is(err, sql.ErrNoRows) {
		r, err = take(`state = 'Queued'`)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return job.Record{}, errs.New(errs.NotFound, "nothing to claim")
	}
	return r.Record, errs.Wrap(err, "claim a job of cluster %s", c.Cluster)
}

// Renew is described at job.Store.
func (s *Jobs) Renew(ctx context.Context, owner string, names []string, until time.Time) ([]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	args := []any{toMilli(until), owner}
	for _, n := range names {
		args = append(args, n)
	}
	rows, err := s.write.QueryContext(ctx, `UPDATE jobs SET lease = ?, revision = revision + 1 WHERE owner = ? AND state IN (`+inProgress+`)
		AND name IN (?`+strings.Repeat(`, ?`, len(names)-1)+`) RETURNING name, state`, args...)
	if err != nil {
		return nil, errs.Wrap(err, "renew leases")
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var name string
		var state job.State
		if err := rows.Scan(&name, &state); err != nil {
			return nil, errs.Wrap(err, "renew leases")
		}
		if state == job.CancelRequested {
			out = append(out, name)
		}
	}
	return out, errs.Wrap(rows.Err(), "renew leases")
}

// Expire is described at job.Store.
func (s *Jobs) Expire(ctx context.Context, cluster string) error {
	_, err := s.write.ExecContext(ctx, `UPDATE jobs SET lease = 0, revision = revision + 1 WHERE cluster = ? AND state IN (`+inProgress+`)`, cluster)
	return errs.Wrap(err, "end the leases of cluster %s", cluster)
}

// Update is described at job.Store. A change by another process between
// reading and writing shows in the revision, and the change is made anew.
func (s *Jobs) Update(ctx context.Context, name string, fence int64, change func(*job.Record) error) (job.Record, error) {
	for {
		old, err := s.get(ctx, s.write, name)
		switch {
		case err != nil:
			return job.Record{}, err
		case old.State.Terminal():
			return job.Record{}, errs.New(errs.State, "job %s has ended: %s", name, old.State)
		case old.Fence != fence:
			return job.Record{}, errs.New(errs.State, "job %s was claimed by another runner", name)
		}
		next := old.Record
		if err := change(&next); err != nil {
			return job.Record{}, err
		}
		next.Name, next.Seq, next.Spec, next.Owner, next.Fence, next.Created = old.Name, old.Seq, old.Spec, old.Owner, old.Fence, old.Created
		values, err := changing(next)
		if err != nil {
			return job.Record{}, err
		}
		done, err := s.write.ExecContext(ctx, `UPDATE jobs SET parent = ?, kind = ?, cluster = ?, nodes = ?, display = ?, experiment = ?, state = ?,
			outcome = ?, detail = ?, run_id = ?, attempt = ?, lost = ?, failures = ?, exit_code = ?, processes = ?, best = ?, notes = ?,
			lease = ?, started = ?, ended = ?, revision = revision + 1 WHERE seq = ? AND revision = ?`, append(values, old.Seq, old.revision)...)
		if err != nil {
			return job.Record{}, errs.Wrap(err, "change job %s", name)
		}
		if n, err := done.RowsAffected(); err != nil || n == 1 {
			return next, errs.Wrap(err, "change job %s", name)
		}
	}
}

// Cancel is described at job.Store.
func (s *Jobs) Cancel(ctx context.Context, name string, now time.Time) (job.Record, error) {
	r, err := scanJob(s.write.QueryRowContext(ctx, `UPDATE jobs SET
		outcome = CASE WHEN state IN ('Queued', 'NotStarted') THEN 'Canceled' ELSE outcome END,
		ended = CASE WHEN state IN ('Queued', 'NotStarted') THEN ? ELSE ended END,
		state = CASE WHEN state IN ('Queued', 'NotStarted') THEN 'Canceled' ELSE 'CancelRequested' END, revision = revision + 1
		WHERE name = ? AND state NOT IN (`+ended+`) RETURNING `+jobColumns, toMilli(now), name).Scan, true)
	if !errors.Is(err, sql.ErrNoRows) {
		return r.Record, errs.Wrap(err, "cancel job %s", name)
	}
	if r, err = s.get(ctx, s.read, name); err != nil {
		return job.Record{}, err
	}
	return job.Record{}, errs.New(errs.State, "job %s has ended: %s", name, r.State)
}
