package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/azure"
)

// look are the flags of the commands about one job.
type look struct {
	workspace
	thing, form, path string
	max               int
}

// azureCommand makes a command about the workspace, named or not by --name.
func (a *app) azureCommand(use, short string, named bool, do func(context.Context, *azure.Client, look) error) *cobra.Command {
	o := look{}
	c := &cobra.Command{
		Use: use, Short: short, Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			need := []string{"subscription", "resource-group", "workspace-name"}
			if named {
				need = append([]string{"name"}, need...)
			}
			if err := required(c, need...); err != nil {
				return err
			}
			client, err := a.client(o.workspace)
			if err != nil {
				return err
			}
			return do(c.Context(), client, o)
		},
	}
	o.addTo(c)
	c.Flags().StringVarP(&o.thing, "name", "n", "", "name")
	c.Flags().StringVarP(&o.form, "output", "o", "table", "how to print: table or json")
	c.Flags().StringVarP(&o.path, "download-path", "p", ".", "folder to download into")
	c.Flags().IntVar(&o.max, "max-results", 0, "how many to list; 0 is all")
	return c
}

func (a *app) azuremlJobCommands() []*cobra.Command {
	return []*cobra.Command{
		a.azuremlJobCreate(),
		a.azureCommand("show -n NAME", "Show a job", true, func(ctx context.Context, c *azure.Client, o look) error {
			j, err := c.Get(ctx, o.thing)
			if err != nil {
				return err
			}
			logged, err := c.Tracked(ctx, o.thing)
			if err != nil {
				fmt.Fprintf(a.stderr, "what the job logged cannot be read: %v\n", err)
			}
			if o.form == "json" {
				return a.showLogged(j, logged)
			}
			if err := a.showJobs(o, j); err != nil {
				return err
			}
			return a.printLogged(logged)
		}),
		a.azureCommand("list", "List the jobs, newest first", false, func(ctx context.Context, c *azure.Client, o look) error {
			list, err := c.List(ctx, o.max)
			if err != nil {
				return err
			}
			return a.showJobs(o, list...)
		}),
		a.azureCommand("stream -n NAME", "Print a job's log until it ends; its end is the exit code", true, func(ctx context.Context, c *azure.Client, o look) error {
			return a.stream(ctx, c, o.thing)
		}),
		a.azureCommand("cancel -n NAME", "End a job", true, func(ctx context.Context, c *azure.Client, o look) error {
			return c.Cancel(ctx, o.thing)
		}),
		a.azureCommand("download -n NAME", "Download a job's log and outputs", true, func(ctx context.Context, c *azure.Client, o look) error {
			if _, err := c.Get(ctx, o.thing); err != nil {
				return err
			}
			n, err := c.Fetch(ctx, "workspaceartifactstore", "ExperimentRun/dcid."+o.thing+"/", o.path)
			if err == nil {
				fmt.Fprintf(a.stdout, "%d files in %s\n", n, o.path)
			}
			return err
		}),
	}
}

// stream follows a job; a job that does not complete is an error.
func (a *app) stream(ctx context.Context, c *azure.Client, name string) error {
	j, err := c.Stream(ctx, name, a.stdout, time.Second)
	if err != nil {
		return err
	}
	if logged, err := c.Tracked(ctx, name); err != nil {
		fmt.Fprintf(a.stderr, "what the job logged cannot be read: %v\n", err)
	} else if err := a.printLogged(logged); err != nil {
		return err
	}
	if j.Status != "Completed" {
		return errs.New(errs.State, "job %s: %s", name, j.Status)
	}
	return nil
}

// printLogged prints the parameters and metrics of a run, by name.
func (a *app) printLogged(t azure.Tracked) error {
	if len(t.Params)+len(t.Metrics) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nLOGGED\tVALUE")
	for _, name := range slices.Sorted(maps.Keys(t.Params)) {
		fmt.Fprintf(w, "%s\t%s\n", name, t.Params[name])
	}
	for _, name := range slices.Sorted(maps.Keys(t.Metrics)) {
		fmt.Fprintf(w, "%s\t%v\n", name, t.Metrics[name])
	}
	return errs.Wrap(w.Flush(), "print what was logged")
}

// showLogged prints the job as the API has it, and what it logged beside that.
func (a *app) showLogged(j azure.Job, t azure.Tracked) error {
	var v map[string]any
	if err := json.Unmarshal(j.JSON, &v); err != nil {
		return errs.Wrap(err, "print the answer")
	}
	if len(t.Metrics) > 0 {
		v["metrics"] = t.Metrics
	}
	if len(t.Params) > 0 {
		v["params"] = t.Params
	}
	text, err := json.Marshal(v)
	if err != nil {
		return errs.Wrap(err, "print the answer")
	}
	return a.printJSON(text)
}

func (a *app) showJobs(o look, jobs ...azure.Job) error {
	if o.form == "json" {
		for _, j := range jobs {
			if err := a.printJSON(j.JSON); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tKIND\tSTATUS\tEXPERIMENT\tCREATED")
	for _, j := range jobs {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", j.Name, j.Kind, j.Status, j.Experiment, j.Created.Format(time.RFC3339))
	}
	return errs.Wrap(w.Flush(), "print the jobs")
}

func (a *app) printJSON(text []byte) error {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return errs.Wrap(err, "print the answer")
	}
	e := json.NewEncoder(a.stdout)
	e.SetIndent("", "  ")
	return errs.Wrap(e.Encode(v), "print the answer")
}
