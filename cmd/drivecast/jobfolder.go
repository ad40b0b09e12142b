package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/local"
	"github.com/drivecast/drivecast/internal/mlflow/client"
	"github.com/drivecast/drivecast/internal/sqlstore"
)

const (
	defaultDataDir     = "./drivecast-data"
	defaultTrackingURI = "http://127.0.0.1:5000"
	storeFile          = "drivecast.db"
)

// jobFolder is what job and compute commands of one data folder share.
type jobFolder struct {
	a        *app
	dir      string
	tracking string // "" is the environment's, or else the default where a server answers
	store    *sqlstore.Jobs
}

func (f *jobFolder) addTo(c *cobra.Command) {
	c.Flags().StringVar(&f.dir, "dir", defaultDataDir, "folder of drivecast's data")
	c.Flags().StringVar(&f.tracking, "tracking-uri", "", "tracking server of the jobs (default $MLFLOW_TRACKING_URI, or "+defaultTrackingURI+" if one answers)")
}

func (f *jobFolder) open(ctx context.Context) error {
	dir, err := filepath.Abs(f.dir)
	if err != nil {
		return errs.Wrap(err, "find %s", f.dir)
	}
	f.dir = dir
	if err := os.MkdirAll(f.workDir(), 0o755); err != nil {
		return errs.Wrap(err, "make the data folder")
	}
	f.store, err = sqlstore.OpenJobs(ctx, filepath.Join(dir, storeFile))
	return err
}

func (f *jobFolder) close() {
	if f.store != nil {
		f.store.Close() // everything is written already
	}
}

// workDir is where jobs run.
func (f *jobFolder) workDir() string { return filepath.Join(f.dir, "work") }

// runs connects to the tracking server. Without one that was asked for, and none
// at the default address, jobs are not tracked.
func (f *jobFolder) runs(ctx context.Context, log *slog.Logger) (local.Runs, string, error) {
	uri, asked := f.tracking, true
	if uri == "" {
		uri = f.a.getenv("MLFLOW_TRACKING_URI")
	}
	if uri == "" {
		uri, asked = defaultTrackingURI, false
	}
	c, err := client.New(uri, f.a.getenv)
	if err != nil {
		return nil, "", err
	}
	if !asked {
		quick, err := client.New(uri, f.a.getenv, client.WithRetries(1, 0))
		if err != nil {
			return nil, "", err
		}
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if _, _, err := quick.SearchRuns(ctx, client.Search{ExperimentIDs: []string{"0"}, Max: 1}); errs.Is(err, errs.Unavailable) {
			log.Warn("no tracking server answers; jobs run untracked", "uri", uri, "mend", "start one with drivecast server, or name one with --tracking-uri")
			return nil, "", nil
		}
	}
	return newJobRuns(c), uri, nil
}

// cluster is the configuration of a compute: the registered one, or for the
// default cluster none to one nodes.
func (f *jobFolder) cluster(ctx context.Context, name string) (local.Config, error) {
	cfg := local.Config{Store: f.store, Name: name, Max: 1, WorkDir: f.workDir(), Now: f.a.now}
	a, err := f.store.Asset(ctx, job.KindAmlCompute, name, "")
	if errs.Is(err, errs.NotFound) {
		return cfg, nil
	}
	if err != nil {
		return cfg, err
	}
	err = local.Sized(&cfg, a)
	return cfg, err
}

// startRunner starts `compute run` for a cluster in the background.
func (f *jobFolder) startRunner(cluster string) error {
	args := []string{"compute", "run", "--name", cluster, "--dir", f.dir, "--exit-when-idle"}
	if f.tracking != "" {
		args = append(args, "--tracking-uri", f.tracking)
	}
	return local.StartDetached(local.RunnerLog(f.workDir(), cluster), args)
}
