// Package gate stands before everything that a server with users answers: it
// finds out who sent a request, from a password, a token, an identity provider's
// word or a browser's session, and writes down what they did. What they may do is
// decided behind it.
package gate

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/sent"
)

// Provider lets people log in at an identity provider, with an authorization
// code and PKCE.
type Provider interface {
	// Start returns where to send the browser.
	Start(ctx context.Context, state, nonce, verifier string) (string, error)
	// Finish trades the code for what the provider vouches for.
	Finish(ctx context.Context, code, nonce, verifier string) (auth.Claim, error)
}

// Bearers recognises programs by the JSON Web Tokens of identity providers.
type Bearers interface {
	// Verify returns what a token vouches for, or errs.Unauthenticated.
	Verify(ctx context.Context, token string) (auth.Claim, error)
}

// Config is what a Gate works with. Auth, Log and Logger are required.
type Config struct {
	Auth     *auth.Service
	Log      *auth.Log
	Logger   *slog.Logger
	Provider Provider       // nil: people log in with passwords only
	Bearers  Bearers        // nil: no tokens but our own
	Proxies  []netip.Prefix // whose X-Forwarded-For and -Proto are believed
	Now      func() time.Time
}

// Gate asks who is there. It is safe for concurrent use.
type Gate struct {
	cfg    Config
	logins logins
	noise  *buckets // of refusals that are logged for each address
}

// An address that is refused over and over is logged so often a second, and so
// often at once: nobody fills the log from outside.
const (
	refusalsLogged = 2
	refusalsAtOnce = 100
)

// New returns a gate.
func New(cfg Config) *Gate {
	noise := &buckets{rate: refusalsLogged, burst: refusalsAtOnce, now: cfg.Now, by: map[string]*bucket{}}
	return &Gate{cfg: cfg, logins: logins{now: cfg.Now}, noise: noise}
}

// open are the paths that answer everyone.
var open = map[string]bool{"/health": true, "/version": true}

// Wrap puts the gate before a handler.
func (g *Gate) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if open[r.URL.Path] {
			next.ServeHTTP(w, r)
			return
		}
		rec := &sent.Recorder{ResponseWriter: w}
		deed := auth.Deed{From: ClientAddr(r, g.cfg.Proxies)}
		who := g.serve(rec, r.WithContext(auth.WithDeed(r.Context(), &deed)), next, &deed)
		g.log(r, who, &deed, rec.Status)
	})
}

// serve answers a request and returns who sent it, or nil.
func (g *Gate) serve(w *sent.Recorder, r *http.Request, next http.Handler, deed *auth.Deed) *auth.Identity {
	if page := g.page(r.URL.Path); page != nil {
		return page(w, r, deed)
	}
	who, err := g.identify(r)
	if err == nil {
		next.ServeHTTP(w, r.WithContext(auth.With(r.Context(), who)))
		return who
	}
	switch kind := errs.KindOf(err); kind {
	case errs.Unauthenticated:
		if r.URL.Path == "/" && r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") {
			http.Redirect(w, r, "/login", http.StatusSeeOther)
			return who
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="mlflow"`)
		refuse(w, http.StatusUnauthorized, "UNAUTHENTICATED", "You are not authenticated. Please set the environment variables MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN. "+err.Error())
	case errs.Denied:
		refuse(w, http.StatusForbidden, "PERMISSION_DENIED", err.Error())
	case errs.Exhausted:
		w.Header().Set("Retry-After", "10")
		refuse(w, http.StatusTooManyRequests, "REQUEST_LIMIT_EXCEEDED", err.Error())
	case errs.Unavailable, errs.Canceled:
		refuse(w, http.StatusServiceUnavailable, "TEMPORARILY_UNAVAILABLE", "It cannot be found out now who you are; try again.")
	default:
		g.cfg.Logger.Error("nobody can be recognised", "error", err)
		refuse(w, http.StatusInternalServerError, "INTERNAL_ERROR", "The server failed to find out who you are; its log says why.")
	}
	return who
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	body, err := json.Marshal(map[string]string{"error_code": code, "message": message})
	if err != nil {
		body = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}

// log writes what was done, unless it was only looked at.
func (g *Gate) log(r *http.Request, who *auth.Identity, deed *auth.Deed, status int) {
	refused := status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusTooManyRequests
	changes := r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions && !deed.Quiet || deed.Always
	if !refused && !changes {
		return
	}
	if who == nil && !g.noise.take(deed.From) {
		return
	}
	e := auth.Event{
		Time: g.cfg.Now().UnixMilli(), From: deed.From, Action: r.Method + " " + clip(r.URL.Path), Target: clip(deed.Target), Status: status,
	}
	if who != nil {
		e.User, e.Via, e.Token = who.User.Name, who.Via, who.Token
	} else if name, _, ok := r.BasicAuth(); ok {
		e.User, e.Via = clip(name), "password?" // claimed, not shown
	}
	g.cfg.Log.Add(e)
	if err := g.cfg.Auth.Tidy(context.WithoutCancel(r.Context())); err != nil {
		g.cfg.Logger.Error("ended sessions and tokens stay", "error", err)
	}
}

func clip(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) > 1000 {
		s = strings.ToValidUTF8(s[:1000], "") + "..."
	}
	return s
}
