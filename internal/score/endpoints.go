package score

import (
	"net/http"
	"net/url"
)

// endpointsPath is where MLflow's deployment client (mlflow.deployments) looks for
// what a server has; it asks a model at /endpoints/NAME/invocations.
const endpointsPath = "/api/2.0/endpoints/"

// endpoint describes a model as MLflow's deployment client expects it.
type endpoint struct {
	Name  string        `json:"name"`
	Type  string        `json:"endpoint_type"`
	Model endpointModel `json:"model"`
	URL   string        `json:"endpoint_url"`
	Limit *struct{}     `json:"limit"` // there is none
}

type endpointModel struct {
	Name     string `json:"name"`
	Provider string `json:"provider"`
}

// endpoints lists the models, or describes the one that is named.
func (h *Handler) endpoints(w http.ResponseWriter, r *http.Request, name string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuse(w, http.StatusMethodNotAllowed, "Method Not Allowed")
		return
	}
	list := []endpoint{}
	for _, s := range h.Status() {
		e := endpoint{s.Name, "mlflow/v1/invocations", endpointModel{s.Name + "/" + s.Version, "drivecast"}, "/endpoints/" + url.PathEscape(s.Name) + "/invocations", nil}
		if s.Name == name {
			writeJSON(w, http.StatusOK, e)
			return
		}
		list = append(list, e)
	}
	if name != "" {
		refuse(w, http.StatusNotFound, "There is no model "+name+"; this server has "+h.models.Load().names())
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"endpoints": list})
}
