package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/drivecast/drivecast/errs"
)

// Acting makes the client say who it works for, and why it changes things, in
// requests to a drivecast server, which keeps it in the record of its registry.
func Acting(who, why string) Option {
	return func(c *Client) {
		auth := c.auth
		c.auth = func(r *http.Request) {
			auth(r)
			r.Header.Set("X-Drivecast-User", url.QueryEscape(who))
			r.Header.Set("X-Drivecast-Reason", url.QueryEscape(why))
		}
	}
}

// Move is one recorded change of a registered model.
type Move struct {
	Model    string `json:"model"`
	Time     int64  `json:"time"` // milliseconds since 1970
	What     string `json:"what"` // model, version, alias, stage or tag
	Key      string `json:"key,omitempty"`
	Version  int64  `json:"version,omitempty"`
	From     string `json:"from"`
	To       string `json:"to"`
	Who      string `json:"who"`
	Verified bool   `json:"verified"`
	Why      string `json:"why"`
	Digest   string `json:"digest"`
}

// Trail is the record of a registered model, oldest first.
type Trail struct {
	Moves  []Move `json:"moves"`
	Intact bool   `json:"intact"` // nothing was changed, removed or put in between
}

// History returns the record of a model, or of one of its aliases; only a
// drivecast server keeps one.
func (c *Client) History(ctx context.Context, name, alias string) (*Trail, error) {
	q := url.Values{"name": {name}}
	if alias != "" {
		q.Set("alias", alias)
	}
	var out Trail
	err := c.call(ctx, http.MethodGet, "registered-models/history", q, &out)
	return &out, errs.Wrap(err, "read the history of model %q", name)
}

// AliasAt is which version an alias named, and since when.
type AliasAt struct {
	Name    string `json:"name"`
	Alias   string `json:"alias"`
	Version string `json:"version"`
	Since   *Move  `json:"since"` // nil when it was so before the record begins
}

// AliasAt returns which version an alias named at a time, in milliseconds since
// 1970.
func (c *Client) AliasAt(ctx context.Context, name, alias string, at int64) (*AliasAt, error) {
	var out AliasAt
	err := c.call(ctx, http.MethodGet, "registered-models/history", url.Values{"name": {name}, "alias": {alias}, "at": {strconv.FormatInt(at, 10)}}, &out)
	return &out, errs.Wrap(err, "find the %s of model %q", alias, name)
}

// SetVersionTag sets one tag of a version.
func (c *Client) SetVersionTag(ctx context.Context, name, version string, t Tag) error {
	in := map[string]string{"name": name, "version": version, "key": t.Key, "value": t.Value}
	return errs.Wrap(c.call(ctx, http.MethodPost, "model-versions/set-tag", in, nil), "tag version %s of %s", version, name)
}
