package sqlstore

import (
	"context"
	"database/sql"
	_ "embed" // the tables of jobs
	"errors"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver

	"github.com/drivecast/drivecast/errs"
)

//go:embed migrations/0100_jobs.sql
var jobTables string

// OpenJobs opens the queue in an SQLite file, which is made when absent. Several
// processes may have it open. Close ends the connections.
func OpenJobs(ctx context.Context, file string) (*Jobs, error) {
	dsn := "file:" + filepath.ToSlash(file) + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(normal)"
	write, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, errs.Wrap(err, "open %s", file)
	}
	write.SetMaxOpenConns(1)
	if _, err := write.ExecContext(ctx, jobTables); err != nil {
		return nil, errs.Wrap(errors.Join(err, write.Close()), "make the tables of jobs in %s", file)
	}
	read, err := sql.Open("sqlite", dsn+"&_pragma=query_only(1)")
	if err != nil {
		return nil, errs.Wrap(errors.Join(err, write.Close()), "open %s", file)
	}
	read.SetMaxOpenConns(2)
	return NewJobs(read, write), nil
}

// Close ends the connections.
func (s *Jobs) Close() error { return errors.Join(s.read.Close(), s.write.Close()) }
