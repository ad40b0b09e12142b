package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/internal/job"
)

func (a *app) kubeShow() *cobra.Command {
	n, out := kubeNamed{}, kubeAnswer{}
	c := &cobra.Command{Use: "show -n NAME", Short: "Print a job", RunE: func(c *cobra.Command, args []string) error {
		if err := out.check(false); err != nil {
			return err
		}
		k, err := n.start(a, c, args)
		if err != nil {
			return err
		}
		r, err := k.Show(c.Context(), n.name)
		if err != nil {
			return err
		}
		return a.printRecord(out, r)
	}}
	n.addTo(c)
	out.addTo(c)
	return c
}

func (a *app) kubeList() *cobra.Command {
	n, out, q, all := kubeAccess{}, kubeAnswer{}, job.Query{}, false
	c := &cobra.Command{Use: "list", Short: "List jobs, newest first", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
		if err := out.check(false); err != nil {
			return err
		}
		k, err := n.open(a)
		if err != nil {
			return err
		}
		list, err := k.List(c.Context(), q, all)
		if err != nil {
			return err
		}
		return a.kubePrint(out, list, func() error {
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tSTATUS\tEXPERIMENT\tCREATED\tTOOK\tDETAIL")
			for _, r := range list {
				took := ""
				if !r.Ended.IsZero() && !r.Started.IsZero() {
					took = r.Ended.Sub(r.Started).String()
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Name, r.State, r.Experiment, r.Created.Format(time.RFC3339), took, r.Detail)
			}
			return w.Flush()
		})
	}}
	n.addTo(c)
	out.addTo(c)
	c.Flags().StringVar(&q.Cluster, "compute", "", "only jobs whose file or flag names this compute")
	c.Flags().IntVarP(&q.Limit, "max-results", "r", 100, "how many")
	c.Flags().StringVarP(&q.Parent, "parent-job-name", "p", "", "list the steps of this pipeline")
	c.Flags().BoolVar(&all, "all", false, "list steps of pipelines, too; trials are runs here, not jobs")
	return c
}

func (a *app) kubeStream() *cobra.Command {
	n := kubeNamed{}
	c := &cobra.Command{
		Use: "stream -n NAME", Short: "Print a job's logs until it ends; the exit code is the job's",
		Long: "stream prints the logs of a job's pods until the job ends. Ctrl-C leaves the job running.",
		RunE: func(c *cobra.Command, args []string) error {
			k, err := n.start(a, c, args)
			if err != nil {
				return err
			}
			return a.kubeFollow(c.Context(), k, n.name, kubeAnswer{form: "table"}, nil)
		},
	}
	n.addTo(c)
	return c
}

func (a *app) kubeCancel() *cobra.Command {
	n, out := kubeNamed{}, kubeAnswer{}
	c := &cobra.Command{Use: "cancel -n NAME", Short: "Cancel a job and everything it started", RunE: func(c *cobra.Command, args []string) error {
		if err := out.check(false); err != nil {
			return err
		}
		k, err := n.start(a, c, args)
		if err != nil {
			return err
		}
		r, err := k.Cancel(c.Context(), n.name)
		if err != nil {
			return err
		}
		return a.printRecord(out, r)
	}}
	n.addTo(c)
	out.addTo(c)
	return c
}

func (a *app) kubeDownload() *cobra.Command {
	n, path, output := kubeNamed{}, "", ""
	c := &cobra.Command{Use: "download -n NAME", Short: "Copy a job's outputs and logs", RunE: func(c *cobra.Command, args []string) error {
		k, err := n.start(a, c, args)
		if err != nil {
			return err
		}
		return k.Download(c.Context(), n.name, output, path)
	}}
	n.addTo(c)
	c.Flags().StringVarP(&path, "download-path", "p", ".", "folder to copy to")
	c.Flags().StringVar(&output, "output-name", "", "only this output")
	c.Flags().Bool("all", false, "accepted; without --output-name everything is copied")
	return c
}
