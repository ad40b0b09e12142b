package local_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
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

// BenchmarkListPage lists the newest 100 of 10,000 queued jobs.
func BenchmarkListPage(b *testing.B) {
	store, err := sqlstore.OpenJobs(b.Context(), filepath.Join(b.TempDir(), "jobs.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	for i := range 10_000 {
		j := &job.Job{Kind: job.KindCommand, Name: fmt.Sprint("j", i), Command: &job.Command{Line: "true"}}
		if _, err := job.Submit(b.Context(), store, job.Submission{Job: j, Cluster: "cpu", Now: time.Now(), Random: rand.Reader}); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if list, err := store.List(b.Context(), job.Query{Top: true, Limit: 100}); err != nil || len(list) != 100 {
			b.Fatal(len(list), err)
		}
	}
}

// BenchmarkSubmitToRunning measures from the file of a job to its record as running, by
// a runner that lives.
func BenchmarkSubmitToRunning(b *testing.B) {
	dir := b.TempDir()
	store, err := sqlstore.OpenJobs(b.Context(), filepath.Join(dir, "jobs.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	file := filepath.Join(dir, "job.yml")
	if err := os.WriteFile(file, []byte("command: exec sleep 1\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	work := filepath.Join(dir, "work")
	c, err := local.NewCluster(local.Config{Store: store, Name: job.DefaultCluster, Max: 1000, WorkDir: work})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	for local.Wake(ctx, work, job.DefaultCluster) != nil {
		time.Sleep(time.Millisecond)
	}
	for b.Loop() {
		r, _, err := local.Create(ctx, local.CreateOptions{Store: store, WorkDir: work, File: file, Now: time.Now()})
		for err == nil && r.State != job.Running {
			time.Sleep(200 * time.Microsecond)
			r, err = store.Get(ctx, r.Name)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}
