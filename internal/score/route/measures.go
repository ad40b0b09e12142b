package route

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// measures are the counters of all routes.
type measures struct {
	requests, errors, rollbacks, compared, agreed, apart, dropped *prometheus.CounterVec
	duration                                                      *prometheus.HistogramVec
}

func newMeasures() measures {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append([]string{"route"}, labels...))
	}
	return measures{
		requests:  counter("drivecast_route_requests_total", "Requests that a route was asked, by mode: live or shadow.", "mode"),
		errors:    counter("drivecast_route_errors_total", "Requests that a route failed; of a challenger, those that the champion answers.", "mode"),
		rollbacks: counter("drivecast_route_rollbacks_total", "How often a challenger lost its share to the champion."),
		compared:  counter("drivecast_route_compared_rows_total", "Rows whose answer was compared with the one that was returned."),
		agreed:    counter("drivecast_route_agreed_rows_total", "Compared rows with the same decision."),
		apart:     counter("drivecast_route_absolute_difference_sum", "Sum over compared rows of the absolute difference of the scores."),
		dropped:   counter("drivecast_route_shadow_dropped_total", "Requests that a shadow was not asked, since too many waited."),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "drivecast_route_duration_seconds", Help: "Time that a route took to read, score and write an answer.",
			Buckets: []float64{1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}, []string{"route"}),
	}
}

// counts are the counters of one route.
type counts struct {
	requests, errors                           [2]prometheus.Counter // live, shadow
	rollbacks, compared, agreed, apart, droppd prometheus.Counter
	duration                                   prometheus.Observer
	sums                                       *sums
}

// sums are what /routes tells of the counters.
type sums struct {
	live, shadow, failed, compared, agreed, dropped atomic.Int64
	apart                                           atomic.Uint64 // bits of a float64
}

// Tally is what a route did since the server started.
type Tally struct {
	Live       int64    `json:"requests"`       // that it answered
	Shadowed   int64    `json:"shadowRequests"` // that it was asked beside
	Failed     int64    `json:"errors"`
	Dropped    int64    `json:"shadowDropped"`
	Compared   int64    `json:"comparedRows"`
	Agreement  *float64 `json:"agreement"`              // share of compared rows with the same decision; null without any
	Difference *float64 `json:"meanAbsoluteDifference"` // of the scores of compared rows
}

func (m *measures) of(route string) counts {
	return counts{
		requests:  [2]prometheus.Counter{m.requests.WithLabelValues(route, "live"), m.requests.WithLabelValues(route, "shadow")},
		errors:    [2]prometheus.Counter{m.errors.WithLabelValues(route, "live"), m.errors.WithLabelValues(route, "shadow")},
		rollbacks: m.rollbacks.WithLabelValues(route), compared: m.compared.WithLabelValues(route), agreed: m.agreed.WithLabelValues(route),
		apart: m.apart.WithLabelValues(route), droppd: m.dropped.WithLabelValues(route), duration: m.duration.WithLabelValues(route), sums: new(sums),
	}
}

func (c *counts) observe(shadow bool, took time.Duration, failed bool) {
	mode, sum := 0, &c.sums.live
	if shadow {
		mode, sum = 1, &c.sums.shadow
	}
	sum.Add(1)
	c.requests[mode].Inc()
	c.duration.Observe(took.Seconds())
	if failed {
		c.sums.failed.Add(1)
		c.errors[mode].Inc()
	}
}

// Drop counts a request that a shadow was not asked.
func (rt *Route) Drop() {
	rt.counts.droppd.Inc()
	rt.counts.sums.dropped.Add(1)
}

// Compare counts rows whose answers were compared: how many have the same decision,
// and the sum of the absolute differences of their scores.
func (rt *Route) Compare(rows, agreed int, apart float64) {
	c := &rt.counts
	c.compared.Add(float64(rows))
	c.agreed.Add(float64(agreed))
	c.sums.compared.Add(int64(rows))
	c.sums.agreed.Add(int64(agreed))
	if math.IsNaN(apart) || math.IsInf(apart, 0) {
		return
	}
	c.apart.Add(apart)
	for {
		old := c.sums.apart.Load()
		if c.sums.apart.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+apart)) {
			return
		}
	}
}

func (c *counts) tally() Tally {
	s := c.sums
	t := Tally{Live: s.live.Load(), Shadowed: s.shadow.Load(), Failed: s.failed.Load(), Dropped: s.dropped.Load(), Compared: s.compared.Load()}
	if n := float64(t.Compared); n > 0 {
		agreed, apart := float64(s.agreed.Load())/n, math.Float64frombits(s.apart.Load())/n
		t.Agreement, t.Difference = &agreed, &apart
	}
	return t
}

var (
	weightDesc = prometheus.NewDesc("drivecast_route_weight", "Per cent of the drives that a route answers for now.", []string{"route"}, nil)
	awayDesc   = prometheus.NewDesc("drivecast_route_rolled_back", "1 while a challenger is rolled back.", []string{"route"}, nil)
)

func (m *measures) all() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.errors, m.rollbacks, m.compared, m.agreed, m.apart, m.dropped, m.duration}
}

// Describe names the measures of the routes.
func (r *Router) Describe(to chan<- *prometheus.Desc) {
	for _, c := range r.measures.all() {
		c.Describe(to)
	}
	to <- weightDesc
	to <- awayDesc
}

// Collect measures the routes.
func (r *Router) Collect(to chan<- prometheus.Metric) {
	for _, c := range r.measures.all() {
		c.Collect(to)
	}
	for _, s := range r.States() {
		away := 0.0
		if s.RolledBack {
			away = 1
		}
		to <- prometheus.MustNewConstMetric(weightDesc, prometheus.GaugeValue, s.Weight, s.Name)
		to <- prometheus.MustNewConstMetric(awayDesc, prometheus.GaugeValue, away, s.Name)
	}
}
