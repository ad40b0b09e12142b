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

// Open opens a path, or a runs:/ or models:/ URI of the tracking server. A
// registry model is copied to a temporary folder that is gone when Open
// returns.
func (e Env) Open(ctx context.Context, name, tracking string) (*model.Model, error) {
	if !IsURI(name) {
		return model.Open(ctx, name)
	}
	dir, err := os.MkdirTemp("", "drivecast-model-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	server, err := client.New(e.TrackingURI(tracking), e.Getenv)
	if err != nil {
		return nil, err
	}
	if err := Fetch(ctx, server, name, dir); err != nil {
		return nil, err
	}
	m, err := model.Open(ctx, dir)
	if err != nil {
		return nil, errs.Wrap(err, "open %s", name)
	}
	m.Source = name
	return m, nil
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

// IsURI reports whether the text names a model of a registry or run rather
// than a path.
func IsURI(s string) bool {
	return strings.HasPrefix(s, "models:/") || strings.HasPrefix(s, "runs:/")
}
