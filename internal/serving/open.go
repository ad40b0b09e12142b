package serving

import (
	"context"
	"os"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/mlflow/client"
	"github.com/drivecast/drivecast/model"
)

// DefaultTrackingURI is where `drivecast up` and `server` listen.
const DefaultTrackingURI = "http://127.0.0.1:5000"

// TrackingURI returns the flag's value, else the environment's, else our default.
func (e Env) TrackingURI(flag string) string {
	switch {
	case flag != "":
		return flag
	case e.Getenv("MLFLOW_TRACKING_URI") != "":
		return e.Getenv("MLFLOW_TRACKING_URI")
	}
	return DefaultTrackingURI
}

// Open opens a path, a runs:/ or models:/ URI of the tracking server, or an address
// of another one (see Locate). A
// registry model is copied to a temporary folder that is gone when Open
// returns.
func (e Env) Open(ctx context.Context, name, tracking string) (*model.Model, error) {
	var m *model.Model
	err := e.Local(ctx, name, tracking, func(path string) (err error) {
		if m, err = model.Open(ctx, path); err == nil && path != name {
			m.Source = name
		}
		return err
	})
	return m, err
}

// Local calls use with the path of the model that Open would open. What comes from a
// registry is in a temporary folder that is gone when Local returns.
func (e Env) Local(ctx context.Context, name, tracking string, use func(path string) error) error {
	if !IsURI(name) {
		return use(name)
	}
	dir, err := os.MkdirTemp("", "drivecast-model-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := e.Download(ctx, name, tracking, dir); err != nil {
		return err
	}
	return errs.Wrap(use(dir), "open %s", name)
}

// server returns a client of the server that holds a model, and the model's URI there.
func (e Env) server(name, tracking string) (*client.Client, string, error) {
	uri, at, err := Locate(name)
	if err != nil {
		return nil, "", err
	}
	if at == "" {
		c, err := client.New(e.TrackingURI(tracking), e.Getenv)
		return c, uri, err
	}
	c, err := client.New(at, e.trusted(at))
	return c, uri, err
}

// Download copies the folder of the model that IsURI's kind of name names to dir.
func (e Env) Download(ctx context.Context, name, tracking, dir string) error {
	server, uri, err := e.server(name, tracking)
	if err != nil {
		return err
	}
	return Fetch(ctx, server, uri, dir)
}

// Fetch copies the folder of the model that the URI names to dir.
func Fetch(ctx context.Context, server *client.Client, uri, dir string) error {
	if rest, ok := strings.CutPrefix(uri, "runs:/"); ok {
		id, path, ok := strings.Cut(rest, "/")
		if !ok || path == "" {
			return errs.New(errs.Usage, "%q names no model; write runs:/RUN_ID/model", uri)
		}
		run, err := server.GetRun(ctx, id)
		if err != nil {
			return err
		}
		return errs.Wrap(server.DownloadDir(ctx, run.Info.ArtifactURI+"/"+path, dir), "download %s", uri)
	}
	v, err := server.Resolve(ctx, uri)
	if err != nil {
		return err
	}
	source, err := server.DownloadURI(ctx, v.Name, v.Version)
	if err != nil {
		return err
	}
	return errs.Wrap(server.DownloadDir(ctx, source, dir), "download %s", uri)
}
