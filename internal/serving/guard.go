package serving

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/monitor"
	"github.com/drivecast/drivecast/internal/score"
)

// scoringPaths are the routes of the scoring server that are counted by name.
var scoringPaths = map[string]bool{
	"/invocations": true, "/score": true, "/ping": true, "/health": true, "/healthz": true, "/livez": true, "/readyz": true, "/ready": true,
	"/version": true, "/metrics": true, "/routes": true, "/": true,
	"/inference.GRPCInferenceService/ModelInfer": true,
}

// Measured adds /metrics, with what else is measured, to a scoring server, and
// OTLP when the environment asks for it. The second value sends what is left.
func (e Env) Measured(ctx context.Context, h http.Handler, logger *slog.Logger, also ...prometheus.Collector) (http.Handler, func(), error) {
	m := monitor.New("scoring", e.Version)
	m.Register(also...)
	stop, err := m.Export(ctx, e.Getenv, "scoring", e.Version, logger)
	if err != nil {
		return nil, nil, err
	}
	metrics := m.Handler()
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" {
			metrics.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
	return m.Wrap(inner, func(r *http.Request) string {
		if scoringPaths[r.URL.Path] {
			return r.URL.Path
		}
		if strings.HasPrefix(r.URL.Path, "/v2/models/") && strings.HasSuffix(r.URL.Path, "/infer") {
			return "/v2/infer"
		}
		if rest, ok := strings.CutPrefix(r.URL.Path, "/models/"); ok {
			if _, route, _ := strings.Cut(rest, "/"); route == "invocations" || route == "score" {
				return "/models/" + route
			}
		}
		return "other"
	}), func() { Flush(ctx, stop, logger) }, nil
}

// probes are the paths that answer without a token: those that watch a server
// have none.
var probes = map[string]bool{"/ping": true, "/health": true, "/healthz": true, "/livez": true, "/readyz": true, "/ready": true, "/version": true,
	"/v2/health/live": true, "/v2/health/ready": true,
	"/inference.GRPCInferenceService/ServerLive": true, "/inference.GRPCInferenceService/ServerReady": true, "/grpc.health.v1.Health/Check": true}

// Guarded wants one of the tokens of a file, one a line, with every request but
// probes and the page at /try/. No file lets everyone in.
func Guarded(h http.Handler, file string) (http.Handler, error) {
	if file == "" {
		return h, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, errs.Wrap(err, "read the tokens")
	}
	var known [][sha256.Size]byte
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			known = append(known, sha256.Sum256([]byte(line)))
		}
	}
	if len(known) == 0 {
		return nil, &errs.Input{File: file, Problem: "there is no token in it", Mend: "write one a line"}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		sum, ok := sha256.Sum256([]byte(token)), 0
		for i := range known {
			ok |= subtle.ConstantTimeCompare(sum[:], known[i][:])
		}
		if !probes[r.URL.Path] && !score.OfTryPage(r.URL.Path) && (ok == 0 || !strings.EqualFold(scheme, "Bearer")) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			w.Write([]byte(`{"error_code":"UNAUTHENTICATED","message":"A bearer token is wanted."}`))
			return
		}
		h.ServeHTTP(w, r)
	}), nil
}

// Flush sends what telemetry is left, for a while.
func Flush(ctx context.Context, stop func(context.Context) error, logger *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := stop(ctx); err != nil {
		logger.Warn("the last telemetry was not sent", "err", err)
	}
}
