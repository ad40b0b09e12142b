// Package azurefake is a local control plane of Azure ML: Microsoft's own fake
// server behind HTTPS, with a state that outlives it, storage for uploads, a login
// and run logs. Command jobs really run, as processes of this machine, and online
// endpoints really serve.
package azurefake

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4/fake"

	"github.com/drivecast/drivecast/internal/azure/azurefake/history"
	"github.com/drivecast/drivecast/internal/azure/azurefake/online"
)

// The login that the server takes, besides the secret that it makes.
const (
	Tenant = "00000000-0000-0000-0000-000000000001"
	Client = "00000000-0000-0000-0000-000000000002"
)

// Options of a server.
type Options struct {
	Dir     string        // where the state and the files are; made when absent
	URL     string        // https://HOST:PORT that clients use
	Slots   int           // jobs at a time; 0 is 2
	Step    time.Duration // how long a job stays in each state before it runs, and in all of them when it only passes through
	Environ []string      // of the jobs' processes
	Log     *slog.Logger
	CA      string // PEM file with the certificate of URL, which the jobs' processes trust

	Scorer     string            // program that serves the models of online endpoints; "" for none
	Containers map[string]string // image -> command line that stands for it, listening on $PORT
	Pace       float64           // how many times faster than Azure's the clock of probes runs; 0 is 1
}

// Server is the control plane. Handler serves it; Run runs its jobs.
type Server struct {
	o         Options
	transport *fake.ServerFactoryTransport
	history   *history.Service
	online    *online.Service
	wake      chan struct{}

	mu      sync.Mutex
	state   state
	polls   map[string]string // path -> API of the long action that is polled there
	running map[string]context.CancelFunc
}

// New opens the state in the folder; jobs that ran when it was last left are
// queued again.
func New(o Options) (*Server, error) {
	if o.Slots <= 0 {
		o.Slots = 2
	}
	s := &Server{o: o, wake: make(chan struct{}, 1), polls: map[string]string{}, running: map[string]context.CancelFunc{}}
	if err := s.load(); err != nil {
		return nil, err
	}
	s.transport = fake.NewServerFactoryTransport(s.factory())
	s.history = s.newHistory()
	var err error
	s.online, err = online.New(online.Options{
		Dir: o.Dir, URL: o.URL, Step: o.Step, Pace: o.Pace, Environ: o.Environ, Scorer: o.Scorer, Containers: o.Containers, Log: o.Log, Group: inGroup,
		Asset:  s.asset,
		Folder: s.folder,
		Login:  func(token string) bool { return same(token, s.state.Token) },
	})
	return s, err
}

// asset returns what a workspace holds under an id below it.
func (s *Server) asset(ws, id string) (json.RawMessage, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, ok := s.state.Resources[ws+"/"+id]
	return text, ok
}

// folder is what stands behind an address of the storage or of its datastore.
func (s *Server) folder(address string) (string, error) {
	if _, rest, ok := strings.Cut(address, "datastores/"); ok && strings.HasPrefix(address, "azureml://") {
		if _, path, ok := strings.Cut(rest, "/paths/"); ok && filepath.IsLocal(filepath.FromSlash(path)) {
			return s.blobPath(store, path), nil
		}
	}
	return s.local(address)
}

// Secret is the client secret that the server takes.
func (s *Server) Secret() string { return s.state.Secret }

func random() string {
	b := make([]byte, 20)
	rand.Read(b)
	return hex.EncodeToString(b)
}

func same(a, b string) bool { return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// Handler serves the control plane, the login, the storage and the run history.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /"+Tenant+"/oauth2/v2.0/token", s.token)
	mux.HandleFunc("GET /"+Tenant+"/v2.0/.well-known/openid-configuration", s.discovery)
	mux.HandleFunc("/blob/{container}", s.blobs)
	mux.HandleFunc("/blob/{container}/{name...}", s.blobs)
	mux.HandleFunc("/mlflow/{path...}", s.history.MLflow)
	mux.HandleFunc("/history/v1.0/{path...}", s.history.Runs)
	mux.HandleFunc("/artifact/v2.0/{path...}", s.history.Artifacts)
	mux.HandleFunc("/subscriptions/{rest...}", s.known(s.manage))
	mux.HandleFunc("/endpoints/{ws}/{e}/{path...}", s.online.Score)
	return mux
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, map[string]any{"error": map[string]string{"code": code, "message": message}})
}

// token logs in who knows the secret; federated logins send it as their token.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	secret := r.PostFormValue("client_secret")
	if secret == "" {
		secret = r.PostFormValue("client_assertion")
	}
	if r.PostFormValue("client_id") != Client || !same(secret, s.state.Secret) {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."})
		return
	}
	answer(w, http.StatusOK, map[string]any{"token_type": "Bearer", "expires_in": 3600, "ext_expires_in": 3600, "access_token": s.state.Token})
}

func (s *Server) discovery(w http.ResponseWriter, _ *http.Request) {
	base := s.o.URL + "/" + Tenant
	answer(w, http.StatusOK, map[string]string{
		"issuer": base + "/v2.0", "token_endpoint": base + "/oauth2/v2.0/token", "authorization_endpoint": base + "/oauth2/v2.0/authorize",
		"device_authorization_endpoint": base + "/oauth2/v2.0/devicecode",
	})
}

// known lets only those through who have logged in.
func (s *Server) known(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !same(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), s.state.Token) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			refuse(w, http.StatusUnauthorized, "AuthenticationFailed", "log in first")
			return
		}
		next(w, r)
	}
}

// pollSuffix is where the SDK asks how a long action goes.
const pollSuffix = "/get/fake/status"

// manage hands a request of the control plane to Microsoft's fake, which knows
// requests by the name of the SDK's method.
func (s *Server) manage(w http.ResponseWriter, r *http.Request) {
	if s.online.Manage(w, r) {
		return
	}
	api := s.api(r)
	if api == "" {
		s.general(w, r)
		return
	}
	ctx := context.WithValue(r.Context(), runtime.CtxAPINameKey{}, api)
	in := r.Clone(ctx)
	in.RequestURI = ""
	in.URL.Scheme, in.URL.Host = "https", r.Host
	in.Body = http.MaxBytesReader(w, r.Body, 16<<20)
	out, err := s.transport.Do(in)
	if err != nil {
		s.failed(w, err)
		return
	}
	defer out.Body.Close()
	for key, list := range out.Header {
		w.Header()[key] = list
	}
	w.WriteHeader(out.StatusCode)
	io.Copy(w, out.Body)
}

// api names the SDK's method for a request; "" when there is none here.
func (s *Server) api(r *http.Request) string {
	path, polled := strings.CutSuffix(r.URL.Path, pollSuffix)
	s.mu.Lock()
	defer s.mu.Unlock()
	if polled {
		return s.polls[path]
	}
	api := apiOf(r.Method, path)
	if strings.Contains(api, ".Begin") {
		s.polls[path] = api
	}
	return api
}

// apiOf names the SDK's method of a method and path.
func apiOf(method, path string) string {
	_, rest, ok := strings.Cut(path, "/providers/Microsoft.MachineLearningServices/")
	if !ok {
		return ""
	}
	parts := strings.Split(strings.Trim(rest, "/"), "/")
	if parts[0] == "locations" && len(parts) == 3 && parts[2] == "usages" {
		return "UsagesClient.NewListPager"
	}
	if parts[0] != "workspaces" || len(parts) < 2 {
		return ""
	}
	shape := method
	for i, p := range parts[2:] {
		if i%2 == 0 {
			shape += " " + p
		} else {
			shape += " *"
		}
	}
	return apis()[shape]
}

// apis are the requests that the server knows, by method and shape.
func apis() map[string]string {
	out := map[string]string{
		"GET": "WorkspacesClient.Get", "GET jobs": "JobsClient.NewListPager", "POST jobs * cancel": "JobsClient.BeginCancel",
		"GET jobs *": "JobsClient.Get", "PUT jobs *": "JobsClient.CreateOrUpdate", "DELETE jobs *": "JobsClient.BeginDelete",
		"POST codes * versions * startPendingUpload": "CodeVersionsClient.CreateOrGetStartPendingUpload",
		"GET environments *":                         "EnvironmentContainersClient.Get",
		"GET components *":                           "ComponentContainersClient.Get",
		"GET models *":                               "ModelContainersClient.Get",
		"PUT computes *":                             "ComputeClient.BeginCreateOrUpdate", "GET computes *": "ComputeClient.Get", "PATCH computes *": "ComputeClient.BeginUpdate",
		"PUT schedules *": "SchedulesClient.BeginCreateOrUpdate", "GET schedules *": "SchedulesClient.Get",
		"GET schedules": "SchedulesClient.NewListPager", "DELETE schedules *": "SchedulesClient.BeginDelete",
		"GET computes":     "ComputeClient.NewListPager",
		"GET datastores *": "DatastoresClient.Get", "POST datastores * listSecrets": "DatastoresClient.ListSecrets",
	}
	for plural, client := range map[string]string{"codes": "CodeVersionsClient", "environments": "EnvironmentVersionsClient", "models": "ModelVersionsClient", "components": "ComponentVersionsClient"} {
		out["GET "+plural+" * versions *"] = client + ".Get"
		out["PUT "+plural+" * versions *"] = client + ".CreateOrUpdate"
	}
	return out
}

// general answers what is not Azure ML's: the subscription, the group and what
// the principal may do.
func (s *Server) general(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case r.Method != http.MethodGet:
	case strings.HasSuffix(r.URL.Path, "/providers/Microsoft.Authorization/permissions"):
		answer(w, http.StatusOK, map[string]any{"value": []any{map[string]any{"actions": []string{"Microsoft.MachineLearningServices/workspaces/*"}, "notActions": []string{}}}})
		return
	case len(parts) == 2:
		answer(w, http.StatusOK, map[string]any{"id": r.URL.Path, "subscriptionId": parts[1], "state": "Enabled"})
		return
	case len(parts) == 4 && strings.EqualFold(parts[2], "resourceGroups"):
		answer(w, http.StatusOK, map[string]any{"id": r.URL.Path, "name": parts[3], "location": "local"})
		return
	}
	refuse(w, http.StatusNotFound, "ResourceNotFound", r.Method+" "+r.URL.Path+" is not served here")
}

// runDir is where a job's files are.
func (s *Server) runDir(name string) string { return filepath.Join(s.o.Dir, "runs", name) }
