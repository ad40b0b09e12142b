package azure

import (
	"context"
	"encoding/json"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"

	"github.com/drivecast/drivecast/errs"
)

// Environment registers an environment under a name and version and returns its
// ARM id. Properties are the REST API's (image, condaFile, …). The same version
// with the same properties may be registered again.
func (c *Client) Environment(ctx context.Context, name, version string, properties map[string]any) (string, error) {
	text, err := json.Marshal(map[string]any{"properties": properties})
	if err != nil {
		return "", errs.Wrap(err, "write the environment")
	}
	var body armmachinelearning.EnvironmentVersion
	if err := json.Unmarshal(text, &body); err != nil {
		return "", errs.New(errs.Invalid, "the environment does not fit Azure's SDK: %w", err)
	}
	made, err := c.factory.NewEnvironmentVersionsClient().CreateOrUpdate(ctx, c.at.Group, c.at.Name, name, version, body, nil)
	if err != nil {
		return "", failed(err, "register environment %s", name)
	}
	return deref(made.ID), nil
}

// Component registers a component under a name and version and returns its ARM id. Spec
// are its fields as the REST API has them. The same version with the same spec may be
// registered again.
func (c *Client) Component(ctx context.Context, name, version string, spec map[string]any) (string, error) {
	anonymous := true
	made, err := c.factory.NewComponentVersionsClient().CreateOrUpdate(ctx, c.at.Group, c.at.Name, name, version, armmachinelearning.ComponentVersion{
		Properties: &armmachinelearning.ComponentVersionProperties{ComponentSpec: spec, IsAnonymous: &anonymous},
	}, nil)
	if err != nil {
		return "", failed(err, "register a component")
	}
	return deref(made.ID), nil
}

// LatestComponent returns the newest version of a component.
func (c *Client) LatestComponent(ctx context.Context, name string) (string, error) {
	got, err := c.factory.NewComponentContainersClient().Get(ctx, c.at.Group, c.at.Name, name, nil)
	if err != nil {
		return "", failed(err, "component %s", name)
	}
	if got.Properties == nil || deref(got.Properties.LatestVersion) == "" {
		return "", errs.New(errs.NotFound, "component %s has no version", name)
	}
	return *got.Properties.LatestVersion, nil
}

// LatestEnvironment returns the newest version of an environment.
func (c *Client) LatestEnvironment(ctx context.Context, name string) (string, error) {
	got, err := c.factory.NewEnvironmentContainersClient().Get(ctx, c.at.Group, c.at.Name, name, nil)
	if err != nil {
		return "", failed(err, "environment %s", name)
	}
	if got.Properties == nil || deref(got.Properties.LatestVersion) == "" {
		return "", errs.New(errs.NotFound, "environment %s has no version", name)
	}
	return *got.Properties.LatestVersion, nil
}

// Model registers a model whose files are at an address, and returns the answer.
func (c *Client) Model(ctx context.Context, name, version, kind, uri string, tags map[string]string) ([]byte, error) {
	p := &armmachinelearning.ModelVersionProperties{ModelURI: &uri, Tags: map[string]*string{}}
	if kind != "" {
		p.ModelType = &kind
	}
	for k, v := range tags {
		p.Tags[k] = to.Ptr(v)
	}
	return c.putModel(ctx, name, version, armmachinelearning.ModelVersion{Properties: p})
}

// PutModel registers a model by its REST body, and returns the answer.
func (c *Client) PutModel(ctx context.Context, name, version string, body map[string]any) ([]byte, error) {
	var m armmachinelearning.ModelVersion
	if err := fit(body, &m); err != nil {
		return nil, errs.Wrap(err, "model %s", name)
	}
	return c.putModel(ctx, name, version, m)
}

func (c *Client) putModel(ctx context.Context, name, version string, m armmachinelearning.ModelVersion) ([]byte, error) {
	made, err := c.factory.NewModelVersionsClient().CreateOrUpdate(ctx, c.at.Group, c.at.Name, name, version, m, nil)
	if err != nil {
		return nil, failed(err, "register model %s", name)
	}
	text, err := json.Marshal(made.ModelVersion)
	return text, errs.Wrap(err, "read the model")
}

// LatestModel returns the newest version of a model.
func (c *Client) LatestModel(ctx context.Context, name string) (string, error) {
	got, err := c.factory.NewModelContainersClient().Get(ctx, c.at.Group, c.at.Name, name, nil)
	if err != nil {
		return "", failed(err, "model %s", name)
	}
	if got.Properties == nil || deref(got.Properties.LatestVersion) == "" {
		return "", errs.New(errs.NotFound, "model %s has no version", name)
	}
	return *got.Properties.LatestVersion, nil
}

// ShowModel returns a version of a model, and where its files are.
func (c *Client) ShowModel(ctx context.Context, name, version string) (text []byte, uri string, err error) {
	got, err := c.factory.NewModelVersionsClient().Get(ctx, c.at.Group, c.at.Name, name, version, nil)
	if err != nil {
		return nil, "", failed(err, "model %s version %s", name, version)
	}
	if got.Properties != nil {
		uri = deref(got.Properties.ModelURI)
	}
	text, err = json.Marshal(got.ModelVersion)
	return text, uri, errs.Wrap(err, "read the model")
}

// Cluster is a compute cluster's size and bounds.
type Cluster struct {
	Name, Size, Priority, Location string
	Min, Max                       int32
	Idle                           string // ISO 8601, before a node is given back; "" for Azure's own
}

// CreateCluster makes a cluster, or changes it, and returns the answer.
func (c *Client) CreateCluster(ctx context.Context, k Cluster) ([]byte, error) {
	scale := &armmachinelearning.ScaleSettings{MinNodeCount: &k.Min, MaxNodeCount: &k.Max}
	if k.Idle != "" {
		scale.NodeIdleTimeBeforeScaleDown = &k.Idle
	}
	priority := armmachinelearning.VMPriorityDedicated
	if k.Priority == "low_priority" || k.Priority == "LowPriority" {
		priority = armmachinelearning.VMPriorityLowPriority
	}
	body := armmachinelearning.ComputeResource{Properties: &armmachinelearning.AmlCompute{
		ComputeType: to.Ptr(armmachinelearning.ComputeTypeAmlCompute),
		Properties:  &armmachinelearning.AmlComputeProperties{VMSize: &k.Size, VMPriority: &priority, ScaleSettings: scale},
	}}
	if k.Location != "" {
		body.Location = &k.Location
	}
	p, err := c.factory.NewComputeClient().BeginCreateOrUpdate(ctx, c.at.Group, c.at.Name, k.Name, body, nil)
	if err != nil {
		return nil, failed(err, "create compute %s", k.Name)
	}
	made, err := p.PollUntilDone(ctx, &runtime.PollUntilDoneOptions{Frequency: pollEvery})
	if err != nil {
		return nil, failed(err, "create compute %s", k.Name)
	}
	text, err := json.Marshal(made.ComputeResource)
	return text, errs.Wrap(err, "read the compute")
}

// ScaleCluster changes a cluster's bounds.
func (c *Client) ScaleCluster(ctx context.Context, name string, low, high int32, idle string) error {
	scale := &armmachinelearning.ScaleSettings{MinNodeCount: &low, MaxNodeCount: &high}
	if idle != "" {
		scale.NodeIdleTimeBeforeScaleDown = &idle
	}
	p, err := c.factory.NewComputeClient().BeginUpdate(ctx, c.at.Group, c.at.Name, name, armmachinelearning.ClusterUpdateParameters{
		Properties: &armmachinelearning.ClusterUpdateProperties{Properties: &armmachinelearning.ScaleSettingsInformation{ScaleSettings: scale}},
	}, nil)
	if err != nil {
		return failed(err, "scale compute %s", name)
	}
	_, err = p.PollUntilDone(ctx, &runtime.PollUntilDoneOptions{Frequency: pollEvery})
	return failed(err, "scale compute %s", name)
}

// ShowCompute returns a compute.
func (c *Client) ShowCompute(ctx context.Context, name string) ([]byte, error) {
	got, err := c.factory.NewComputeClient().Get(ctx, c.at.Group, c.at.Name, name, nil)
	if err != nil {
		return nil, failed(err, "compute %s", name)
	}
	text, err := json.Marshal(got.ComputeResource)
	return text, errs.Wrap(err, "read the compute")
}
