package failover

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// endpoint is an Endpoint and how it does.
type endpoint struct {
	Endpoint
	url *url.URL

	mu      sync.Mutex
	up      bool
	streak  int    // looks or requests in a row that speak against up
	problem string // why it is down

	answered, failed, retried atomic.Int64 // attempts; retried are the failed ones that another endpoint took over
}

// Status is how an endpoint does.
type Status struct {
	Name    string `json:"name"`
	URL     string `json:"url"`
	Up      bool   `json:"up"`
	Problem string `json:"problem,omitempty"` // why it is not
}

// Status returns how the endpoints do, in the order of preference.
func (p *Proxy) Status() []Status {
	var out []Status
	for _, e := range p.endpoints {
		e.mu.Lock()
		s := Status{Name: e.Name, URL: e.url.String(), Up: e.up}
		if !e.up {
			s.Problem = e.problem
		}
		e.mu.Unlock()
		out = append(out, s)
	}
	return out
}

func (e *endpoint) well() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.up
}

// look asks an endpoint whether it is ready. The first answer is believed at once.
func (p *Proxy) look(ctx context.Context, e *endpoint, first bool) {
	asked, cancel := context.WithTimeout(ctx, p.cfg.Wait)
	defer cancel()
	problem := p.ask(asked, e)
	if ctx.Err() != nil {
		return
	}
	if problem != "" {
		p.spoil(e, problem, first)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.up {
		e.streak = 0
		return
	}
	if e.streak++; first || e.streak >= p.cfg.Up {
		e.up, e.streak, e.problem = true, 0, ""
		p.cfg.Logger.Info("endpoint is up", "endpoint", e.Name)
	}
}

// ask returns what is wrong, "" when the endpoint is ready.
func (p *Proxy) ask(ctx context.Context, e *endpoint) string {
	at := *e.url
	at.Path += p.cfg.Probe
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return err.Error()
	}
	if e.Token != "" {
		req.Header.Set("Authorization", "Bearer "+e.Token)
	}
	resp, err := p.transport.RoundTrip(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	if resp.StatusCode/100 != 2 {
		return fmt.Sprintf("%s answers %s", p.cfg.Probe, resp.Status)
	}
	return ""
}

// spoil counts a failure; enough of them, or one that is sure, take the endpoint out.
func (p *Proxy) spoil(e *endpoint, problem string, sure bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.problem = problem
	if !e.up {
		e.streak = 0
		return
	}
	if e.streak++; sure || e.streak >= p.cfg.Down {
		e.up, e.streak = false, 0
		p.cfg.Logger.Warn("endpoint is down", "endpoint", e.Name, "problem", problem)
	}
}

// cheer tells of an answered request.
func (e *endpoint) cheer() {
	e.answered.Add(1)
	e.mu.Lock()
	if e.up {
		e.streak = 0
	}
	e.mu.Unlock()
}

// candidates are the endpoints that a request is sent to, in their order: first those
// that are well, then the others, since the last look at them was some time ago.
func (p *Proxy) candidates() []*endpoint {
	var up, rest []*endpoint
	for _, e := range p.endpoints {
		if e.well() {
			up = append(up, e)
		} else {
			rest = append(rest, e)
		}
	}
	out := append(up, rest...)
	return out[:min(len(out), p.cfg.Tries)]
}

// retryAfter is how many seconds a client had better wait when nobody answers.
func (p *Proxy) retryAfter() int {
	return int(max(p.cfg.Every.Round(time.Second), time.Second) / time.Second)
}

var (
	upDesc       = prometheus.NewDesc("drivecast_proxy_endpoint_up", "Whether requests are sent to an endpoint.", []string{"endpoint"}, nil)
	attemptsDesc = prometheus.NewDesc("drivecast_proxy_attempts_total", "Requests that were sent to an endpoint, by whether it answered.", []string{"endpoint", "outcome"}, nil)
	retriedDesc  = prometheus.NewDesc("drivecast_proxy_retried_total", "Failed attempts that another endpoint took over.", []string{"endpoint"}, nil)
)

// Describe implements prometheus.Collector.
func (p *Proxy) Describe(c chan<- *prometheus.Desc) {
	c <- upDesc
	c <- attemptsDesc
	c <- retriedDesc
}

// Collect implements prometheus.Collector.
func (p *Proxy) Collect(c chan<- prometheus.Metric) {
	for _, e := range p.endpoints {
		up := 0.0
		if e.well() {
			up = 1
		}
		c <- prometheus.MustNewConstMetric(upDesc, prometheus.GaugeValue, up, e.Name)
		c <- prometheus.MustNewConstMetric(attemptsDesc, prometheus.CounterValue, float64(e.answered.Load()), e.Name, "answered")
		c <- prometheus.MustNewConstMetric(attemptsDesc, prometheus.CounterValue, float64(e.failed.Load()), e.Name, "failed")
		c <- prometheus.MustNewConstMetric(retriedDesc, prometheus.CounterValue, float64(e.retried.Load()), e.Name)
	}
}
