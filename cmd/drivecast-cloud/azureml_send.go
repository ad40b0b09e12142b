package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/azure"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/azureml"
	"github.com/drivecast/drivecast/internal/job/local"
)

// client logs in and opens the workspace.
func (a *app) client(w workspace) (*azure.Client, error) {
	conn, err := azure.ConnectionFrom(a.getenv)
	if err != nil {
		return nil, err
	}
	cred, _, err := azure.Credential(a.getenv, conn)
	if err != nil {
		return nil, err
	}
	return azure.NewClient(azure.Workspace{Subscription: w.subscription, Group: w.group, Name: w.name}, cred, conn)
}

// sender puts what a job needs into the workspace, and ids into its body.
type sender struct {
	client *azure.Client
	at     azure.Workspace
	dir    string // of the file
	work   string // for snapshots
}

// send uploads and registers what the body names, and creates the job.
func (s *sender) send(ctx context.Context, body azureml.Body, name string) (azure.Job, error) {
	if err := s.fill(ctx, body); err != nil {
		return azure.Job{}, err
	}
	return s.client.Create(ctx, name, body.Properties)
}

// fill uploads and registers what the body names, and puts ids into it.
func (s *sender) fill(ctx context.Context, body azureml.Body) error {
	p := body.Properties
	for _, part := range []map[string]any{p, mapIn(p["trial"])} {
		if err := s.code(ctx, part); err != nil {
			return err
		}
		if err := s.environment(ctx, part, body.Environment); err != nil {
			return err
		}
	}
	if id, ok := p["computeId"].(string); ok {
		p["computeId"] = s.id("computes", id)
	}
	for name, v := range mapIn(p["inputs"]) {
		if err := s.input(ctx, mapIn(v)); err != nil {
			return errs.Wrap(err, "inputs.%s", name)
		}
	}
	if p["jobType"] == "Pipeline" {
		return s.steps(ctx, p)
	}
	return nil
}

func mapIn(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// upload sends a folder or file under the hash of what is in it.
func (s *sender) upload(ctx context.Context, path string) (azure.Uploaded, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.dir, filepath.FromSlash(path))
	}
	name, err := local.Snapshot(s.work, path)
	if err != nil {
		return azure.Uploaded{}, err
	}
	folder := local.SnapshotDir(s.work, name)
	up, err := s.client.Upload(ctx, filepath.Base(folder), folder)
	if info, statErr := os.Stat(path); err == nil && statErr == nil && !info.IsDir() {
		up.URI += "/" + filepath.Base(path)
	}
	return up, err
}

func (s *sender) code(ctx context.Context, part map[string]any) error {
	code, ok := part["codeId"].(string)
	if !ok {
		return nil
	}
	if job.IsRemote(code) {
		return errs.New(errs.Unsupported, "code: %s: only local folders and registered code can be sent", code)
	}
	id, err := s.codeID(ctx, code)
	part["codeId"] = id
	return err
}

// codeID is the id of registered code, or of a folder once it is uploaded.
func (s *sender) codeID(ctx context.Context, code string) (string, error) {
	if name, version, ok := strings.Cut(code, ":"); ok && !strings.ContainsAny(name, `/\.`) && len(name) > 1 {
		return s.at.Path() + "/codes/" + name + "/versions/" + version, nil
	}
	up, err := s.upload(ctx, code)
	return up.ID, errs.Wrap(err, "code")
}

// environment registers the job's own one, and makes ids of names.
func (s *sender) environment(ctx context.Context, part, own map[string]any) error {
	id, ok := part["environmentId"].(string)
	if !ok {
		return nil
	}
	id, err := s.environmentID(ctx, id, own)
	part["environmentId"] = id
	return err
}

// environmentID is the id of an environment by name; own, when not nil, are the
// properties under which it is registered first.
func (s *sender) environmentID(ctx context.Context, id string, own map[string]any) (string, error) {
	name, version, labelled := strings.Cut(id, "@")
	var err error
	switch {
	case strings.HasPrefix(id, "/"), strings.HasPrefix(id, "azureml://"):
		return id, nil
	case labelled && version == "latest":
		version, err = s.client.LatestEnvironment(ctx, name)
	case labelled:
		return "", errs.New(errs.Unsupported, "environment: %s: of the labels, only latest is known", id)
	default:
		name, version, _ = strings.Cut(id, ":")
	}
	if err != nil {
		return "", err
	}
	if own != nil {
		if build := mapIn(own["build"]); build["contextUri"] != nil {
			up, err := s.upload(ctx, build["contextUri"].(string))
			if err != nil {
				return "", errs.Wrap(err, "environment.build")
			}
			build["contextUri"] = up.URI
		}
		if _, err := s.client.Environment(ctx, name, version, own); err != nil {
			return "", err
		}
	}
	return s.id("environments", name) + "/versions/" + version, nil
}

// id makes an ARM id of a name.
func (s *sender) id(kind, name string) string {
	if strings.HasPrefix(name, "/") || name == "serverless" || strings.Contains(name, "${{") {
		return name
	}
	return s.at.Path() + "/" + kind + "/" + name
}

// input uploads local data, and makes addresses of registered data.
func (s *sender) input(ctx context.Context, in map[string]any) error {
	uri, ok := in["uri"].(string)
	if !ok || in["jobInputType"] == "literal" || in["job_input_type"] == "literal" || strings.HasPrefix(uri, "/subscriptions/") || job.IsRemote(uri) {
		return nil
	}
	if name, version, ok := strings.Cut(uri, ":"); ok && !strings.ContainsAny(name, `/\.`) && len(name) > 1 {
		in["uri"] = s.at.Path() + "/data/" + name + "/versions/" + version
		return nil
	}
	up, err := s.upload(ctx, uri)
	in["uri"] = up.URI
	return err
}
