package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/azureml"
	"github.com/drivecast/drivecast/internal/job/local"
)

// azuremlCreate are the flags of job create.
type azuremlCreate struct {
	workspace
	file, jobName, compute, form string
	prices                       string
	set                          []string
	dryRun, stream               bool
}

func (a *app) azuremlJobCreate() *cobra.Command {
	o := azuremlCreate{}
	c := &cobra.Command{
		Use:   "create -f FILE",
		Short: "Create a job in Azure ML, or print the REST body that does",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "file", "subscription", "resource-group", "workspace-name"); err != nil {
				return err
			}
			if o.form != "json" {
				return errs.New(errs.Usage, "--output %s: write json", o.form)
			}
			if o.prices != "" && !o.dryRun {
				return errs.New(errs.Usage, "--price goes with --dry-run")
			}
			return a.azuremlCreate(c.Context(), o)
		},
	}
	o.addTo(c)
	c.Flags().StringVarP(&o.file, "file", "f", "", "YAML file of the job")
	c.Flags().StringArrayVar(&o.set, "set", nil, "replace a field, path=value; may be repeated")
	c.Flags().StringVarP(&o.jobName, "name", "n", "", "name of the job (default the file's)")
	c.Flags().StringVar(&o.compute, "compute", "", "cluster to run on (default the file's)")
	c.Flags().StringVarP(&o.form, "output", "o", "json", "how to print the result: json")
	c.Flags().BoolVarP(&o.stream, "stream", "s", false, "print the job's log until it ends; its end is the exit code")
	c.Flags().StringVar(&o.prices, "price", "", "with --dry-run, YAML file of prices: tells what the job costs at most")
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "print what would be sent, and send nothing")
	return c
}

// azuremlCreate makes the body of a job, and prints or sends it.
func (a *app) azuremlCreate(ctx context.Context, o azuremlCreate) error {
	if o.compute != "" {
		o.set = append(o.set, "compute="+o.compute)
	}
	d, err := openWith(o.file, o.set)
	if err != nil {
		return err
	}
	if !o.dryRun {
		return a.azuremlSend(ctx, o, d)
	}
	body, warnings, err := azureml.Job(d)
	if err != nil {
		return err
	}
	local.PrintWarnings(a.stderr, o.file, warnings)
	if o.jobName != "" {
		body.Name = o.jobName
	}
	if o.prices != "" {
		e, err := estimate(d, o.prices)
		if err != nil {
			return err
		}
		body.Estimate = &e
		fmt.Fprintln(a.stderr, e)
	}
	text, err := body.JSON()
	if err != nil {
		return err
	}
	_, err = a.stdout.Write(text)
	return errs.Wrap(err, "print the body")
}

// estimate is what a job costs at most by the user's prices.
func estimate(d *job.Document, file string) (job.Estimate, error) {
	f, err := os.Open(file)
	if err != nil {
		return job.Estimate{}, errs.Wrap(err, "read the prices")
	}
	defer f.Close()
	p, err := job.ReadPrices(f, file)
	if err != nil {
		return job.Estimate{}, err
	}
	j, err := d.Job(nil)
	if err != nil {
		return job.Estimate{}, errs.Wrap(err, "estimate the cost")
	}
	return p.Estimate(j)
}

// azuremlSend creates the job; one without a name gets one.
func (a *app) azuremlSend(ctx context.Context, o azuremlCreate, d *job.Document) error {
	s, done, err := a.sender(o.workspace)
	if err != nil {
		return err
	}
	defer done()
	s.dir = d.Dir
	body, warnings, err := azureml.JobRegistering(d, func(spec map[string]any) (string, error) { return s.component(ctx, spec) })
	if err != nil {
		return err
	}
	local.PrintWarnings(a.stderr, o.file, warnings)
	name := cmp.Or(o.jobName, body.Name)
	if name == "" {
		name = "drivecast_" + rand.Text()[:12]
	}
	j, err := s.send(ctx, body, name)
	if err != nil {
		return err
	}
	if !o.stream {
		return a.printJSON(j.JSON)
	}
	fmt.Fprintf(a.stderr, "job %s is %s\n", j.Name, j.Status)
	return a.stream(ctx, s.client, j.Name)
}
