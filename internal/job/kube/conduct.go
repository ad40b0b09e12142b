package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

const (
	leadFor  = 15 * time.Second // after which a conductor that is not heard from is gone
	leadSays = 5 * time.Second  // how often it is heard from
)

// Conductor starts the steps of a pipeline, in the order of what they need, and follows
// them. All it knows is in the cluster and the store: any other can take over.
type Conductor struct {
	Cluster *Cluster
	Me      string // unlike any other's
	Getenv  func(string) string
	Out     io.Writer // logs of steps
	Notes   io.Writer // what is waited for

	spec     *pipelineSpec
	jobs     map[string]*batchv1.Job // by the name of the job
	children []corev1.Pod
	said     map[string]bool
	follow   follower
}

// Conduct runs a pipeline, or follows one that another conductor runs, until it has ended.
// Ending ctx leaves what has begun running.
func (d *Conductor) Conduct(ctx context.Context, name string) (job.Record, error) {
	logs, stop := context.WithCancel(ctx)
	defer stop()
	d.said, d.follow = map[string]bool{}, follower{c: d.Cluster, out: d.Out, seen: map[types.UID]bool{}}
	for failures := 0; ; {
		r, err := d.look(ctx, logs, name)
		switch {
		case err == nil && r.State.Terminal():
			d.follow.finish(stop)
			return r, d.Cluster.closeRun(ctx, r)
		case err == nil:
			failures = 0
		case errs.Is(err, errs.Unavailable) && ctx.Err() == nil && failures < 40:
			failures++
		default:
			return r, err
		}
		select {
		case <-ctx.Done():
			return r, errs.Wrap(ctx.Err(), "stream job %s", name)
		case <-time.After(lookEvery):
		}
	}
}

// look reads what is in the cluster, and takes the next steps if they are ours to take.
func (d *Conductor) look(ctx, logs context.Context, name string) (job.Record, error) {
	c := d.Cluster
	j, err := c.get(ctx, name)
	if err != nil {
		return job.Record{}, err
	}
	if root := j.Labels[LabelPipeline]; root != "" {
		return job.Record{}, errs.New(errs.Usage, "%s is a step of %s; stream the pipeline", name, j.Annotations[AnnotParent])
	}
	if err := d.read(ctx, j); err != nil {
		return job.Record{}, err
	}
	for i := range d.children {
		p := &d.children[i]
		d.follow.begin(logs, p, "["+strings.TrimPrefix(p.Annotations[AnnotName], name+"_")+"] ")
	}
	r := recordOf(j, nil)
	if r.State.Terminal() {
		return r, nil
	}
	lead, err := c.lead(ctx, j, d.Me)
	if err != nil || !lead {
		return r, err
	}
	if d.spec == nil {
		if d.spec, err = c.pipelineOf(ctx, j); err != nil {
			return r, err
		}
	}
	return r, d.advance(ctx, j, d.spec.Task, name)
}

// read lists the steps' Jobs and their pods.
func (d *Conductor) read(ctx context.Context, root *batchv1.Job) error {
	c, ours := d.Cluster, metav1.ListOptions{LabelSelector: LabelPipeline + "=" + root.Name}
	list, err := c.jobs().List(ctx, ours)
	if err != nil {
		return kindOf(err, "list the steps of %s", root.Name)
	}
	pods, err := c.core.Pods(c.Namespace).List(ctx, ours)
	if err != nil {
		return kindOf(err, "list the pods of %s", root.Name)
	}
	d.jobs, d.children = map[string]*batchv1.Job{}, pods.Items
	for i := range list.Items {
		d.jobs[list.Items[i].Annotations[AnnotName]] = &list.Items[i]
	}
	return nil
}

// record is that of a job by name; ok is false while there is none.
func (d *Conductor) record(name string) (r job.Record, ok bool) {
	j, ok := d.jobs[name]
	if !ok {
		return r, false
	}
	var pods []corev1.Pod
	for _, p := range d.children {
		if p.Labels[labelJob] == j.Name {
			pods = append(pods, p)
		}
	}
	return recordOf(j, pods), true
}

// advance brings the pipeline of a Job forward: steps that are ready begin, and when
// nothing is left or a step has failed, it ends.
func (d *Conductor) advance(ctx context.Context, j *batchv1.Job, task *job.Job, root string) error {
	own := recordOf(j, nil)
	var failed, missing []string
	openSteps := 0
	for _, step := range task.Pipeline.Order {
		r, ok := d.record(stepName(own.Name, step))
		switch {
		case !ok:
			missing = append(missing, step)
		case !r.State.Terminal():
			openSteps++
		case r.State != job.Completed:
			failed = append(failed, step)
		}
		if err := d.tell(ctx, r, root); ok && err != nil {
			return err
		}
		if inner := task.Pipeline.Steps[step].Job; ok && inner.Pipeline != nil && !r.State.Terminal() {
			bound, err := task.Pipeline.Steps[step].Bind(d.source(task, own.Name))
			if err != nil {
				return errs.Wrap(err, "step %s", step)
			}
			if err := d.advance(ctx, d.jobs[r.Name], bound, root); err != nil {
				return errs.Wrap(err, "step %s", step)
			}
		}
	}
	late := task.Limits.Timeout > 0 && d.Cluster.Now().Sub(own.Created) > task.Limits.Timeout
	stop := late || len(failed) > 0 && !task.Pipeline.ContinueOnFailure
	if stop && openSteps > 0 {
		return d.Cluster.cancelSteps(ctx, own.Name, d.jobs)
	}
	begun := 0
	for _, step := range missing {
		if stop || !d.ready(task, own.Name, step) {
			continue
		}
		if err := d.begin(ctx, own, j.UID, task, step, root); err != nil {
			return errs.Wrap(err, "step %s", step)
		}
		begun++
	}
	if begun+openSteps > 0 {
		return nil
	}
	return d.finish(ctx, own, task, failed, missing, late)
}

// tell says once that a step has ended, and sees to it that its run says so, too.
func (d *Conductor) tell(ctx context.Context, r job.Record, root string) error {
	if !r.State.Terminal() || d.said[r.Name] {
		return nil
	}
	d.said[r.Name] = true
	fmt.Fprintln(d.Notes, strings.TrimSuffix(fmt.Sprintf("step %s %s: %s", strings.TrimPrefix(r.Name, root+"_"), r.State, r.Detail), ": "))
	return d.Cluster.closeRun(ctx, r)
}

func (d *Conductor) ready(task *job.Job, pipeline, step string) bool {
	return !slices.ContainsFunc(task.Pipeline.Steps[step].Needs(), func(need string) bool {
		r, ok := d.record(stepName(pipeline, need))
		return !ok || r.State != job.Completed
	})
}

// begin makes the Job of a step. One that cannot be made fails the pipeline.
func (d *Conductor) begin(ctx context.Context, own job.Record, uid types.UID, task *job.Job, step, root string) error {
	bound, err := task.Pipeline.Steps[step].Bind(d.source(task, own.Name))
	if err != nil {
		return d.giveUp(ctx, own, step, err)
	}
	o := d.spec.Options
	p, err := stepPlan(bound, stepName(own.Name, step), &parent{name: own.Name, run: own.RunID, root: root, uid: uid}, task, o)
	if err != nil {
		return d.giveUp(ctx, own, step, err)
	}
	_, err = d.Cluster.Create(ctx, p, d.Getenv)
	switch {
	case errs.Is(err, errs.Exists), errs.Is(err, errs.Unavailable):
		return err
	case err != nil:
		return d.giveUp(ctx, own, step, err)
	}
	fmt.Fprintf(d.Notes, "step %s begins\n", strings.TrimPrefix(p.Job.Name, root+"_"))
	return nil
}

func (d *Conductor) giveUp(ctx context.Context, own job.Record, step string, why error) error {
	if err := d.Cluster.cancelSteps(ctx, own.Name, d.jobs); err != nil {
		return err
	}
	return d.Cluster.end(ctx, own, job.Failed, fmt.Sprintf("step %s: %v", step, why))
}

func (d *Conductor) finish(ctx context.Context, own job.Record, task *job.Job, failed, missing []string, late bool) error {
	detail := ""
	if late {
		detail = fmt.Sprintf("stopped after the time limit of %s; ", task.Limits.Timeout)
	}
	if len(failed) > 0 {
		detail += "failed: " + strings.Join(failed, ", ") + "; "
	}
	if len(missing) > 0 {
		detail += "not run: " + strings.Join(missing, ", ") + "; "
	}
	state := job.Completed
	if detail != "" {
		state = job.Failed
	}
	return d.Cluster.end(ctx, own, state, strings.TrimSuffix(detail, "; "))
}

// end ends the Job of a pipeline: without pods left to want it completes; out of time, it
// fails.
func (c *Cluster) end(ctx context.Context, own job.Record, state job.State, detail string) error {
	notes := map[string]any{AnnotDetail: detail}
	spec := map[string]any{"suspend": false, "parallelism": 0}
	switch state {
	case job.Completed:
		spec["completions"] = 0
	case job.Canceled:
		notes[AnnotCanceled] = c.Now().UTC().Format(time.RFC3339)
		fallthrough
	default:
		spec["activeDeadlineSeconds"] = 1
	}
	if err := c.patch(ctx, ObjectName(own.Name), map[string]any{"metadata": map[string]any{"annotations": notes}, "spec": spec}); err != nil {
		return errs.Wrap(err, "end pipeline %s", own.Name)
	}
	own.State, own.Ended = state, c.Now()
	return c.closeRun(ctx, own)
}

func (c *Cluster) patch(ctx context.Context, object string, change map[string]any) error {
	text, err := json.Marshal(change)
	if err != nil {
		return errs.Wrap(err, "change Job %s", object)
	}
	_, err = c.jobs().Patch(ctx, object, types.MergePatchType, text, metav1.PatchOptions{FieldManager: FieldManager})
	return kindOf(err, "change Job %s", object)
}

// cancelSteps cancels what a pipeline has running.
func (c *Cluster) cancelSteps(ctx context.Context, pipeline string, jobs map[string]*batchv1.Job) error {
	for _, name := range sortedKeys(jobs) {
		j := jobs[name]
		if j.Annotations[AnnotParent] != pipeline || j.Annotations[AnnotCanceled] != "" || recordOf(j, nil).State.Terminal() {
			continue
		}
		if _, err := c.Cancel(ctx, name); err != nil && !errs.Is(err, errs.State) { // it has ended in the meantime
			return err
		}
	}
	return nil
}

// lead makes me the one who conducts a pipeline, unless another was heard from of late.
func (c *Cluster) lead(ctx context.Context, j *batchv1.Job, me string) (bool, error) {
	who, when, _ := strings.Cut(j.Annotations[AnnotConductor], " ")
	at, err := time.Parse(time.RFC3339, when)
	since := c.Now().Sub(at)
	switch {
	case err == nil && who != me && since < leadFor:
		return false, nil
	case err == nil && who == me && since < leadSays:
		return true, nil
	}
	text, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"resourceVersion": j.ResourceVersion, "annotations": map[string]any{AnnotConductor: me + " " + c.Now().UTC().Format(time.RFC3339)},
	}})
	if err != nil {
		return false, errs.Wrap(err, "conduct %s", j.Name)
	}
	_, err = c.jobs().Patch(ctx, j.Name, types.MergePatchType, text, metav1.PatchOptions{FieldManager: FieldManager})
	if apierrors.IsConflict(err) {
		return false, nil // another changed it; look again
	}
	return err == nil, kindOf(err, "conduct %s", j.Name)
}
