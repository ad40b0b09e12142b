package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/kube"
	"github.com/drivecast/drivecast/internal/job/local"
)

// kubeCreateFlags are those of job create.
type kubeCreateFlags struct {
	kubeAccess
	kube.Options
	file, name, compute, as string
	podTracking             string
	set                     []string
	dryRun, stream          bool
}

func (a *app) kubeCreate() *cobra.Command {
	o := kubeCreateFlags{}
	out := kubeAnswer{}
	c := &cobra.Command{
		Use: "create -f FILE", Short: "Run a job on Kubernetes",
		Long: `create sends the job's code and data to the tracking server's artifacts and applies a
batch/v1 Job, whose pods fetch them from there. With --dry-run it prints what would be
applied and asks neither the cluster nor the server.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "file"); err != nil {
				return err
			}
			if o.as != "job" && o.as != "trainjob" || o.as != "job" && !o.dryRun {
				return errs.New(errs.Usage, "--as %s: write job, or trainjob with --dry-run", o.as)
			}
			if err := out.check(o.dryRun); err != nil {
				return err
			}
			p, err := o.plan(c.Context(), a, c.Flag("dir").Value.String())
			if err != nil {
				return err
			}
			local.PrintWarnings(a.stderr, o.file, p.Warnings)
			if o.dryRun {
				return a.kubeDryRun(p, o, out)
			}
			return a.kubeRun(c.Context(), p, o, out)
		},
	}
	o.kubeAccess.addTo(c)
	out.addTo(c)
	o.flags(c)
	return c
}

func (o *kubeCreateFlags) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&o.file, "file", "f", "", "YAML file of the job")
	f.StringArrayVar(&o.set, "set", nil, "replace a field, path=value; may be repeated")
	f.StringVarP(&o.name, "name", "n", "", "name of the job (default the file's, or a new one)")
	if d := f.Lookup("dir"); d != nil {
		d.Usage, d.Hidden = "folder in which data and components are registered, azureml:NAME:VERSION (default ./drivecast-data)", false
	}
	f.StringVar(&o.compute, "compute", "", "kept with the job; pods run where the cluster puts them")
	f.BoolVarP(&o.stream, "stream", "s", false, "print the logs until the job ends; the exit code is the job's")
	f.BoolVar(&o.dryRun, "dry-run", false, "print what would be applied, and apply nothing")
	f.StringVar(&o.as, "as", "job", "with --dry-run, what to print: job, or trainjob for Kubeflow's trainer")
	f.StringVar(&o.Image, "image", "", "image of the pods, with drivecast on its PATH (default "+kube.DefaultImage+", and the file's for the command)")
	f.StringVar(&o.PullPolicy, "image-pull-policy", "", "Always, IfNotPresent or Never (default the cluster's)")
	f.StringVar(&o.ServiceAccount, "service-account", "", "account of the pods; its token is not mounted")
	f.IntVar(&o.Shards, "shards", 0, "divide a command job into so many indexes; each finds its own in $JOB_COMPLETION_INDEX")
	f.IntVar(&o.Parallel, "parallelism", 0, "pods at a time (default all, or a sweep's max_concurrent_trials)")
	f.StringVar(&o.Queue, "queue", "", "Kueue queue: the job is made suspended and waits for it")
	f.StringVar(&o.CPU, "cpu", "", "cores that a pod asks for (default docker_args' --cpus, or "+kube.DefaultCPU+")")
	f.StringVar(&o.Memory, "memory", "", "memory that a pod asks for (default docker_args' --memory, or "+kube.DefaultMemory+")")
	f.IntVar(&o.GPU, "gpu", 0, "GPUs of a pod (nvidia.com/gpu)")
	f.DurationVar(&o.Keep, "keep", kube.DefaultKeep, "time that the ended job stays in the cluster")
	f.DurationVar(&o.EvictAfter, "evict-after", kube.DefaultEvict, "time that pods stay on a node that is not heard from")
	f.StringVar(&o.podTracking, "pod-tracking-uri", "", "tracking server as pods reach it (default --tracking-uri)")
	f.BoolP("web", "e", false, "accepted; there is no page to open")
}

// plan reads the file and decides what will be applied.
func (o *kubeCreateFlags) plan(ctx context.Context, a *app, dir string) (*kube.Plan, error) {
	j, err := loadRegistered(ctx, cmp.Or(dir, "drivecast-data"), o.file, o.set)
	if err != nil {
		return nil, err
	}
	j.Name = cmp.Or(o.name, j.Name)
	if j.Name == "" {
		if j.Name, err = job.NewName(rand.Reader); err != nil {
			return nil, err
		}
	}
	j.Compute, j.Experiment = cmp.Or(o.compute, j.Compute, job.DefaultCluster), cmp.Or(j.Experiment, "Default")
	o.Options.Namespace, o.Options.Tracking = o.Access.Namespace, cmp.Or(o.podTracking, o.trackingURI(a))
	return kube.NewPlan(j, o.Options)
}

func (a *app) kubeDryRun(p *kube.Plan, o kubeCreateFlags, out kubeAnswer) error {
	if o.as == "trainjob" {
		t, err := p.TrainJob()
		if err != nil {
			return err
		}
		return a.printManifests(out.form, []any{t})
	}
	list, err := p.DryRun(a.getenv)
	if err != nil {
		return err
	}
	return a.printManifests(out.form, list)
}

func (a *app) kubeRun(ctx context.Context, p *kube.Plan, o kubeCreateFlags, out kubeAnswer) error {
	k, err := o.open(a)
	if err != nil {
		return err
	}
	r, err := k.Create(ctx, p, a.getenv)
	if err != nil {
		return err
	}
	if !o.stream {
		if r.Kind == job.KindPipeline {
			if err := o.background(a, r.Name, k.Namespace); err != nil {
				return errs.Wrap(err, "job %s is there, but nothing starts its steps; run `drivecast job stream -n %s --target kube`", r.Name, r.Name)
			}
		}
		return a.printRecord(out, r)
	}
	fmt.Fprintf(a.stderr, "job %s in namespace %s\n", r.Name, k.Namespace)
	return a.kubeFollow(ctx, k, r.Name, out, p.Job.Outputs)
}

// background starts what starts the steps of a pipeline, apart from this process.
func (o *kubeCreateFlags) background(a *app, name, namespace string) error {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	log := filepath.Join(cache, "drivecast", "kube", kube.ObjectName(name)+".log")
	args := []string{"job", "stream", "--target", "kube", "--name", name, "--namespace", namespace, "--tracking-uri", o.trackingURI(a)}
	if o.Kubeconfig != "" {
		args = append(args, "--kubeconfig", o.Kubeconfig)
	}
	if o.Context != "" {
		args = append(args, "--context", o.Context)
	}
	if err := local.StartDetached(log, args); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "a process in the background starts the steps and writes %s; should it end, `drivecast job stream` takes over\n", log)
	return nil
}

// kubeFollow prints a job's logs until its end, which becomes the command's; outputs
// with a local place are copied there.
func (a *app) kubeFollow(ctx context.Context, k *kube.Cluster, name string, out kubeAnswer, outputs map[string]job.Output) error {
	logs, table := a.stdout, out.people()
	if !table {
		logs = a.stderr
	}
	r, err := k.Show(ctx, name)
	if err == nil && r.Kind == job.KindPipeline {
		d := &kube.Conductor{Cluster: k, Me: rand.Text()[:12], Getenv: a.getenv, Out: logs, Notes: a.stderr}
		r, err = d.Conduct(ctx, name)
	} else if err == nil {
		r, err = k.Stream(ctx, name, logs, a.stderr)
	}
	if err == nil && r.State == job.Completed {
		if r.Kind == job.KindPipeline && outputs != nil {
			err = k.CollectPipeline(ctx, name)
		} else {
			err = k.Collect(ctx, r, outputs)
		}
	}
	if err != nil {
		return err
	}
	if table {
		_, err = fmt.Fprintf(a.stderr, "job %s %s\n", r.Name, r.State)
	} else {
		err = a.printRecord(out, r)
	}
	if err != nil {
		return err
	}
	return local.ExitError(r)
}
