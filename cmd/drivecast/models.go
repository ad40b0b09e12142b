package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/mlflow/client"
	"github.com/drivecast/drivecast/internal/serving"
)

func (a *app) modelsCommand() *cobra.Command {
	var tracking string
	c := &cobra.Command{Use: "models", Short: "List, show, register, download, promote, convert and replicate models", Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.PersistentFlags().StringVar(&tracking, "tracking-uri", "", "server to ask (default: $MLFLOW_TRACKING_URI or "+serving.DefaultTrackingURI+")")
	open := func() (*client.Client, error) { return client.New(a.env().TrackingURI(tracking), a.getenv) }
	c.AddCommand(a.modelsList(open), a.modelsShow(open), a.modelsDownload(&tracking), a.modelsConvert(&tracking), a.modelsRegister(open))
	c.AddCommand(a.modelMoves(&tracking)...)
	c.AddCommand(a.modelsReplicate(&tracking))
	return c
}

func (a *app) modelsList(open func() (*client.Client, error)) *cobra.Command {
	var out output
	c := &cobra.Command{Use: "list", Short: "List the registered models", Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			server, err := open()
			if err != nil {
				return err
			}
			models, err := server.Models(c.Context())
			if err != nil {
				return err
			}
			if out == "json" {
				return a.printJSON(append([]client.RegisteredModel{}, models...))
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tLATEST\tALIASES")
			for _, m := range models {
				latest, aliases := "", []string{}
				for _, v := range m.Latest {
					latest = v.Version
				}
				for _, al := range m.Aliases {
					aliases = append(aliases, al.Alias+"="+al.Version)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\n", m.Name, latest, strings.Join(aliases, " "))
			}
			return w.Flush()
		}}
	out.addTo(c)
	return c
}

func (a *app) modelsShow(open func() (*client.Client, error)) *cobra.Command {
	var out output
	c := &cobra.Command{Use: "show NAME", Short: "Show the versions of a model", Args: cli.ExactArgs("NAME"),
		RunE: func(c *cobra.Command, args []string) error {
			server, err := open()
			if err != nil {
				return err
			}
			m, err := server.GetModel(c.Context(), args[0])
			if err != nil {
				return err
			}
			versions, err := server.Versions(c.Context(), args[0])
			if err != nil {
				return err
			}
			addAliases(versions, m)
			if out == "json" {
				return a.printJSON(map[string]any{"name": m.Name, "description": m.Description, "versions": versions})
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "VERSION\tLEARNER\tROC_AUC\tF1_SCORE\tALIASES\tCREATED\tRUN")
			for _, v := range versions {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", v.Version, tagOf(v, "drivecast.learner"), shortNumber(tagOf(v, tagMetric+"roc_auc")),
					shortNumber(tagOf(v, tagMetric+"f1_score")), strings.Join(v.Aliases, " "),
					time.UnixMilli(int64(v.Created)).UTC().Format(time.DateTime), v.RunID)
			}
			return w.Flush()
		}}
	out.addTo(c)
	return c
}

// addAliases fills in what a search of versions leaves out on older servers.
func addAliases(versions []client.Version, m *client.RegisteredModel) {
	for i := range versions {
		versions[i].Aliases = nil
		for _, al := range m.Aliases {
			if al.Version == versions[i].Version {
				versions[i].Aliases = append(versions[i].Aliases, al.Alias)
			}
		}
	}
}

func tagOf(v client.Version, key string) string {
	for _, t := range v.Tags {
		if t.Key == key {
			return t.Value
		}
	}
	return ""
}

// shortNumber shortens a number's text to four decimals for a table.
func shortNumber(s string) string {
	var v float64
	if _, err := fmt.Sscan(s, &v); err != nil {
		return s
	}
	return fmt.Sprintf("%.4f", v)
}

func (a *app) modelsDownload(tracking *string) *cobra.Command {
	var dir string
	c := &cobra.Command{Use: "download URI --out DIR", Short: "Copy a model's folder",
		Long: "Copy the folder of models:/NAME/VERSION, models:/NAME@ALIAS or runs:/ID/model to a new folder; URI may be\nan address like http://server:5000/models/NAME@ALIAS.",
		Args: cli.ExactArgs("URI"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := cli.Required(c, "out"); err != nil {
				return err
			}
			if !serving.IsURI(args[0]) {
				return errs.New(errs.Usage, "%q is no models:/ or runs:/ URI, and no address of a model", args[0])
			}
			if _, err := os.Stat(dir); err == nil {
				return errs.New(errs.Exists, "%s exists; name a new folder with --out", dir)
			}
			tmp, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), ".drivecast-model-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(tmp)
			if err := a.env().Download(c.Context(), args[0], *tracking, tmp); err != nil {
				return err
			}
			if err := os.Chmod(tmp, 0o755); err != nil {
				return err
			}
			if err := os.Rename(tmp, dir); err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "%s\n", dir)
			return nil
		}}
	c.Flags().StringVar(&dir, "out", "", "new folder to write to (required)")
	return c
}
