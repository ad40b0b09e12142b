package local_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/local"
	"github.com/drivecast/drivecast/internal/sqlstore"
)

// BenchmarkDrain measures how fast 8 slots drain a queue of trivial jobs.
func BenchmarkDrain(b *testing.B) {
	dir := b.TempDir()
	store, err := sqlstore.OpenJobs(b.Context(), filepath.Join(dir, "jobs.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	for i := range b.N {
		j := &job.Job{Kind: job.KindCommand, Name: fmt.Sprint("j", i), Command: &job.Command{Line: "true"}}
		if _, err := job.Submit(b.Context(), store, job.Submission{Job: j, Cluster: "cpu", Now: time.Now(), Random: rand.Reader}); err != nil {
			b.Fatal(err)
		}
	}
	c, err := local.NewCluster(local.Config{Store: store, Name: "cpu", Max: 8, Idle: -1, ExitIdle: true, WorkDir: filepath.Join(dir, "work")})
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	if err := c.Run(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
	if n, err := store.Count(b.Context(), job.Query{States: []job.State{job.Completed}}); err != nil || n != b.N {
		b.Fatal(n, err)
	}
}
