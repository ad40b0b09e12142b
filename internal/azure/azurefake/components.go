package azurefake

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	arm "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4/fake"
)

// serveComponents keeps components.
func (s *Server) serveComponents(f *fake.ServerFactory) {
	v := &f.ComponentVersionsServer
	v.CreateOrUpdate = func(_ context.Context, group, ws, name, version string, body arm.ComponentVersion, _ *arm.ComponentVersionsClientCreateOrUpdateOptions) (resp azfake.Responder[arm.ComponentVersionsClientCreateOrUpdateResponse], bad azfake.ErrorResponder) {
		var spec any
		if body.Properties != nil {
			spec = body.Properties.ComponentSpec
		}
		if absent := s.absent(ws, spec); absent != "" {
			bad.SetResponseError(http.StatusBadRequest, absent+" is not registered")
			return
		}
		rest := "components/" + name + "/versions/" + version
		body.ID, body.Name = to.Ptr(path(group, ws, rest)), &version
		fresh, err := s.put(ws+"/"+rest, body)
		if err == nil {
			_, err = s.put(ws+"/components/"+name, arm.ComponentContainer{
				ID: to.Ptr(path(group, ws, "components/"+name)), Name: &name, Properties: &arm.ComponentContainerProperties{LatestVersion: &version},
			})
		}
		if err != nil {
			bad.SetError(err)
			return
		}
		resp.SetResponse(status(fresh), arm.ComponentVersionsClientCreateOrUpdateResponse{ComponentVersion: body}, nil)
		return
	}
	v.Get = func(_ context.Context, _, ws, name, version string, _ *arm.ComponentVersionsClientGetOptions) (resp azfake.Responder[arm.ComponentVersionsClientGetResponse], bad azfake.ErrorResponder) {
		var out arm.ComponentVersionsClientGetResponse
		if !s.get(ws+"/components/"+name+"/versions/"+version, &out.ComponentVersion) {
			bad.SetResponseError(http.StatusNotFound, missing)
			return
		}
		resp.SetResponse(http.StatusOK, out, nil)
		return
	}
	f.ComponentContainersServer.Get = func(_ context.Context, _, ws, name string, _ *arm.ComponentContainersClientGetOptions) (resp azfake.Responder[arm.ComponentContainersClientGetResponse], bad azfake.ErrorResponder) {
		var out arm.ComponentContainersClientGetResponse
		if !s.get(ws+"/components/"+name, &out.ComponentContainer) {
			bad.SetResponseError(http.StatusNotFound, missing)
			return
		}
		resp.SetResponse(http.StatusOK, out, nil)
		return
	}
}

// absent names what a body refers to as registered here and is not: components, code
// and the environments that jobs define. It is "" when all is there.
func (s *Server) absent(ws string, v any) string {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			id, isText := v[k].(string)
			switch {
			case strings.HasPrefix(k, "environment_v"), strings.HasPrefix(k, "environmentV"), k == "inputs", k == "outputs", k == "tags":
				continue // the user's names
			case !isText:
			case k == "componentId" && !strings.Contains(id, "/components/"):
				return fmt.Sprintf("%.80q", id)
			case k == "componentId", k == "component", k == "codeId", k == "code", k == "environmentId", k == "environment":
				if !s.registered(ws, id) {
					return id
				}
			}
			if one := s.absent(ws, v[k]); one != "" {
				return one
			}
		}
	case []any:
		for _, x := range v {
			if one := s.absent(ws, x); one != "" {
				return one
			}
		}
	}
	return ""
}

// registered reports whether an id of this workspace is known. Curated environments,
// those of registries and of other names are taken to be there.
func (s *Server) registered(ws, id string) bool {
	_, rest, ok := strings.Cut(id, "/workspaces/"+ws+"/")
	if !ok || strings.HasPrefix(rest, "environments/") && !strings.HasPrefix(rest, "environments/CliV2AnonymousEnvironment/") {
		return ok || strings.HasPrefix(id, "azureml://")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.state.Resources[ws+"/"+rest]
	return known
}

// unknownPart is absent for a job.
func (s *Server) unknownPart(ws string, body arm.JobBase) (string, error) {
	text, err := json.Marshal(body)
	var plain any
	if err == nil {
		err = json.Unmarshal(text, &plain)
	}
	return s.absent(ws, plain), err
}
