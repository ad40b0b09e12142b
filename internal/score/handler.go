package score

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drivecast/drivecast/internal/score/route"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/table"
)

// ProtocolVersion is the MLflow release whose scoring protocol is spoken, and
// what GET /version answers unless Config.Version says otherwise.
const ProtocolVersion = "3.17.2"

// Config says what a Handler serves and how much it takes on.
type Config struct {
	Model         *model.Model   // the first model, which the routes without a name ask
	Logger        *slog.Logger   // nil: slog.Default()
	Version       string         // answer of GET /version; "": ProtocolVersion
	Name          string         // of the model under /models and /v2; "": "model"
	ModelVersion  string         // under /v2; "": "1"
	Release       string         // of the program, told under /v2
	MaxBody       int64          // bytes of a request body; 0: 128 MiB. More are answered 413
	MaxConcurrent int64          // requests scored at a time; 0: 1024. More are answered 503
	MaxScored     int64          // bytes of bodies scored at a time; 0: 128 MiB. More are answered 503, but a request alone is answered
	MaxBuffered   int64          // bytes of bodies held at a time; 0: 512 MiB. More are answered 503
	Parquet       *table.Parquet // nil: Parquet bodies are not taken
	Patience      time.Duration  // how long a body may send nothing; 0: 30 s. Then 408
	Router        *route.Router  // shares the first model's requests with challengers, which Put adds under their routes' names; nil: none
	Log           *route.Log     // of what was asked and answered; nil: none
}

// Handler is a scoring server of one model or several: MLflow's POST
// /invocations, /ping, /health and /version, Azure ML's POST /score with its
// probes, and the Open Inference Protocol under /v2. Models are exchanged while
// it answers. It is safe for concurrent use.
type Handler struct {
	cfg      Config
	models   atomic.Pointer[lineup]
	change   sync.Mutex // held by who changes models
	running  atomic.Int64
	scored   atomic.Int64
	buffered atomic.Int64
	spare    sync.Pool // of *work
	shadows  chan shadowed
	waiting  atomic.Int64 // bytes of bodies in shadows
}

// NewHandler makes the server of cfg.Model; Put adds more. It returns an error
// when the model does not answer a self-test.
func NewHandler(cfg Config) (*Handler, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Version == "" {
		cfg.Version = ProtocolVersion
	}
	if cfg.Name == "" {
		cfg.Name = "model"
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = 128 << 20
	}
	if cfg.MaxConcurrent <= 0 {
		cfg.MaxConcurrent = 1024
	}
	if cfg.MaxScored <= 0 {
		cfg.MaxScored = 128 << 20
	}
	if cfg.MaxBuffered <= 0 {
		cfg.MaxBuffered = 512 << 20
	}
	if cfg.Patience <= 0 {
		cfg.Patience = 30 * time.Second
	}
	h := &Handler{cfg: cfg}
	if cfg.Router != nil {
		h.shadows = make(chan shadowed, shadowQueue)
	}
	h.models.Store(&lineup{byName: map[string]*served{}})
	return h, h.Put(cfg.Name, cfg.ModelVersion, cfg.Model)
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	all, path := h.models.Load(), r.URL.Path
	if r.ProtoMajor == 2 && isGRPC(r) {
		h.call(w, r, all)
		return
	}
	if path == "/v2" || strings.HasPrefix(path, "/v2/") {
		h.inference(w, r, all)
		return
	}
	if path == "/models" || path == "/models/" {
		h.list(w, r)
		return
	}
	if path == "/routes" && h.cfg.Router != nil {
		h.routes(w, r)
		return
	}
	s := all.order[0]
	if strings.HasPrefix(path, endpointsPath) || path+"/" == endpointsPath {
		h.endpoints(w, r, strings.Trim(strings.TrimPrefix(path, strings.TrimSuffix(endpointsPath, "/")), "/"))
		return
	}
	rest, ok := strings.CutPrefix(path, "/models/")
	if !ok {
		rest, ok = strings.CutPrefix(path, "/endpoints/")
	}
	if ok {
		name, route, _ := strings.Cut(rest, "/")
		if s = all.byName[name]; s == nil {
			refuse(w, http.StatusNotFound, "There is no model "+name+"; this server has "+all.names())
			return
		}
		path = "/" + route
	}
	if path == "/openapi.json" || path == "/swagger.json" {
		h.document(w, r, s, strings.TrimSuffix(r.URL.Path, path))
		return
	}
	h.route(w, r, s, path)
}

// route answers one request to a model; path is what follows the model's name.
func (h *Handler) route(w http.ResponseWriter, r *http.Request, s *served, path string) {
	get := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch path {
	case "/invocations":
		if r.Method != http.MethodPost {
			break
		}
		h.score(w, r, s, talk{protocol: &invocations, kind: r.Header.Get("Content-Type")}, (*fault).write)
		return
	case "/score":
		if r.Method != http.MethodPost {
			break
		}
		h.score(w, r, s, talk{protocol: &azures}, (*fault).write)
		return
	case "/ping", "/health", "/healthz", "/livez", "/readyz", "/ready", "/version", "/":
		if !get {
			break
		}
		h.probe(w, path)
		return
	case "/try", "/try/", "/try/page.js", "/try/page.css":
		h.try(w, r, path)
		return
	default:
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	refuse(w, http.StatusMethodNotAllowed, "Method Not Allowed")
}

// probe answers those that watch the server. Whoever is ready but could not take
// over a newer model says so in the body.
func (h *Handler) probe(w http.ResponseWriter, path string) {
	body, typ := "\n", "application/json"
	switch path {
	case "/version":
		body = h.cfg.Version
	case "/":
		body, typ = "Healthy", "text/plain; charset=utf-8"
	case "/readyz", "/ready":
		for _, s := range h.Status() {
			if s.Problem != "" {
				body = string(marshal(map[string]any{"status": "ready", "models": h.Status()})) + "\n"
				break
			}
		}
	}
	w.Header().Set("Content-Type", typ)
	_, _ = io.WriteString(w, body)
}

// document answers what describes the routes of a model.
func (h *Handler) document(w http.ResponseWriter, r *http.Request, s *served, prefix string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuse(w, http.StatusMethodNotAllowed, "Method Not Allowed")
		return
	}
	writeJSON(w, http.StatusOK, s.plan.Load().openAPI(prefix))
}

// list answers GET /models.
func (h *Handler) list(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuse(w, http.StatusMethodNotAllowed, "Method Not Allowed")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"models": h.Status()})
}

// routes answers GET /routes.
func (h *Handler) routes(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuse(w, http.StatusMethodNotAllowed, "Method Not Allowed")
		return
	}
	all := h.models.Load()
	states := h.cfg.Router.States()
	for i := range states {
		s := all.byName[states[i].Name]
		if i == 0 {
			s = all.order[0]
		}
		if s != nil {
			now := s.status()
			states[i].Model, states[i].Version, states[i].Source = now.Name, now.Version, now.Source
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"key": h.cfg.Router.Key(), "routes": states})
}

// refuse answers a path or a method that there is not, as MLflow's server does.
func refuse(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(marshal(map[string]string{"detail": detail}))
}
