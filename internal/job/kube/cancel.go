package kube

import (
	"cmp"
	"context"
	"encoding/json"
	"path/filepath"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// Cancel asks for the end of a job: its pods are told to end, and no more are made.
// A job that has ended is of kind State.
func (c *Cluster) Cancel(ctx context.Context, name string) (job.Record, error) {
	j, err := c.get(ctx, name)
	if err != nil {
		return job.Record{}, err
	}
	if r := recordOf(j, nil); r.State.Terminal() {
		return r, errs.New(errs.State, "job %s is %s", name, r.State)
	}
	if isPipeline(j) {
		return c.cancelPipeline(ctx, j, name)
	}
	meta, spec := map[string]any{"annotations": map[string]any{AnnotCanceled: c.Now().UTC().Format(time.RFC3339)}}, map[string]any{}
	if j.Spec.Suspend != nil && *j.Spec.Suspend {
		meta["labels"] = map[string]any{LabelQueue: nil} // it stays suspended, and no queue lets it go
	} else {
		spec["activeDeadlineSeconds"] = 1 // its time is over
	}
	patch, err := json.Marshal(map[string]any{"metadata": meta, "spec": spec})
	if err != nil {
		return job.Record{}, errs.Wrap(err, "cancel job %s", name)
	}
	if j, err = c.jobs().Patch(ctx, j.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: FieldManager}); err != nil {
		return job.Record{}, kindOf(err, "cancel job %s", name)
	}
	r := recordOf(j, nil)
	if c.Tracking == nil || r.RunID == "" {
		return r, nil
	}
	return r, errs.Wrap(c.Tracking.UpdateRun(ctx, r.RunID, "KILLED", c.Now()), "end the tracking run of job %s", name)
}

// cancelPipeline cancels what a pipeline has running, and the pipeline.
func (c *Cluster) cancelPipeline(ctx context.Context, j *batchv1.Job, name string) (job.Record, error) {
	r := recordOf(j, nil)
	if err := c.end(ctx, r, job.Canceled, "canceled"); err != nil { // first: no step begins any more
		return r, err
	}
	root := cmp.Or(j.Labels[LabelPipeline], j.Name)
	d := &Conductor{Cluster: c}
	if err := d.read(ctx, &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: root}}); err != nil {
		return r, err
	}
	if err := c.cancelSteps(ctx, name, d.jobs); err != nil {
		return r, err
	}
	j, err := c.get(ctx, name)
	if err != nil {
		return r, err
	}
	return recordOf(j, nil), nil
}

// Download copies a job's outputs (only the named one, if output is not ""), its logs
// and its artifact folders into dir, as named-outputs/NAME and artifacts/…. Outputs of a
// sweep are those of its best trial.
func (c *Cluster) Download(ctx context.Context, name, output, dir string) error {
	r, err := c.Show(ctx, name)
	if err != nil {
		return err
	}
	if !r.State.Terminal() {
		return errs.New(errs.State, "job %s is %s; wait for its end, or cancel it", name, r.State)
	}
	if r.Kind == job.KindPipeline {
		return errs.Wrap(c.downloadPipeline(ctx, name, output, dir), "download job %s", name)
	}
	uri, err := c.artifactsOf(ctx, r)
	if err != nil {
		return err
	}
	if output != "" {
		err := c.Tracking.DownloadDir(ctx, uri+"/named-outputs/"+output, filepath.Join(dir, "named-outputs", output))
		if errs.Is(err, errs.NotFound) {
			return errs.New(errs.NotFound, "job %s has no output %s", name, output)
		}
		return errs.Wrap(err, "download job %s", name)
	}
	for from, to := range map[string]string{"named-outputs": "named-outputs", "user_logs": "artifacts/user_logs", "outputs": "artifacts/outputs", "logs": "artifacts/logs"} {
		err := c.Tracking.DownloadDir(ctx, uri+"/"+from, filepath.Join(dir, filepath.FromSlash(to)))
		if err != nil && !errs.Is(err, errs.NotFound) {
			return errs.Wrap(err, "download job %s", name)
		}
	}
	return nil
}

// artifactsOf is the artifact URI of a job's run, or of a sweep's best trial.
func (c *Cluster) artifactsOf(ctx context.Context, r job.Record) (string, error) {
	run, err := c.Tracking.GetRun(ctx, r.RunID)
	if err != nil {
		return "", err
	}
	if best := run.Tag("best_child_run_id"); best != "" {
		if run, err = c.Tracking.GetRun(ctx, best); err != nil {
			return "", err
		}
	}
	return run.Info.ArtifactURI, nil
}

// Collect copies the outputs whose place in the file is a local path to that path.
func (c *Cluster) Collect(ctx context.Context, r job.Record, outputs map[string]job.Output) error {
	for _, name := range sortedKeys(outputs) {
		uri, err := c.artifactsOf(ctx, r)
		if err == nil {
			err = c.collect(ctx, outputs[name], uri+"/named-outputs/"+name)
		}
		if err != nil {
			return errs.Wrap(err, "collect output %s", name)
		}
	}
	return nil
}
