package insights

import (
	"context"
	"maps"
	"net"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// Metrics sends metrics. Application Insights adds up what it is told, so of sums
// and histograms that count from the start of the program it sends what was added
// since it last succeeded.
type Metrics struct {
	sender *Sender
	mu     sync.Mutex
	sent   map[series]total
}

// NewMetrics makes an exporter of metrics.
func NewMetrics(s *Sender) *Metrics { return &Metrics{sender: s, sent: map[series]total{}} }

var _ metric.Exporter = (*Metrics)(nil)

type series struct {
	name  string
	about attribute.Distinct
}

// total is what a series had counted, and since when.
type total struct {
	start time.Time
	sum   float64
	count uint64
}

// Temporality asks for totals: what is bridged from Prometheus has no others.
func (m *Metrics) Temporality(metric.InstrumentKind) metricdata.Temporality {
	return metricdata.CumulativeTemporality
}

// Aggregation leaves the choice to the SDK.
func (m *Metrics) Aggregation(k metric.InstrumentKind) metric.Aggregation {
	return metric.DefaultAggregationSelector(k)
}

// Export sends what changed. What could not be sent is part of the next difference.
func (m *Metrics) Export(ctx context.Context, r *metricdata.ResourceMetrics) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := collection{m: m, tags: role(r.Resource), totals: map[series]total{}}
	for _, scope := range r.ScopeMetrics {
		for _, one := range scope.Metrics {
			c.add(one)
		}
	}
	if len(c.items) == 0 {
		return nil
	}
	if err := m.sender.Send(ctx, c.items); err != nil {
		return err
	}
	maps.Copy(m.sent, c.totals)
	return nil
}

// ForceFlush has nothing to flush.
func (m *Metrics) ForceFlush(context.Context) error { return nil }

// Shutdown ends nothing.
func (m *Metrics) Shutdown(context.Context) error { return nil }

// collection is one export in the making.
type collection struct {
	m      *Metrics
	tags   map[string]string
	items  []Item
	totals map[series]total
}

func (c *collection) add(one metricdata.Metrics) {
	switch d := one.Data.(type) {
	case metricdata.Gauge[float64]:
		gauges(c, one.Name, d.DataPoints)
	case metricdata.Gauge[int64]:
		gauges(c, one.Name, d.DataPoints)
	case metricdata.Sum[float64]:
		sums(c, one.Name, d)
	case metricdata.Sum[int64]:
		sums(c, one.Name, d)
	case metricdata.Histogram[float64]:
		histograms(c, one.Name, d)
	case metricdata.Histogram[int64]:
		histograms(c, one.Name, d)
	}
}

func gauges[N int64 | float64](c *collection, name string, points []metricdata.DataPoint[N]) {
	for _, p := range points {
		c.put(p.Time, p.Attributes, Point{Name: name, Value: float64(p.Value), Count: 1})
	}
}

func sums[N int64 | float64](c *collection, name string, d metricdata.Sum[N]) {
	if !d.IsMonotonic {
		gauges(c, name, d.DataPoints)
		return
	}
	for _, p := range d.DataPoints {
		now := total{start: p.StartTime, sum: float64(p.Value)}
		if was := c.since(name, p.Attributes, now, d.Temporality); now.sum != was.sum {
			c.put(p.Time, p.Attributes, Point{Name: name, Value: now.sum - was.sum, Count: 1})
		}
	}
}

func histograms[N int64 | float64](c *collection, name string, d metricdata.Histogram[N]) {
	for _, p := range d.DataPoints {
		now := total{start: p.StartTime, sum: float64(p.Sum), count: p.Count}
		if was := c.since(name, p.Attributes, now, d.Temporality); now.count != was.count {
			c.put(p.Time, p.Attributes, Point{Name: name, Kind: 1, Value: now.sum - was.sum, Count: now.count - was.count})
		}
	}
}

// since returns what of a series was sent already, and notes what will have been. A
// series that began anew, or shrank, is told whole.
func (c *collection) since(name string, about attribute.Set, now total, how metricdata.Temporality) total {
	if how == metricdata.DeltaTemporality {
		return total{}
	}
	key := series{name, about.Equivalent()}
	c.totals[key] = now
	was := c.m.sent[key]
	if now.sum < was.sum || now.count < was.count {
		return total{}
	}
	return was
}

func (c *collection) put(at time.Time, about attribute.Set, p Point) {
	properties := map[string]string{}
	for _, a := range about.ToSlice() {
		properties[string(a.Key)] = cut(a.Value.Emit(), longestProperty)
	}
	p.Name = cut(p.Name, longestName)
	if p.Value != p.Value || p.Value-p.Value != 0 { // no JSON has them
		return
	}
	c.items = append(c.items, c.m.sender.item("Metric", at, c.tags, Metric{Ver: 2, Metrics: []Point{p}, Properties: properties}))
}

// host is an address without its port.
func host(address string) string {
	if h, _, err := net.SplitHostPort(address); err == nil {
		return h
	}
	return address
}
