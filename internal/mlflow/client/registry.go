package client

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// Version is one version of a registered model.
type Version struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Created Int      `json:"creation_timestamp"` // milliseconds since 1970
	Updated Int      `json:"last_updated_timestamp"`
	Stage   string   `json:"current_stage"`
	Source  string   `json:"source"`
	RunID   string   `json:"run_id"`
	Status  string   `json:"status"`
	Message string   `json:"status_message"`
	Aliases []string `json:"aliases"`
	Tags    []Tag    `json:"tags"`

	Description string `json:"description"`
	UserID      string `json:"user_id"`
	RunLink     string `json:"run_link"`
	ModelID     string `json:"model_id"`
}

// RegisteredModel is a name under which versions are kept.
type RegisteredModel struct {
	Name        string    `json:"name"`
	Created     Int       `json:"creation_timestamp"`
	Description string    `json:"description"`
	Tags        []Tag     `json:"tags"`
	Latest      []Version `json:"latest_versions"`
	Aliases     []Alias   `json:"aliases"`
}

// Alias is a name for one version of a model.
type Alias struct {
	Alias   string `json:"alias"`
	Version string `json:"version"`
}

type versionAnswer struct {
	Version Version `json:"model_version"`
}

// Register makes a new version of the named model from source, an artifact URI;
// the model is made first when there is none.
func (c *Client) Register(ctx context.Context, name, source, runID string, tags []Tag) (*Version, error) {
	err := c.call(ctx, http.MethodPost, "registered-models/create", map[string]string{"name": name}, nil)
	if err != nil && !errs.Is(err, errs.Exists) {
		return nil, errs.Wrap(err, "register model %q", name)
	}
	in := map[string]any{"name": name, "source": source, "run_id": runID, "tags": tags}
	var out versionAnswer
	err = c.call(ctx, http.MethodPost, "model-versions/create", in, &out)
	return &out.Version, errs.Wrap(err, "register a version of model %q", name)
}

// SetAlias makes alias name that version.
func (c *Client) SetAlias(ctx context.Context, name, alias, version string) error {
	in := map[string]string{"name": name, "alias": alias, "version": version}
	return errs.Wrap(c.call(ctx, http.MethodPost, "registered-models/alias", in, nil), "set alias %s of %s", alias, name)
}

// ByAlias returns the version that alias names.
func (c *Client) ByAlias(ctx context.Context, name, alias string) (*Version, error) {
	var out versionAnswer
	err := c.call(ctx, http.MethodGet, "registered-models/alias", url.Values{"name": {name}, "alias": {alias}}, &out)
	return &out.Version, errs.Wrap(err, "find models:/%s@%s", name, alias)
}

// GetModel returns the registered model of that name.
func (c *Client) GetModel(ctx context.Context, name string) (*RegisteredModel, error) {
	var out struct {
		Model RegisteredModel `json:"registered_model"`
	}
	err := c.call(ctx, http.MethodGet, "registered-models/get", url.Values{"name": {name}}, &out)
	return &out.Model, errs.Wrap(err, "find model %q", name)
}

// Models returns every registered model.
func (c *Client) Models(ctx context.Context) ([]RegisteredModel, error) {
	var all []RegisteredModel
	q := url.Values{"max_results": {"1000"}}
	for {
		var out struct {
			Models []RegisteredModel `json:"registered_models"`
			Next   string            `json:"next_page_token"`
		}
		if err := c.call(ctx, http.MethodGet, "registered-models/search", q, &out); err != nil {
			return nil, errs.Wrap(err, "list models")
		}
		all = append(all, out.Models...)
		if out.Next == "" {
			return all, nil
		}
		q.Set("page_token", out.Next)
	}
}

// Versions returns every version of the named model, newest first.
func (c *Client) Versions(ctx context.Context, name string) ([]Version, error) {
	var all []Version
	q := url.Values{
		"filter":      {"name='" + strings.ReplaceAll(name, "'", "''") + "'"},
		"order_by":    {"version_number DESC"},
		"max_results": {"1000"},
	}
	for {
		var out struct {
			Versions []Version `json:"model_versions"`
			Next     string    `json:"next_page_token"`
		}
		if err := c.call(ctx, http.MethodGet, "model-versions/search", q, &out); err != nil {
			return nil, errs.Wrap(err, "list versions of %q", name)
		}
		all = append(all, out.Versions...)
		if out.Next == "" {
			return all, nil
		}
		q.Set("page_token", out.Next)
	}
}

// Resolve returns the version that a models:/ URI names: models:/NAME/VERSION,
// models:/NAME/STAGE, models:/NAME/latest or models:/NAME@ALIAS.
func (c *Client) Resolve(ctx context.Context, uri string) (*Version, error) {
	rest, ok := strings.CutPrefix(uri, "models:/")
	if !ok {
		return nil, errs.New(errs.Usage, "%q is not a models:/ URI", uri)
	}
	if name, alias, ok := strings.Cut(rest, "@"); ok {
		return c.ByAlias(ctx, name, alias)
	}
	i := strings.LastIndex(rest, "/")
	if i <= 0 || i == len(rest)-1 {
		return nil, errs.New(errs.Usage, "%q names no version; write models:/NAME/VERSION or models:/NAME@ALIAS", uri)
	}
	name, version := rest[:i], rest[i+1:]
	if strings.Trim(version, "0123456789") == "" {
		var out versionAnswer
		err := c.call(ctx, http.MethodGet, "model-versions/get", url.Values{"name": {name}, "version": {version}}, &out)
		return &out.Version, errs.Wrap(err, "find %s", uri)
	}
	return c.latest(ctx, uri, name, version)
}

func (c *Client) latest(ctx context.Context, uri, name, stage string) (*Version, error) {
	if strings.EqualFold(stage, "latest") {
		all, err := c.Versions(ctx, name)
		if err == nil && len(all) == 0 {
			err = errs.New(errs.NotFound, "model %q has no version", name)
		}
		if err != nil {
			return nil, err
		}
		return &all[0], nil
	}
	var out struct {
		Versions []Version `json:"model_versions"`
	}
	in := map[string]any{"name": name, "stages": []string{stage}}
	if err := c.call(ctx, http.MethodPost, "registered-models/get-latest-versions", in, &out); err != nil {
		return nil, errs.Wrap(err, "find %s", uri)
	}
	if len(out.Versions) == 0 {
		return nil, errs.New(errs.NotFound, "model %q has no version in stage %q", name, stage)
	}
	return &out.Versions[0], nil
}

// DownloadURI returns where the version's files are.
func (c *Client) DownloadURI(ctx context.Context, name, version string) (string, error) {
	var out struct {
		URI string `json:"artifact_uri"`
	}
	err := c.call(ctx, http.MethodGet, "model-versions/get-download-uri", url.Values{"name": {name}, "version": {version}}, &out)
	return out.URI, errs.Wrap(err, "find the files of %s version %s", name, version)
}
