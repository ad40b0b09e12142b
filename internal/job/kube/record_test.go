package kube

import (
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/drivecast/drivecast/internal/job"
)

func TestStates(t *testing.T) {
	conditions := func(kinds ...batchv1.JobConditionType) batchv1.JobStatus {
		var s batchv1.JobStatus
		for _, k := range kinds {
			s.Conditions = append(s.Conditions, batchv1.JobCondition{Type: k, Status: corev1.ConditionTrue})
		}
		return s
	}
	pod := func(phase corev1.PodPhase, node string) []corev1.Pod {
		return []corev1.Pod{{Spec: corev1.PodSpec{NodeName: node}, Status: corev1.PodStatus{Phase: phase}}}
	}
	some := conditions(batchv1.JobFailed)
	some.Succeeded = 1
	for _, c := range []struct {
		name     string
		kind     job.Kind
		status   batchv1.JobStatus
		canceled bool
		suspend  bool
		pods     []corev1.Pod
		want     job.State
	}{
		{name: "complete", status: conditions(batchv1.JobComplete), want: job.Completed},
		{name: "failed", status: conditions(batchv1.JobFailed), want: job.Failed},
		{name: "canceled", status: conditions(batchv1.JobFailed), canceled: true, want: job.Canceled},
		{name: "canceled in the queue", canceled: true, suspend: true, want: job.Canceled},
		{name: "being canceled", canceled: true, want: job.CancelRequested},
		{name: "done before the cancellation", status: conditions(batchv1.JobComplete), canceled: true, want: job.Completed},
		{name: "a sweep of which some trials failed", kind: job.KindSweep, status: some, want: job.Completed},
		{name: "a command of which some shards failed", status: some, want: job.Failed},
		{name: "suspended", status: conditions(batchv1.JobSuspended), suspend: true, want: job.Queued},
		{name: "new", want: job.Queued},
		{name: "no node", pods: pod(corev1.PodPending, ""), want: job.Queued},
		{name: "fetching", pods: pod(corev1.PodPending, "n"), want: job.Preparing},
		{name: "running", pods: pod(corev1.PodRunning, "n"), want: job.Running},
		{name: "ending", status: conditions(batchv1.JobFailureTarget), want: job.Finalizing},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{LabelKind: string(c.kind)}, Annotations: map[string]string{}}, Status: c.status}
			if c.canceled {
				j.Annotations[AnnotCanceled] = "2026-01-01T00:00:00Z"
			}
			j.Spec.Suspend = &c.suspend
			if got := recordOf(j, c.pods); got.State != c.want {
				t.Errorf("%s, want %s", got.State, c.want)
			}
		})
	}
}

func TestExitCodeIsThatOfTheFirstFailedIndex(t *testing.T) {
	ended := func(index string, code int32) corev1.Pod {
		return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{labelIndex: index}}, Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{
			{Name: mainName, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}},
		}}}
	}
	got := exitCodeOf(job.Failed, []corev1.Pod{ended("10", 9), ended("2", 7), ended("0", 0)})
	if got == nil || *got != 7 {
		t.Errorf("%v, want 7", got)
	}
}
