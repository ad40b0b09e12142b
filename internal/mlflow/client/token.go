package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// runToken is the token that a job of an Azure ML workspace is given. It ends
// after a while; the run history hands out the next one.
type runToken struct {
	mu      sync.Mutex
	c       *Client
	now     func() time.Time
	token   string
	ends    time.Time // zero when unknown: then it is not renewed
	renewal string    // where the next one is
	asked   time.Time
}

// renewBefore is how long before its end a token is renewed, and renewEvery how
// often that is tried.
const (
	renewBefore = 5 * time.Minute
	renewEvery  = 30 * time.Second
)

// runTokenOf is the token in the environment of a job, as auth for its client.
func runTokenOf(c *Client, token string, getenv func(string) string) func(*http.Request) {
	t := &runToken{c: c, now: time.Now, token: token, ends: endOf(token)}
	if s, err := strconv.ParseInt(getenv("AZUREML_RUN_TOKEN_EXPIRY"), 10, 64); err == nil && t.ends.IsZero() {
		t.ends = time.Unix(s, 0)
	}
	host, workspace, ok := c.workspace()
	if run, experiment := getenv("MLFLOW_RUN_ID"), getenv("MLFLOW_EXPERIMENT_ID"); ok && run != "" && experiment != "" {
		t.renewal = host + "/history/v1.0" + workspace + "/experimentids/" + url.PathEscape(experiment) + "/runs/" + url.PathEscape(run) + "/token"
	}
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+t.current(r.Context())) }
}

// endOf is when a JSON web token ends; zero when it does not say. Whether it is
// genuine is for the server to judge.
func endOf(token string) time.Time {
	var claims struct{ Exp float64 }
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(text, &claims) != nil || claims.Exp <= 0 || claims.Exp > 1<<40 {
		return time.Time{}
	}
	return time.Unix(int64(claims.Exp), 0)
}

// current is the token, a new one when this one is about to end. While there is
// none to be had, the old one is used.
func (t *runToken) current(ctx context.Context) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if t.renewal == "" || t.ends.IsZero() || now.Before(t.ends.Add(-renewBefore)) || now.Before(t.asked.Add(renewEvery)) {
		return t.token
	}
	t.asked = now
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.renewal, nil)
	if err != nil {
		return t.token
	}
	req.Header.Set("Authorization", "Bearer "+t.token)
	resp, err := t.c.http.Do(req)
	if err != nil {
		return t.token
	}
	defer resp.Body.Close()
	var next struct {
		Token string    `json:"token"`
		Ends  time.Time `json:"expiryTimeUtc"`
	}
	if resp.StatusCode == http.StatusOK && json.NewDecoder(resp.Body).Decode(&next) == nil && next.Token != "" {
		t.token, t.ends = next.Token, next.Ends
	}
	return t.token
}

// trusting is an HTTP client that trusts the certificates in a PEM file, too: those
// of a workspace on this machine.
func trusting(file string) (*http.Client, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, errs.Wrap(err, "DRIVECAST_AZURE_CA")
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errs.New(errs.Invalid, "DRIVECAST_AZURE_CA: %s holds no certificate", file)
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: t}, nil
}
