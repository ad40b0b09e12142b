package main

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/artifact"
	"github.com/drivecast/drivecast/internal/backup"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/importer"
	"github.com/drivecast/drivecast/internal/mlflow/client"
	"github.com/drivecast/drivecast/internal/sqlstore"
)

func (a *app) importCommand() *cobra.Command {
	var backend, files string
	var rewrites []string
	out := output("")
	c := &cobra.Command{
		Use:   "import SOURCE",
		Short: "Take over what an MLflow server recorded",
		Long: `Take over what an MLflow server recorded: SOURCE is the SQLite file of its database, the
folder mlruns of its file store, or the address of the server while it runs. Ids, times and version numbers stay as they were. An import
that was broken off can be run again: what arrived already is left alone.

Files of runs stay where they are; with --copy-artifacts, those behind a server are copied. When they moved, say so with --rewrite-artifact-root.`,
		Example: `  drivecast import mlflow.db
  drivecast import http://mlflow:5000 --copy-artifacts ./drivecast-data/artifacts
  drivecast import mlruns --rewrite-artifact-root file:///old/mlruns=mlflow-artifacts:`,
		Args: cli.ExactArgs("SOURCE"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.importFrom(c.Context(), args[0], backend, files, rewrites, out)
		},
	}
	f := c.Flags()
	f.StringVar(&backend, "backend-store-uri", "sqlite:///"+strings.TrimPrefix(defaultDataDir, "./")+"/"+storeFile, "where our records are kept: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE")
	f.StringArrayVar(&rewrites, "rewrite-artifact-root", nil, "from=to: replace the beginning of artifact URIs; may be repeated")
	f.StringVar(&files, "copy-artifacts", "", "copy the files that go through the server SOURCE to this folder or store, which is our --artifacts-destination")
	out.addTo(c)
	return c
}

func (a *app) importFrom(ctx context.Context, source, backend, files string, rewrites []string, out output) error {
	server := strings.HasPrefix(source, "http://") || strings.HasPrefix(source, "https://")
	if files != "" && !server {
		return errs.New(errs.Usage, "--copy-artifacts copies from a server; the files of %s can be copied by hand", source)
	}
	o := importer.Options{Logger: a.logger(slog.LevelWarn)}
	for _, text := range rewrites {
		r, err := importer.ParseRewrite(text)
		if err != nil {
			return err
		}
		o.Rewrites = append(o.Rewrites, r)
	}
	from, err := a.lookAt(ctx, source, server)
	if err != nil {
		return err
	}
	if err := makeParent(backend); err != nil {
		return err
	}
	db, err := a.openStore(ctx, backend)
	if err != nil {
		return err
	}
	var report importer.Report
	if server {
		report, err = a.importServer(ctx, from, db, files, o)
	} else {
		report, err = importer.Import(ctx, source, db.Import(), o)
	}
	if err2 := db.Close(); err == nil {
		err = errs.Wrap(err2, "close %s", sqlstore.Redact(backend))
	}
	if err != nil {
		return err
	}
	if out == "json" {
		return a.printJSON(report)
	}
	_, err = fmt.Fprintf(a.stdout, "%d experiments, %d runs with %d points, %d logged models, %d registered models with %d versions; %d were there already, %d left out\n",
		report.Experiments, report.Runs, report.Points, report.LoggedModels, report.RegisteredModels, report.Versions, report.Known, report.Skipped)
	return err
}

// lookAt refuses a source that is not there before anything is made for it; from is
// nil unless the source is a server.
func (a *app) lookAt(ctx context.Context, source string, server bool) (from *client.Client, err error) {
	if !server {
		return nil, importer.Look(source)
	}
	if from, err = client.New(source, a.getenv); err != nil {
		return nil, err
	}
	return from, importer.LookServer(ctx, from)
}

// importServer takes over from a running server, with its files when files names
// a place for them.
func (a *app) importServer(ctx context.Context, from *client.Client, db *sqlstore.DB, files string, o importer.Options) (importer.Report, error) {
	if files != "" {
		store, err := a.openArtifacts(files)
		if err != nil {
			return importer.Report{}, err
		}
		defer closeArtifacts(store)
		o.Files = func(ctx context.Context, uri string) error { return copyArtifacts(ctx, from, store, uri) }
	}
	return importer.Server(ctx, from, db.Import(), o)
}

// copyArtifacts copies the files of a run or logged model to the same path of our
// own store; files that are not behind the server stay where they are.
func copyArtifacts(ctx context.Context, from *client.Client, to artifact.Store, uri string) error {
	store, p := placeOf(backup.Places{"artifacts": to}, "", uri)
	if store == nil {
		return nil
	}
	dir, err := os.MkdirTemp("", "drivecast-import-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := from.DownloadDir(ctx, uri, dir); err != nil {
		if errs.Is(err, errs.NotFound) { // it has none
			return nil
		}
		return err
	}
	return filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		return putFile(ctx, store, path.Join(p, filepath.ToSlash(rel)), file)
	})
}

func putFile(ctx context.Context, to artifact.Store, p, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return to.Put(ctx, p, f, info.Size())
}
