// Package mlflow is the server side of MLflow's REST API: tracking server, model
// registry and artifact proxy, as unchanged MLflow 2.x and 3.x clients use them.
// The rules are those of packages tracking and registry; here requests are read,
// checked, and answered in MLflow's words.
package mlflow

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/artifact"
	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/registry"
	"github.com/drivecast/drivecast/internal/tracking"
	"github.com/drivecast/drivecast/internal/webhook"
)

// DefaultVersion is the MLflow version that /version names unless told
// otherwise: the newest whose clients expect no route that is missing here.
const DefaultVersion = "2.22.0"

// ProxiedRoot is the artifact root of runs whose files go through this server.
const ProxiedRoot = "mlflow-artifacts:"

// Config is what a Handler works with. Tracking, Registry and Artifacts are
// required.
type Config struct {
	Tracking  tracking.Store
	Registry  registry.Store
	Artifacts artifact.Store // behind the artifact proxy

	// DefaultArtifactRoot is the URI below which experiments keep their files;
	// "" is mlflow-artifacts:/, this server. When it is a local folder (a file URI
	// or a path), runs are handed file URIs, and the server lists and reads files
	// there and nowhere else.
	DefaultArtifactRoot string

	// Auth says who may do what; nil lets everyone do everything. Gate wraps
	// everything that this handler answers and puts who asks into the context; it
	// belongs to Auth.
	Auth *auth.Service
	Gate func(http.Handler) http.Handler

	Stopping <-chan struct{} // closed when the server is about to stop: streams end; nil is never

	// Root is the store at DefaultArtifactRoot when that is neither a local folder
	// nor this server; nil means that the server lists and reads no files there.
	Root artifact.Store

	Webhooks       webhook.Store // nil means that there are no webhooks
	WebhookPrivate []string      // hosts that webhooks may go to although they are private, over http too

	SettleAfter time.Duration // how long a run must be unchanged to be kept ready for searches; 0 is DefaultSettleAfter

	Version      string           // what /version says; "" is DefaultVersion
	AllowedHosts []string         // Host names that are answered besides loopback and private addresses; "*" is any
	CORSOrigins  []string         // foreign origins whose pages may change things; "*" is any
	MaxBody      int64            // bytes of a JSON request; 0 is 32 MiB
	Logger       *slog.Logger     // nil is silence
	Now          func() time.Time // nil is time.Now
	Seed         uint64           // of run names; 0 is unpredictable
}

// Handler answers MLflow's REST API. It is safe for concurrent use.
type Handler struct {
	Runs   *tracking.Service // the record of experiments, for pages of our own
	Models *registry.Service // the register of models

	cfg    Config
	root   string     // the URI below which experiments keep their files
	local  *localRoot // nil when artifacts are proxied
	routes map[string]map[string]route
	mounts map[string]http.Handler
	inner  http.Handler // dispatch, behind the gate
	closer func() error
	hooks  *webhook.Service // nil when there are none
	cache  runCache
	settle settler

	boot    string // tells the events of this process from those of the one before
	streams atomic.Int64
}

// NewHandler makes a handler. It prepares the stores, so ctx bounds only the
// call.
func NewHandler(ctx context.Context, cfg Config) (*Handler, error) {
	if cfg.Version == "" {
		cfg.Version = DefaultVersion
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = 32 << 20
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.SettleAfter == 0 {
		cfg.SettleAfter = DefaultSettleAfter
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Seed == 0 {
		cfg.Seed = tracking.Seed()
	}
	if (cfg.Auth == nil) != (cfg.Gate == nil) {
		return nil, errs.New(errs.Internal, "users without a gate, or a gate without users")
	}
	root := strings.TrimRight(cfg.DefaultArtifactRoot, "/")
	h := &Handler{cfg: cfg, closer: func() error { return nil }}
	if root == "" || root == ProxiedRoot {
		root = ProxiedRoot
	} else if dir, ok := localDir(root); ok {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return nil, err
		}
		folder, err := artifact.OpenFolder(abs)
		if err != nil {
			return nil, errs.Wrap(err, "open the artifact root %s", root)
		}
		h.local = &localRoot{filepath.ToSlash(abs), folder}
		h.closer = folder.Close
		root = (&url.URL{Scheme: "file", Path: filepath.ToSlash(abs)}).String()
	}
	h.root = root
	h.Runs = tracking.New(cfg.Tracking, root, cfg.Now, cfg.Seed)
	h.Models = registry.New(cfg.Registry, sources{h.Runs}, cfg.Now)
	if err := h.Runs.Prepare(ctx); err != nil {
		return nil, err
	}
	h.startHooks()
	h.boot = strconv.FormatUint(tracking.Seed(), 36)
	h.routes, h.mounts = h.table(), h.mounted()
	h.inner = http.HandlerFunc(h.dispatch)
	if cfg.Gate != nil {
		h.inner = cfg.Gate(h.inner)
	}
	h.settle.start(h)
	return h, nil
}

// Close releases what NewHandler opened; the stores stay open.
func (h *Handler) Close() error {
	h.settle.stop()
	return h.closer()
}

// sources tells the registry where runs and logged models keep their files.
type sources struct{ runs *tracking.Service }

// RunArtifacts returns the artifact URI of a run.
func (s sources) RunArtifacts(ctx context.Context, id string) (string, error) {
	info, err := s.runs.RunInfo(ctx, id)
	if err != nil {
		return "", err
	}
	return info.ArtifactURI, nil
}

// LoggedModel returns the artifact URI of a logged model and its run.
func (s sources) LoggedModel(ctx context.Context, id string) (uri, runID string, err error) {
	m, err := s.runs.Model(ctx, id)
	if err != nil {
		return "", "", err
	}
	return m.ArtifactURI, m.SourceRunID, nil
}

// localRoot is the one local folder that artifact URIs may point into.
type localRoot struct {
	dir   string // absolute, with slashes
	store artifact.Store
}

// localDir returns the folder that a file URI or a path names.
func localDir(uri string) (string, bool) {
	if rest, ok := strings.CutPrefix(uri, "file:"); ok {
		u, err := url.Parse("file:" + rest)
		if err != nil || (u.Host != "" && u.Host != "localhost") {
			return "", false
		}
		return filepath.FromSlash(u.Path), true
	}
	if strings.Contains(uri, "://") || strings.Contains(uri, ":/") && !filepath.IsAbs(uri) {
		return "", false
	}
	return uri, true
}

// place resolves an artifact URI to a store and a path in it. URIs that lead
// anywhere but into the stores of this server are refused.
func (h *Handler) place(uri, below string) (artifact.Store, string, error) {
	below, err := artifact.Clean(below)
	if err != nil {
		return nil, "", err
	}
	u, err := url.Parse(uri)
	if err != nil {
		return nil, "", errs.New(errs.Invalid, "the artifact URI is garbled")
	}
	var store artifact.Store
	var at string
	switch {
	case u.Scheme == "mlflow-artifacts":
		store, at = h.cfg.Artifacts, strings.TrimLeft(u.Path, "/")
	case h.local != nil && (u.Scheme == "file" || u.Scheme == ""):
		rest, ok := strings.CutPrefix(u.Path, h.local.dir+"/")
		if !ok {
			return nil, "", errs.New(errs.Invalid, "the artifacts lie outside the artifact root of this server, which does not read them")
		}
		store, at = h.local.store, rest
	case h.cfg.Root != nil && strings.HasPrefix(uri, h.root+"/"):
		store, at = h.cfg.Root, strings.TrimPrefix(uri, h.root+"/")
	default:
		return nil, "", errs.New(errs.Invalid, "this server does not read artifacts at %s URIs; ask their store", u.Scheme)
	}
	at, err = artifact.Clean(strings.TrimRight(at+"/"+below, "/"))
	return store, at, err
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.guard(w, r) {
		return
	}
	h.inner.ServeHTTP(w, r)
}
