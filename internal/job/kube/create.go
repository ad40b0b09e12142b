package kube

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/kube/pod"
	"github.com/drivecast/drivecast/internal/job/local"
	"github.com/drivecast/drivecast/internal/mlflow/client"
)

// objectsExperiment is where the run that holds code and data is, apart from the
// user's experiments.
const (
	objectsExperiment = "drivecast-objects"
	objectsTag        = "drivecast.objects"
)

// Create sends the job's code and data, makes its tracking run and applies the Job.
// A name that is taken is of kind Exists.
func (c *Cluster) Create(ctx context.Context, p *Plan, getenv func(string) string) (job.Record, error) {
	p.Namespace = c.Namespace
	if err := c.vacant(ctx, p); err != nil {
		return job.Record{}, err
	}
	store, err := c.objects(ctx)
	if err != nil {
		return job.Record{}, errs.Wrap(err, "find a place for code and data")
	}
	if err := c.send(ctx, p, store); err != nil {
		return job.Record{}, err
	}
	if err := c.openRun(ctx, p); err != nil {
		return job.Record{}, err
	}
	j, err := c.applyAll(ctx, p, getenv)
	if err != nil {
		late, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer stop()
		if e := c.Tracking.UpdateRun(late, p.Place.RunID, "FAILED", c.Now()); e != nil {
			err = errs.Wrap(err, "%v; and the run %s stays open", e, p.Place.RunID)
		}
		return job.Record{}, err
	}
	return recordOf(j, nil), nil
}

// vacant reports a name that is taken.
func (c *Cluster) vacant(ctx context.Context, p *Plan) error {
	_, err := c.jobs().Get(ctx, p.Object(), metav1.GetOptions{})
	if err == nil {
		return errs.New(errs.Exists, "a Job %s is in namespace %s already; choose another --name", p.Object(), c.Namespace)
	}
	if err = kindOf(err, "look for job %s", p.Job.Name); errs.Is(err, errs.NotFound) {
		return nil
	}
	return err
}

// objects finds the run whose artifacts hold code and data, or makes it.
func (c *Cluster) objects(ctx context.Context) (*pod.Objects, error) {
	e, err := c.Tracking.EnsureExperiment(ctx, objectsExperiment)
	if err != nil {
		return nil, err
	}
	found, _, err := c.Tracking.SearchRuns(ctx, client.Search{ExperimentIDs: []string{e.ID}, Filter: "tags.`" + objectsTag + "` = 'true'", OrderBy: []string{"attributes.start_time ASC"}, Max: 1})
	if err != nil {
		return nil, err
	}
	if len(found) > 0 {
		return &pod.Objects{Client: c.Tracking, URI: found[0].Info.ArtifactURI}, nil
	}
	info, err := c.Tracking.CreateRun(ctx, e.ID, "objects", c.Now(), []client.Tag{{Key: objectsTag, Value: "true"}})
	if err != nil {
		return nil, err
	}
	return &pod.Objects{Client: c.Tracking, URI: info.ArtifactURI}, c.Tracking.UpdateRun(ctx, info.ID, "FINISHED", c.Now())
}

// send keeps code, data and the spec in the store.
func (c *Cluster) send(ctx context.Context, p *Plan, store *pod.Objects) error {
	keep := func(path string) (string, error) { return store.KeepTree(ctx, path) }
	text, err := p.description(keep)
	if err != nil {
		return err
	}
	p.Place.Objects = store.URI
	p.Place.SpecHash, err = store.KeepBytes(ctx, text)
	return errs.Wrap(err, "send the job's spec")
}

// description is the spec of the job's pods, or the pipeline.
func (p *Plan) description(keep func(path string) (string, error)) ([]byte, error) {
	if p.Job.Pipeline != nil {
		return p.pipelineText(keep)
	}
	s, err := p.spec(keep)
	if err != nil {
		return nil, err
	}
	return s.Encode()
}

// spec is the job for its pods; keep sends a folder or file and returns its hash.
func (p *Plan) spec(keep func(path string) (string, error)) (*pod.Spec, error) {
	s := &pod.Spec{Job: p.Job.Name, Task: p.Job, Data: map[string]string{}, Layout: p.Layout}
	var err error
	if s.Code, err = keepCode(p.Job.Command.Code, keep); err != nil {
		return nil, err
	}
	for _, name := range sortedKeys(p.Job.Inputs) {
		hash, single, err := keepInput(p.Job.Inputs[name], keep)
		if err != nil {
			return nil, errs.Wrap(err, "input %s", name)
		}
		if hash != "" {
			s.Data[name] = hash
		}
		if single {
			s.Single = append(s.Single, name)
		}
	}
	return s, nil
}

// keepCode sends a code folder without what it ignores; "" is no code.
func keepCode(code string, keep func(path string) (string, error)) (hash string, err error) {
	if hash, ok := strings.CutPrefix(code, pod.TreePrefix); ok || code == "" {
		return hash, nil
	}
	tmp, err := os.MkdirTemp("", "drivecast-code-")
	if err != nil {
		return "", errs.Wrap(err, "field code")
	}
	defer os.RemoveAll(tmp)
	name, err := local.Snapshot(tmp, code)
	if err == nil {
		hash, err = keep(local.SnapshotDir(tmp, name))
	}
	return hash, errs.Wrap(err, "field code")
}

// keepInput sends an input that is on this machine; other inputs have no hash.
func keepInput(in job.Input, keep func(path string) (string, error)) (hash string, single bool, err error) {
	if hash, ok := strings.CutPrefix(in.Path, pod.TreePrefix); ok {
		return hash, false, nil
	}
	if hash, ok := strings.CutPrefix(in.Path, pod.FilePrefix); ok {
		return hash, true, nil
	}
	if in.Path == "" || in.Empty || job.IsRemote(in.Path) || isHTTP(in.Path) || strings.HasPrefix(in.Path, pod.FromPrefix) || strings.Contains(in.Path, "${{") {
		return "", false, nil
	}
	info, err := os.Stat(in.Path)
	if err != nil {
		return "", false, err
	}
	hash, err = keep(in.Path)
	return hash, !info.IsDir(), err
}

// openRun makes the tracking run of the job.
func (c *Cluster) openRun(ctx context.Context, p *Plan) error {
	e, err := c.Tracking.EnsureExperiment(ctx, p.Job.Experiment)
	if err != nil {
		return err
	}
	tags := map[string]string{
		"mlflow.source.type": "JOB", "mlflow.source.name": p.Job.Source, "azureml.job.name": p.Job.Name, "azureml.job.type": string(p.Job.Kind),
		"azureml.compute": p.Job.Compute, "drivecast.job.name": p.Job.Name, "drivecast.target": "kube",
	}
	if p.Job.Description != "" {
		tags["mlflow.note.content"] = p.Job.Description
	}
	if p.parent != nil {
		tags["mlflow.parentRunId"] = p.parent.run
	}
	for _, own := range []map[string]string{p.Job.Properties, p.Job.Tags} {
		for k, v := range own {
			tags[k] = v
		}
	}
	var list []client.Tag
	for _, k := range sortedKeys(tags) {
		list = append(list, client.Tag{Key: k, Value: tags[k]})
	}
	name := p.Job.DisplayName
	if name == "" {
		name = p.Job.Name
	}
	info, err := c.Tracking.CreateRun(ctx, e.ID, name, c.Now(), list)
	if err != nil {
		return err
	}
	p.Place.RunID, p.Place.ExperimentID = info.ID, e.ID
	return nil
}

// applyAll applies the Job and what belongs to it. The Secret and Service come
// first, for the pods to find, and are then given to the Job, to go when it goes.
func (c *Cluster) applyAll(ctx context.Context, p *Plan, getenv func(string) string) (*batchv1.Job, error) {
	secret, service := p.Secret(getenv), p.Service()
	beside := func() error {
		if secret != nil {
			if _, err := c.apply(ctx, "secrets", secret.Name, secret); err != nil {
				return err
			}
		}
		if service != nil {
			if _, err := c.apply(ctx, "services", service.Name, service); err != nil {
				return err
			}
		}
		return nil
	}
	if err := beside(); err != nil {
		return nil, err
	}
	text, err := c.apply(ctx, "jobs", p.Object(), p.Manifest())
	if err != nil {
		return nil, err
	}
	var j batchv1.Job
	if err := json.Unmarshal(text, &j); err != nil {
		return nil, errs.Wrap(err, "read the answer of the cluster")
	}
	owner := []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "Job", Name: j.Name, UID: j.UID}}
	for _, m := range objectMetas(secret, service) {
		m.OwnerReferences = owner
	}
	return &j, beside()
}

func objectMetas(secret *corev1.Secret, service *corev1.Service) (out []*metav1.ObjectMeta) {
	if secret != nil {
		out = append(out, &secret.ObjectMeta)
	}
	if service != nil {
		out = append(out, &service.ObjectMeta)
	}
	return out
}

// DryRun lists what Create would apply, in its order. The hash of the spec is of
// the files as they are; ids that only a tracking server gives are left open.
func (p *Plan) DryRun(getenv func(string) string) ([]any, error) {
	text, err := p.description(func(path string) (string, error) {
		t, err := pod.ReadTree(path)
		if err != nil {
			return "", err
		}
		hash, _, err := t.Hash()
		return hash, err
	})
	if err != nil {
		return nil, err
	}
	p.Place.SpecHash = pod.HashBytes(text)
	var out []any
	if secret := p.Secret(getenv); secret != nil {
		for k := range secret.StringData {
			secret.StringData[k] = "(hidden)"
		}
		out = append(out, secret)
	}
	if service := p.Service(); service != nil {
		out = append(out, service)
	}
	out = append(out, p.Manifest())
	for _, step := range p.Steps {
		list, err := step.DryRun(getenv)
		if err != nil {
			return nil, errs.Wrap(err, "step %s", step.Job.Name)
		}
		out = append(out, list...)
	}
	return out, nil
}
