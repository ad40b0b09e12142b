package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// between stands before the fake and refuses every login once refuse is set.
func between(t *testing.T, env map[string]string, refuse func(*http.Request) bool) map[string]string {
	t.Helper()
	ca, err := os.ReadFile(env["DRIVECAST_AZURE_CA"])
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	to, err := url.Parse(env["DRIVECAST_AZURE_ENDPOINT"])
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	var own string
	proxy.ModifyResponse = func(resp *http.Response) error { // addresses lead back here
		for name, list := range resp.Header {
			for i := range list {
				resp.Header[name][i] = strings.ReplaceAll(list[i], to.String(), own)
			}
		}
		text, err := io.ReadAll(resp.Body)
		text = []byte(strings.ReplaceAll(string(text), to.String(), own))
		resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(string(text))), int64(len(text))
		resp.Header.Set("Content-Length", fmt.Sprint(len(text)))
		return err
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/subscriptions/") && refuse(r) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":{"code":"ExpiredAuthenticationToken","message":"The access token expiry UTC time is earlier than current UTC time."}}`)
			return
		}
		r.Host = to.Host
		proxy.ServeHTTP(w, r)
	}))
	own = server.URL
	t.Cleanup(server.Close)
	both := append(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})...)
	file := filepath.Join(t.TempDir(), "both.pem")
	if err := os.WriteFile(file, both, 0o600); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for k, v := range env {
		out[k] = v
	}
	out["DRIVECAST_AZURE_ENDPOINT"], out["DRIVECAST_AZURE_CA"] = server.URL, file
	return out
}

// TestALoginThatExpiresLeavesNothingHalfDone lets the login end at each change of a
// rollout, and runs the same command again.
func TestALoginThatExpiresLeavesNothingHalfDone(t *testing.T) {
	w := newWalk(t, t.TempDir())
	defer func() { w.stop() }()
	if code, _, said := w.deploy("blue", "blue.yml"); code != 0 {
		t.Fatal(said)
	}
	direct := w.env
	for i, c := range []struct{ name, at, left string }{
		{"green", "deployments/green", "map[blue:100] [blue"},                  // while it is made
		{"violet", `"violet":10`, "map[green:100] [green violet]"},             // when it is to get its share
		{"indigo", `"indigo":100`, "map[indigo:10 violet:90] [indigo violet]"}, // and all
	} {
		file := []string{"green/green.yml", "blue.yml", "green/green.yml"}[i]
		var gone atomic.Bool
		w.env = between(t, direct, func(r *http.Request) bool {
			if r.Method == http.MethodPut && !gone.Load() {
				body := new(strings.Builder)
				r.Body = tee(r, body)
				if strings.Contains(c.at, "/") && strings.Contains(r.URL.Path, c.at) {
					gone.Store(true) // this one goes through, and is the last
					return false
				}
				if strings.Contains(body.String(), `"traffic":{`) && strings.Contains(strings.ReplaceAll(body.String(), " ", ""), c.at) {
					gone.Store(true)
				}
			}
			return gone.Load()
		})
		code, r, said := w.deploy(c.name, file, "--mirror", "0")
		w.env = direct
		if code != 1 || r.State != "interrupted" || !strings.Contains(said, "Log in again and run the same command") || !strings.Contains(said, "ExpiredAuthenticationToken") {
			t.Fatalf("%s: exit %d, %+v, %s", c.name, code, r, said)
		}
		if now := w.now(); !strings.HasPrefix(now, c.left) {
			t.Errorf("%s: left %s, want %s", c.name, now, c.left)
		}
		if code, r, said := w.deploy(c.name, file, "--mirror", "0"); code != 0 || w.now() != fmt.Sprintf("map[%s:100] [%s]", c.name, c.name) {
			t.Fatalf("%s again: exit %d, %+v, %s, %s", c.name, code, r, said, w.now())
		}
	}
}

// TestAnInterruptGoesBack stops a rollout at its first share.
func TestAnInterruptGoesBack(t *testing.T) {
	w := newWalk(t, t.TempDir())
	defer func() { w.stop() }()
	if code, _, said := w.deploy("blue", "blue.yml"); code != 0 {
		t.Fatal(said)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out lines
	said := &until{text: "traffic: blue=90 green=10", do: cancel}
	a := &app{stdout: &out, stderr: said, getenv: func(k string) string { return w.env[k] }}
	code := a.run(ctx, []string{"deploy", "azureml", "-f", filepath.Join(w.dir, "green/green.yml"), "--name", "green", "--pause", "1m", "--max-latency", "30s", "--mirror", "0", "-o", "json", "--subscription", "S", "-g", "G", "-w", "W"})
	var r struct{ State string }
	if err := json.Unmarshal([]byte(out.String()), &r); err != nil || code != 130 || r.State != "torn-down" {
		t.Fatalf("exit %d, %s, %s, %v", code, out.String(), said.String(), err)
	}
	if now := w.now(); now != "map[blue:100] [blue]" {
		t.Errorf("left %s", now)
	}
}

// tee hands out a request's body again after it was read into to.
func tee(r *http.Request, to *strings.Builder) *again {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return &again{strings.NewReader("")}
	}
	to.Write(text)
	return &again{strings.NewReader(string(text))}
}

type again struct{ *strings.Reader }

func (*again) Close() error { return nil }

// until does something once a text was written.
type until struct {
	lines
	text string
	do   func()
}

func (u *until) Write(p []byte) (int, error) {
	n, err := u.lines.Write(p)
	if strings.Contains(u.String(), u.text) {
		u.do()
	}
	return n, err
}
