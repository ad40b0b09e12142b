package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/local"
	"github.com/drivecast/drivecast/internal/mlflow/client"
	"github.com/drivecast/drivecast/internal/serving"
	"github.com/drivecast/drivecast/internal/sqlstore"
)

const (
	defaultDataDir = "./drivecast-data"
	storeFile      = "drivecast.db"
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
	c.Flags().StringVar(&f.tracking, "tracking-uri", "", "tracking server of the jobs (default $MLFLOW_TRACKING_URI, or "+serving.DefaultTrackingURI+" if a server answers there, or else the folder's own store)")
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

// runs connects to the tracking server of the jobs: the one that was asked for,
// or the one at the default address. Where none answers it serves the folder's
// own store until stop is called.
func (f *jobFolder) runs(ctx context.Context, cluster string, log *slog.Logger) (r local.Runs, uri string, stop func(), err error) {
	stop = func() {}
	if uri = f.tracking; uri == "" {
		uri = f.a.getenv("MLFLOW_TRACKING_URI")
	}
	if uri == "" && f.answers(ctx, serving.DefaultTrackingURI) {
		uri = serving.DefaultTrackingURI
	}
	if uri == "" {
		if uri, stop, err = f.serveTracking(ctx, cluster, log); err != nil {
			return nil, "", stop, err
		}
	}
	c, err := client.New(uri, f.a.getenv)
	if err != nil {
		stop()
		return nil, "", func() {}, err
	}
	return newJobRuns(c), uri, stop, nil
}

// answers reports whether an MLflow server is at the URI.
func (f *jobFolder) answers(ctx context.Context, uri string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	c, err := client.New(uri, f.a.getenv, client.WithRetries(1, 0))
	if err != nil {
		return false
	}
	_, _, err = c.SearchRuns(ctx, client.Search{ExperimentIDs: []string{"0"}, Max: 1})
	return err == nil
}

// serveTracking serves the folder's own store on this machine. It takes the
// address it had last time when that is free: jobs that outlived an earlier
// runner still use it.
func (f *jobFolder) serveTracking(ctx context.Context, cluster string, log *slog.Logger) (uri string, stop func(), err error) {
	last := filepath.Join(f.workDir(), "compute", cluster+".tracking")
	var lc net.ListenConfig
	var l net.Listener
	if text, err := os.ReadFile(last); err == nil {
		l, _ = lc.Listen(ctx, "tcp", string(text)) // taken by another by now: any will do
	}
	if l == nil {
		if l, err = lc.Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
			return "", func() {}, errs.Wrap(err, "serve the tracking of jobs")
		}
	}
	handler, closeStore, err := f.a.openTracking(ctx, serverOptions{
		backend: "sqlite:///" + filepath.ToSlash(filepath.Join(f.dir, storeFile)), artifacts: filepath.Join(f.dir, "artifacts"),
	}, log)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(last), 0o755)
	}
	if err == nil {
		err = os.WriteFile(last, []byte(l.Addr().String()), 0o600)
	}
	if err != nil {
		l.Close()
		return "", func() {}, errs.Wrap(err, "serve the tracking of jobs")
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer closeStore()
		if err := cli.Serve(ctx, l, nil, handler, log); err != nil {
			log.Warn("the tracking server of the jobs ended", "error", err)
		}
	}()
	return "http://" + l.Addr().String(), func() { cancel(); <-done }, nil
}

// cluster is the configuration of a compute: the registered one, or for the
// default cluster none to one nodes.
func (f *jobFolder) cluster(ctx context.Context, name string) (local.Config, error) {
	cfg := local.Config{Store: f.store, Name: name, Max: 1, WorkDir: f.workDir(), Now: f.a.now, Catalog: f.store, Assets: local.LocalAssets{Catalog: f.store}}
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
