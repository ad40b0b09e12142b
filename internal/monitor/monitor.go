// Package monitor measures servers while they run: requests by route and status,
// how long they took, how long the store took, and what the process uses, in
// Prometheus' format at /metrics and over OTLP when the environment asks for it.
package monitor

import (
	"context"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/drivecast/drivecast/internal/sent"
)

// buckets are the upper ends of the latency histogram, in seconds: from answers
// out of memory to uploads.
var buckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60}

// Monitor collects what is measured. It is safe for concurrent use.
type Monitor struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	store    *prometheus.HistogramVec
	outcomes [4]prometheus.Observer // of store: read and write, then those that failed
	inFlight prometheus.Gauge
	routes   sync.Map // name to *route
	spare    sync.Pool
	tracer   *tracer // nil without OTLP
}

// New makes a monitor of a server: what it is ("tracking" or "scoring") and the
// version of the program.
func New(server, version string) *Monitor {
	labels := prometheus.Labels{"server": server}
	m := &Monitor{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "drivecast_http_requests_total", Help: "Requests that were answered, by route, method and status.", ConstLabels: labels,
		}, []string{"route", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "drivecast_http_request_duration_seconds", Help: "Time from the first to the last byte, by route.", Buckets: buckets, ConstLabels: labels,
		}, []string{"route"}),
		store: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "drivecast_store_duration_seconds", Help: "Time of transactions, waiting for their turn included, by kind and outcome.", Buckets: buckets, ConstLabels: labels,
		}, []string{"kind", "outcome"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "drivecast_http_requests_in_flight", Help: "Requests that are being answered.", ConstLabels: labels}),
		spare:    sync.Pool{New: func() any { return new(sent.Recorder) }},
	}
	for i, outcome := range []string{"ok", "failed"} {
		m.outcomes[2*i], m.outcomes[2*i+1] = m.store.WithLabelValues("read", outcome), m.store.WithLabelValues("write", outcome)
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "drivecast_build_info", Help: "Always 1; the labels say what is running.",
		ConstLabels: prometheus.Labels{"server": server, "version": version, "goversion": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.duration, m.store, m.inFlight, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler answers scrapes.
func (m *Monitor) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// Register adds measures of the server's own to /metrics; two of one name are a
// fault of the program and panic.
func (m *Monitor) Register(c ...prometheus.Collector) { m.registry.MustRegister(c...) }

// route holds the counters of one route, so that a request looks none of them up.
type route struct {
	name     string
	duration prometheus.Observer
	counters [len(methods)][600]atomic.Pointer[prometheus.Counter]
}

var methods = [...]string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "other"}

func methodIndex(method string) int {
	for i, m := range methods {
		if m == method {
			return i
		}
	}
	return len(methods) - 1
}

func (m *Monitor) route(name string) *route {
	if r, ok := m.routes.Load(name); ok {
		return r.(*route)
	}
	r, _ := m.routes.LoadOrStore(name, &route{name: name, duration: m.duration.WithLabelValues(name)})
	return r.(*route)
}

func (m *Monitor) count(r *route, method string, status int) {
	if status < 0 || status >= 600 {
		status = 0
	}
	i := methodIndex(method)
	slot := &r.counters[i][status]
	c := slot.Load()
	if c == nil {
		made := m.requests.WithLabelValues(r.name, methods[i], strconv.Itoa(status))
		c = &made
		slot.Store(c)
	}
	(*c).Inc()
}

// Wrap measures what a handler answers. name returns the route of a request: one
// of few names, whatever the request says.
func (m *Monitor) Wrap(next http.Handler, name func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rt := m.route(name(r))
		rec := m.spare.Get().(*sent.Recorder)
		*rec = sent.Recorder{ResponseWriter: w}
		begin := time.Now()
		m.inFlight.Inc()
		defer func() {
			m.inFlight.Dec()
			status := rec.Status
			if status == 0 {
				status = http.StatusOK
			}
			rt.duration.Observe(time.Since(begin).Seconds())
			m.count(rt, r.Method, status)
			*rec = sent.Recorder{}
			m.spare.Put(rec)
		}()
		if m.tracer != nil {
			m.tracer.serve(rec, r, next, rt.name)
			return
		}
		next.ServeHTTP(rec, r)
	})
}

// ObserveStore measures one transaction; kind is "read" or "write".
func (m *Monitor) ObserveStore(ctx context.Context, kind string, begin time.Time, err error) {
	outcome := 0
	if err != nil {
		outcome = 2
	}
	if kind == "write" {
		outcome++
	}
	m.outcomes[outcome].Observe(time.Since(begin).Seconds())
	if m.tracer != nil {
		m.tracer.store(ctx, kind, begin, err)
	}
}
