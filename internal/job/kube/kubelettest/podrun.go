//go:build unix

package kubelettest

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// podRun is a pod and its processes.
type podRun struct {
	n   *Node
	pod *corev1.Pod // as it was first seen
	dir string

	ctx    context.Context // ends when the pod is to go
	cancel context.CancelFunc
	ended  chan struct{} // closed once all its processes are gone and reported

	address string     // of the pod's own on the loopback device, or the node's
	report  sync.Mutex // held while a status is sent, so that none overtakes a newer one

	mu     sync.Mutex
	status corev1.PodStatus
	live   map[string]*container
	logs   map[string]*container // by name, ended ones too
	roots  map[string]string     // folders of images
	killed bool
}

func newPodRun(n *Node, p *corev1.Pod) *podRun {
	r := &podRun{n: n, pod: p, dir: filepath.Join(n.cfg.Dir, "pods", string(p.UID)), ended: make(chan struct{}), live: map[string]*container{}, logs: map[string]*container{}, roots: map[string]string{}}
	r.ctx, r.cancel = context.WithCancel(context.WithoutCancel(n.ctx))
	now := metav1.Now()
	r.address = addressOf(p)
	r.status = corev1.PodStatus{Phase: corev1.PodPending, HostIP: address, PodIP: r.address, PodIPs: []corev1.PodIP{{IP: r.address}}, StartTime: &now}
	for _, c := range p.Spec.InitContainers {
		r.status.InitContainerStatuses = append(r.status.InitContainerStatuses, waitingStatus(c))
	}
	for _, c := range p.Spec.Containers {
		r.status.ContainerStatuses = append(r.status.ContainerStatuses, waitingStatus(c))
	}
	return r
}

func waitingStatus(c corev1.Container) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: c.Name, Image: c.Image, ImageID: "process://" + c.Image,
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "PodInitializing"}}}
}

func (r *podRun) done() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// end asks the pod's processes to go.
func (r *podRun) end() { r.cancel() }

// killAll ends the processes at once; nothing is reported.
func (r *podRun) killAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.killed = true
	r.cancel()
	for _, c := range r.live {
		c.kill()
	}
}

// run brings the pod to its end and reports each step.
func (r *podRun) run() {
	defer close(r.ended)
	defer r.cancel()
	if r.pod.Status.StartTime != nil { // from an earlier life of this node: its processes are gone
		r.fail("the node was restarted")
		return
	}
	env, err := r.volumes()
	for err != nil && r.ctx.Err() == nil { // a Secret that is not there yet may come
		r.n.cfg.Logger.Debug("volumes", "pod", r.pod.Name, "error", err)
		select {
		case <-r.ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
		env, err = r.volumes()
	}
	r.push()
	for i, c := range r.pod.Spec.InitContainers {
		if code := r.one(c, env, &r.status.InitContainerStatuses[i]); code != 0 {
			r.fail(fmt.Sprintf("init container %s ended with %d", c.Name, code))
			return
		}
	}
	var all sync.WaitGroup
	codes := make([]int, len(r.pod.Spec.Containers))
	for i, c := range r.pod.Spec.Containers {
		all.Go(func() { codes[i] = r.one(c, env, &r.status.ContainerStatuses[i]) })
	}
	all.Wait()
	phase := corev1.PodSucceeded
	for _, code := range codes {
		if code != 0 {
			phase = corev1.PodFailed
		}
	}
	r.finish(phase, "")
}

func (r *podRun) fail(message string) { r.finish(corev1.PodFailed, message) }

// finish reports the last status, and removes the pod if it is to go.
func (r *podRun) finish(phase corev1.PodPhase, message string) {
	r.mu.Lock()
	r.status.Phase, r.status.Message = phase, message
	killed := r.killed
	r.mu.Unlock()
	if killed {
		return
	}
	r.push()
	if p, err := r.n.core.Pods(r.pod.Namespace).Get(r.n.ctx, r.pod.Name, metav1.GetOptions{}); err == nil && p.UID == r.pod.UID && p.DeletionTimestamp != nil {
		r.n.remove(p)
	}
}

// push reports the status until the cluster has heard it, or the pod is gone.
func (r *podRun) push() {
	r.report.Lock()
	defer r.report.Unlock()
	for r.n.ctx.Err() == nil {
		r.mu.Lock()
		killed := r.killed
		r.status.Conditions = r.conditions()
		text, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": r.pod.UID}, "status": r.status})
		r.mu.Unlock()
		if err != nil || killed {
			return
		}
		_, err = r.n.core.Pods(r.pod.Namespace).Patch(r.n.ctx, r.pod.Name, types.StrategicMergePatchType, text, metav1.PatchOptions{}, "status")
		if err == nil || gone(err) {
			return
		}
		r.n.cfg.Logger.Debug("report a pod", "pod", r.pod.Name, "error", err)
		time.Sleep(200 * time.Millisecond)
	}
}

// conditions are those that the status amounts to, each with the time at which it came.
func (r *podRun) conditions() []corev1.PodCondition {
	ready := corev1.ConditionFalse
	unready := func(s corev1.ContainerStatus) bool { return !s.Ready }
	if r.status.Phase == corev1.PodRunning && !slices.ContainsFunc(r.status.ContainerStatuses, unready) {
		ready = corev1.ConditionTrue
	}
	out := []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}, {Type: corev1.ContainersReady, Status: ready}, {Type: corev1.PodInitialized, Status: corev1.ConditionTrue}}
	for i := range out {
		out[i].LastTransitionTime = metav1.Now()
		for _, was := range r.status.Conditions {
			if was.Type == out[i].Type && was.Status == out[i].Status {
				out[i].LastTransitionTime = was.LastTransitionTime
			}
		}
	}
	return out
}
