package online

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	arm "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"
)

// most is how many deployments an endpoint may have.
const most = 20

// shownDeployment is a deployment as the API shows it; the caller holds the lock.
func shownDeployment(e *endpoint, d *deployment) arm.OnlineDeployment {
	b := d.Body
	state := to.Ptr(arm.DeploymentProvisioningState(d.State))
	kind := "Managed"
	switch p := b.Properties.(type) {
	case *arm.ManagedOnlineDeployment:
		c := *p
		c.ProvisioningState, b.Properties = state, &c
	case *arm.KubernetesOnlineDeployment:
		c := *p
		c.ProvisioningState, b.Properties, kind = state, &c, "Kubernetes"
	}
	b.ID, b.Name, b.Kind = to.Ptr(e.id()+"/deployments/"+d.Name), &d.Name, &kind
	b.Type = to.Ptr("Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments")
	return b
}

func (s *Service) putDeployment(w http.ResponseWriter, r *http.Request) {
	var body arm.OnlineDeployment
	if !read(w, r, &body) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.under(w, r)
	if e == nil {
		return
	}
	name := r.PathValue("d")
	d := e.Deployments[name]
	fresh := d == nil
	why := s.unfit(e, name, body)
	switch {
	case why != "":
		refuse(w, http.StatusBadRequest, "BadArgument", why)
		return
	case e.State == creating || e.State == deleting || !fresh && busy(d.State):
		refuse(w, http.StatusConflict, "ResourceConflict", "the endpoint or its deployment "+name+" is being changed; wait until that has ended")
		return
	case fresh && len(e.Deployments) >= most:
		refuse(w, http.StatusBadRequest, "BadArgument", "an endpoint has 20 deployments at most")
		return
	}
	status := http.StatusOK
	if fresh {
		d, status = &deployment{Name: name}, http.StatusCreated
		e.Deployments[name] = d
	}
	d.Body, d.Code, d.Fault = body, "", ""
	d.Moment++
	if d.State = updating; fresh {
		d.State = creating
	}
	if err := s.save(); err != nil {
		refuse(w, http.StatusInternalServerError, "InternalServerError", err.Error())
		return
	}
	s.accepted(w, r, status, "put:"+e.Workspace+":"+e.Name+":"+name, shownDeployment(e, d))
}

// unfit says why a deployment cannot be made of a body.
func (s *Service) unfit(e *endpoint, name string, body arm.OnlineDeployment) string {
	if !named(name) {
		return "a deployment's name has 3 to 32 letters, digits and -, a letter first: " + name
	}
	if body.Properties == nil || body.Location == nil {
		return "a deployment needs location and properties"
	}
	_, kube := body.Properties.(*arm.KubernetesOnlineDeployment)
	if kube != e.kubernetes() {
		return "the deployment is of another kind than its endpoint: managed or Kubernetes"
	}
	p := specOf(body)
	if !kube && p.instanceType == "" {
		return "a managed deployment needs properties.instanceType"
	}
	if n := body.SKU; n == nil || value(n.Capacity) < 1 {
		return "a deployment needs sku.capacity, its number of instances, of at least 1"
	}
	for what, id := range map[string]string{"model": p.model, "environmentId": p.environment} {
		if id == "" || what == "environmentId" && curated(id) {
			continue
		}
		if _, ok := s.asset(e.Workspace, id); !ok {
			return "properties." + what + ": " + id + " is not registered"
		}
	}
	return ""
}

// curated reports whether an environment is one of Microsoft's own, which are not
// kept here.
func curated(id string) bool {
	return strings.HasPrefix(id, "azureml://registries/") || strings.Contains(id, "/environments/AzureML-")
}

// spec is what both kinds of deployments say that matters here.
type spec struct {
	model, environment, instanceType string
	variables                        map[string]*string
	liveness, readiness              *arm.ProbeSettings
	requests                         *arm.OnlineRequestSettings
	code                             bool
	instances                        int
}

func specOf(b arm.OnlineDeployment) spec {
	out := spec{instances: 1}
	if b.SKU != nil && value(b.SKU.Capacity) > 1 {
		out.instances = int(*b.SKU.Capacity)
	}
	if b.Properties == nil {
		return out
	}
	p := b.Properties.GetOnlineDeploymentProperties()
	out.model, out.environment, out.instanceType = value(p.Model), value(p.EnvironmentID), value(p.InstanceType)
	out.variables, out.code = p.EnvironmentVariables, p.CodeConfiguration != nil
	out.liveness, out.readiness, out.requests = p.LivenessProbe, p.ReadinessProbe, p.RequestSettings
	return out
}

// asset returns what is registered under an id of the workspace.
func (s *Service) asset(ws, id string) (json.RawMessage, bool) {
	if _, rest, ok := strings.Cut(id, "/workspaces/"+ws+"/"); ok {
		id = rest
	}
	return s.o.Asset(ws, id)
}

func (s *Service) patchDeployment(w http.ResponseWriter, r *http.Request) {
	var body arm.PartialMinimalTrackedResourceWithSKU
	if !read(w, r, &body) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, d := s.deploymentOf(w, r)
	if d == nil {
		return
	}
	if busy(d.State) {
		refuse(w, http.StatusConflict, "ResourceConflict", "deployment "+d.Name+" is "+d.State)
		return
	}
	if body.Tags != nil {
		d.Body.Tags = body.Tags
	}
	if body.SKU != nil && value(body.SKU.Capacity) > 0 {
		d.Body.SKU = &arm.SKU{Name: to.Ptr("Default"), Capacity: body.SKU.Capacity}
	}
	d.State = updating
	d.Moment++
	if err := s.save(); err != nil {
		refuse(w, http.StatusInternalServerError, "InternalServerError", err.Error())
		return
	}
	s.accepted(w, r, http.StatusAccepted, "put:"+e.Workspace+":"+e.Name+":"+d.Name, shownDeployment(e, d))
}

func (s *Service) getDeployment(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, d := s.deploymentOf(w, r); d != nil {
		answer(w, http.StatusOK, shownDeployment(e, d))
	}
}

func (s *Service) listDeployments(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.under(w, r)
	if e == nil {
		return
	}
	list := []arm.OnlineDeployment{}
	for _, name := range slices.Sorted(maps.Keys(e.Deployments)) {
		list = append(list, shownDeployment(e, e.Deployments[name]))
	}
	answer(w, http.StatusOK, map[string]any{"value": list})
}

func (s *Service) deleteDeployment(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.endpoints[r.PathValue("ws")+"/"+r.PathValue("e")]
	if e == nil || e.Deployments[r.PathValue("d")] == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	d := e.Deployments[r.PathValue("d")]
	if p := e.Body.Properties; value(p.Traffic[d.Name]) > 0 || value(p.MirrorTraffic[d.Name]) > 0 {
		refuse(w, http.StatusBadRequest, "BadArgument", "deployment "+d.Name+" takes traffic; give it none before it is deleted")
		return
	}
	d.State = deleting
	s.accepted(w, r, http.StatusAccepted, "delete:"+e.Workspace+":"+e.Name+":"+d.Name, nil)
}

func (s *Service) skus(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, d := s.deploymentOf(w, r)
	if d == nil {
		return
	}
	now := int32(specOf(d.Body).instances)
	answer(w, http.StatusOK, map[string]any{"value": []arm.SKUResource{{
		ResourceType: to.Ptr(value(shownDeployment(e, d).Type)), SKU: &arm.SKUSetting{Name: to.Ptr("Default")},
		Capacity: &arm.SKUCapacity{Default: &now, Minimum: to.Ptr(int32(1)), Maximum: to.Ptr(int32(most)), ScaleType: to.Ptr(arm.SKUScaleTypeAutomatic)},
	}}})
}

// logs returns the end of a container's log.
func (s *Service) logs(w http.ResponseWriter, r *http.Request) {
	var body arm.DeploymentLogsRequest
	if !read(w, r, &body) {
		return
	}
	s.mu.Lock()
	e, d := s.deploymentOf(w, r)
	s.mu.Unlock()
	if d == nil {
		return
	}
	name := serverLog
	if value(body.ContainerType) == arm.ContainerTypeStorageInitializer {
		name = storageLog
	}
	text, err := os.ReadFile(filepath.Join(s.dir(e, d.Name), name))
	if err != nil && !os.IsNotExist(err) {
		refuse(w, http.StatusInternalServerError, "InternalServerError", err.Error())
		return
	}
	lines := strings.SplitAfter(string(text), "\n")
	if n := int(value(body.Tail)); n > 0 && len(lines) > n+1 {
		lines = lines[len(lines)-n-1:]
	}
	answer(w, http.StatusOK, arm.DeploymentLogs{Content: to.Ptr(strings.Join(lines, ""))})
}
