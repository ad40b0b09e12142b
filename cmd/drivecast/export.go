package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/internal/importer"

	"github.com/drivecast/drivecast/internal/cli"
)

func (a *app) exportCommand() *cobra.Command {
	var backend string
	var rewrites []string
	out := output("")
	c := &cobra.Command{
		Use:   "export FILE",
		Short: "Write our records back to a database of MLflow's",
		Long: `Write every record to FILE, the SQLite database of an MLflow server. A new file has the
tables of MLflow 2.4, and "mlflow db upgrade sqlite:///FILE" brings it to any later
version. Logged models are of MLflow 3: fill a file that MLflow 3 made, or export once,
upgrade, and export again; what is there already is left alone.`,
		Example: "  drivecast export mlflow.db\n  drivecast export mlflow.db --rewrite-artifact-root mlflow-artifacts:=file:///srv/mlruns",
		Args:    cli.ExactArgs("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			var list []importer.Rewrite
			for _, text := range rewrites {
				r, err := importer.ParseRewrite(text)
				if err != nil {
					return err
				}
				list = append(list, r)
			}
			db, err := a.openStore(c.Context(), backend)
			if err != nil {
				return err
			}
			defer db.Close()
			done, err := importer.Export(c.Context(), db, strings.TrimPrefix(args[0], "sqlite:///"), importer.Rewriter(list))
			if err != nil {
				return err
			}
			if out == "json" {
				return a.printJSON(done)
			}
			_, err = fmt.Fprintf(a.stdout, "%d experiments, %d runs with %d points, %d logged models, %d registered models with %d versions; %d rows were there already\n",
				done.Tables["experiments"], done.Tables["runs"], done.Tables["metrics"], done.Tables["logged_models"], done.Tables["registered_models"], done.Tables["model_versions"], done.Known)
			for _, table := range slices.Sorted(maps.Keys(done.Left)) {
				fmt.Fprintf(a.stderr, "%d rows of %s are left out: the file is of an MLflow that has none\n", done.Left[table], table)
			}
			return err
		},
	}
	c.Flags().StringVar(&backend, "backend-store-uri", "sqlite:///"+strings.TrimPrefix(defaultDataDir, "./")+"/"+storeFile, "where our records are kept: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE")
	c.Flags().StringArrayVar(&rewrites, "rewrite-artifact-root", nil, "from=to: replace the beginning of artifact URIs; may be repeated")
	out.addTo(c)
	return c
}
