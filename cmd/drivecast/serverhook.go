package main

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/hook"
	"github.com/drivecast/drivecast/internal/job/local"
)

// The variables that hold the webhook's secret, and the one before it while it is
// changed.
const (
	hookSecret   = "DRIVECAST_WEBHOOK_SECRET"
	hookPrevious = "DRIVECAST_WEBHOOK_SECRET_PREVIOUS"
)

// hookQueue starts the jobs of pushes in a folder's queue.
type hookQueue struct{ folder *jobFolder }

// Start queues a job; its tag commit says what it was made from.
func (q hookQueue) Start(ctx context.Context, name, file, commit string, j hook.Job) error {
	o := local.CreateOptions{
		Store: q.folder.store, Catalog: q.folder.store, WorkDir: q.folder.workDir(), File: file, Name: name, Cluster: j.Compute,
		Set: append([]string{"tags.commit=" + commit}, j.Set...), Now: q.folder.a.now(), Runner: q.folder.startRunner,
	}
	_, warnings, err := local.Create(ctx, o)
	local.PrintWarnings(q.folder.a.stderr, file, warnings)
	return err
}

// Ended reports whether a job has come to its end.
func (q hookQueue) Ended(ctx context.Context, name string) (bool, error) {
	r, err := q.folder.store.Get(ctx, name)
	if errs.Is(err, errs.NotFound) {
		return true, nil
	}
	return err == nil && jobEnded(r), err
}

// withHook puts the receiver of GitHub's webhooks before a server's handler: who
// sends a delivery is known by its signature. Jobs log to the server itself unless the environment names
// another.
// stop ends the start of jobs; jobs go on.
func (a *app) withHook(ctx context.Context, h http.Handler, file, scheme string, at net.Addr, logger *slog.Logger) (_ http.Handler, stop func(), err error) {
	cfg, err := hook.ReadConfig(file)
	if err != nil {
		return nil, nil, err
	}
	secrets, err := a.hookSecrets(cfg)
	if err != nil {
		return nil, nil, err
	}
	folder := &jobFolder{a: a, dir: cfg.Dir}
	if a.getenv("MLFLOW_TRACKING_URI") == "" {
		folder.tracking = scheme + "://" + reachable(at)
	}
	if err := folder.open(ctx); err != nil {
		return nil, nil, err
	}
	r, err := hook.New(cfg, hook.Options{Secrets: secrets, Dir: filepath.Join(folder.workDir(), "github"), Queue: hookQueue{folder}, Logger: logger, Now: a.now})
	if err != nil {
		folder.close()
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { r.Run(ctx) })
	handler := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == hook.Path {
			r.ServeHTTP(w, req)
			return
		}
		h.ServeHTTP(w, req)
	})
	return handler, func() { cancel(); running.Wait(); folder.close() }, nil
}

// reachable is the address by which programs of this machine reach a listener.
func reachable(at net.Addr) string {
	host, port, err := net.SplitHostPort(at.String())
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return at.String()
}

// hookSecrets reads the secrets from files or the environment, from which they are
// taken out: jobs have no business with them.
func (a *app) hookSecrets(cfg *hook.Config) ([][]byte, error) {
	var secrets [][]byte
	for _, name := range []string{hookSecret, hookPrevious} {
		if v := a.getenv(name); v != "" {
			secrets = append(secrets, []byte(v))
		}
		if err := os.Unsetenv(name); err != nil {
			return nil, errs.Wrap(err, "hide %s", name)
		}
	}
	for _, name := range cfg.Secrets {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, errs.Wrap(err, "read a secret of the webhook")
		}
		secrets = append(secrets, bytes.TrimRight(text, "\r\n"))
	}
	return secrets, nil
}
