package kube

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/kube/pod"
)

// source finds what ${{parent.…}} stands for in a pipeline whose steps have made what is
// asked for.
func (d *Conductor) source(task *job.Job, pipeline string) job.Source {
	var source job.Source
	source = func(e []string) (job.Input, error) {
		full := "${{" + strings.Join(e, ".") + "}}"
		if len(e) != 5 || e[1] != "jobs" {
			return open(task)(e)
		}
		s := task.Pipeline.Steps[e[2]]
		if s == nil {
			return job.Input{}, errs.New(errs.Invalid, "%s: there is no step %s", full, e[2])
		}
		if e[3] == "inputs" {
			return s.Job.Inputs[e[4]].Bind(source)
		}
		o, ok := s.Job.Outputs[e[4]]
		if !ok {
			return job.Input{}, errs.New(errs.Invalid, "%s: step %s has no such output", full, e[2])
		}
		uri, err := d.made(context.Background(), s.Job, stepName(pipeline, e[2]), e[4])
		return job.Input{Type: o.Type, Path: pod.FromPrefix + uri}, err
	}
	return source
}

// made is the artifact URI of an output of a job that has completed: its run's, or that
// of the step that writes it.
func (d *Conductor) made(ctx context.Context, j *job.Job, name, output string) (string, error) {
	if j.Pipeline != nil {
		for _, step := range j.Pipeline.Order {
			inner := j.Pipeline.Steps[step].Job
			for _, own := range sortedKeys(inner.Outputs) {
				if to, ok := job.ParentOutput(inner.Outputs[own].Path); ok && to == output {
					return d.made(ctx, inner, stepName(name, step), own)
				}
			}
		}
		return "", errs.New(errs.NotFound, "no step of %s writes its output %s", name, output)
	}
	r, ok := d.record(name)
	if !ok {
		return "", errs.New(errs.NotFound, "job %s is not in the cluster", name)
	}
	uri, err := d.Cluster.artifactsOf(ctx, r)
	return uri + "/named-outputs/" + output, err
}

// eachOutput calls f for every output of a pipeline that a step has made, with its place.
func (c *Cluster) eachOutput(ctx context.Context, name string, f func(output string, o job.Output, uri string) error) error {
	j, err := c.get(ctx, name)
	if err != nil {
		return err
	}
	if j.Annotations[AnnotSpec] == "" {
		return errs.New(errs.Usage, "%s is a step of %s; download the pipeline, or one of its commands", name, j.Annotations[AnnotParent])
	}
	d := &Conductor{Cluster: c}
	if d.spec, err = c.pipelineOf(ctx, j); err != nil {
		return err
	}
	if err := d.read(ctx, j); err != nil {
		return err
	}
	task := d.spec.Task
	for _, output := range sortedKeys(task.Outputs) {
		uri, err := d.made(ctx, task, name, output)
		if errs.Is(err, errs.NotFound) {
			continue // its step did not run
		}
		if err == nil {
			err = f(output, task.Outputs[output], uri)
		}
		if err != nil {
			return errs.Wrap(err, "output %s", output)
		}
	}
	return nil
}

// downloadPipeline copies the outputs of a pipeline into dir.
func (c *Cluster) downloadPipeline(ctx context.Context, name, only, dir string) error {
	found := false
	err := c.eachOutput(ctx, name, func(output string, _ job.Output, uri string) error {
		if only != "" && output != only {
			return nil
		}
		found = true
		err := c.Tracking.DownloadDir(ctx, uri, filepath.Join(dir, "named-outputs", output))
		if errs.Is(err, errs.NotFound) { // the step chose not to write it
			return nil
		}
		return err
	})
	if err == nil && only != "" && !found {
		return errs.New(errs.NotFound, "job %s has no output %s", name, only)
	}
	return err
}

// CollectPipeline copies the outputs whose place in the file is a local path to that path.
func (c *Cluster) CollectPipeline(ctx context.Context, name string) error {
	return c.eachOutput(ctx, name, func(_ string, o job.Output, uri string) error {
		return c.collect(ctx, o, uri)
	})
}

// collect copies what is at an artifact URI to the place of an output, if that is local.
func (c *Cluster) collect(ctx context.Context, o job.Output, uri string) error {
	if o.Path == "" || job.IsRemote(o.Path) || strings.Contains(o.Path, "${{") {
		return nil
	}
	target := o.Path
	if o.Type == "uri_file" {
		target = filepath.Dir(o.Path)
	}
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	err := c.Tracking.DownloadDir(ctx, uri, target)
	if errs.Is(err, errs.NotFound) { // the job chose not to write it
		return nil
	}
	return err
}
