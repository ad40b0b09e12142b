package kube

import (
	"context"
	"encoding/json"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	batchclient "k8s.io/client-go/kubernetes/typed/batch/v1"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/mlflow/client"
)

// Access says which cluster, in kubectl's words. Empty fields are kubectl's
// defaults: $KUBECONFIG or ~/.kube/config or the pod's own account, and its current
// context and namespace.
type Access struct {
	Kubeconfig, Context, Namespace string
}

// Config finds the address and credentials of the cluster, and the namespace.
func (a Access) Config() (*rest.Config, string, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = a.Kubeconfig
	over := &clientcmd.ConfigOverrides{CurrentContext: a.Context}
	over.Context.Namespace = a.Namespace
	cfg := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, over)
	space, _, err := cfg.Namespace()
	if err != nil {
		return nil, "", errs.New(errs.Invalid, "find the namespace: %w", err)
	}
	rc, err := cfg.ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		return nil, "", errs.New(errs.NotFound, "no cluster is configured; name a kubeconfig with --kubeconfig or $KUBECONFIG")
	}
	if err != nil {
		return nil, "", errs.New(errs.Invalid, "read the kubeconfig: %w", err)
	}
	rc.QPS, rc.Burst, rc.UserAgent = 50, 100, FieldManager
	return rc, space, nil
}

// Cluster is one namespace of a cluster, and the tracking server of its jobs.
type Cluster struct {
	Namespace string
	Tracking  *client.Client // nil when only the cluster is asked
	Now       func() time.Time

	batch batchclient.BatchV1Interface
	core  coreclient.CoreV1Interface
}

// Open connects to the cluster; nothing is asked of it yet.
func Open(a Access, tracking *client.Client, now func() time.Time) (*Cluster, error) {
	rc, space, err := a.Config()
	if err != nil {
		return nil, err
	}
	return New(rc, space, tracking, now)
}

// New is Open with a configuration that was found already.
func New(rc *rest.Config, namespace string, tracking *client.Client, now func() time.Time) (*Cluster, error) {
	batch, err := batchclient.NewForConfig(rc)
	if err != nil {
		return nil, errs.New(errs.Invalid, "connect to the cluster: %w", err)
	}
	core, err := coreclient.NewForConfig(rc)
	if err != nil {
		return nil, errs.New(errs.Invalid, "connect to the cluster: %w", err)
	}
	return &Cluster{Namespace: namespace, Tracking: tracking, Now: now, batch: batch, core: core}, nil
}

func (c *Cluster) jobs() batchclient.JobInterface { return c.batch.Jobs(c.Namespace) }

// get finds the Job of a name; another program's Job of that name is not found.
func (c *Cluster) get(ctx context.Context, name string) (*batchv1.Job, error) {
	j, err := c.jobs().Get(ctx, ObjectName(name), metav1.GetOptions{})
	if err != nil {
		return nil, kindOf(err, "find job %s in namespace %s", name, c.Namespace)
	}
	if j.Labels[LabelManaged] != FieldManager || j.Annotations[AnnotName] != name {
		return nil, errs.New(errs.NotFound, "no job %s is in namespace %s (the Job %s there is another's)", name, c.Namespace, j.Name)
	}
	return j, nil
}

// object is the JSON of a manifest without what only the cluster writes.
func object(v any) (map[string]any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, errs.Wrap(err, "write the manifest")
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, errs.Wrap(err, "write the manifest")
	}
	delete(out, "status")
	dropNull(out)
	return out, nil
}

// dropNull leaves out fields that are null, such as the time of creation.
func dropNull(m map[string]any) {
	for k, v := range m {
		switch v := v.(type) {
		case nil:
			delete(m, k)
		case map[string]any:
			dropNull(v)
		case []any:
			for _, x := range v {
				if y, ok := x.(map[string]any); ok {
					dropNull(y)
				}
			}
		}
	}
}

// apply is a server-side apply by our field manager. Fields that another manager
// owns are a conflict, not overwritten.
func (c *Cluster) apply(ctx context.Context, resource, name string, v any) ([]byte, error) {
	o, err := object(v)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(o)
	if err != nil {
		return nil, errs.Wrap(err, "write the manifest")
	}
	server := c.core.RESTClient()
	if resource == "jobs" {
		server = c.batch.RESTClient()
	}
	out, err := server.Patch(types.ApplyPatchType).Namespace(c.Namespace).Resource(resource).Name(name).
		VersionedParams(&metav1.PatchOptions{FieldManager: FieldManager}, metav1.ParameterCodec).Body(b).Do(ctx).Raw()
	return out, kindOf(err, "apply %s %s", resource, name)
}

// kindOf gives an error of the cluster its kind.
func kindOf(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	kind := errs.Unavailable
	switch {
	case apierrors.IsNotFound(err):
		kind = errs.NotFound
	case apierrors.IsAlreadyExists(err):
		kind = errs.Exists
	case apierrors.IsConflict(err):
		kind = errs.State
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		kind = errs.Invalid
	case apierrors.IsUnauthorized(err):
		kind = errs.Unauthenticated
	case apierrors.IsForbidden(err):
		kind = errs.Denied
	case errs.KindOf(err) == errs.Canceled:
		kind = errs.Canceled
	}
	return errs.Wrap(errs.New(kind, "%w", err), format, args...)
}
