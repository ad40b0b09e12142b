package client

import (
	"context"
	"net/http"

	"github.com/drivecast/drivecast/errs"
)

// NewVersion is what CreateVersion is told.
type NewVersion struct {
	Name        string `json:"name"`
	Source      string `json:"source"` // an artifact URI
	RunID       string `json:"run_id,omitempty"`
	Description string `json:"description,omitempty"`
	Tags        []Tag  `json:"tags,omitempty"`
}

// CreateVersion makes the next version of an existing model. The server chooses its
// number: one above every number that it ever gave under that name.
func (c *Client) CreateVersion(ctx context.Context, v NewVersion) (*Version, error) {
	var out versionAnswer
	err := c.call(ctx, http.MethodPost, "model-versions/create", v, &out)
	return &out.Version, errs.Wrap(err, "make a version of model %q", v.Name)
}

// CreateModel makes a model without versions; a name that is taken is of kind Exists.
func (c *Client) CreateModel(ctx context.Context, name, description string, tags []Tag) error {
	in := map[string]any{"name": name, "description": description, "tags": tags}
	return errs.Wrap(c.call(ctx, http.MethodPost, "registered-models/create", in, nil), "make model %q", name)
}

// DeleteModel removes a model and all of its versions.
func (c *Client) DeleteModel(ctx context.Context, name string) error {
	return errs.Wrap(c.call(ctx, http.MethodDelete, "registered-models/delete", map[string]string{"name": name}, nil), "delete model %q", name)
}

// DescribeModel sets the description of a model.
func (c *Client) DescribeModel(ctx context.Context, name, text string) error {
	in := map[string]string{"name": name, "description": text}
	return errs.Wrap(c.call(ctx, http.MethodPatch, "registered-models/update", in, nil), "describe model %q", name)
}

// SetModelTag sets one tag of a model.
func (c *Client) SetModelTag(ctx context.Context, name string, t Tag) error {
	in := map[string]string{"name": name, "key": t.Key, "value": t.Value}
	return errs.Wrap(c.call(ctx, http.MethodPost, "registered-models/set-tag", in, nil), "tag model %q", name)
}

// DeleteModelTag removes one tag of a model.
func (c *Client) DeleteModelTag(ctx context.Context, name, key string) error {
	in := map[string]string{"name": name, "key": key}
	return errs.Wrap(c.call(ctx, http.MethodDelete, "registered-models/delete-tag", in, nil), "take tag %s from model %q", key, name)
}

// DeleteAlias removes an alias of a model.
func (c *Client) DeleteAlias(ctx context.Context, name, alias string) error {
	in := map[string]string{"name": name, "alias": alias}
	return errs.Wrap(c.call(ctx, http.MethodDelete, "registered-models/alias", in, nil), "remove alias %s of %s", alias, name)
}

// DeleteVersion removes a version; its number is not given again.
func (c *Client) DeleteVersion(ctx context.Context, name, version string) error {
	in := map[string]string{"name": name, "version": version}
	return errs.Wrap(c.call(ctx, http.MethodDelete, "model-versions/delete", in, nil), "delete version %s of %s", version, name)
}

// DescribeVersion sets the description of a version.
func (c *Client) DescribeVersion(ctx context.Context, name, version, text string) error {
	in := map[string]string{"name": name, "version": version, "description": text}
	return errs.Wrap(c.call(ctx, http.MethodPatch, "model-versions/update", in, nil), "describe version %s of %s", version, name)
}

// StageVersion moves a version to a stage and leaves the others where they are.
func (c *Client) StageVersion(ctx context.Context, name, version, stage string) error {
	in := map[string]any{"name": name, "version": version, "stage": stage, "archive_existing_versions": false}
	return errs.Wrap(c.call(ctx, http.MethodPost, "model-versions/transition-stage", in, nil), "move version %s of %s to %s", version, name, stage)
}

// DeleteVersionTag removes one tag of a version.
func (c *Client) DeleteVersionTag(ctx context.Context, name, version, key string) error {
	in := map[string]string{"name": name, "version": version, "key": key}
	return errs.Wrap(c.call(ctx, http.MethodDelete, "model-versions/delete-tag", in, nil), "take tag %s from version %s of %s", key, version, name)
}
