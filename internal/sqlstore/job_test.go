package sqlstore_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/jobtest"
	"github.com/drivecast/drivecast/internal/sqlstore"
)

func openJobs(t testing.TB) *sqlstore.Jobs {
	t.Helper()
	s, err := sqlstore.OpenJobs(t.Context(), filepath.Join(t.TempDir(), "jobs.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestJobs(t *testing.T) {
	jobtest.Suite(t, func(t *testing.T) job.Store { return openJobs(t) })
}

func TestJobCatalog(t *testing.T) { jobtest.CatalogSuite(t, openJobs(t)) }

// BenchmarkJobPage measures a page of a list of 10,000 queued jobs.
func BenchmarkJobPage(b *testing.B) {
	s := openJobs(b)
	for i := range 10_000 {
		r := job.Record{Name: fmt.Sprint("job", i), Kind: job.KindCommand, Cluster: "cpu", Nodes: 1, State: job.Queued, Created: time.Unix(int64(i), 0)}
		if _, err := s.Add(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if list, err := s.List(b.Context(), job.Query{Top: true, Limit: 100}); err != nil || len(list) != 100 {
			b.Fatal(len(list), err)
		}
	}
}

// TestConcurrentFirstUse lets many goroutines bring statements that are new to
// the one connection that writes: each must get its turn.
func TestConcurrentFirstUse(t *testing.T) {
	s := openJobs(t)
	var done sync.WaitGroup
	for i := range 40 {
		done.Go(func() {
			name := fmt.Sprint("j", i)
			if _, err := s.Add(t.Context(), job.Record{Name: name, Cluster: "cpu", State: job.Queued}); err != nil {
				t.Error(err)
			}
			names := make([]string, i+1) // a statement of its own
			if _, err := s.Renew(t.Context(), "me", names, time.Unix(9, 0)); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
}
