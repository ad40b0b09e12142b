//go:build services && linux

package kube

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
)

// expiring stands before the API server and takes one credential until a Deployment
// was applied, and then only the next.
type expiring struct {
	next     http.Handler
	takes    string
	renew    func()
	mu       sync.Mutex
	refusals int
}

// ServeHTTP refuses the credential that has expired.
func (e *expiring) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	good := r.Header.Get("Authorization") == "Bearer "+e.takes
	if !good {
		if e.refusals++; e.refusals == 2 {
			e.renew()
		}
	}
	e.mu.Unlock()
	if !good {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Unauthorized", "code": 401, "message": "Unauthorized"}`)
		return
	}
	r.Header.Del("Authorization")
	e.next.ServeHTTP(w, r)
	if r.Method == http.MethodPatch && strings.Contains(r.URL.Path, "/deployments/") {
		e.mu.Lock()
		e.takes = "two"
		e.mu.Unlock()
	}
}

// TestACredentialExpiresDuringADeploy ends a token while Deployments come up: the
// client's plugin has the next one a little later, or never.
func TestACredentialExpiresDuringADeploy(t *testing.T) {
	nodes(t, 1)
	transport, err := rest.TransportFor(shared.rest)
	if err != nil {
		t.Fatal(err)
	}
	host, err := url.Parse(shared.rest.Host)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		renewed bool
	}{{"renewed", true}, {"gone", false}} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			token := func(is string) {
				write(t, filepath.Join(dir, "credential"), `{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "`+is+`"}}`)
			}
			token("one")
			e := &expiring{takes: "one", renew: func() {
				if c.renewed {
					token("two")
				}
			}}
			e.next = &httputil.ReverseProxy{Transport: transport, Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(host) }}
			server := httptest.NewTLSServer(e)
			defer server.Close()
			write(t, filepath.Join(dir, "kubeconfig"), fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: test
clusters: [{name: test, cluster: {server: %q, insecure-skip-tls-verify: true}}]
users: [{name: user, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: cat, args: [%q], interactiveMode: Never}}}]
contexts: [{name: test, context: {cluster: test, user: user}}]
`, server.URL, filepath.Join(dir, "credential")))
			app := "expire-" + c.name
			t.Cleanup(func() {
				kubectl(t, "", 0, "-n", "default", "delete", "deployment/"+app, "service/"+app, "--ignore-not-found")
			})
			write(t, filepath.Join(dir, "m.yaml"), manifests(app, "1", forever, 1))
			timeout := map[bool]string{true: "60s", false: "2s"}[c.renewed]
			code, out, message := drivecast(t, dir, "deploy", "kube", "-f", "m.yaml", "--namespace", "default", "--kubeconfig", "kubeconfig", "--timeout", timeout)
			if c.renewed {
				if code != 0 || e.refusals < 2 || !strings.Contains(out, "Deployment "+app+" is up") {
					t.Errorf("exit %d after %d refusals: %s%s", code, e.refusals, out, message)
				}
				return
			}
			if code != 1 || !strings.Contains(message, "no longer takes the credential") || !strings.Contains(message, "Service "+app+", Deployment "+app) || !strings.Contains(message, "log in again") {
				t.Errorf("exit %d: %s%s", code, out, message)
			}
			kubectl(t, "", 0, "-n", "default", "rollout", "status", "deployment/"+app, "--timeout=120s") // the same manifests, whole
		})
	}
}
