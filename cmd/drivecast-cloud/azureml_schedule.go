package main

import (
	"cmp"
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/azure"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/azureml"
	"github.com/drivecast/drivecast/internal/job/local"
)

// azuremlSchedules are the commands about schedules.
func (a *app) azuremlSchedules() *cobra.Command {
	c := &cobra.Command{Use: "schedule", Short: "Schedules of an Azure ML workspace", RunE: group}
	print := func(text []byte, err error) error {
		if err != nil {
			return err
		}
		return a.printJSON(text)
	}
	c.AddCommand(
		a.azuremlScheduleCreate(),
		a.azureCommand("show -n NAME", "Show a schedule", true, func(ctx context.Context, c *azure.Client, o look) error {
			return print(c.ShowSchedule(ctx, o.thing))
		}),
		a.azureCommand("list", "List schedules", false, func(ctx context.Context, c *azure.Client, _ look) error {
			return print(c.Schedules(ctx))
		}),
		a.azureCommand("enable -n NAME", "Let a schedule fire again", true, func(ctx context.Context, c *azure.Client, o look) error {
			return print(c.EnableSchedule(ctx, o.thing, true))
		}),
		a.azureCommand("disable -n NAME", "Keep a schedule from firing", true, func(ctx context.Context, c *azure.Client, o look) error {
			return print(c.EnableSchedule(ctx, o.thing, false))
		}),
		a.azureCommand("delete -n NAME", "Forget a schedule; its jobs stay", true, func(ctx context.Context, c *azure.Client, o look) error {
			return c.DeleteSchedule(ctx, o.thing)
		}),
	)
	return c
}

func (a *app) azuremlScheduleCreate() *cobra.Command {
	o := azuremlCreate{}
	c := &cobra.Command{
		Use: "create -f FILE", Short: "Create a schedule in Azure ML, or print the REST body that does", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "file", "subscription", "resource-group", "workspace-name"); err != nil {
				return err
			}
			return a.azuremlSchedule(c.Context(), o)
		},
	}
	o.addTo(c)
	c.Flags().StringVarP(&o.file, "file", "f", "", "YAML file of the schedule")
	c.Flags().StringArrayVar(&o.set, "set", nil, "replace a field, path=value; may be repeated")
	c.Flags().StringVarP(&o.jobName, "name", "n", "", "name of the schedule (default the file's)")
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "print what would be sent, and send nothing")
	c.Flags().StringVarP(&o.form, "output", "o", "json", "how to print the result: json")
	c.Flags().Bool("no-wait", false, "accepted; the answer comes at once")
	return c
}

// openWith opens a document and applies overrides.
func openWith(file string, sets []string) (*job.Document, error) {
	d, err := job.Open(file)
	if err != nil {
		return nil, err
	}
	for _, s := range sets {
		if err := d.Set(s); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (a *app) azuremlSchedule(ctx context.Context, o azuremlCreate) error {
	d, err := openWith(o.file, o.set)
	if err != nil {
		return err
	}
	var s *sender
	var register azureml.Registrar
	if !o.dryRun {
		var done func()
		if s, done, err = a.sender(o.workspace); err != nil {
			return err
		}
		defer done()
		register = func(spec map[string]any) (string, error) { return s.component(ctx, spec) }
	}
	body, warnings, err := azureml.Schedule(d, register)
	if err != nil {
		return err
	}
	local.PrintWarnings(a.stderr, o.file, warnings)
	if body.Name = cmp.Or(o.jobName, body.Name); body.Name == "" {
		return errs.New(errs.Invalid, "%s: the schedule has no name; give it one, or --name", o.file)
	}
	if o.dryRun {
		text, err := body.JSON()
		if err != nil {
			return err
		}
		_, err = a.stdout.Write(text)
		return errs.Wrap(err, "print the body")
	}
	s.dir = body.Dir
	if err := s.fill(ctx, body.Definition()); err != nil {
		return err
	}
	text, err := s.client.CreateSchedule(ctx, body.Name, body.Properties)
	if err != nil {
		return err
	}
	return a.printJSON(text)
}

// sender logs in and prepares to send; done removes what that needed.
func (a *app) sender(w workspace) (s *sender, done func(), err error) {
	client, err := a.client(w)
	if err != nil {
		return nil, nil, err
	}
	work, err := os.MkdirTemp("", "drivecast-upload-")
	if err != nil {
		return nil, nil, errs.Wrap(err, "make a folder for the upload")
	}
	s = &sender{client: client, at: azure.Workspace{Subscription: w.subscription, Group: w.group, Name: w.name}, work: work}
	return s, func() { _ = os.RemoveAll(work) }, nil // the system clears its temporary folder, too
}
