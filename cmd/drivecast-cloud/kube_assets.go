package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/local"
	"github.com/drivecast/drivecast/internal/sqlstore"
)

// loadRegistered reads a job file whose components and data may be registered in the
// folder that drivecast's commands on this machine use; their place goes into the job.
func loadRegistered(ctx context.Context, dir, file string, sets []string) (*job.Job, error) {
	var catalog job.Catalog
	path := filepath.Join(dir, "drivecast.db")
	if _, err := os.Stat(path); err == nil {
		store, err := sqlstore.OpenJobs(ctx, path)
		if err != nil {
			return nil, errs.Wrap(err, "open what is registered")
		}
		defer store.Close()
		catalog = store
	}
	j, err := job.LoadWith(file, local.Finder(ctx, catalog), sets...)
	if err != nil {
		return nil, err
	}
	return j, local.ResolveInputs(ctx, catalog, j)
}
