package azure

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"

	"github.com/drivecast/drivecast/errs"
)

// Endpoint is an online endpoint as it is now.
type Endpoint struct {
	Name, State string // State is Creating, Updating, Succeeded, Failed, Deleting or Canceled
	ScoringURI  string
	AuthMode    string           // Key, AMLToken or AADToken
	Traffic     map[string]int32 // percent by deployment; those without any are left out
	Mirror      map[string]int32 // percent of mirrored traffic by deployment, likewise
	whole       armmachinelearning.OnlineEndpoint
}

// Deployment is one of an endpoint's deployments as it is now.
type Deployment struct {
	Name, State  string // states as of an Endpoint, and Scaling
	InstanceType string
	Instances    int
	Tags         map[string]string
}

// Busy reports whether a state is of an action that goes on.
func Busy(state string) bool {
	switch state {
	case "Creating", "Updating", "Deleting", "Scaling":
		return true
	}
	return false
}

func endpointOf(b armmachinelearning.OnlineEndpoint) Endpoint {
	e := Endpoint{Name: deref(b.Name), whole: b}
	if p := b.Properties; p != nil {
		e.State, e.ScoringURI, e.AuthMode = string(deref(p.ProvisioningState)), deref(p.ScoringURI), string(deref(p.AuthMode))
		e.Traffic, e.Mirror = shares(p.Traffic), shares(p.MirrorTraffic)
	}
	return e
}

// shares leaves out the deployments that have none.
func shares(m map[string]*int32) map[string]int32 {
	out := map[string]int32{}
	for name, v := range m {
		if deref(v) > 0 {
			out[name] = *v
		}
	}
	return out
}

func pointers(m map[string]int32) map[string]*int32 {
	out := map[string]*int32{}
	for name, v := range m {
		out[name] = to.Ptr(v)
	}
	return out
}

// Endpoint returns an online endpoint.
func (c *Client) Endpoint(ctx context.Context, name string) (Endpoint, error) {
	got, err := c.factory.NewOnlineEndpointsClient().Get(ctx, c.at.Group, c.at.Name, name, nil)
	if err != nil {
		return Endpoint{}, failed(err, "endpoint %s", name)
	}
	return endpointOf(got.OnlineEndpoint), nil
}

// PutEndpoint makes an online endpoint of its REST body, or changes it, and waits until
// that has ended.
func (c *Client) PutEndpoint(ctx context.Context, name string, body map[string]any) (Endpoint, error) {
	var b armmachinelearning.OnlineEndpoint
	if err := fit(body, &b); err != nil {
		return Endpoint{}, errs.Wrap(err, "endpoint %s", name)
	}
	return c.putEndpoint(ctx, name, b)
}

func (c *Client) putEndpoint(ctx context.Context, name string, b armmachinelearning.OnlineEndpoint) (Endpoint, error) {
	p, err := c.factory.NewOnlineEndpointsClient().BeginCreateOrUpdate(ctx, c.at.Group, c.at.Name, name, b, nil)
	if err != nil {
		return Endpoint{}, failed(err, "endpoint %s", name)
	}
	made, err := wait(ctx, c, p)
	if err != nil {
		return Endpoint{}, failed(err, "endpoint %s", name)
	}
	return endpointOf(made.OnlineEndpoint), nil
}

// SetTraffic gives an endpoint's deployments these shares, and waits until they have
// them. Everything else stays as e has it.
func (c *Client) SetTraffic(ctx context.Context, e Endpoint, traffic, mirror map[string]int32) (Endpoint, error) {
	b := e.whole
	if b.Properties == nil {
		return e, errs.New(errs.Unavailable, "endpoint %s came without properties", e.Name)
	}
	p := *b.Properties
	p.Traffic, p.MirrorTraffic, p.Keys = pointers(traffic), pointers(mirror), nil
	p.ProvisioningState, p.ScoringURI, p.SwaggerURI = nil, nil, nil
	b.Properties, b.ID, b.Name, b.Type, b.Kind, b.SystemData = &p, nil, nil, nil, nil, nil
	if b.Identity != nil { // what Azure adds to it is not for sending
		own := armmachinelearning.ManagedServiceIdentity{Type: b.Identity.Type}
		for id := range b.Identity.UserAssignedIdentities {
			if own.UserAssignedIdentities == nil {
				own.UserAssignedIdentities = map[string]*armmachinelearning.UserAssignedIdentity{}
			}
			own.UserAssignedIdentities[id] = &armmachinelearning.UserAssignedIdentity{}
		}
		b.Identity = &own
	}
	return c.putEndpoint(ctx, e.Name, b)
}

// DeleteEndpoint deletes an endpoint with its deployments and waits until it is gone.
func (c *Client) DeleteEndpoint(ctx context.Context, name string) error {
	p, err := c.factory.NewOnlineEndpointsClient().BeginDelete(ctx, c.at.Group, c.at.Name, name, nil)
	if err == nil {
		_, err = wait(ctx, c, p)
	}
	return failed(err, "delete endpoint %s", name)
}

func deploymentOf(b armmachinelearning.OnlineDeployment) Deployment {
	d := Deployment{Name: deref(b.Name), Tags: map[string]string{}}
	for k, v := range b.Tags {
		d.Tags[k] = deref(v)
	}
	if b.SKU != nil {
		d.Instances = int(deref(b.SKU.Capacity))
	}
	if b.Properties != nil {
		p := b.Properties.GetOnlineDeploymentProperties()
		d.State, d.InstanceType = string(deref(p.ProvisioningState)), deref(p.InstanceType)
	}
	return d
}

// Deployments returns an endpoint's deployments by name.
func (c *Client) Deployments(ctx context.Context, endpoint string) (map[string]Deployment, error) {
	out := map[string]Deployment{}
	pages := c.factory.NewOnlineDeploymentsClient().NewListPager(c.at.Group, c.at.Name, endpoint, nil)
	for pages.More() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failed(err, "deployments of %s", endpoint)
		}
		for _, b := range page.Value {
			d := deploymentOf(*b)
			out[d.Name] = d
		}
	}
	return out, nil
}

// PutDeployment makes a deployment of its REST body, or changes it, and waits until
// that has ended. One that turned Failed is of kind State, with the reason.
func (c *Client) PutDeployment(ctx context.Context, endpoint, name string, body map[string]any) error {
	var b armmachinelearning.OnlineDeployment
	if err := fit(body, &b); err != nil {
		return errs.Wrap(err, "deployment %s", name)
	}
	p, err := c.factory.NewOnlineDeploymentsClient().BeginCreateOrUpdate(ctx, c.at.Group, c.at.Name, endpoint, name, b, nil)
	if err != nil {
		return failed(err, "deployment %s", name)
	}
	_, err = wait(ctx, c, p)
	return failed(err, "deployment %s", name)
}

// DeleteDeployment deletes a deployment and waits until it is gone.
func (c *Client) DeleteDeployment(ctx context.Context, endpoint, name string) error {
	p, err := c.factory.NewOnlineDeploymentsClient().BeginDelete(ctx, c.at.Group, c.at.Name, endpoint, name, nil)
	if err == nil {
		_, err = wait(ctx, c, p)
	}
	return failed(err, "delete deployment %s", name)
}

// DeploymentLog returns the last lines of a deployment's container: InferenceServer or
// StorageInitializer.
func (c *Client) DeploymentLog(ctx context.Context, endpoint, name, container string, lines int32) (string, error) {
	kind := armmachinelearning.ContainerType(container)
	got, err := c.factory.NewOnlineDeploymentsClient().GetLogs(ctx, c.at.Group, c.at.Name, endpoint, name,
		armmachinelearning.DeploymentLogsRequest{ContainerType: &kind, Tail: &lines}, nil)
	return deref(got.Content), failed(err, "log of deployment %s", name)
}

// Location returns the workspace's region.
func (c *Client) Location(ctx context.Context) (string, error) {
	ws, err := c.factory.NewWorkspacesClient().Get(ctx, c.at.Group, c.at.Name, nil)
	return deref(ws.Location), failed(err, "workspace %s", c.at.Name)
}

// At is the workspace that the client works in.
func (c *Client) At() Workspace { return c.at }

// fit turns a REST body into a type of the SDK.
func fit(body map[string]any, to any) error {
	body = maps.Clone(body)
	text, err := json.Marshal(body)
	if err != nil {
		return errs.Wrap(err, "write the body")
	}
	if err := json.Unmarshal(text, to); err != nil {
		return errs.New(errs.Invalid, "it does not fit Azure's SDK: %w", err)
	}
	return nil
}

// actionFailed is why a long action ended badly, "" when it is not that which went
// wrong.
func actionFailed(err error) string {
	var ended *actionError
	if errors.As(err, &ended) {
		return ended.why
	}
	return ""
}

// actionError is a long action that ended as a failure; a request that was refused is
// none.
type actionError struct {
	why string
	err error
}

func (e *actionError) Error() string { return e.why }
func (e *actionError) Unwrap() error { return e.err }

// wait follows a long action to its end.
func wait[T any](ctx context.Context, c *Client, p *runtime.Poller[T]) (T, error) {
	pause := 5 * time.Second
	if c.conn.local() {
		pause = 50 * time.Millisecond
	}
	for !p.Done() {
		select {
		case <-ctx.Done():
			var none T
			return none, errs.New(errs.Canceled, "stopped waiting")
		case <-time.After(pause):
		}
		if _, err := p.Poll(ctx); err != nil {
			var none T
			return none, err
		}
	}
	out, err := p.Result(ctx)
	if answer := answerOf(err); answer != nil && answer.StatusCode < 400 {
		err = &actionError{why: describe(answer), err: err}
	}
	return out, err
}
