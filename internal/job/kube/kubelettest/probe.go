//go:build unix

package kubelettest

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// probe asks a container's probes until it has ended: the one of its start first,
// then the one of readiness, which is reported, and the one of life, which ends it.
func (r *podRun) probe(c corev1.Container, run *container, status *corev1.ContainerStatus) {
	ctx, stop := context.WithCancel(r.n.ctx)
	defer stop()
	go func() {
		defer stop()
		<-run.ended
	}()
	if !r.begun(ctx, c, run, status) {
		return
	}
	var both sync.WaitGroup
	defer both.Wait()
	if p := c.LivenessProbe; p != nil {
		both.Go(func() { // told once: when it has failed often enough
			r.ask(ctx, c, p, func(alive bool) bool {
				if !alive {
					r.n.cfg.Logger.Info("a liveness probe failed", "pod", r.pod.Name, "container", c.Name)
					run.kill()
				}
				return alive
			})
		})
	}
	if p := c.ReadinessProbe; p != nil {
		r.ask(ctx, c, p, func(ready bool) bool {
			r.note(run, status, ready)
			return true
		})
	}
}

// begun waits for the probe of a start, if there is one.
func (r *podRun) begun(ctx context.Context, c corev1.Container, run *container, status *corev1.ContainerStatus) bool {
	if c.StartupProbe == nil {
		return true
	}
	up := false
	r.ask(ctx, c, c.StartupProbe, func(ok bool) bool { up = ok; return false })
	if ctx.Err() != nil {
		return false
	}
	if !up {
		r.n.cfg.Logger.Info("a startup probe failed", "pod", r.pod.Name, "container", c.Name)
		run.kill()
		return false
	}
	r.mu.Lock()
	status.Started = new(true)
	r.mu.Unlock()
	if c.ReadinessProbe == nil {
		r.note(run, status, true)
	}
	return true
}

// note reports a change of a live container's readiness.
func (r *podRun) note(run *container, status *corev1.ContainerStatus, ready bool) {
	r.mu.Lock()
	changed := r.live[status.Name] == run && status.Ready != ready
	if changed {
		status.Ready = ready
	}
	r.mu.Unlock()
	if changed {
		r.push()
	}
}

// ask asks a probe again and again, and tells when it has passed or failed as often in
// a row as it has to, until told to stop.
func (r *podRun) ask(ctx context.Context, c corev1.Container, p *corev1.Probe, tell func(ok bool) bool) {
	period := time.Duration(cmp.Or(p.PeriodSeconds, 10)) * time.Second
	wait := time.Duration(p.InitialDelaySeconds) * time.Second
	good, bad := int32(0), int32(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = period
		if err := r.once(ctx, c, p); err == nil {
			good, bad = good+1, 0
		} else {
			good, bad = 0, bad+1
			r.n.cfg.Logger.Debug("a probe failed", "pod", r.pod.Name, "container", c.Name, "error", err)
		}
		switch {
		case ctx.Err() != nil:
			return
		case good >= cmp.Or(p.SuccessThreshold, 1) && !tell(true), bad >= cmp.Or(p.FailureThreshold, 3) && !tell(false):
			return
		}
	}
}

// once asks a probe: by GET, where any code from 200 to 399 passes, or by connecting.
func (r *podRun) once(ctx context.Context, c corev1.Container, p *corev1.Probe) error {
	ctx, stop := context.WithTimeout(ctx, time.Duration(cmp.Or(p.TimeoutSeconds, 1))*time.Second)
	defer stop()
	switch {
	case p.HTTPGet != nil:
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(cmp.Or(p.HTTPGet.Host, r.address), port(c, p.HTTPGet.Port.String()))+p.HTTPGet.Path, nil)
		if err != nil {
			return err
		}
		for _, h := range p.HTTPGet.HTTPHeaders {
			req.Header.Set(h.Name, h.Value)
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode < 200 || resp.StatusCode > 399 {
			return fmt.Errorf("%s: %s", req.URL, resp.Status)
		}
		return nil
	case p.TCPSocket != nil:
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(r.address, port(c, p.TCPSocket.Port.String())))
		if err == nil {
			conn.Close()
		}
		return err
	}
	return fmt.Errorf("only httpGet and tcpSocket probes are known here")
}

// port is the number of a port that is given by number or by name.
func port(c corev1.Container, given string) string {
	for _, p := range c.Ports {
		if p.Name == given {
			return strconv.Itoa(int(p.ContainerPort))
		}
	}
	return given
}
