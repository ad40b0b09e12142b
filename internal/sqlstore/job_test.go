package sqlstore_test

import (
	"database/sql"
	_ "embed"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/jobtest"
	"github.com/drivecast/drivecast/internal/sqlstore"
)

//go:embed migrations/0100_jobs.sql
var jobTables string

func openJobs(t *testing.T) *sqlstore.Jobs {
	t.Helper()
	dsn := "file:" + filepath.ToSlash(filepath.Join(t.TempDir(), "jobs.db")) + "?_pragma=journal_mode(wal)&_pragma=synchronous(normal)&_pragma=busy_timeout(10000)"
	write, err := sql.Open("sqlite", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { write.Close() })
	write.SetMaxOpenConns(1)
	if _, err := write.ExecContext(t.Context(), jobTables); err != nil {
		t.Fatal(err)
	}
	return sqlstore.NewJobs(write, write)
}

func TestJobs(t *testing.T) {
	jobtest.Suite(t, func(t *testing.T) job.Store { return openJobs(t) })
}

func TestJobCatalog(t *testing.T) { jobtest.CatalogSuite(t, openJobs(t)) }
