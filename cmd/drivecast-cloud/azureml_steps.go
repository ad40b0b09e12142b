package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job/azureml"
)

// unnamedComponent is the name of components that a pipeline defines itself; their
// versions are hashes of what they say.
const unnamedComponent = "azureml_anonymous"

// component registers a component that a pipeline defines itself, with its code and
// environment, and returns its id.
func (s *sender) component(ctx context.Context, spec map[string]any) (string, error) {
	for _, part := range []map[string]any{spec, mapIn(spec["task"])} {
		if err := s.runs(ctx, part, "azureml:"); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return "", errs.Wrap(err, "write the component")
	}
	sum := sha256.Sum256(text)
	version := hex.EncodeToString(sum[:16])
	spec["name"], spec["version"] = unnamedComponent, version
	return s.client.Component(ctx, unnamedComponent, version, spec)
}

// runs puts ids in place of the code and environment of a component, or of its task.
func (s *sender) runs(ctx context.Context, part map[string]any, prefix string) error {
	if code, ok := part["code"].(string); ok && !strings.HasPrefix(code, "azureml:") {
		id, err := s.codeID(ctx, code)
		if err != nil {
			return err
		}
		part["code"] = prefix + id
	}
	id, own := "", map[string]any(nil)
	switch env := part["environment"].(type) {
	case string:
		id = strings.TrimPrefix(env, "azureml:")
		if strings.HasPrefix(env, "azureml://") {
			id = env
		}
	case map[string]any:
		name, version, properties := azureml.Registration(env)
		id, own = name+":"+version, properties
	default:
		return nil
	}
	id, err := s.environmentID(ctx, id, own)
	if err != nil {
		return err
	}
	if part["environment"] = id; !strings.HasPrefix(id, "azureml:") {
		part["environment"] = prefix + id
	}
	return nil
}

// steps puts ids into the steps of a pipeline, and sends their local data.
func (s *sender) steps(ctx context.Context, p map[string]any) error {
	settings := mapIn(p["settings"])
	if c, ok := settings["default_compute"].(string); ok {
		settings["default_compute"] = s.id("computes", c)
	}
	if id, ok := p["componentId"].(string); ok {
		var err error
		if p["componentId"], err = s.componentID(ctx, id); err != nil {
			return err
		}
	}
	for name, v := range mapIn(p["jobs"]) {
		if err := s.step(ctx, mapIn(v)); err != nil {
			return errs.Wrap(err, "jobs.%s", name)
		}
	}
	return nil
}

func (s *sender) step(ctx context.Context, node map[string]any) error {
	if c, ok := node["computeId"].(string); ok {
		node["computeId"] = s.id("computes", strings.TrimPrefix(c, "azureml:"))
	}
	for _, part := range []map[string]any{node, mapIn(node["trial"])} {
		id, ok := part["componentId"].(string)
		if !ok {
			continue
		}
		var err error
		if part["componentId"], err = s.componentID(ctx, id); err != nil {
			return err
		}
	}
	if err := s.runs(ctx, mapIn(node["task"]), "azureml:"); err != nil {
		return err
	}
	for name, v := range mapIn(node["inputs"]) {
		if err := s.input(ctx, mapIn(v)); err != nil {
			return errs.Wrap(err, "inputs.%s", name)
		}
	}
	return nil
}

// componentID is the id of a registered component: NAME:VERSION, NAME@latest, or an id.
func (s *sender) componentID(ctx context.Context, id string) (string, error) {
	if strings.HasPrefix(id, "/") || strings.HasPrefix(id, "azureml://") {
		return id, nil
	}
	name, version, ok := strings.Cut(id, ":")
	if label := ""; !ok {
		var err error
		if name, label, _ = strings.Cut(id, "@"); label != "latest" {
			return "", errs.New(errs.Invalid, "component %s: name a version, NAME:VERSION, or NAME@latest", id)
		}
		if version, err = s.client.LatestComponent(ctx, name); err != nil {
			return "", err
		}
	}
	return s.at.Path() + "/components/" + name + "/versions/" + version, nil
}
