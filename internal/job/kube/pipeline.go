package kube

import (
	"context"
	"encoding/json"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/kube/pod"
)

// parent is the pipeline that a step is of.
type parent struct {
	name, run string    // job, and its tracking run
	root      string    // outermost pipeline
	uid       types.UID // of the pipeline's Job; "" in a dry run
}

// pipelineSpec is a pipeline as who conducts it sees it: an object of the store. Paths
// of its code and data name objects, too.
type pipelineSpec struct {
	Task    *job.Job `json:"task"`
	Options Options  `json:"options"`
}

// maxPipeline is the size of a pipelineSpec at most, in bytes.
const maxPipeline = 64 << 20

func stepName(pipeline, step string) string { return pipeline + "_" + step }

// newPipeline checks that every step can run.
func newPipeline(j *job.Job, o Options) (*Plan, error) {
	if o.Shards != 0 || o.Parallel != 0 {
		return nil, errs.New(errs.Usage, "--shards and --parallelism divide one job; %s is a pipeline", j.Source)
	}
	p := begin(j, o)
	p.Layout = pod.Layout{Count: 1, Parallel: 1}
	for _, name := range j.Pipeline.Order {
		bound, err := j.Pipeline.Steps[name].Bind(open(j))
		if err != nil {
			return nil, errs.Wrap(err, "%s: jobs.%s", j.Source, name)
		}
		step, err := stepPlan(bound, stepName(j.Name, name), &parent{name: j.Name, root: j.Name, run: unassigned}, j, o)
		if err != nil {
			return nil, errs.Wrap(err, "jobs.%s", name)
		}
		for _, w := range step.Warnings {
			w.Field = strings.TrimSuffix("jobs."+name+"."+w.Field, ".")
			p.Warnings = append(p.Warnings, w)
		}
		p.Steps = append(p.Steps, step)
	}
	return p, nil
}

// stepPlan is the plan of a step whose inputs are known.
func stepPlan(bound *job.Job, name string, of *parent, pipeline *job.Job, o Options) (*Plan, error) {
	bound.Name, bound.Experiment, bound.Compute = name, pipeline.Experiment, pipeline.Compute
	p, err := NewPlan(bound, o)
	if err != nil {
		return nil, err
	}
	p.adoptBy(of)
	return p, nil
}

func (p *Plan) adoptBy(of *parent) {
	p.parent = of
	for _, s := range p.Steps {
		s.adoptBy(&parent{name: s.parent.name, run: s.parent.run, root: of.root})
	}
}

// open stands for what steps will read, before anything has run.
func open(j *job.Job) job.Source {
	var source job.Source
	source = func(e []string) (job.Input, error) {
		switch {
		case len(e) >= 3 && e[0] == "parent" && e[1] == "inputs":
			if in, ok := j.Inputs[strings.Join(e[2:], ".")]; ok {
				return in, nil
			}
		case len(e) == 5 && e[0] == "parent" && e[1] == "jobs" && j.Pipeline.Steps[e[2]] != nil:
			other := j.Pipeline.Steps[e[2]].Job
			if o, ok := other.Outputs[e[4]]; ok && e[3] == "outputs" {
				return job.Input{Type: o.Type, Path: pod.FromPrefix + unassigned}, nil
			}
			if in, ok := other.Inputs[e[4]]; ok && e[3] == "inputs" {
				return in.Bind(source)
			}
		}
		return job.Input{}, errs.New(errs.Invalid, "${{%s}} names nothing", strings.Join(e, "."))
	}
	return source
}

// pipelineText describes the pipeline with its code and data in the store.
func (p *Plan) pipelineText(keep func(path string) (string, error)) ([]byte, error) {
	text, err := json.Marshal(p.Job)
	if err != nil {
		return nil, errs.Wrap(err, "write down pipeline %s", p.Job.Name)
	}
	var own job.Job // a copy: the plan's stays as it is
	if err := json.Unmarshal(text, &own); err != nil {
		return nil, errs.Wrap(err, "write down pipeline %s", p.Job.Name)
	}
	if err := keepJob(&own, keep); err != nil {
		return nil, err
	}
	text, err = json.Marshal(pipelineSpec{Task: &own, Options: p.Options})
	return text, errs.Wrap(err, "write down pipeline %s", p.Job.Name)
}

// keepJob sends the code and data of a job and of its steps, and names them by hash.
func keepJob(j *job.Job, keep func(path string) (string, error)) error {
	for _, name := range sortedKeys(j.Inputs) {
		in := j.Inputs[name]
		hash, single, err := keepInput(in, keep)
		if err != nil {
			return errs.Wrap(err, "input %s", name)
		}
		if hash != "" {
			if in.Path = pod.TreePrefix + hash; single {
				in.Path = pod.FilePrefix + hash
			}
			j.Inputs[name] = in
		}
	}
	if j.Command != nil {
		hash, err := keepCode(j.Command.Code, keep)
		if err != nil {
			return err
		}
		if hash != "" {
			j.Command.Code = pod.TreePrefix + hash
		}
	}
	if j.Pipeline == nil {
		return nil
	}
	for _, name := range j.Pipeline.Order {
		if err := keepJob(j.Pipeline.Steps[name].Job, keep); err != nil {
			return errs.Wrap(err, "jobs.%s", name)
		}
	}
	return nil
}

// pipelineManifest is a Job that stays suspended while the steps' Jobs run and so has no
// pods; its end is that of the pipeline, and what the steps left goes with it.
func (p *Plan) pipelineManifest() *batchv1.Job {
	ttl := int32(p.Keep.Seconds())
	j := &batchv1.Job{
		TypeMeta: metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"}, ObjectMeta: p.meta(),
		Spec: batchv1.JobSpec{
			Suspend: new(true), CompletionMode: new(batchv1.IndexedCompletion), Completions: new(int32(1)), Parallelism: new(int32(1)),
			TTLSecondsAfterFinished: &ttl,
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: p.podLabels()}, Spec: corev1.PodSpec{
				RestartPolicy: corev1.RestartPolicyNever, AutomountServiceAccountToken: new(false),
				SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
				Containers: []corev1.Container{{Name: mainName, Image: DefaultImage, Command: []string{"drivecast", "version"}, SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				}}},
			}},
		},
	}
	if p.parent != nil {
		j.Spec.TTLSecondsAfterFinished = nil
	} else {
		j.Annotations[AnnotSpec] = p.Place.SpecHash
	}
	return j
}

// isPipeline reports whether a Job stands for a pipeline.
func isPipeline(j *batchv1.Job) bool { return j.Labels[LabelKind] == string(job.KindPipeline) }

// pipelineOf reads the description of a pipeline.
func (c *Cluster) pipelineOf(ctx context.Context, j *batchv1.Job) (*pipelineSpec, error) {
	store, err := c.objects(ctx)
	if err != nil {
		return nil, err
	}
	text, err := store.Bytes(ctx, j.Annotations[AnnotSpec], maxPipeline)
	if err != nil {
		return nil, errs.Wrap(err, "read the pipeline")
	}
	var s pipelineSpec
	if err := json.Unmarshal(text, &s); err != nil || s.Task == nil || s.Task.Pipeline == nil {
		return nil, errs.New(errs.Invalid, "the description of pipeline %s is none", j.Name)
	}
	return &s, nil
}
