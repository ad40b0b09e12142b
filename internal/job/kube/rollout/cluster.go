// Package rollout brings manifests to a cluster so that what served keeps serving: by
// server-side apply, all at once, beside what is there (blue and green) or in growing
// shares (canary). It waits for Deployments, has the result tested, and puts
// everything back when something fails.
package rollout

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/drivecast/drivecast/errs"
)

// Object is one manifest.
type Object = unstructured.Unstructured

// Names that are written into the cluster.
const (
	manager  = "drivecast"
	applied  = "drivecast.dev/applied" // annotation: the manifest as it was applied, to go back to
	colour   = "drivecast.dev/colour"  // label of pods and selectors: blue or green
	track    = "drivecast.dev/track"   // label of the pods of a canary
	maxKept  = 200 << 10               // bytes of a manifest that are kept in the annotation
	maxInput = 16 << 20
)

// Parse reads manifests, several in one text apart by ---. What is no object of
// Kubernetes is of kind Invalid and named by its place.
func Parse(r io.Reader) ([]*Object, error) {
	d := yaml.NewYAMLOrJSONDecoder(io.LimitReader(r, maxInput), 4096)
	var out []*Object
	for at := 1; ; at++ {
		var raw map[string]any
		switch err := d.Decode(&raw); {
		case errors.Is(err, io.EOF) && len(out) == 0:
			return nil, errs.New(errs.Invalid, "there are no manifests")
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, errs.New(errs.Invalid, "document %d: %w", at, err)
		case len(raw) == 0:
			continue
		}
		text, err := json.Marshal(raw)
		if err != nil {
			return nil, errs.New(errs.Invalid, "document %d: %w", at, err)
		}
		o := &Object{}
		if err := o.UnmarshalJSON(bytes.TrimSpace(text)); err != nil || o.GetAPIVersion() == "" || o.GetName() == "" || o.IsList() {
			return nil, errs.New(errs.Invalid, "document %d: it needs apiVersion, kind and metadata.name", at)
		}
		out = append(out, o)
	}
}

// Cluster is a cluster and the namespace of manifests that name none.
type Cluster struct {
	dyn    dynamic.Interface
	mapper meta.RESTMapper
	space  string

	reached  bool          // the cluster has answered once
	patience time.Duration // how long it is asked again after that
}

// Open makes a client of the cluster; nothing is asked of it yet.
func Open(rc *rest.Config, namespace string) (*Cluster, error) {
	dyn, err := dynamic.NewForConfig(rc)
	if err != nil {
		return nil, errs.New(errs.Invalid, "connect to the cluster: %w", err)
	}
	kinds, err := discovery.NewDiscoveryClientForConfig(rc)
	if err != nil {
		return nil, errs.New(errs.Invalid, "connect to the cluster: %w", err)
	}
	return &Cluster{dyn: dyn, mapper: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(kinds)), space: namespace}, nil
}

// at is where objects of this kind and namespace are.
func (c *Cluster) at(o *Object) (dynamic.ResourceInterface, error) {
	kind := o.GroupVersionKind()
	m, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		if meta.IsNoMatchError(err) {
			return nil, errs.New(errs.Unsupported, "%s: the cluster has no such kind; install what brings it, or leave it out", name(o))
		}
		return nil, kindOf(err, name(o))
	}
	if m.Scope.Name() == meta.RESTScopeNameRoot {
		return c.dyn.Resource(m.Resource), nil
	}
	if o.GetNamespace() == "" {
		o.SetNamespace(c.space)
	}
	return c.dyn.Resource(m.Resource).Namespace(o.GetNamespace()), nil
}

func name(o *Object) string { return o.GetKind() + " " + o.GetName() }

// get is the object as it is, or nil.
func (c *Cluster) get(ctx context.Context, o *Object) (now *Object, err error) {
	err = c.again(ctx, func() error {
		r, err := c.at(o)
		if err != nil {
			return err
		}
		now, err = r.Get(ctx, o.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			now = nil
			return nil
		}
		return kindOf(err, "read "+name(o))
	})
	return now, err
}

// again asks a cluster that has answered before once more while it does not take the
// credential, which may be renewed meanwhile, or cannot be reached.
func (c *Cluster) again(ctx context.Context, ask func() error) error {
	for end := time.Now().Add(c.patience); ; {
		err := ask()
		if !errs.Is(err, errs.Unauthenticated) && !errs.Is(err, errs.Unavailable) {
			c.reached = true
			return err
		}
		if !c.reached || time.Now().After(end) || sleep(ctx, 250*time.Millisecond) != nil {
			return err
		}
	}
}

// apply is a server-side apply. Fields of other managers are a conflict.
func (c *Cluster) apply(ctx context.Context, o *Object, force bool) error {
	r, err := c.at(o)
	if err != nil {
		return err
	}
	o = o.DeepCopy()
	text, err := json.Marshal(o)
	if err != nil {
		return errs.Wrap(err, "write %s", name(o))
	}
	if notes := o.GetAnnotations(); len(text) <= maxKept && o.GetKind() != "Secret" {
		if notes == nil {
			notes = map[string]string{}
		}
		notes[applied] = string(text)
		o.SetAnnotations(notes)
	}
	return c.again(ctx, func() error {
		_, err := r.Apply(ctx, o.GetName(), o, metav1.ApplyOptions{FieldManager: manager, Force: force})
		return kindOf(err, "apply "+name(o))
	})
}

// remove deletes what is there.
func (c *Cluster) remove(ctx context.Context, o *Object) error {
	r, err := c.at(o)
	if err != nil {
		return err
	}
	after := metav1.DeletePropagationBackground
	return c.again(ctx, func() error {
		err := r.Delete(ctx, o.GetName(), metav1.DeleteOptions{PropagationPolicy: &after})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return kindOf(err, "delete "+name(o))
	})
}

// restore brings an object back to what it was: the manifest that was applied last,
// or for what others wrote, its content.
func (c *Cluster) restore(ctx context.Context, was *Object) error {
	if text := was.GetAnnotations()[applied]; text != "" {
		o := &Object{}
		if err := o.UnmarshalJSON([]byte(text)); err == nil {
			return c.apply(ctx, o, true)
		}
	}
	r, err := c.at(was)
	if err != nil {
		return err
	}
	return c.again(ctx, func() error {
		now, err := r.Get(ctx, was.GetName(), metav1.GetOptions{})
		if err != nil {
			return kindOf(err, "read "+name(was))
		}
		back := was.DeepCopy()
		back.SetResourceVersion(now.GetResourceVersion())
		back.SetManagedFields(nil)
		_, err = r.Update(ctx, back, metav1.UpdateOptions{FieldManager: manager})
		return kindOf(err, "put back "+name(was))
	})
}

// pods are those of a Deployment's newest form.
func (c *Cluster) pods(ctx context.Context, d *Object) ([]Object, error) {
	const revision = "deployment.kubernetes.io/revision"
	sets, _ := c.selected(ctx, d, "apps/v1", "ReplicaSet", "") // who may not list them is told of all its pods
	for _, s := range sets {
		if want := d.GetAnnotations()[revision]; want != "" && s.GetAnnotations()[revision] == want {
			return c.selected(ctx, d, "v1", "Pod", s.GetLabels()["pod-template-hash"])
		}
	}
	return c.selected(ctx, d, "v1", "Pod", "")
}

// selected are the objects of a kind that a Deployment's selector names, with the hash
// of its pods when that is not "".
func (c *Cluster) selected(ctx context.Context, d *Object, api, kind, hash string) ([]Object, error) {
	labels, _, err := unstructured.NestedStringMap(d.Object, "spec", "selector", "matchLabels")
	if err != nil {
		return nil, errs.New(errs.Invalid, "%s: %w", name(d), err)
	}
	p := &Object{}
	p.SetAPIVersion(api)
	p.SetKind(kind)
	p.SetNamespace(d.GetNamespace())
	r, err := c.at(p)
	if err != nil {
		return nil, err
	}
	if hash != "" {
		labels["pod-template-hash"] = hash
	}
	list, err := r.List(ctx, metav1.ListOptions{LabelSelector: metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: labels})})
	if err != nil {
		return nil, kindOf(err, "list what belongs to "+name(d))
	}
	return list.Items, nil
}

// kindOf gives an error of the cluster its kind.
func kindOf(err error, doing string) error {
	kind := errs.Unavailable
	switch {
	case err == nil:
		return nil
	case apierrors.IsNotFound(err):
		kind = errs.NotFound
	case apierrors.IsConflict(err):
		return errs.New(errs.State, "%s: %w; let the other manager give the field up, or leave it out", doing, err)
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		kind = errs.Invalid
	case apierrors.IsUnauthorized(err):
		kind = errs.Unauthenticated
	case apierrors.IsForbidden(err):
		kind = errs.Denied
	case errs.KindOf(err) == errs.Canceled:
		kind = errs.Canceled
	}
	return errs.Wrap(errs.New(kind, "%w", err), "%s", doing)
}
