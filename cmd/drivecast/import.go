package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/importer"
	"github.com/drivecast/drivecast/internal/sqlstore"
)

func (a *app) importCommand() *cobra.Command {
	var backend string
	var rewrites []string
	out := output("")
	c := &cobra.Command{
		Use:   "import SOURCE",
		Short: "Take over what an MLflow server recorded",
		Long: `Take over what an MLflow server recorded: SOURCE is the SQLite file of its database, or the
folder mlruns of its file store. Ids, times and version numbers stay as they were. An import
that was broken off can be run again: what arrived already is left alone.

Files of runs stay where they are. When they moved, say so with --rewrite-artifact-root.`,
		Example: `  drivecast import mlflow.db
  drivecast import mlruns --rewrite-artifact-root file:///old/mlruns=mlflow-artifacts:`,
		Args: exactArgs("SOURCE"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.importFrom(c.Context(), args[0], backend, rewrites, out)
		},
	}
	f := c.Flags()
	f.StringVar(&backend, "backend-store-uri", "sqlite:///"+strings.TrimPrefix(defaultDataDir, "./")+"/"+storeFile, "where our records are kept: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE")
	f.StringArrayVar(&rewrites, "rewrite-artifact-root", nil, "from=to: replace the beginning of artifact URIs; may be repeated")
	out.addTo(c)
	return c
}

func (a *app) importFrom(ctx context.Context, source, backend string, rewrites []string, out output) error {
	o := importer.Options{Logger: a.logger(slog.LevelWarn)}
	for _, text := range rewrites {
		r, err := importer.ParseRewrite(text)
		if err != nil {
			return err
		}
		o.Rewrites = append(o.Rewrites, r)
	}
	if err := makeParent(backend); err != nil {
		return err
	}
	db, err := sqlstore.Open(ctx, backend, sqlstore.Options{})
	if err != nil {
		return err
	}
	report, err := importer.Import(ctx, source, db.Import(), o)
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
