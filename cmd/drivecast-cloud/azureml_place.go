package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/azure/rollout"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/azureml"
	"github.com/drivecast/drivecast/internal/job/local"
)

// place uploads and registers what an endpoint and a deployment name, and completes
// their bodies in the plan.
func (s *sender) place(ctx context.Context, p *rollout.Plan, e *azureml.Endpoint, d *azureml.Deployment) error {
	where, err := s.client.Location(ctx)
	if err != nil {
		return err
	}
	p.Location = where
	if e != nil {
		s.endpoint(e, where)
	}
	if d == nil {
		return nil
	}
	s.dir = d.Dir
	if d.Body["location"] == nil {
		d.Body["location"] = where
	}
	properties := mapIn(d.Body["properties"])
	if code := mapIn(properties["codeConfiguration"]); code["codeId"] != nil {
		if code["codeId"], err = s.codeID(ctx, fmt.Sprint(code["codeId"])); err != nil {
			return err
		}
	}
	if err := s.environment(ctx, properties, d.Environment); err != nil {
		return err
	}
	if err := s.model(ctx, properties, d.Model); err != nil {
		return err
	}
	p.Body = d.Body
	if p.Requests > 0 && p.Sample == nil {
		p.Sample, err = s.exampleOf(ctx, d)
	}
	return err
}

// endpoint completes the body of an endpoint.
func (s *sender) endpoint(e *azureml.Endpoint, where string) {
	if e.Body["location"] == nil {
		e.Body["location"] = where
	}
	p := mapIn(e.Body["properties"])
	if k, ok := p["compute"].(string); ok {
		p["compute"] = s.id("computes", k)
	}
}

// model makes an id of a model's name, or uploads and registers one that is defined in
// place.
func (s *sender) model(ctx context.Context, properties map[string]any, m *azureml.Model) error {
	if m != nil {
		name, version, err := s.modelName(m)
		if err != nil {
			return err
		}
		id := s.at.Path() + "/models/" + name + "/versions/" + version
		properties["model"] = id
		if _, _, err := s.client.ShowModel(ctx, name, version); !errs.Is(err, errs.NotFound) {
			return err
		}
		uri := m.Path
		if !job.IsRemote(uri) {
			up, err := s.upload(ctx, uri)
			if err != nil {
				return errs.Wrap(err, "model")
			}
			uri = up.URI
		}
		_, err = s.client.PutModel(ctx, name, version, m.Body(uri))
		return err
	}
	ref, ok := properties["model"].(string)
	if !ok || strings.HasPrefix(ref, "/") || strings.HasPrefix(ref, "azureml://") {
		return nil
	}
	name, version, _ := strings.Cut(ref, ":")
	if at, label, ok := strings.Cut(ref, "@"); ok {
		if label != "latest" {
			return errs.New(errs.Unsupported, "model: %s: of the labels, only latest is known", ref)
		}
		var err error
		if name = at; version == "" {
			if version, err = s.client.LatestModel(ctx, name); err != nil {
				return err
			}
		}
	}
	if version == "" {
		return errs.New(errs.Invalid, "model: %s names no version; write azureml:%s:1 or azureml:%s@latest", ref, name, name)
	}
	properties["model"] = s.at.Path() + "/models/" + name + "/versions/" + version
	_, _, err := s.client.ShowModel(ctx, name, version)
	return err
}

// modelName names a model that is defined in place: as the file does, or by the hash
// of its files.
func (s *sender) modelName(m *azureml.Model) (name, version string, err error) {
	name, version = m.Name, m.Version
	if version == "" {
		version = "1"
	}
	if m.Type == "" {
		m.Type = "custom_model"
	}
	if name != "" {
		return name, version, nil
	}
	if m.Path == "" {
		return "", "", errs.New(errs.Invalid, "model: it has no path")
	}
	if job.IsRemote(m.Path) {
		return "", "", errs.New(errs.Invalid, "model: give a model at an address a name, too")
	}
	snap, err := local.Snapshot(s.work, s.under(m.Path))
	if err != nil {
		return "", "", errs.Wrap(err, "model")
	}
	_, hash, _ := strings.Cut(snap, ":")
	return "drivecast-" + hash[:min(24, len(hash))], version, nil
}

// under makes a path of the file absolute.
func (s *sender) under(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(s.dir, filepath.FromSlash(path))
}

// examples are the names under which models keep an input example.
func examples() []string { return []string{"serving_input_example.json", "input_example.json"} }

// exampleOf is the input example of a model that is registered.
func (s *sender) exampleOf(ctx context.Context, d *azureml.Deployment) ([]byte, error) {
	id, _ := mapIn(d.Body["properties"])["model"].(string)
	_, rest, _ := strings.Cut(id, "/models/")
	name, version, ok := strings.Cut(rest, "/versions/")
	if ok {
		_, uri, err := s.client.ShowModel(ctx, name, version)
		if err != nil {
			return nil, err
		}
		for _, file := range examples() {
			text, err := s.client.ReadFile(ctx, uri, file)
			if err == nil {
				return asScoring(text, d)
			}
			if errs.Is(err, errs.Denied) {
				return nil, err
			}
		}
	}
	return nil, errs.New(errs.Usage, "the model has no input example to test with; write --sample FILE with a request, or --requests 0 to test nothing")
}

// sampleOf is the request of the tests: a file, or the input example beside the model;
// nil when the model is elsewhere.
func sampleOf(file string, d *azureml.Deployment) ([]byte, error) {
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, errs.Wrap(err, "--sample")
		}
		if !json.Valid(text) {
			return nil, &errs.Input{File: file, Problem: "the request is no JSON", Mend: `write such as {"input_data": {"columns": […], "data": [[…]]}}`}
		}
		return text, nil
	}
	if d.Model != nil && !job.IsRemote(d.Model.Path) {
		dir := filepath.FromSlash(d.Model.Path)
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(d.Dir, dir)
		}
		for _, name := range examples() {
			if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
				return asScoring(text, d)
			}
		}
	}
	if d.Model == nil && mapIn(d.Body["properties"])["model"] != nil {
		return nil, nil
	}
	return nil, errs.New(errs.Usage, "the model at hand has no input example to test with; write --sample FILE with a request, or --requests 0 to test nothing")
}

// asScoring writes an example of MLflow as its scoring route takes it.
func asScoring(text []byte, d *azureml.Deployment) ([]byte, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, errs.New(errs.Invalid, "the model's input example is no JSON object; write --sample FILE with a request")
	}
	path := mapIn(mapIn(mapIn(d.Environment)["inferenceConfig"])["scoringRoute"])["path"]
	split, wrapped := m["dataframe_split"]
	if !wrapped && m["data"] != nil && m["columns"] != nil {
		split = text
	}
	if split == nil {
		return text, nil
	}
	key := "input_data"
	if path == "/invocations" {
		key = "dataframe_split"
	}
	out, err := json.Marshal(map[string]json.RawMessage{key: split})
	return out, errs.Wrap(err, "write the request")
}
