package kube

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

const (
	lookEvery = 250 * time.Millisecond // between looks at a job that is followed
	logsAfter = 10 * time.Second       // that logs may still come in once the job has ended
	maxLine   = 1 << 20                // bytes of a line of a log; longer ones are cut
)

// Stream copies the logs of a job's pods to out, as they grow, until the job has
// ended, and returns its last record. Lines of a job of several indexes begin with
// [INDEX]. What it waits for goes to notes. Ending ctx leaves the job running.
func (c *Cluster) Stream(ctx context.Context, name string, out, notes io.Writer) (job.Record, error) {
	f := follower{c: c, out: out, seen: map[types.UID]bool{}}
	logs, stop := context.WithCancel(ctx)
	defer stop()
	said := ""
	for failures := 0; ; {
		r, pods, several, err := c.look(ctx, name)
		if err != nil {
			if failures++; failures > 40 || !errs.Is(err, errs.Unavailable) || ctx.Err() != nil {
				return r, err
			}
		} else {
			failures = 0
			f.follow(logs, pods, several)
			if r.State.Terminal() {
				f.finish(stop)
				return r, c.closeRun(ctx, r)
			}
			if r.State.Waiting() && r.Detail != "" && r.Detail != said {
				said = r.Detail
				fmt.Fprintf(notes, "job %s waits: %s\n", name, said)
			}
		}
		select {
		case <-ctx.Done():
			return r, errs.Wrap(ctx.Err(), "stream job %s", name)
		case <-time.After(lookEvery):
		}
	}
}

func (c *Cluster) look(ctx context.Context, name string) (job.Record, []corev1.Pod, bool, error) {
	j, err := c.get(ctx, name)
	if err != nil {
		return job.Record{}, nil, false, err
	}
	pods, err := c.pods(ctx, j.Name)
	if err != nil {
		return job.Record{}, nil, false, err
	}
	return recordOf(j, pods), pods, j.Spec.Completions != nil && *j.Spec.Completions > 1, nil
}

// closeRun ends the tracking run of a job that ended without its pods being able to
// say so: canceled, out of time, or lost with its node.
func (c *Cluster) closeRun(ctx context.Context, r job.Record) error {
	if c.Tracking == nil || r.RunID == "" {
		return nil
	}
	run, err := c.Tracking.GetRun(ctx, r.RunID)
	if err != nil || run.Info.Status != "RUNNING" && run.Info.Status != "SCHEDULED" {
		return errs.Wrap(err, "end the tracking run of job %s", r.Name)
	}
	status := map[job.State]string{job.Completed: "FINISHED", job.Canceled: "KILLED"}[r.State]
	if status == "" {
		status = "FAILED"
	}
	return errs.Wrap(c.Tracking.UpdateRun(ctx, r.RunID, status, r.Ended), "end the tracking run of job %s", r.Name)
}

// follower copies logs of pods, each once.
type follower struct {
	c    *Cluster
	seen map[types.UID]bool
	all  sync.WaitGroup

	mu  sync.Mutex
	out io.Writer
}

// follow begins with the pods that have something to say and are new.
func (f *follower) follow(ctx context.Context, pods []corev1.Pod, several bool) {
	for i := range pods {
		prefix := ""
		if several {
			prefix = fmt.Sprintf("[%d] ", indexOf(&pods[i]))
		}
		f.begin(ctx, &pods[i], prefix)
	}
}

// begin copies the log of a pod that has something to say, unless it is being copied.
func (f *follower) begin(ctx context.Context, p *corev1.Pod, prefix string) {
	container := speaks(p)
	if container == "" || f.seen[p.UID] {
		return
	}
	f.seen[p.UID] = true
	f.all.Go(func() { f.copy(ctx, p.Name, container, prefix) })
}

// speaks is the container whose log tells of the pod: the command's once it has
// begun, or the first's when that failed.
func speaks(p *corev1.Pod) string {
	for _, s := range p.Status.ContainerStatuses {
		if s.Name == mainName && (s.State.Running != nil || s.State.Terminated != nil && s.State.Terminated.ContainerID != "") {
			return mainName
		}
	}
	for _, s := range p.Status.InitContainerStatuses {
		if t := s.State.Terminated; t != nil && t.ExitCode != 0 {
			return s.Name
		}
	}
	return ""
}

// copy writes whole lines, so that those of several pods do not mix. A node that is
// gone has no log to give: the next pod of the index has its own.
func (f *follower) copy(ctx context.Context, name, container, prefix string) {
	body, err := f.c.core.Pods(f.c.Namespace).GetLogs(name, &corev1.PodLogOptions{Container: container, Follow: true}).Stream(ctx)
	if err != nil {
		return
	}
	defer body.Close()
	r := bufio.NewReaderSize(body, maxLine)
	for {
		line, err := r.ReadSlice('\n')
		if len(line) > 0 {
			f.mu.Lock()
			fmt.Fprintf(f.out, "%s%s", prefix, line)
			if prefix != "" && line[len(line)-1] != '\n' {
				fmt.Fprintln(f.out)
			}
			f.mu.Unlock()
		}
		if err != nil && err != bufio.ErrBufferFull {
			return
		}
	}
}

// finish waits for the logs that are still coming in.
func (f *follower) finish(stop context.CancelFunc) {
	timer := time.AfterFunc(logsAfter, stop)
	f.all.Wait()
	timer.Stop()
}
