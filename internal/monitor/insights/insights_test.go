package insights

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/drivecast/drivecast/errs"
)

func TestParseConnection(t *testing.T) {
	for text, want := range map[string]string{
		"InstrumentationKey=k;IngestionEndpoint=https://we-5.in.applicationinsights.azure.com/;LiveEndpoint=https://x/": "https://we-5.in.applicationinsights.azure.com/v2.1/track",
		"InstrumentationKey=k": "https://dc.services.visualstudio.com/v2.1/track",
		" instrumentationkey = k ; EndpointSuffix=ai.azure.us;Location=usgov": "https://usgov.dc.ai.azure.us/v2.1/track",
		"Authorization=ikey;InstrumentationKey=k;EndpointSuffix=ai.azure.us;": "https://dc.ai.azure.us/v2.1/track",
	} {
		if c, err := ParseConnection(text); err != nil || c.Key != "k" || c.Track != want {
			t.Errorf("%s: %+v, %v", text, c, err)
		}
	}
	for _, text := range []string{"", "secret", "InstrumentationKey=", "InstrumentationKey=secret;IngestionEndpoint=nowhere", "InstrumentationKey=secret;Authorization=aad", "IngestionEndpoint=https://x"} {
		if _, err := ParseConnection(text); !errs.Is(err, errs.Usage) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// endpoint is an ingestion endpoint that answers as it is told, at last with 200.
type endpoint struct {
	*httptest.Server
	mu      sync.Mutex
	answers []func(w http.ResponseWriter)
	taken   [][]string // names of the items of each delivery
	items   []map[string]any
}

func newEndpoint(t *testing.T, answers ...func(w http.ResponseWriter)) *endpoint {
	e := &endpoint{answers: answers}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		z, err := gzip.NewReader(r.Body)
		if err != nil || r.URL.Path != "/v2.1/track" || r.Method != "POST" {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
			return
		}
		var names []string
		for lines := bufio.NewScanner(z); lines.Scan(); {
			var item map[string]any
			if err := json.Unmarshal(lines.Bytes(), &item); err != nil {
				t.Error(err)
			}
			e.items = append(e.items, item)
			names = append(names, fmt.Sprint(item["data"].(map[string]any)["baseData"].(map[string]any)["name"]))
		}
		e.taken = append(e.taken, names)
		if len(e.answers) > 0 {
			answer := e.answers[0]
			e.answers = e.answers[1:]
			answer(w)
		}
	}))
	t.Cleanup(e.Close)
	return e
}

func status(code int, header, value, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		if header != "" {
			w.Header().Set(header, value)
		}
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

func requests(s *Sender, names ...string) (items []Item) {
	for _, n := range names {
		items = append(items, s.item("Request", time.Unix(1, 0), nil, Request{Ver: 2, Name: n}))
	}
	return items
}

// TestDelivery answers as Application Insights does when it is busy, full, or
// elsewhere.
func TestDelivery(t *testing.T) {
	other := newEndpoint(t)
	for name, c := range map[string]struct {
		answers []func(http.ResponseWriter)
		taken   string
		waits   string
		kind    errs.Kind
	}{
		"taken":            {taken: "[[a b c]]", waits: "[]"},
		"busy":             {[]func(http.ResponseWriter){status(503, "", "", ""), status(429, "Retry-After", "7", "")}, "[[a b c] [a b c] [a b c]]", "[1s 7s]", 0},
		"a long wait":      {[]func(http.ResponseWriter){status(429, "Retry-After", "3600", "")}, "[[a b c] [a b c]]", "[20s]", 0},
		"never":            {slices.Repeat([]func(http.ResponseWriter){status(500, "", "", "no")}, 9), "[[a b c] [a b c] [a b c] [a b c]]", "[1s 2s 4s]", errs.Unavailable},
		"a part":           {[]func(http.ResponseWriter){status(206, "", "", `{"itemsReceived":3,"itemsAccepted":1,"errors":[{"index":1,"statusCode":429,"message":"busy"},{"index":2,"statusCode":503}]}`)}, "[[a b c] [b c]]", "[1s]", 0},
		"a part for good":  {[]func(http.ResponseWriter){status(206, "", "", `{"errors":[{"index":0,"statusCode":400,"message":"too long"},{"index":9,"statusCode":500}]}`)}, "[[a b c]]", "[]", errs.Invalid},
		"quota":            {[]func(http.ResponseWriter){status(439, "Retry-After", "60", "quota")}, "[[a b c]]", "[]", errs.Invalid},
		"a wrong key":      {[]func(http.ResponseWriter){status(400, "", "", "bad key")}, "[[a b c]]", "[]", errs.Invalid},
		"another region":   {[]func(http.ResponseWriter){status(308, "Location", other.URL+"/v2.1/track", "")}, "[[a b c]]", "[]", 0},
		"a redirect, lost": {[]func(http.ResponseWriter){status(307, "", "", "")}, "[[a b c]]", "[]", errs.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t, c.answers...)
			waits := []time.Duration{}
			s := NewSender(Connection{Key: "k", Track: e.URL + "/v2.1/track"}, nil, func(_ context.Context, d time.Duration) error {
				waits = append(waits, d)
				return nil
			})
			err := s.Send(t.Context(), requests(s, "a", "b", "c"))
			if (err != nil) != (c.kind != 0) || err != nil && !errs.Is(err, c.kind) {
				t.Errorf("error %v", err)
			}
			if got := fmt.Sprint(e.taken); got != c.taken || fmt.Sprint(waits) != c.waits {
				t.Errorf("deliveries %s, waits %v", got, waits)
			}
		})
	}
	if fmt.Sprint(other.taken) != "[[a b c]]" {
		t.Errorf("the other region got %v", other.taken)
	}
}

// TestWaitEnds: a delivery ends with its context.
func TestWaitEnds(t *testing.T) {
	e := newEndpoint(t, status(503, "Retry-After", "10", ""))
	s := NewSender(Connection{Key: "k", Track: e.URL + "/v2.1/track"}, nil, nil)
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if err := s.Send(ctx, requests(s, "a")); !errs.Is(err, errs.Unavailable) {
		t.Error(err)
	}
}

func TestSpans(t *testing.T) {
	e := newEndpoint(t)
	out := Spans{NewSender(Connection{Key: "k", Track: e.URL + "/v2.1/track"}, nil, nil)}
	from := resource.NewSchemaless(attribute.String("service.name", "drivecast-scoring"), attribute.String("service.namespace", "lab"), attribute.String("host.name", "node1"))
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(out), sdktrace.WithResource(from))
	tracer := provider.Tracer("test")
	begin := time.Date(2026, 3, 1, 12, 0, 0, 5000, time.UTC)
	ctx, parent := tracer.Start(t.Context(), "POST /invocations", trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(begin), trace.WithAttributes(
		attribute.Int("http.response.status_code", 404), attribute.String("network.peer.address", "10.0.0.9:1234"), attribute.String("url.path", "/invocations"), attribute.String("drivecast.model", "hdd")))
	_, child := tracer.Start(ctx, "store write", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("db.operation.name", "write")))
	child.SetStatus(codes.Error, "full")
	child.End()
	parent.End(trace.WithTimestamp(begin.Add(26*time.Hour + 3*time.Millisecond)))
	if len(e.items) != 2 {
		t.Fatal(e.items)
	}
	text, _ := json.Marshal(e.items[1])
	id, traceID := parent.SpanContext().SpanID(), parent.SpanContext().TraceID()
	want := fmt.Sprintf(`{"data":{"baseData":{"duration":"1.02:00:00.003000","id":"%s","name":"POST /invocations","properties":{"drivecast.model":"hdd"},"responseCode":"404","success":false,"url":"/invocations","ver":2},"baseType":"RequestData"},`+
		`"iKey":"k","name":"Microsoft.ApplicationInsights.Request","tags":{"ai.cloud.role":"[lab]/drivecast-scoring","ai.cloud.roleInstance":"node1","ai.internal.sdkVersion":"drivecast:otel","ai.location.ip":"10.0.0.9","ai.operation.id":"%s","ai.operation.name":"POST /invocations"},"time":"2026-03-01T12:00:00.000005Z","ver":1}`, id, traceID)
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	data := e.items[0]["data"].(map[string]any)["baseData"].(map[string]any)
	tags := e.items[0]["tags"].(map[string]any)
	if data["type"] != "SQL" || data["success"] != false || tags["ai.operation.parentId"] != id.String() || tags["ai.operation.id"] != traceID.String() {
		t.Errorf("%v", e.items[0])
	}
}

// TestMetrics: totals are told as what was added, also after a delivery that failed.
func TestMetrics(t *testing.T) {
	e := newEndpoint(t)
	m := NewMetrics(NewSender(Connection{Key: "k", Track: e.URL + "/v2.1/track"}, nil, func(context.Context, time.Duration) error { return nil }))
	about := attribute.NewSet(attribute.String("route", "/invocations"))
	export := func(requests int64, seconds float64) error {
		return m.Export(t.Context(), &metricdata.ResourceMetrics{Resource: resource.Empty(), ScopeMetrics: []metricdata.ScopeMetrics{{Metrics: []metricdata.Metrics{
			{Name: "requests", Data: metricdata.Sum[int64]{IsMonotonic: true, Temporality: metricdata.CumulativeTemporality, DataPoints: []metricdata.DataPoint[int64]{{Attributes: about, Value: requests}}}},
			{Name: "seconds", Data: metricdata.Histogram[float64]{Temporality: metricdata.CumulativeTemporality, DataPoints: []metricdata.HistogramDataPoint[float64]{{Attributes: about, Sum: seconds, Count: uint64(requests)}}}},
			{Name: "in flight", Data: metricdata.Gauge[float64]{DataPoints: []metricdata.DataPoint[float64]{{Value: 3}}}},
		}}}})
	}
	var got []string
	for i, c := range []struct {
		requests int64
		seconds  float64
		fails    bool
	}{{5, 1, false}, {7, 1.5, true}, {8, 2, false}, {8, 2, false}, {2, 1, false}} {
		e.items, e.answers = nil, nil
		if c.fails {
			e.answers = append(e.answers, status(400, "", "", "no"))
		}
		if err := export(c.requests, c.seconds); (err != nil) != c.fails {
			t.Fatal(i, err)
		}
		line := ""
		for _, item := range e.items {
			p := item["data"].(map[string]any)["baseData"].(map[string]any)["metrics"].([]any)[0].(map[string]any)
			line += fmt.Sprintf("%v %v/%v; ", p["name"], p["value"], p["count"])
		}
		got = append(got, line)
	}
	want := []string{"requests 5/1; seconds 1/5; in flight 3/1; ", "requests 2/1; seconds 0.5/2; in flight 3/1; ", "requests 3/1; seconds 1/3; in flight 3/1; ", "in flight 3/1; ", "requests 2/1; seconds 1/2; in flight 3/1; "}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
