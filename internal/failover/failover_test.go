package failover

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// backend is an endpoint whose answers a test chooses.
type backend struct {
	*httptest.Server
	answer atomic.Pointer[http.HandlerFunc]
	asked  atomic.Int64
	last   atomic.Pointer[http.Request]
}

func newBackend(t *testing.T, name string) *backend {
	b := &backend{}
	b.to(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s", name, r.URL.RequestURI(), body)
	})
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			return
		}
		b.asked.Add(1)
		b.last.Store(r)
		(*b.answer.Load())(w, r)
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *backend) to(h http.HandlerFunc) { b.answer.Store(&h) }

// front starts a proxy that has looked at its endpoints.
func front(t *testing.T, cfg Config) (*Proxy, *httptest.Server) {
	t.Helper()
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	looked := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() { p.Run(ctx, func() { close(looked) }) })
	t.Cleanup(func() { stop(); done.Wait() })
	<-looked
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	return p, s
}

func ask(t *testing.T, uri, body string, header ...string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, uri, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.Header
}

func two(a, b *backend) Config {
	return Config{Endpoints: []Endpoint{{Name: "a", URL: a.URL}, {Name: "b", URL: b.URL + "/prefix/"}}, Every: 20 * time.Millisecond}
}

func TestTheNextEndpointTakesOver(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for name, c := range map[string]struct {
		fail   http.HandlerFunc
		answer string // begins with who answered
		code   int
		out    bool // a is taken out after two of these
	}{
		"503":      {status(503), "b", 200, true},
		"502":      {status(502), "b", 200, true},
		"429":      {status(429), "b", 200, false},
		"400":      {status(400), "", 400, false},
		"500":      {status(500), "", 500, false},
		"redirect": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "http://127.0.0.1:1/", 302) }, "", 302, false},
		"cut":      {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "b", 200, true},
		"cut halfway": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "half")
			panic(http.ErrAbortHandler)
		}, "b", 200, true},
		"slow": {func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-time.After(5 * time.Second):
			}
		}, "b", 200, true},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := newBackend(t, "a"), newBackend(t, "b")
			cfg := two(a, b)
			cfg.Attempt, cfg.Every = 1500*time.Millisecond, time.Hour
			p, s := front(t, cfg)
			a.to(c.fail)
			for i := range 2 {
				if up := p.Status()[0].Up; i == 1 && !up {
					t.Fatal("one failure takes the endpoint out")
				}
				code, text, header := ask(t, s.URL+"/invocations?x=1", "body")
				if code != c.code || c.answer == "b" && (text != "b /prefix/invocations?x=1 body" || header.Get("X-Drivecast-Endpoint") != "b") {
					t.Fatalf("%d %q %v", code, text, header)
				}
			}
			if up := p.Status()[0].Up; up == c.out {
				t.Errorf("after two failures the endpoint is up: %t", up)
			}
			if a.asked.Load() < 2 {
				t.Error("the preferred endpoint was not asked each time")
			}
		})
	}
}

func TestAnEndpointComesBack(t *testing.T) {
	a, b := newBackend(t, "a"), newBackend(t, "b")
	p, s := front(t, two(a, b))
	address := a.Listener.Addr().String()
	a.Server.CloseClientConnections()
	a.Close()
	for range 10 {
		if code, text, _ := ask(t, s.URL+"/score", ""); code != 200 || !strings.HasPrefix(text, "b ") {
			t.Fatal(code, text)
		}
	}
	if p.Status()[0].Up {
		t.Fatal("a closed endpoint is up")
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	again := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "a again") })}
	go again.Serve(l)
	defer again.Close()
	for end := time.Now().Add(10 * time.Second); ; {
		if _, text, _ := ask(t, s.URL+"/score", ""); text == "a again" {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the endpoint does not come back")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestNobodyIsWell(t *testing.T) {
	a, b := newBackend(t, "a"), newBackend(t, "b")
	a.Close()
	b.Close()
	_, s := front(t, two(a, b))
	code, text, header := ask(t, s.URL+"/invocations", "x")
	if code != 502 || header.Get("Retry-After") == "" || !strings.Contains(text, "a and b") {
		t.Error(code, text, header)
	}
	for path, want := range map[string]int{"/readyz": 503, "/ping": 503, "/v2/health/ready": 503, "/livez": 200, "/": 200, "/endpoints": 200} {
		resp, err := http.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
}

func TestHeaders(t *testing.T) {
	a, b := newBackend(t, "a"), newBackend(t, "b")
	cfg := two(a, b)
	cfg.Strip = true
	_, s := front(t, cfg)
	ask(t, s.URL+"/score", "x", "Authorization", "Bearer mine", "X-Request-Id", "7", "Connection", "X-Secret", "X-Secret", "1", "X-Forwarded-For", "10.0.0.1", "Host", "elsewhere")
	got := a.last.Load()
	if got.Header.Get("Authorization") != "" || got.Header.Get("X-Secret") != "" || got.Header.Get("X-Request-Id") != "7" ||
		got.Header.Get("X-Forwarded-For") != "10.0.0.1, 127.0.0.1" || got.Host != a.Listener.Addr().String() {
		t.Error(got.Host, got.Header)
	}
	cfg.Endpoints[0].Token = "theirs"
	_, s = front(t, cfg)
	ask(t, s.URL+"/score", "x", "Authorization", "Bearer mine")
	if got := a.last.Load().Header.Get("Authorization"); got != "Bearer theirs" {
		t.Error(got)
	}
}

func TestLimits(t *testing.T) {
	a, b := newBackend(t, "a"), newBackend(t, "b")
	cfg := two(a, b)
	cfg.MaxBody = 100_000
	p, s := front(t, cfg)
	if code, _, _ := ask(t, s.URL+"/score", strings.Repeat("x", 100_001)); code != 413 {
		t.Error(code)
	}
	if code, text, _ := ask(t, s.URL+"/score", strings.Repeat("x", 100_000)); code != 200 || len(text) < 100_000 {
		t.Error(code, len(text))
	}
	if held := p.held.Load(); held != 0 {
		t.Errorf("%d bytes are still held", held)
	}
	cfg.MaxHeld = 90_000
	_, s = front(t, cfg)
	if code, _, header := ask(t, s.URL+"/score", strings.Repeat("x", 99_000)); code != 503 || header.Get("Retry-After") == "" {
		t.Error(code, header)
	}
	long := strings.Repeat("y", 3*wholeAnswer)
	a.to(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, long) })
	if _, text, _ := ask(t, s.URL+"/score", "x"); text != long {
		t.Errorf("a long answer came as %d bytes", len(text))
	}
}

func TestNoList(t *testing.T) {
	for _, list := range [][]Endpoint{
		nil, {{Name: "a", URL: "host:80"}}, {{Name: "a", URL: "http://u:p@h"}}, {{Name: "a", URL: "http://h?q"}}, {{Name: "a", URL: "http://h"}, {Name: "a", URL: "http://i"}},
	} {
		if _, err := New(Config{Endpoints: list}); !errs.Is(err, errs.Usage) {
			t.Errorf("%v: %v", list, err)
		}
	}
}
