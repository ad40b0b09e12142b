//go:build unix

package kubelettest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// container is one process with what it started.
type container struct {
	cmd   *exec.Cmd
	log   string
	mark  string
	ended chan struct{}
}

// markVariable names a container to all processes below it.
const markVariable = "KUBELETTEST_CONTAINER"

// gone reports that the cluster has no such pod any more, or another of its name.
func gone(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.IsConflict(err) || apierrors.IsInvalid(err)
}

// one runs a container to its end, within the pod's time, and returns its code.
func (r *podRun) one(c corev1.Container, env map[string]string, status *corev1.ContainerStatus) int {
	if !r.pulled(c, status) {
		return 128
	}
	started := metav1.Now()
	run, err := r.start(c, env)
	if err != nil {
		r.mu.Lock()
		status.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 128, Reason: "StartError", Message: err.Error(), StartedAt: started, FinishedAt: metav1.Now()}}
		r.mu.Unlock()
		return 128
	}
	id := fmt.Sprintf("process://%s-%d", r.pod.UID, run.cmd.Process.Pid)
	r.mu.Lock()
	status.ContainerID, status.Ready, status.Started = id, c.StartupProbe == nil && c.ReadinessProbe == nil, new(c.StartupProbe == nil)
	status.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: started}}
	if len(r.live) > 0 && c.Name == r.pod.Spec.Containers[0].Name {
		r.status.Phase = corev1.PodRunning
	}
	r.mu.Unlock()
	r.push()
	var probes sync.WaitGroup
	probes.Go(func() { r.probe(c, run, status) })
	code := r.await(c, run)
	probes.Wait()
	reason := "Completed"
	if code != 0 {
		reason = "Error"
	}
	r.mu.Lock()
	delete(r.live, c.Name)
	status.Ready, status.Started = false, new(false)
	status.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode: int32(code), Reason: reason, StartedAt: started, FinishedAt: metav1.Now(), ContainerID: id,
	}}
	r.mu.Unlock()
	return code
}

// start makes the process.
func (r *podRun) start(c corev1.Container, env map[string]string) (*container, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil {
		return nil, errors.New("the pod is to go")
	}
	vars, err := r.environment(c, env)
	if err != nil {
		return nil, err
	}
	args := r.here(c, append(append([]string{}, c.Command...), c.Args...))
	if len(args) == 0 {
		return nil, errors.New("a process needs a command: an image's own is not read")
	}
	run := &container{log: filepath.Join(r.dir, c.Name+".log"), mark: string(r.pod.UID) + "/" + c.Name, ended: make(chan struct{})}
	if err := os.MkdirAll(r.dir, 0o755); err != nil { // a pod without volumes has none yet
		return nil, err
	}
	out, err := os.Create(run.log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	run.cmd = exec.Command(find(args[0], vars["PATH"]), args[1:]...)
	run.cmd.Dir = r.dir
	if c.WorkingDir != "" {
		run.cmd.Dir = r.here(c, []string{c.WorkingDir})[0]
	}
	run.cmd.Stdout, run.cmd.Stderr = out, out
	run.cmd.Env = append(assignments(vars), markVariable+"="+run.mark)
	run.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := run.cmd.Start(); err != nil {
		return nil, err
	}
	r.live[c.Name], r.logs[c.Name] = run, run
	return run, nil
}

// await waits for the process; when the pod is to go it is told politely, once its
// preStop sleep is over, and killed after the pod's time of grace.
func (r *podRun) await(c corev1.Container, run *container) int {
	result := make(chan error, 1)
	go func() { result <- run.cmd.Wait() }()
	defer close(run.ended)
	defer run.kill() // what it left running
	select {
	case err := <-result:
		return exitCode(run.cmd, err)
	case <-r.ctx.Done():
	}
	grace := 30 * time.Second
	if s := r.pod.Spec.TerminationGracePeriodSeconds; s != nil {
		grace = time.Duration(*s) * time.Second
	}
	if c.Lifecycle != nil && c.Lifecycle.PreStop != nil && c.Lifecycle.PreStop.Sleep != nil {
		first := min(grace, time.Duration(c.Lifecycle.PreStop.Sleep.Seconds)*time.Second)
		grace -= first
		select {
		case err := <-result:
			return exitCode(run.cmd, err)
		case <-time.After(first):
		}
	}
	_ = run.cmd.Process.Signal(syscall.SIGTERM) // gone already is what is wanted
	select {
	case err := <-result:
		return exitCode(run.cmd, err)
	case <-time.After(grace):
	}
	run.kill()
	return exitCode(run.cmd, <-result)
}

// kill ends the process, and all that carry its mark, at once.
func (c *container) kill() {
	_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
	for _, pid := range marked(markVariable + "=" + c.mark) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

func exitCode(cmd *exec.Cmd, err error) int {
	if err == nil {
		return 0
	}
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return cmd.ProcessState.ExitCode()
}
