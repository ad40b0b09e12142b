package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/azure"
	"github.com/drivecast/drivecast/internal/azure/rollout"
	"github.com/drivecast/drivecast/internal/doctor"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/azureml"
	"github.com/drivecast/drivecast/internal/job/local"
)

// deployFlags are the flags of deploy azureml.
type deployFlags struct {
	workspace
	files, set                     []string
	name, endpoint, sample, prices string
	autoscale, form                string
	dryRun                         bool
	plan                           rollout.Plan
}

// azuremlDeploy is the command deploy azureml.
func (a *app) azuremlDeploy() *cobra.Command {
	deploy := &cobra.Command{Use: "deploy", Short: "Bring a model to where it serves", RunE: group}
	var o deployFlags
	c := &cobra.Command{
		Use: "azureml -f ENDPOINT.yml -f DEPLOYMENT.yml", Short: "Roll a deployment out to an online endpoint of Azure ML", Args: noArgs,
		Long: `azureml rolls a deployment out to a managed or a Kubernetes online endpoint. The files are
Azure ML's own YAML.

The endpoint is made when it is not there. The deployment is made without traffic and
asked by its name; then it gets a copy of some of the requests (--mirror), then the shares
of --step, one after the other, and is asked again at each. Errors above --max-error-rate
or times above --max-latency end it: the traffic goes back to where it was, what was made
is deleted, and the reason and the end of the log are printed. At 100 % the deployments
that it took the traffic from are deleted (--keep-old keeps them).

What is asked is --sample, or the model's input example. A rollout that
was cut off goes on when the same command is run again.`,
		Example: "  drivecast deploy azureml -f endpoint.yml -f deployment.yml -g G -w W --subscription S --name green",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "subscription", "resource-group", "workspace-name"); err != nil {
				return err
			}
			if err := o.check(); err != nil {
				return err
			}
			return a.deployAzureML(c.Context(), o)
		},
	}
	o.addTo(c)
	o.flags(c)
	deploy.AddCommand(c)
	return deploy
}

func (o *deployFlags) flags(c *cobra.Command) {
	f, p := c.Flags(), &o.plan
	f.StringArrayVarP(&o.files, "file", "f", nil, "YAML file of the endpoint or the deployment; once for each (required)")
	f.StringArrayVar(&o.set, "set", nil, "replace a field of the deployment, path=value; may be repeated")
	f.StringVarP(&o.name, "name", "n", "", "name of the deployment (default the file's)")
	f.StringVarP(&o.endpoint, "endpoint-name", "e", "", "name of the endpoint (default the file's)")
	f.StringVar(&o.sample, "sample", "", "file of a request for the tests (default the model's input example)")
	f.IntVar(&p.Requests, "requests", 20, "requests in each test; 0 tests nothing")
	f.Float64Var(&p.MaxErrors, "max-error-rate", .01, "share of a test's requests that may fail")
	f.DurationVar(&p.MaxLatency, "max-latency", time.Second, "time within which 95 % of a test's requests must be answered; 0 is any")
	f.IntVar(&p.Mirror, "mirror", 10, "percent of the requests that the deployment gets a copy of first; 0 for none")
	f.IntSliceVar(&p.Steps, "step", []int{10, 100}, "shares of the traffic in percent, rising; below 100, the others keep the rest")
	f.DurationVar(&p.Pause, "pause", 30*time.Second, "how long a share is given before its test")
	f.DurationVar(&p.Timeout, "timeout", 0, "how long the deployment may take to come up (default as long as Azure lets it)")
	f.BoolVar(&p.KeepOld, "keep-old", false, "do not delete the deployments that lose their traffic")
	f.BoolVar(&p.KeepFailed, "keep-failed", false, "do not delete a deployment that failed; doctor --live can look at it then")
	f.StringVar(&o.autoscale, "autoscale", "", "MIN:MAX instances by the usual rules, or a YAML file of rules")
	f.StringVar(&o.prices, "price", "", "YAML file of prices: tells what the deployment costs")
	f.BoolVar(&o.dryRun, "dry-run", false, "print what would be sent, and send nothing")
	f.StringVarP(&o.form, "output", "o", "text", "how to print the result: text or json")
}

// check looks at what can be seen without the files.
func (o *deployFlags) check() error {
	p := o.plan
	last := 0
	for _, share := range p.Steps {
		if share <= last || share > 100 {
			return errs.New(errs.Usage, "--step %v: write rising shares from 1 to 100, such as 10,100", p.Steps)
		}
		last = share
	}
	switch {
	case len(o.files) == 0:
		return errs.New(errs.Usage, "deploy azureml needs --file; see drivecast deploy azureml --help")
	case p.Mirror < 0 || p.Mirror > 50:
		return errs.New(errs.Usage, "--mirror %d: Azure mirrors 50 percent at most", p.Mirror)
	case p.Requests < 0 || p.MaxErrors < 0 || p.MaxErrors > 1 || p.Pause < 0 || p.MaxLatency < 0 || p.Timeout < 0:
		return errs.New(errs.Usage, "--requests, --pause, --max-latency and --timeout are not negative, and --max-error-rate is from 0 to 1")
	case o.form != "text" && o.form != "json":
		return errs.New(errs.Usage, "--output %s: write text or json", o.form)
	}
	return nil
}

// documents reads the files.
func (a *app) documents(o deployFlags) (e *azureml.Endpoint, d *azureml.Deployment, err error) {
	for _, file := range o.files {
		doc, err := job.Open(file)
		if err != nil {
			return nil, nil, err
		}
		var warnings []job.Problem
		switch doc.Kind {
		case job.KindOnlineEndpoint, job.KindKubeEndpoint:
			if o.endpoint != "" {
				if err := doc.Set("name=" + o.endpoint); err != nil {
					return nil, nil, err
				}
			}
			var one azureml.Endpoint
			if one, warnings, err = azureml.OnlineEndpoint(doc); e != nil {
				err = errs.New(errs.Usage, "%s is a second endpoint", file)
			}
			e = &one
		case job.KindOnlineDeployment, job.KindKubeDeployment:
			sets := o.set
			if o.name != "" {
				sets = append(sets, "name="+o.name)
			}
			if o.endpoint != "" {
				sets = append(sets, "endpoint_name="+o.endpoint)
			}
			for _, s := range sets {
				if err := doc.Set(s); err != nil {
					return nil, nil, err
				}
			}
			var one azureml.Deployment
			if one, warnings, err = azureml.OnlineDeployment(doc); d != nil {
				err = errs.New(errs.Usage, "%s is a second deployment", file)
			}
			d = &one
		default:
			err = errs.New(errs.Usage, "%s is a %s; write the files of an online endpoint and an online deployment", file, cmp.Or(string(doc.Kind), "file of no known kind"))
		}
		if err != nil {
			return nil, nil, err
		}
		local.PrintWarnings(a.stderr, file, warnings)
	}
	return e, d, agree(e, d)
}

// agree wants an endpoint and a deployment to be about each other.
func agree(e *azureml.Endpoint, d *azureml.Deployment) error {
	switch {
	case e != nil && e.Name == "":
		return errs.New(errs.Invalid, "the endpoint has no name; write name, or --endpoint-name")
	case d == nil:
		return nil
	case d.Name == "":
		return errs.New(errs.Invalid, "the deployment has no name; write name, or --name")
	case d.Endpoint == "" && e == nil:
		return errs.New(errs.Invalid, "the deployment names no endpoint; write endpoint_name, or --endpoint-name")
	case e != nil && d.Endpoint != "" && d.Endpoint != e.Name:
		return errs.New(errs.Invalid, "the deployment is of endpoint %s, and the other file of endpoint %s", d.Endpoint, e.Name)
	case e != nil && e.Kubernetes != d.Kubernetes:
		return errs.New(errs.Invalid, "one file is of a managed and the other of a Kubernetes endpoint")
	case !d.Kubernetes && d.InstanceType == "":
		return errs.New(errs.Invalid, "the deployment names no instance_type; write such as Standard_DS2_v2")
	}
	if e != nil {
		d.Endpoint = e.Name
	}
	return nil
}

func (a *app) deployAzureML(ctx context.Context, o deployFlags) error {
	e, d, err := a.documents(o)
	if err != nil {
		return err
	}
	p := o.plan
	if p.Scale, err = readScale(o.autoscale); err != nil {
		return err
	}
	cost, err := a.cost(d, o.prices, p.Scale)
	if err != nil {
		return err
	}
	if e != nil {
		p.Endpoint, p.EndpointBody, p.Kubernetes = e.Name, e.Body, e.Kubernetes
	}
	if d != nil {
		p.Endpoint, p.Deployment, p.Kubernetes = d.Endpoint, d.Name, d.Kubernetes
		if p.Requests > 0 {
			if p.Sample, err = sampleOf(o.sample, d); err != nil {
				return err
			}
		}
	}
	if o.dryRun {
		return a.dryDeploy(o, p, e, d, cost)
	}
	s, done, err := a.sender(o.workspace)
	if err != nil {
		return err
	}
	defer done()
	if err := s.place(ctx, &p, e, d); err != nil {
		return err
	}
	if d == nil {
		return a.deployEndpoint(ctx, s.client, o, e)
	}
	p.Say = func(line string) { fmt.Fprintln(a.stderr, line) }
	p.Look = func(state, log string) { a.printLive(doctor.Diagnose(state, log)) }
	result, err := rollout.Deploy(ctx, s.client, p)
	return a.printRollout(o, result, cost, err)
}

// printRollout prints what a rollout came to, whether it went well or not.
func (a *app) printRollout(o deployFlags, r rollout.Result, cost *job.Estimate, failure error) error {
	if o.form == "json" {
		e := json.NewEncoder(a.stdout)
		e.SetIndent("", "  ")
		if err := e.Encode(struct {
			rollout.Result
			Cost *job.Estimate `json:"cost,omitempty"`
		}{r, cost}); err != nil {
			return errs.Wrap(err, "print the result")
		}
		return failure
	}
	if failure == nil {
		fmt.Fprintf(a.stdout, "%s serves %s\n", r.Deployment, r.ScoringURI)
	}
	return failure
}

// deployEndpoint makes or changes an endpoint alone, with the traffic of its file.
func (a *app) deployEndpoint(ctx context.Context, c *azure.Client, o deployFlags, e *azureml.Endpoint) error {
	now, err := c.Endpoint(ctx, e.Name)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	if err == nil && e.Traffic == nil {
		e.Traffic = now.Traffic // without any it would serve nobody
	}
	if err == nil && e.Mirror == nil {
		e.Mirror = now.Mirror
	}
	made, err := c.PutEndpoint(ctx, e.Name, e.WithTraffic())
	if err != nil {
		return err
	}
	return a.printRollout(o, rollout.Result{Endpoint: e.Name, State: "deployed", ScoringURI: made.ScoringURI, Traffic: made.Traffic, Deleted: []string{}, Checks: []rollout.Check{}}, nil, nil)
}

func readScale(flag string) (*rollout.Scale, error) {
	if flag == "" {
		return nil, nil
	}
	if low, _, ok := strings.Cut(flag, ":"); ok && strings.Trim(low, "0123456789") == "" {
		return rollout.ParseScale(flag)
	}
	text, err := os.ReadFile(flag)
	if err != nil {
		return nil, errs.New(errs.Usage, "--autoscale %s is neither MIN:MAX nor a file that can be read", flag)
	}
	return rollout.ReadScale(text, flag)
}
