// Package client speaks MLflow's REST API to a tracking server and registry:
// ours, MLflow's own, or any other that has the routes. It uses only the routes
// that every MLflow 2.x and 3.x server has.
package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// Client is a connection to one server. The zero value is not usable; see New.
// It is safe for concurrent use.
type Client struct {
	base  string // scheme://host[:port][/prefix], no trailing slash
	http  *http.Client
	auth  func(*http.Request)
	tries int
	wait  time.Duration // before the second try; doubles each time
}

// Option changes how a Client behaves.
type Option func(*Client)

// WithHTTP makes the client use h.
func WithHTTP(h *http.Client) Option { return func(c *Client) { c.http = h } }

// WithRetries sets how often a request is tried in all (at least 1) and how long
// to wait before the second try; the wait doubles from then on.
func WithRetries(tries int, wait time.Duration) Option {
	return func(c *Client) { c.tries, c.wait = max(tries, 1), wait }
}

// New returns a client of the server at uri: http, https, or azureml, the address of an
// Azure ML workspace as its jobs find it in MLFLOW_TRACKING_URI. As MLflow's own
// clients do, it sends MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and
// MLFLOW_TRACKING_PASSWORD, when getenv has them, and to a workspace AZUREML_RUN_TOKEN;
// getenv may be nil.
func New(uri string, getenv func(string) string, opts ...Option) (*Client, error) {
	of, address := strings.HasPrefix(uri, "azureml://"), workspaceAddress(uri)
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errs.New(errs.Usage, "tracking URI %q is not an http(s) address; write it like http://127.0.0.1:5000", address)
	}
	c := &Client{base: strings.TrimRight(address, "/"), http: http.DefaultClient, tries: 4, wait: 200 * time.Millisecond}
	if ca := lookUp(getenv, "DRIVECAST_AZURE_CA"); of && ca != "" {
		if c.http, err = trusting(ca); err != nil {
			return nil, err
		}
	}
	c.auth = c.authFrom(of, getenv) // options add to it
	for _, o := range opts {
		o(c)
	}
	return c, nil
}

// workspaceAddress is the https address behind azureml://REGION…/mlflow/v1.0/…; what comes
// after ? is for Microsoft's own client. Other addresses stay.
func workspaceAddress(uri string) string {
	rest, ok := strings.CutPrefix(uri, "azureml://")
	if !ok {
		return uri
	}
	rest, _, _ = strings.Cut(rest, "?")
	return "https://" + rest
}

// FromEnv returns a client of uri with the process's environment.
func FromEnv(uri string, opts ...Option) (*Client, error) { return New(uri, os.Getenv, opts...) }

// URI returns the server's address without a trailing slash.
func (c *Client) URI() string { return c.base }

// authFrom is how requests are signed; of a workspace or not.
func (c *Client) authFrom(workspace bool, getenv func(string) string) func(*http.Request) {
	token := lookUp(getenv, "MLFLOW_TRACKING_TOKEN")
	if workspace {
		if token = cmp.Or(token, lookUp(getenv, "AZUREML_RUN_TOKEN")); token != "" {
			return runTokenOf(c, token, getenv)
		}
	}
	if token != "" {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	if user := lookUp(getenv, "MLFLOW_TRACKING_USERNAME"); user != "" {
		password := lookUp(getenv, "MLFLOW_TRACKING_PASSWORD")
		return func(r *http.Request) { r.SetBasicAuth(user, password) }
	}
	return func(*http.Request) {}
}

// lookUp reads a variable; getenv may be nil.
func lookUp(getenv func(string) string, name string) string {
	if getenv == nil {
		return ""
	}
	return getenv(name)
}

// Call sends one request to the route path below /api/2.0/mlflow/ and decodes the
// answer into out, which may be nil. For GET, in is url.Values or nil.
func (c *Client) Call(ctx context.Context, method, path string, in, out any) error {
	return c.call(ctx, method, path, in, out)
}

// call sends one JSON request to /api/2.0/mlflow/<path> and decodes the answer
// into out, which may be nil. For GET, in must be url.Values or nil.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	target := c.base + "/api/2.0/mlflow/" + path
	var body []byte
	if method == http.MethodGet {
		if q, ok := in.(url.Values); ok && len(q) > 0 {
			target += "?" + q.Encode()
		}
	} else {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	send := func() (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		if method != http.MethodGet {
			req.Header.Set("Content-Type", "application/json")
		}
		return c.do(req)
	}
	resp, err := c.retry(ctx, send)
	if err != nil {
		return errs.Wrap(err, "%s %s", method, target)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return errs.Wrap(unreached(err), "read the answer of %s", target)
	}
	if resp.StatusCode != http.StatusOK {
		return serverError(resp.StatusCode, data)
	}
	if out == nil || len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	return errs.Wrap(json.Unmarshal(data, out), "decode the answer of %s", target)
}

func (c *Client) do(req *http.Request) (*http.Response, error) {
	c.auth(req)
	req.Header.Set("User-Agent", "drivecast")
	return c.http.Do(req)
}

// retry repeats send while the server is busy, starting up or away.
func (c *Client) retry(ctx context.Context, send func() (*http.Response, error)) (*http.Response, error) {
	wait := c.wait
	for try := 1; ; try++ {
		resp, err := send()
		if try == c.tries || !again(resp, err) {
			return resp, unreached(err)
		}
		if resp != nil {
			resp.Body.Close()
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(wait):
			wait *= 2
		}
	}
}

func again(resp *http.Response, err error) bool {
	if err != nil {
		return refused(err) || broken(err) && repeatable(err)
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func refused(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// broken reports whether the connection ended before the answer did: whether the
// server did what it was asked is not known.
func broken(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// repeatable reports whether the request that failed means the same sent twice.
func repeatable(err error) bool {
	var u *url.Error
	return errors.As(err, &u) && (u.Op == "Get" || u.Op == "Put" || u.Op == "Head")
}

// unreached gives a failure of the connection the kind Unavailable and says the mend.
func unreached(err error) error {
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case refused(err):
		return errs.New(errs.Unavailable, "no server answers there: %w; start one with `drivecast server` or name another with --tracking-uri", err)
	case broken(err):
		return errs.New(errs.Unavailable, "the server went away: %w", err)
	}
	return err
}

var kindOfCode = map[string]errs.Kind{
	"RESOURCE_DOES_NOT_EXIST": errs.NotFound, "NOT_FOUND": errs.NotFound, "ENDPOINT_NOT_FOUND": errs.Unsupported,
	"RESOURCE_ALREADY_EXISTS": errs.Exists, "ALREADY_EXISTS": errs.Exists, "INVALID_PARAMETER_VALUE": errs.Invalid,
	"BAD_REQUEST": errs.Invalid, "INVALID_STATE": errs.State, "UNAUTHENTICATED": errs.Unauthenticated,
	"PERMISSION_DENIED": errs.Denied, "TEMPORARILY_UNAVAILABLE": errs.Unavailable,
}

func serverError(status int, body []byte) error {
	var e struct {
		Code    string `json:"error_code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &e) == nil && e.Code != "" {
		kind, known := kindOfCode[e.Code]
		if !known {
			kind = errs.Internal
		}
		return errs.New(kind, "the server answered %s: %s", e.Code, e.Message)
	}
	kind := errs.Internal
	switch status {
	case http.StatusNotFound:
		kind = errs.NotFound
	case http.StatusUnauthorized:
		kind = errs.Unauthenticated
	case http.StatusForbidden:
		kind = errs.Denied
	}
	return errs.New(kind, "the server answered %d: %s", status, strings.TrimSpace(string(body[:min(len(body), 300)])))
}

// millis is a time as MLflow writes it: milliseconds since 1970.
func millis(t time.Time) int64 { return t.UnixMilli() }

// Int is an int64 that servers write as a number or as a string.
type Int int64

// UnmarshalJSON accepts 12 and "12"; null leaves the number as it is.
func (i *Int) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	var v int64
	if _, err := fmt.Sscan(strings.Trim(string(b), `"`), &v); err != nil {
		return fmt.Errorf("%s is not a whole number", b)
	}
	*i = Int(v)
	return nil
}
