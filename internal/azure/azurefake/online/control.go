package online

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// States of endpoints and deployments.
const (
	creating  = "Creating"
	updating  = "Updating"
	succeeded = "Succeeded"
	broken    = "Failed"
	deleting  = "Deleting"
)

func busy(state string) bool { return state == creating || state == updating || state == deleting }

const (
	inGroup = "/subscriptions/{sub}/resourceGroups/{group}/providers/"
	inSpace = inGroup + "Microsoft.MachineLearningServices/workspaces/{ws}"
	one     = inSpace + "/onlineEndpoints/{e}"
	part    = one + "/deployments/{d}"
	scaling = inGroup + "Microsoft.Insights/autoscalesettings"
)

func (s *Service) routes() {
	s.mux = http.NewServeMux()
	for pattern, h := range map[string]http.HandlerFunc{
		"GET " + inSpace + "/onlineEndpoints": s.listEndpoints,
		"PUT " + one:                          s.putEndpoint,
		"PATCH " + one:                        s.patchEndpoint,
		"GET " + one:                          s.getEndpoint,
		"DELETE " + one:                       s.deleteEndpoint,
		"POST " + one + "/listKeys":           s.keys,
		"POST " + one + "/regenerateKeys":     s.regenerate,
		"POST " + one + "/token":              s.token,
		"GET " + one + "/deployments":         s.listDeployments,
		"PUT " + part:                         s.putDeployment,
		"PATCH " + part:                       s.patchDeployment,
		"GET " + part:                         s.getDeployment,
		"DELETE " + part:                      s.deleteDeployment,
		"POST " + part + "/getLogs":           s.logs,
		"GET " + part + "/skus":               s.skus,
		"PUT " + scaling + "/{name}":          s.putScale,
		"GET " + scaling + "/{name}":          s.getScale,
		"DELETE " + scaling + "/{name}":       s.deleteScale,
		"GET /subscriptions/{sub}/providers/Microsoft.MachineLearningServices/locations/local/mfeOperationsStatus/{op}": s.operation,
	} {
		s.mux.HandleFunc(pattern, h)
	}
}

// Manage answers a request of the control plane when it is about endpoints or
// autoscaling, and reports whether it was.
func (s *Service) Manage(w http.ResponseWriter, r *http.Request) bool {
	if _, pattern := s.mux.Handler(r); pattern == "" {
		return false
	}
	s.mux.ServeHTTP(w, r)
	return true
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("x-ms-error-code", code)
	answer(w, status, map[string]any{"error": map[string]string{"code": code, "message": message}})
}

// read decodes a body of at most 4 MB, or refuses it.
func read(w http.ResponseWriter, r *http.Request, v any) bool {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4<<20))
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequestContent", "the body is not what this takes: "+err.Error())
		return false
	}
	return true
}

// under is the endpoint that a request is about, nil after it was refused; the
// caller holds the lock.
func (s *Service) under(w http.ResponseWriter, r *http.Request) *endpoint {
	e := s.endpoints[r.PathValue("ws")+"/"+r.PathValue("e")]
	if e == nil {
		refuse(w, http.StatusNotFound, "ResourceNotFound", "there is no online endpoint "+r.PathValue("e"))
	}
	return e
}

// deploymentOf is the deployment that a request is about, nil after it was refused;
// the caller holds the lock.
func (s *Service) deploymentOf(w http.ResponseWriter, r *http.Request) (*endpoint, *deployment) {
	e := s.under(w, r)
	if e == nil {
		return nil, nil
	}
	d := e.Deployments[r.PathValue("d")]
	if d == nil {
		refuse(w, http.StatusNotFound, "ResourceNotFound", "endpoint "+e.Name+" has no deployment "+r.PathValue("d"))
	}
	return e, d
}

// accepted answers that an action goes on, and where to ask how.
func (s *Service) accepted(w http.ResponseWriter, r *http.Request, status int, op string, v any) {
	w.Header().Set("Azure-AsyncOperation", s.o.URL+"/subscriptions/"+r.PathValue("sub")+"/providers/Microsoft.MachineLearningServices/locations/local/mfeOperationsStatus/"+op+"?api-version=2024-04-01")
	s.poke()
	if v == nil {
		w.WriteHeader(status)
		return
	}
	answer(w, status, v)
}

// operation tells how an action goes, by the state of what it is about: its name is
// what:WORKSPACE:ENDPOINT[:DEPLOYMENT].
func (s *Service) operation(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(r.PathValue("op"), ":")
	if len(parts) < 3 {
		refuse(w, http.StatusNotFound, "ResourceNotFound", "no such operation")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	state, code, fault := "", "", ""
	if e := s.endpoints[parts[1]+"/"+parts[2]]; e != nil {
		state = e.State
		if len(parts) > 3 {
			state = ""
			if d := e.Deployments[parts[3]]; d != nil {
				state, code, fault = d.State, d.Code, d.Fault
			}
		}
	}
	out := map[string]any{"name": r.PathValue("op"), "status": succeeded}
	switch {
	case state == "" && parts[0] != "delete":
		refuse(w, http.StatusNotFound, "ResourceNotFound", "what this was about is no longer there")
		return
	case busy(state):
		out["status"] = "InProgress"
	case state == broken:
		out["status"], out["error"] = broken, map[string]string{"code": code, "message": fault}
	}
	answer(w, http.StatusOK, out)
}
