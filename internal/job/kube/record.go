package kube

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/drivecast/drivecast/internal/job"
)

// recordOf tells of a Job in the words of job records. Pods, where they are still
// there, tell exit codes and what it waits for.
func recordOf(j *batchv1.Job, pods []corev1.Pod) job.Record {
	r := job.Record{
		Name: j.Annotations[AnnotName], Kind: job.Kind(j.Labels[LabelKind]), Cluster: j.Annotations[AnnotCompute], Display: j.Annotations[AnnotDisplay],
		Experiment: j.Annotations[AnnotExperiment], RunID: j.Annotations[AnnotRun], Created: j.CreationTimestamp.UTC(), Parent: j.Annotations[AnnotParent],
	}
	if j.Spec.Parallelism != nil {
		r.Nodes = int(*j.Spec.Parallelism)
	}
	if t := j.Status.StartTime; t != nil {
		r.Started = t.UTC()
	}
	if r.State, r.Detail = stateOf(j, pods); isPipeline(j) {
		r.Nodes, r.Started = 0, r.Created
		r.State, r.Detail = pipelineState(j)
	}
	r.Attempt = int(j.Status.Succeeded + j.Status.Failed + j.Status.Active)
	if r.State.Terminal() {
		r.Outcome, r.Ended = r.State, endOf(j)
		r.ExitCode = exitCodeOf(r.State, pods)
		if r.State == job.Failed && r.ExitCode != nil {
			r.Detail = fmt.Sprintf("the command ended with exit code %d; %s", *r.ExitCode, r.Detail)
		}
	}
	return r
}

func condition(j *batchv1.Job, kind batchv1.JobConditionType) *batchv1.JobCondition {
	for i, c := range j.Status.Conditions {
		if c.Type == kind && c.Status == corev1.ConditionTrue {
			return &j.Status.Conditions[i]
		}
	}
	return nil
}

// stateOf is where the Job is in its life, and why.
func stateOf(j *batchv1.Job, pods []corev1.Pod) (job.State, string) {
	complete, failed := condition(j, batchv1.JobComplete), condition(j, batchv1.JobFailed)
	canceled := j.Annotations[AnnotCanceled] != ""
	switch {
	case complete != nil:
		return job.Completed, indexes(j)
	case failed != nil && canceled, canceled && j.Spec.Suspend != nil && *j.Spec.Suspend && j.Status.Active == 0:
		return job.Canceled, "canceled"
	case failed != nil && j.Labels[LabelKind] == string(job.KindSweep) && j.Status.Succeeded > 0 && failed.Reason != batchv1.JobReasonDeadlineExceeded:
		return job.Completed, indexes(j)
	case failed != nil:
		return job.Failed, failed.Message + indexes(j)
	case canceled:
		return job.CancelRequested, ""
	case condition(j, batchv1.JobSuspended) != nil:
		return job.Queued, "suspended, as a job in a queue is"
	case condition(j, batchv1.JobSuccessCriteriaMet) != nil, condition(j, batchv1.JobFailureTarget) != nil:
		return job.Finalizing, indexes(j)
	}
	return activity(j, pods)
}

// pipelineState is where a pipeline is: it runs until its Job has ended.
func pipelineState(j *batchv1.Job) (job.State, string) {
	detail := j.Annotations[AnnotDetail]
	switch canceled := j.Annotations[AnnotCanceled] != ""; {
	case condition(j, batchv1.JobComplete) != nil:
		return job.Completed, detail
	case condition(j, batchv1.JobFailed) != nil && canceled:
		return job.Canceled, detail
	case condition(j, batchv1.JobFailed) != nil:
		return job.Failed, detail
	case canceled:
		return job.CancelRequested, detail
	case j.Spec.Suspend != nil && !*j.Spec.Suspend:
		return job.Finalizing, detail
	}
	return job.Running, detail
}

// activity is the state of a Job that is under way.
func activity(j *batchv1.Job, pods []corev1.Pod) (job.State, string) {
	state, detail := job.Queued, ""
	for i := range pods {
		p := &pods[i]
		switch {
		case p.Status.Phase == corev1.PodRunning:
			return job.Running, indexes(j)
		case p.Status.Phase == corev1.PodPending && p.Spec.NodeName != "":
			state, detail = job.Preparing, waiting(p)
		case p.Status.Phase == corev1.PodPending && state == job.Queued:
			for _, c := range p.Status.Conditions {
				if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
					detail = c.Message
				}
			}
		}
	}
	if state == job.Queued && (j.Status.Active > 0 && pods == nil || j.Status.Succeeded > 0) {
		return job.Running, indexes(j) // pods were not looked at, or are between two indexes
	}
	return state, detail
}

// waiting says what a pod on its node waits for.
func waiting(p *corev1.Pod) string {
	for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if w := s.State.Waiting; w != nil && w.Reason != "PodInitializing" && w.Reason != "ContainerCreating" {
			return w.Reason + ": " + w.Message
		}
	}
	return ""
}

// indexes says how far a Job of several is.
func indexes(j *batchv1.Job) string {
	if j.Spec.Completions == nil || *j.Spec.Completions < 2 {
		return ""
	}
	text := fmt.Sprintf("%d of %d done", j.Status.Succeeded, *j.Spec.Completions)
	if f := j.Status.FailedIndexes; f != nil && *f != "" {
		text += "; failed: " + *f
	}
	if condition(j, batchv1.JobFailed) != nil {
		return " (" + text + ")"
	}
	return text
}

func endOf(j *batchv1.Job) time.Time {
	for _, kind := range []batchv1.JobConditionType{batchv1.JobComplete, batchv1.JobFailed} {
		if c := condition(j, kind); c != nil {
			return c.LastTransitionTime.UTC()
		}
	}
	t, err := time.Parse(time.RFC3339, j.Annotations[AnnotCanceled])
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// exitCodeOf is the code of the first pod, by index, whose command failed last.
func exitCodeOf(s job.State, pods []corev1.Pod) *int {
	if s == job.Completed {
		return new(0)
	}
	sorted := slices.SortedFunc(slices.Values(pods), func(a, b corev1.Pod) int {
		return cmp.Or(cmp.Compare(indexOf(&a), indexOf(&b)), b.CreationTimestamp.Compare(a.CreationTimestamp.Time))
	})
	for _, p := range sorted {
		for _, c := range p.Status.ContainerStatuses {
			if t := c.State.Terminated; t != nil && t.ExitCode != 0 && c.Name == mainName {
				return new(int(t.ExitCode))
			}
		}
	}
	return nil
}

func indexOf(p *corev1.Pod) int {
	i, err := strconv.Atoi(p.Annotations[labelIndex])
	if err != nil {
		return 0
	}
	return i
}

// Show returns the record of a job. A name that no job has is of kind NotFound.
func (c *Cluster) Show(ctx context.Context, name string) (job.Record, error) {
	j, err := c.get(ctx, name)
	if err != nil {
		return job.Record{}, err
	}
	pods, err := c.pods(ctx, j.Name)
	if err != nil {
		return job.Record{}, err
	}
	r := recordOf(j, pods)
	if text := j.Annotations[AnnotTags]; text != "" {
		r.Notes = json.RawMessage(text)
	}
	return r, nil
}

func (c *Cluster) pods(ctx context.Context, object string) ([]corev1.Pod, error) {
	list, err := c.core.Pods(c.Namespace).List(ctx, metav1.ListOptions{LabelSelector: labelJob + "=" + object})
	if err != nil {
		return nil, kindOf(err, "list the pods of %s", object)
	}
	if list.Items == nil {
		return []corev1.Pod{}, nil
	}
	return list.Items, nil
}

// List returns up to limit jobs, newest first: all of them, the steps of one pipeline, or
// those that are no steps. Compute, when not "", restricts them to those whose file or
// flag names it.
func (c *Cluster) List(ctx context.Context, q job.Query, all bool) ([]job.Record, error) {
	list, err := c.jobs().List(ctx, metav1.ListOptions{LabelSelector: LabelManaged + "=" + FieldManager})
	if err != nil {
		return nil, kindOf(err, "list the jobs of namespace %s", c.Namespace)
	}
	out := []job.Record{}
	for i := range list.Items {
		r := recordOf(&list.Items[i], nil)
		if (q.Cluster == "" || r.Cluster == q.Cluster) && (all || r.Parent == q.Parent) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b job.Record) int { return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.Name, b.Name)) })
	return out[:min(len(out), q.Limit)], nil
}
