package rollout

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// logLines is how much of a failed container's log is shown.
const logLines = 40

// back tears down after a failure, and returns the failure with what there is now.
func (r *run) back(ctx context.Context, cause error) error {
	r.out.Reason = cause.Error()
	var after *late
	switch {
	case errors.As(cause, &after):
		r.out.State = "deployed"
		return errs.Wrap(cause, "deployment %s serves, but an older one could not be deleted", r.Deployment)
	case errs.Is(cause, errs.Denied):
		r.out.State = "interrupted"
		return errs.New(errs.Denied, "%w; the login no longer opens this, so nothing was changed after that: traffic is %q, deployment %s stays as it is. Log in again and run the same command: it goes on from there",
			cause, words(r.e.Traffic), r.Deployment)
	case !r.ours && !r.made:
		r.out.State = "unchanged"
		return cause
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Minute)
	defer cancel()
	if r.ours {
		r.log(end, cause)
	}
	undone := r.undo(end)
	if undone != nil {
		r.out.State = "interrupted"
		return errs.Wrap(cause, "this could not be torn down: %v; run the same command again; the cause was", undone)
	}
	if r.out.State = "torn-down"; r.KeepFailed {
		r.out.State = "kept"
	}
	if r.KeepFailed {
		r.say("deployment %s is kept, without traffic; it costs until it is deleted", r.Deployment)
	}
	switch {
	case len(r.e.Traffic) > 0:
		r.say("traffic is where it was: %s", words(r.e.Traffic))
	case !r.KeepFailed:
		r.say("nothing is left of it")
	}
	return cause
}

// log shows what the failed container said.
func (r *run) log(ctx context.Context, cause error) {
	for _, container := range []string{"StorageInitializer", "InferenceServer"} {
		text, err := r.c.DeploymentLog(ctx, r.Endpoint, r.Deployment, container, logLines)
		if err != nil || strings.TrimSpace(text) == "" {
			continue
		}
		r.out.Log += text
		r.say("log of %s (%s):", r.Deployment, container)
		for line := range strings.Lines(text) {
			r.Say("  | " + strings.TrimRight(line, "\r\n"))
		}
	}
	if r.Look != nil {
		r.Look(cause.Error(), r.out.Log)
	}
}

// undo puts the traffic back and deletes what this rollout made.
func (r *run) undo(ctx context.Context) error {
	now, err := r.settledEndpoint(ctx)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	r.e = now
	mine := now.Traffic[r.Deployment] > 0 || now.Mirror[r.Deployment] > 0
	if mine && r.before != nil && !(maps.Equal(now.Traffic, r.before) && maps.Equal(now.Mirror, r.mirror)) {
		mirror := maps.Clone(r.mirror)
		delete(mirror, r.Deployment)
		r.say("traffic back to %s", words(r.before))
		if r.e, err = r.c.SetTraffic(ctx, now, r.before, mirror); err != nil {
			r.e = now
			return err
		}
		mine = false
	}
	if mine || r.KeepFailed { // somebody else gave it traffic: it is theirs now
		return nil
	}
	if r.scaled {
		if err := r.c.DeleteAutoscale(ctx, ScaleName(r.Endpoint, r.Deployment)); err != nil {
			return err
		}
	}
	if r.made {
		r.say("deleting endpoint %s, which this made", r.Endpoint)
		r.e.Traffic = nil
		return r.c.DeleteEndpoint(ctx, r.Endpoint)
	}
	if !r.ours {
		return nil
	}
	r.say("deleting deployment %s", r.Deployment)
	return r.unmake(ctx)
}

// unmake deletes the deployment; one that is still being made may refuse for a while.
func (r *run) unmake(ctx context.Context) error {
	for {
		err := r.c.DeleteDeployment(ctx, r.Endpoint, r.Deployment)
		if !errs.Is(err, errs.State) {
			return err
		}
		if stop := r.sleep(ctx, 5*time.Second); stop != nil {
			return err
		}
	}
}
