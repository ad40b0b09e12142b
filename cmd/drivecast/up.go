package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/mlflow/client"
	"github.com/drivecast/drivecast/internal/progress"
	"github.com/drivecast/drivecast/internal/simulate"
	"github.com/drivecast/drivecast/internal/train"
	"github.com/drivecast/drivecast/smart"
)

//go:embed job.yaml
var mainJob []byte

// upOptions are the flags of `drivecast up`.
type upOptions struct {
	data, target, dir         string
	trackingAddr, servingAddr string
	job, name                 string
	once                      bool
	server                    serverOptions // who may use the tracking server, and from where
	output                    output
}

func (a *app) upCommand() *cobra.Command {
	var o upOptions
	c := &cobra.Command{
		Use:   "up",
		Short: "Run the whole loop: data, server, two training jobs, registry, serving",
		Long: `Run the whole loop on one machine:

  1. data      --data, or a simulated fleet
  2. server    tracking and registry on --tracking-addr, kept under --dir
  3. jobs      two runs of one job on the cluster training-cluster
  4. registry  both models become versions; the better one becomes champion
  5. serving   the champion answers on --serving-addr

and keep it running until Ctrl-C. A second up on the same folder adds versions.`,
		Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.up(c.Context(), &o) },
	}
	f := c.Flags()
	f.StringVar(&o.data, "data", "", "folder or file of Backblaze daily statistics, or a CSV file with a target column (default: a simulated fleet)")
	f.StringVar(&o.target, "target", "failure", "target column of a CSV file that holds no daily statistics")
	f.StringVar(&o.dir, "dir", defaultDataDir, "folder for everything that is kept")
	f.StringVar(&o.trackingAddr, "tracking-addr", "127.0.0.1:5000", "address of the tracking server and registry")
	f.StringVar(&o.servingAddr, "serving-addr", "127.0.0.1:5001", "address of the served model")
	f.StringVar(&o.job, "job", "", "job file to run instead of the embedded one")
	f.StringVar(&o.name, "name", "hdd_failure_predictor", "name of the registered model")
	f.BoolVar(&o.once, "once", false, "stop after the sample drives are scored")
	o.server.auth.addTo(c)
	f.BoolVar(&o.server.exposeToAll, "allow-unauthenticated", false, "let --tracking-addr be one that others can reach, although nobody is asked who they are")
	o.output.addTo(c)
	return c
}

// loop is one run of `drivecast up`.
type loop struct {
	*app
	o        *upOptions
	bars     *progress.Reporter
	logger   *slog.Logger
	folder   *jobFolder
	server   *client.Client
	tracking string   // URI of the server
	jobEnv   []string // that jobs get besides
	data     dataset
	result   upResult
}

// dataset is what both jobs learn from.
type dataset struct {
	Path     string           `json:"path"`
	Kind     string           `json:"kind"` // "simulated fleet", "daily statistics" or "table"
	Target   string           `json:"target,omitempty"`
	Simulate *simulate.Report `json:"simulation,omitempty"`
}

func (a *app) up(ctx context.Context, o *upOptions) error {
	l := &loop{app: a, o: o, bars: a.progress(), logger: a.logger(slog.LevelError)}
	if err := o.server.guard(o.trackingAddr, "--tracking-addr", a.getenv); err != nil {
		return err
	}
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return err
	}
	o.dir = dir
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return errs.Wrap(err, "make the data folder")
	}
	background, stop := context.WithCancel(ctx)
	working, giveUp := context.WithCancel(ctx) // until a part in the background fails
	defer giveUp()
	var running sync.WaitGroup
	failed := make(chan error, 3)
	start := func(what string, f func(context.Context) error) {
		running.Go(func() {
			if err := f(background); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, net.ErrClosed) {
				failed <- errs.Wrap(err, "%s", what)
				giveUp()
			}
		})
	}
	defer running.Wait()
	defer stop()
	if err := l.steps(working, start); err != nil {
		return preferCause(err, failed)
	}
	if err := l.print(); err != nil || o.once {
		return err
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		l.bars.Line("stopping")
		return nil
	}
}

// preferCause returns the failure of a background part, which explains err,
// when there is one.
func preferCause(err error, failed chan error) error {
	select {
	case cause := <-failed:
		return cause
	default:
		return err
	}
}

// steps runs the five steps.
func (l *loop) steps(ctx context.Context, start func(string, func(context.Context) error)) error {
	tracking, err := cli.Listen(ctx, l.o.trackingAddr, "--tracking-addr")
	if err != nil {
		return err
	}
	defer closeUnless(&err, tracking)
	serving, err := cli.Listen(ctx, l.o.servingAddr, "--serving-addr")
	if err != nil {
		return err
	}
	defer closeUnless(&err, serving)
	if err = l.prepareData(ctx); err != nil {
		return err
	}
	l.tracking = "http://" + tracking.Addr().String()
	l.o.server.backend, l.o.server.artifacts = l.backend(), filepath.Join(l.o.dir, "artifacts")
	handler, closeStore, err := l.openTracking(ctx, l.o.server, l.logger)
	if err != nil {
		return err
	}
	signOut, err := l.signIn(ctx)
	if err != nil {
		closeStore()
		return err
	}
	start("tracking server", func(ctx context.Context) error {
		defer closeStore()
		defer signOut()
		return cli.Serve(ctx, tracking, nil, handler, l.logger)
	})
	l.result.Tracking = l.tracking
	l.bars.Line("tracking server and registry on %s", l.tracking)
	if l.server, err = client.New(l.tracking, l.getenv); err != nil {
		return err
	}
	if err = l.startCluster(ctx, start); err != nil {
		return err
	}
	if err = l.runJobs(ctx); err != nil {
		return err
	}
	if err = l.choose(ctx); err != nil {
		return err
	}
	var h http.Handler
	if h, err = l.openChampion(ctx); err != nil {
		return err
	}
	h, flush, err := l.env().Measured(ctx, h, l.logger)
	if err != nil {
		return err
	}
	l.result.Serving = "http://" + serving.Addr().String()
	start("serving", func(ctx context.Context) error {
		defer flush()
		return cli.Serve(ctx, serving, nil, h, l.logger)
	})
	l.bars.Line("champion served on %s", l.result.Serving)
	return l.scoreSamples(ctx)
}

// closeUnless closes what was opened when the steps fail.
func closeUnless(err *error, c interface{ Close() error }) {
	if *err != nil {
		c.Close()
	}
}

// prepareData finds or makes the data, and refuses what cannot be learned from
// before any job starts.
func (l *loop) prepareData(ctx context.Context) error {
	if l.o.data == "" {
		return l.simulateFleet(ctx)
	}
	path, err := filepath.Abs(l.o.data)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return &errs.Input{File: l.o.data, Problem: "there is no such file or folder", Mend: "name data with --data, or leave it out for a simulated fleet"}
	}
	l.data = dataset{Path: path, Kind: "daily statistics"}
	if !smart.IsBackblaze(path) {
		l.data.Kind, l.data.Target = "table", l.o.target
		if err := train.CheckTarget(ctx, path, l.o.target); err != nil {
			return err
		}
	}
	l.bars.Line("data: %s (%s)", l.o.data, l.data.Kind)
	return nil
}

func (l *loop) simulateFleet(ctx context.Context) error {
	dir := filepath.Join(l.o.dir, "data", "simulated")
	r, err := simulate.ReadReport(dir)
	if err != nil {
		if !errs.Is(err, errs.NotFound) && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
			return err
		}
		bars := &steps{reporter: l.bars}
		r, err = simulate.Write(ctx, dir, simulate.Options{Progress: func(day, days int) { bars.set("simulate a fleet", "days", int64(day), int64(days)) }})
		bars.done()
		if err != nil {
			return err
		}
	}
	l.data = dataset{Path: dir, Kind: "simulated fleet", Simulate: &r}
	l.bars.Line("data: a simulated fleet of %d drives, %d drive-days, %d failures; an oracle that knows the hazard reaches a row AUC of %.3f",
		r.Drives, r.Rows, r.Failures, r.OracleAUC)
	return nil
}

// overrides are the job's inputs for this data.
func (l *loop) overrides(iteration int) []string {
	out := []string{fmt.Sprintf("inputs.iteration=%d", iteration)}
	if l.o.job != "" {
		return out
	}
	out = append(out, "inputs.data.path="+l.data.Path, "inputs.model_name="+l.o.name)
	if info, err := os.Stat(l.data.Path); err == nil && !info.IsDir() {
		out = append(out, "inputs.data.type=uri_file")
	}
	if l.data.Target != "" {
		out = append(out, "inputs.target="+l.data.Target)
	}
	return out
}

// writeJob puts the embedded job where people can read and change it.
func (l *loop) writeJob() (string, error) {
	if l.o.job != "" {
		return l.o.job, nil
	}
	file := filepath.Join(l.o.dir, "job.yaml")
	old, err := os.ReadFile(file)
	if err == nil && string(old) == string(mainJob) {
		return file, nil
	}
	return file, errs.Wrap(writeFile(file, mainJob), "write the job file")
}

// writeFile writes a file whole or not at all.
func writeFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".drivecast-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// jobEnded reports whether a job is over.
func jobEnded(r job.Record) bool { return !r.Ended.IsZero() }

// pollEvery is how often a waiting command looks at the queue.
const pollEvery = 50 * time.Millisecond
