package monitor

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
)

func answering(status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
}

func scrape(m *Monitor) string {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func TestMetrics(t *testing.T) {
	m := New("tracking", "1.2.3")
	for path, status := range map[string]int{"/a": 200, "/b": 404, "/c": 999} {
		h := m.Wrap(answering(status), func(r *http.Request) string { return r.URL.Path })
		for range 3 {
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("PUT", path, nil))
		}
	}
	m.ObserveStore(t.Context(), "write", time.Now().Add(-time.Second), nil)
	m.ObserveStore(t.Context(), "read", time.Now(), errors.New("x"))
	text := scrape(m)
	for _, want := range []string{
		`drivecast_http_requests_total{method="PUT",route="/a",server="tracking",status="200"} 3`,
		`drivecast_http_requests_total{method="PUT",route="/b",server="tracking",status="404"} 3`,
		`drivecast_http_requests_total{method="PUT",route="/c",server="tracking",status="0"} 3`,
		`drivecast_http_request_duration_seconds_count{route="/a",server="tracking"} 3`,
		`drivecast_store_duration_seconds_bucket{kind="write",outcome="ok",server="tracking",le="0.5"} 0`,
		`drivecast_store_duration_seconds_count{kind="write",outcome="ok",server="tracking"} 1`,
		`drivecast_store_duration_seconds_count{kind="read",outcome="failed",server="tracking"} 1`,
		`version="1.2.3"`, "drivecast_http_requests_in_flight", "go_goroutines", "process_resident_memory_bytes",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s in\n%s", want, text)
		}
	}
}

// TestPanics: a request whose handler panics is counted and ends.
func TestPanics(t *testing.T) {
	m := New("tracking", "")
	h := m.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), func(*http.Request) string { return "x" })
	func() {
		defer func() { recover() }()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}()
	if text := scrape(m); !strings.Contains(text, `drivecast_http_requests_in_flight{server="tracking"} 0`) || !strings.Contains(text, `route="x"`) {
		t.Error(text)
	}
}

// collector is an OTLP endpoint that keeps what it is sent.
type collector struct {
	*httptest.Server
	mu   sync.Mutex
	sent map[string]*bytes.Buffer
}

func newCollector(t *testing.T) *collector {
	c := &collector{sent: map[string]*bytes.Buffer{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var in io.Reader = r.Body
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(in)
			if err != nil {
				t.Error(err)
				return
			}
			in = z
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.sent[r.URL.Path] == nil {
			c.sent[r.URL.Path] = &bytes.Buffer{}
		}
		io.Copy(c.sent[r.URL.Path], in)
	}))
	t.Cleanup(c.Close)
	return c
}

func TestOTLP(t *testing.T) {
	c := newCollector(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=lab")
	m := New("tracking", "1.2.3")
	getenv := func(k string) string { return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL}[k] }
	stop, err := m.Export(t.Context(), getenv, "tracking", "1.2.3", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	h := m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.ObserveStore(r.Context(), "write", time.Now(), nil)
		w.WriteHeader(500)
	}), func(*http.Request) string { return "runs/log-batch" })
	r := httptest.NewRequest("POST", "/x", nil)
	r.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	h.ServeHTTP(httptest.NewRecorder(), r)
	if err := stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	for path, wants := range map[string][]string{
		"/v1/traces":  {"POST runs/log-batch", "store write", "drivecast-tracking", "lab", "\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c"},
		"/v1/metrics": {"drivecast_http_requests", "drivecast_store_duration_seconds", "runs/log-batch"},
	} {
		if c.sent[path] == nil {
			t.Errorf("nothing was sent to %s", path)
			continue
		}
		for _, want := range wants {
			if !strings.Contains(c.sent[path].String(), want) {
				t.Errorf("%s got no %q", path, want)
			}
		}
	}
}

func TestEnvironment(t *testing.T) {
	for _, c := range []struct {
		env    map[string]string
		traces bool
		kind   errs.Kind
	}{
		{nil, false, 0},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, true, 0},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}, false, 0},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_TRACES_EXPORTER": "none"}, false, 0},
		{map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, true, 0},
		{map[string]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://x"}, false, 0},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, false, errs.Usage},
		{map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, false, errs.Usage},
	} {
		got, err := wanted(func(k string) string { return c.env[k] }, "TRACES")
		if got != c.traces || (err != nil) != (c.kind != 0) || err != nil && !errs.Is(err, c.kind) {
			t.Errorf("%v: got %t, %v", c.env, got, err)
		}
	}
}

// BenchmarkWrap is what measuring adds to a request.
func BenchmarkWrap(b *testing.B) {
	m := New("scoring", "")
	inner := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	r := httptest.NewRequest("POST", "/invocations", nil)
	w := httptest.NewRecorder()
	for _, c := range []struct {
		name string
		h    http.Handler
	}{{"without", inner}, {"with", m.Wrap(inner, func(*http.Request) string { return "/invocations" })}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.h.ServeHTTP(w, r)
			}
		})
	}
}
