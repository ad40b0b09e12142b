package rollout

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/drivecast/drivecast/errs"
)

// patience is how long a cluster that answered before is asked again.
const patience = 30 * time.Second

// Options of a rollout.
type Options struct {
	Strategy string                      // Rolling (or ""), BlueGreen or Canary
	Steps    []int                       // of a canary: rising percentages
	Timeout  time.Duration               // of each wait for Deployments
	Pause    time.Duration               // after each phase, before it is tested
	Test     func(context.Context) error // of what serves, after each phase; nil: none
	Say      func(line string)           // what is being done
}

// Deploy brings the objects to the cluster. When a Deployment does not come up, or a
// test fails, everything is put back and the error, of kind State, says why. A cluster
// that is away, or does not take a credential that is about to be renewed, is asked again
// for half a minute; when the credential has expired for good, the error is of kind
// Unauthenticated, and what was applied stands.
func (c *Cluster) Deploy(ctx context.Context, objects []*Object, o Options) error {
	c.patience = min(o.Timeout, patience)
	phases, drop, err := c.plan(ctx, objects, o)
	if err != nil {
		return err
	}
	var u undo
	for _, p := range phases {
		err := c.phase(ctx, p, &u, o)
		if errs.Is(err, errs.Unauthenticated) { // nothing can be put back either
			return errs.New(errs.Unauthenticated, "the cluster no longer takes the credential: %w; what was applied stands as it is (%s); log in again and run the same command", err, u.names())
		}
		if err != nil {
			return c.back(ctx, &u, o, err)
		}
	}
	for _, old := range drop {
		o.Say("delete " + name(old))
		if err := c.remove(ctx, old); err != nil {
			return errs.Wrap(err, "the rollout stands, but something of the old one is left")
		}
	}
	return nil
}

// undo is what was there before, in the order in which it was touched.
type undo struct {
	keys    map[string]bool
	touched []change
}

type change struct{ object, was *Object }

// names are the objects that were touched.
func (u *undo) names() string {
	var out []string
	for _, t := range u.touched {
		out = append(out, name(t.object))
	}
	return strings.Join(out, ", ")
}

func (c *Cluster) phase(ctx context.Context, p phase, u *undo, o Options) error {
	for _, x := range p.apply {
		was, err := c.get(ctx, x)
		if err != nil {
			return err
		}
		if key := name(x) + " " + x.GetNamespace(); !u.keys[key] {
			if u.keys == nil {
				u.keys = map[string]bool{}
			}
			u.keys[key], u.touched = true, append(u.touched, change{x, was})
		}
		o.Say(p.say + ": " + name(x))
		if err := c.apply(ctx, x, false); err != nil {
			return err
		}
	}
	for _, x := range p.apply {
		if x.GetKind() == "Deployment" {
			if err := c.await(ctx, x, o.Timeout); err != nil {
				return err
			}
			o.Say(name(x) + " is up")
		}
	}
	if err := sleep(ctx, o.Pause); err != nil {
		return err
	}
	if o.Test == nil || p.silent {
		return nil
	}
	return errs.Wrap(o.Test(ctx), "test")
}

// back puts everything back, last touched first, though ctx may have ended.
func (c *Cluster) back(ctx context.Context, u *undo, o Options, cause error) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), o.Timeout+time.Minute)
	defer stop()
	reason := strings.ReplaceAll(cause.Error(), "\n", " ")
	for i := len(u.touched) - 1; i >= 0; i-- {
		t := u.touched[i]
		var err error
		if t.was == nil {
			o.Say("take away " + name(t.object))
			err = c.remove(ctx, t.object)
		} else {
			o.Say("put back " + name(t.object))
			err = c.restore(ctx, t.was)
		}
		if err != nil {
			return errs.Wrap(err, "%s; and %s could not be put back", reason, name(t.object))
		}
	}
	for _, t := range u.touched {
		if t.was != nil && t.was.GetKind() == "Deployment" {
			if err := c.await(ctx, t.was, o.Timeout); err != nil {
				return errs.Wrap(err, "%s; it was put back, but is not up", reason)
			}
		}
	}
	if errs.Is(cause, errs.Canceled) {
		return errs.New(errs.Canceled, "%s; everything was put back", reason)
	}
	return errs.New(errs.State, "%s; everything was put back", reason)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return errs.Wrap(errs.New(errs.Canceled, "%w", ctx.Err()), "wait")
	case <-time.After(d):
		return nil
	}
}

// await waits until all pods of a Deployment are of its newest form and available.
func (c *Cluster) await(ctx context.Context, d *Object, limit time.Duration) error {
	for end := time.Now().Add(limit); ; {
		now, err := c.get(ctx, d)
		if err != nil {
			return err
		}
		if now == nil {
			return errs.New(errs.NotFound, "%s was deleted by another", name(d))
		}
		up, stuck := state(now)
		if up {
			return nil
		}
		if stuck || time.Now().After(end) {
			return errs.New(errs.State, "%s did not come up in %s: %s", name(d), limit, c.why(ctx, now))
		}
		if err := sleep(ctx, 250*time.Millisecond); err != nil {
			return err
		}
	}
}

func state(d *Object) (up, stuck bool) {
	at := func(path ...string) int64 {
		n, _, _ := unstructured.NestedInt64(d.Object, path...)
		return n
	}
	want := at("spec", "replicas")
	list, _, _ := unstructured.NestedSlice(d.Object, "status", "conditions")
	for _, x := range list {
		if m, ok := x.(map[string]any); ok && m["reason"] == "ProgressDeadlineExceeded" {
			stuck = true
		}
	}
	seen := at("status", "observedGeneration") >= d.GetGeneration()
	up = seen && at("status", "updatedReplicas") == want && at("status", "replicas") == want && at("status", "availableReplicas") == want
	return up, stuck && seen
}

// why tells what the pods of a Deployment say of themselves.
func (c *Cluster) why(ctx context.Context, d *Object) string {
	pods, err := c.pods(ctx, d)
	if err != nil {
		return err.Error()
	}
	for _, p := range pods {
		list, _, _ := unstructured.NestedSlice(p.Object, "status", "containerStatuses")
		for _, x := range list {
			s, _ := x.(map[string]any)
			for _, kind := range []string{"waiting", "terminated"} {
				reason, _, _ := unstructured.NestedString(s, "state", kind, "reason")
				if reason == "" || reason == "ContainerCreating" || reason == "PodInitializing" {
					continue
				}
				message, _, _ := unstructured.NestedString(s, "state", kind, "message")
				code, _, _ := unstructured.NestedInt64(s, "state", kind, "exitCode")
				return strings.TrimSpace(fmt.Sprintf("pod %s: container %v: %s (exit code %d) %s", p.GetName(), s["name"], reason, code, message))
			}
		}
	}
	return fmt.Sprintf("%d pods, none says why; their readiness probes may not pass", len(pods))
}
