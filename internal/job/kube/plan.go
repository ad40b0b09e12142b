package kube

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/kube/pod"
)

// Options are the choices that a job file does not make. Empty fields take the
// defaults.
type Options struct {
	Namespace      string
	Image          string        // that has the drivecast program; "" is DefaultImage, and the file's for the command
	PullPolicy     string        // Always, IfNotPresent or Never; "" is the cluster's default
	ServiceAccount string        // of the pods; "" is the namespace's default, whose token is not mounted
	Queue          string        // Kueue queue; "" for none
	Shards         int           // divide a command job; 0 for no
	Parallel       int           // pods at a time; 0 is as many as there are indexes, or the sweep's limit
	CPU, Memory    string        // requests, for instance 2 and 4Gi; "" is DefaultCPU and DefaultMemory
	GPU            int           // nvidia.com/gpu
	Keep           time.Duration // time that the ended job stays; 0 is DefaultKeep
	EvictAfter     time.Duration // time that pods stay on a node that is not heard from; 0 is DefaultEvict
	Tracking       string        // MLFLOW_TRACKING_URI of the pods
}

// Defaults of Options.
const (
	DefaultImage  = "drivecast:latest"
	DefaultCPU    = "250m"
	DefaultMemory = "256Mi"
	DefaultKeep   = 24 * time.Hour
	DefaultEvict  = time.Minute
	DefaultSpace  = "default"
)

// Place names what a job has on the tracking server.
type Place struct {
	RunID, ExperimentID string
	Objects             string // artifact URI of the store of objects
	SpecHash            string
}

// unassigned stands in a dry run for what creating a job will assign.
const unassigned = "assigned-at-creation"

// Plan is a job on its way to a cluster.
type Plan struct {
	Options
	Job      *job.Job // its Name is not empty
	Layout   pod.Layout
	Place    Place
	Warnings []job.Problem
	Steps    []*Plan // of a pipeline, in the file's order; what they read from each other is open

	asked  resources
	parent *parent // of a step; nil for other jobs
}

// NewPlan checks that the job can run on Kubernetes and divides it. Kinds and fields
// that cannot are of kind Unsupported.
func NewPlan(j *job.Job, o Options) (*Plan, error) {
	switch {
	case j.Kind == job.KindPipeline:
		return newPipeline(j, o)
	case j.Kind != job.KindCommand && j.Kind != job.KindSweep:
		return nil, errs.New(errs.Unsupported, "%s: a %s does not run on Kubernetes; run it here (--target local)", j.Source, j.Kind)
	case job.IsRemote(j.Command.Code):
		return nil, errs.New(errs.Unsupported, "%s: field code: %s is not on this machine; name a local folder", j.Source, j.Command.Code)
	}
	for name, in := range j.Inputs {
		if job.IsRemote(in.Path) && in.Mode != "direct" && !isHTTP(in.Path) {
			return nil, errs.New(errs.Unsupported, "%s: input %s: pods do not reach %s; give a local path, an http URL or data registered here (azureml:NAME:VERSION), or mode: direct to hand the text on", j.Source, name, in.Path)
		}
	}
	if err := cmp.Or(checkLabel("queue", o.Queue), checkLabel("service-account", o.ServiceAccount)); err != nil {
		return nil, err
	}
	p := begin(j, o)
	trials, err := trialCount(j)
	if err == nil {
		p.Layout, err = pod.LayoutOf(j, trials, o.Shards, o.Parallel)
	}
	if err == nil {
		p.asked, err = resourcesOf(j, o)
	}
	if err != nil {
		return nil, errs.Wrap(err, "%s", j.Source)
	}
	p.warnOfEnvironment()
	return p, nil
}

// begin is a plan with the defaults of what was not chosen.
func begin(j *job.Job, o Options) *Plan {
	p := &Plan{Options: o, Job: j, Warnings: slices.Clone(j.Warnings)}
	p.Namespace = cmp.Or(p.Namespace, DefaultSpace)
	if p.Keep == 0 {
		p.Keep = DefaultKeep
	}
	if p.EvictAfter == 0 {
		p.EvictAfter = DefaultEvict
	}
	p.Place = Place{RunID: unassigned, ExperimentID: unassigned, Objects: unassigned, SpecHash: unassigned}
	return p
}

// trialCount is how many trials a sweep has: its limit, or less for a small grid.
func trialCount(j *job.Job) (int, error) {
	if j.Sweep == nil {
		return 0, nil
	}
	s, err := (&pod.Spec{Job: j.Name, Task: j}).Sampler()
	if err != nil {
		return 0, err
	}
	if n := s.Size(); n > 0 {
		return min(n, j.Limits.MaxTrials), nil
	}
	return j.Limits.MaxTrials, nil
}

func (p *Plan) warnOfEnvironment() {
	e := p.Job.Command.Environment
	if p.Job.Parallel != nil && p.Image == "" && e.Image == "" {
		p.Warnings = append(p.Warnings, job.Problem{Field: "task", Message: "its function is Python, which " + DefaultImage + " does not have", Mend: "name an image with python3 and drivecast with --image", Warning: true})
	}
	warn := func(field, what string) {
		p.Warnings = append(p.Warnings, job.Problem{Field: "environment." + field, Message: what, Mend: "build an image with drivecast in it and name it with --image", Warning: true})
	}
	switch {
	case p.Image != "":
	case e.Build != "":
		warn("build", "nothing is built on Kubernetes; "+DefaultImage+" is used")
	case e.Conda != "":
		warn("conda_file", "its packages are not installed on Kubernetes")
	case e.Reference != "":
		warn("", e.Reference+" is an environment of a workspace; "+DefaultImage+" is used")
	}
}

// Object is the Kubernetes name of the job.
func (p *Plan) Object() string { return ObjectName(p.Job.Name) }

// images are those of the init container and of the command's.
func (p *Plan) images() (fetch, main string) {
	if p.Image != "" {
		return p.Image, p.Image
	}
	return DefaultImage, cmp.Or(p.Job.Command.Environment.Image, DefaultImage)
}

func isHTTP(p string) bool {
	return strings.HasPrefix(p, "http://") || strings.HasPrefix(p, "https://")
}

// resources is what a pod asks for.
type resources struct {
	cpu, memory        resource.Quantity
	cpuLimit, memLimit *resource.Quantity // nil for none
	shared             *resource.Quantity // of /dev/shm
	gpu                int
	instances          []string // types of node that are preferred
}

// resourcesOf reads what a job asks for: from the options, and from shm_size,
// docker_args and instance_type of its resources.
func resourcesOf(j *job.Job, o Options) (r resources, err error) {
	asked := j.Command.Resources
	limits, err := dockerLimits(asked.DockerArgs)
	if err != nil {
		return r, err
	}
	if asked.SharedMemory != "" {
		limits["shm-size"] = asked.SharedMemory
	}
	parse := func(field, text string, docker bool) *resource.Quantity {
		if text == "" || err != nil {
			return nil
		}
		if docker {
			text = binarySuffix(text)
		}
		q, e := resource.ParseQuantity(text)
		if e != nil || q.Sign() <= 0 {
			err = errs.New(errs.Invalid, "%s: %q is no amount; write for instance 2 or 4Gi", field, text)
			return nil
		}
		return &q
	}
	r.cpuLimit, r.memLimit = parse("resources.docker_args --cpus", limits["cpus"], false), parse("resources.docker_args --memory", limits["memory"], true)
	r.shared = parse("resources.shm_size", limits["shm-size"], true)
	cpu, memory := parse("--cpu", cmp.Or(o.CPU, limits["cpus"], DefaultCPU), false), parse("--memory", cmp.Or(o.Memory, binarySuffix(limits["memory"]), DefaultMemory), false)
	if err != nil {
		return r, err
	}
	r.cpu, r.memory, r.gpu, r.instances = *cpu, *memory, o.GPU, asked.InstanceType
	if r.memLimit != nil && r.memLimit.Cmp(r.memory) < 0 {
		r.memLimit = memory
	}
	if r.cpuLimit != nil && r.cpuLimit.Cmp(r.cpu) < 0 {
		r.cpuLimit = cpu
	}
	return r, nil
}

// dockerLimits reads --cpus, --memory (-m) and --shm-size of docker's arguments.
func dockerLimits(args string) (map[string]string, error) {
	out := map[string]string{}
	fields := strings.Fields(args)
	for i := 0; i < len(fields); i++ {
		name, value, given := strings.Cut(strings.TrimLeft(fields[i], "-"), "=")
		if name == "m" {
			name = "memory"
		}
		if !slices.Contains([]string{"cpus", "memory", "shm-size"}, name) {
			continue
		}
		if !given {
			if i++; i == len(fields) {
				return nil, errs.New(errs.Invalid, "resources.docker_args: %s has no value", fields[i-1])
			}
			value = fields[i]
		}
		out[name] = value
	}
	return out, nil
}

// binarySuffix turns docker's 2g, whose units are binary, into Kubernetes' 2Gi.
func binarySuffix(text string) string {
	t := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(text)), "b")
	for unit, suffix := range map[string]string{"k": "Ki", "m": "Mi", "g": "Gi", "t": "Ti"} {
		if n, ok := strings.CutSuffix(t, unit); ok {
			return n + suffix
		}
	}
	return t
}

// sortedKeys are the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
