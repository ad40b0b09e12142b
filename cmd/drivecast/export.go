package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/artifact"
	"github.com/drivecast/drivecast/internal/backup"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/importer"
)

func (a *app) exportCommand() *cobra.Command {
	var backend, files string
	var rewrites []string
	out := output("")
	c := &cobra.Command{
		Use:   "export TARGET",
		Short: "Write our records back to MLflow's database or file store",
		Long: `Write every record to TARGET, a SQLite database or a folder mlruns that MLflow opens. A
name with an extension, such as mlflow.db, is a database, any other a folder.

A new database has the tables of MLflow 2.4, and "mlflow db upgrade sqlite:///FILE"
brings it to any later version. Logged models are of MLflow 3: fill a file that MLflow 3
made, or export once, upgrade, and export again; what is there already is left alone.

A folder is new or empty, and is as MLflow of any version writes it. With
--copy-artifacts it holds the files of runs and logged models too.`,
		Example: `  drivecast export mlflow.db --rewrite-artifact-root mlflow-artifacts:=file:///srv/mlruns
  drivecast export mlruns --copy-artifacts ./drivecast-data/artifacts`,
		Args: cli.ExactArgs("TARGET"),
		RunE: func(c *cobra.Command, args []string) error {
			var list []importer.Rewrite
			for _, text := range rewrites {
				r, err := importer.ParseRewrite(text)
				if err != nil {
					return err
				}
				list = append(list, r)
			}
			done, err := a.exportTo(c.Context(), args[0], backend, files, importer.Rewriter(list))
			if err != nil {
				return err
			}
			return a.printExported(done, out)
		},
	}
	c.Flags().StringVar(&backend, "backend-store-uri", "sqlite:///"+strings.TrimPrefix(defaultDataDir, "./")+"/"+storeFile, "where our records are kept: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE")
	c.Flags().StringArrayVar(&rewrites, "rewrite-artifact-root", nil, "from=to: replace the beginning of artifact URIs; may be repeated")
	c.Flags().StringVar(&files, "copy-artifacts", "", "copy the files that clients sent through our server to the folder TARGET; names the folder or store that is our --artifacts-destination")
	out.addTo(c)
	return c
}

func (a *app) exportTo(ctx context.Context, target, backend, files string, rewrite func(string) string) (done importer.Exported, err error) {
	file, database := strings.CutPrefix(target, "sqlite:///")
	if !database {
		target = strings.TrimPrefix(target, "file://")
		file, database = target, isDatabase(target)
	}
	if database && files != "" {
		return done, errs.New(errs.Usage, "--copy-artifacts copies to a folder, and %s is a database", target)
	}
	db, err := a.openKept(ctx, backend)
	if err != nil {
		return done, err
	}
	defer db.Close()
	if database {
		return importer.Export(ctx, db, file, rewrite)
	}
	o := importer.FilesOptions{Rewrite: rewrite}
	if files != "" {
		store, err := a.openArtifacts(files)
		if err != nil {
			return done, err
		}
		defer closeArtifacts(store)
		o.Place = func(uri string) (artifact.Store, string) { return placeOf(backup.Places{"artifacts": store}, "", uri) }
	}
	return importer.ExportFiles(ctx, db, target, o)
}

// isDatabase reports whether a target names a file: one that is there, or a name
// with an extension that no folder has.
func isDatabase(target string) bool {
	info, err := os.Stat(target)
	if err == nil {
		return !info.IsDir()
	}
	return !strings.HasSuffix(target, "/") && filepath.Ext(target) != ""
}

func (a *app) printExported(done importer.Exported, out output) error {
	if out == "json" {
		return a.printJSON(done)
	}
	_, err := fmt.Fprintf(a.stdout, "%d experiments, %d runs with %d points, %d logged models, %d registered models with %d versions; %d rows were there already\n",
		done.Tables["experiments"], done.Tables["runs"], done.Tables["metrics"], done.Tables["logged_models"], done.Tables["registered_models"], done.Tables["model_versions"], done.Known)
	for _, table := range slices.Sorted(maps.Keys(done.Left)) {
		fmt.Fprintf(a.stderr, "%d rows of %s are left out: there is no place for them\n", done.Left[table], table)
	}
	return err
}
