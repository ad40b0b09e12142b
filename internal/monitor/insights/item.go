package insights

import (
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
)

// Item is one thing that is told: a request, a call, a measurement.
type Item struct {
	Ver  int               `json:"ver"`
	Name string            `json:"name"`
	Time string            `json:"time"` // UTC
	Key  string            `json:"iKey"`
	Tags map[string]string `json:"tags"`
	Data Data              `json:"data"`
}

// Data is what an item tells.
type Data struct {
	Type string `json:"baseType"`
	Base any    `json:"baseData"`
}

// Request is a request that was answered.
type Request struct {
	Ver        int               `json:"ver"`
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Duration   string            `json:"duration"`
	Code       string            `json:"responseCode"`
	Success    bool              `json:"success"`
	URL        string            `json:"url,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
}

// Dependency is a call to something else, or a step within.
type Dependency struct {
	Ver        int               `json:"ver"`
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Duration   string            `json:"duration"`
	Code       string            `json:"resultCode,omitempty"`
	Success    bool              `json:"success"`
	Type       string            `json:"type"`
	Target     string            `json:"target,omitempty"`
	Data       string            `json:"data,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
}

// Metric is one measurement, or the sum of Count of them.
type Metric struct {
	Ver        int               `json:"ver"`
	Metrics    []Point           `json:"metrics"`
	Properties map[string]string `json:"properties,omitempty"`
}

// Point is a measurement; Kind 1 says that Value is a sum of several.
type Point struct {
	Name  string  `json:"name"`
	Kind  int     `json:"kind"`
	Value float64 `json:"value"`
	Count uint64  `json:"count,omitempty"`
}

// What Application Insights cuts off or refuses.
const (
	longestName     = 1024
	longestProperty = 8192
	longestID       = 512
)

func (s *Sender) item(kind string, at time.Time, tags map[string]string, base any) Item {
	return Item{
		Ver: 1, Name: "Microsoft.ApplicationInsights." + kind, Time: at.UTC().Format("2006-01-02T15:04:05.000000Z"),
		Key: s.to.Key, Tags: tags, Data: Data{Type: kind + "Data", Base: base},
	}
}

// role tells which program an item is of.
func role(r *resource.Resource) map[string]string {
	value := func(key string) string {
		v, _ := r.Set().Value(attribute.Key(key))
		return v.String()
	}
	tags := map[string]string{"ai.internal.sdkVersion": "drivecast" + value("service.version") + ":otel" + value("telemetry.sdk.version")}
	if name := value("service.name"); name != "" {
		if space := value("service.namespace"); space != "" {
			name = "[" + space + "]/" + name
		}
		tags["ai.cloud.role"] = cut(name, longestID)
	}
	for _, key := range []string{"service.instance.id", "host.name"} {
		if v := value(key); v != "" {
			tags["ai.cloud.roleInstance"] = cut(v, longestID)
			break
		}
	}
	return tags
}

// cut shortens a text to n bytes, at a whole character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}

// span writes a duration as days.hours:minutes:seconds.
func span(d time.Duration) string {
	d = max(d, 0)
	day := 24 * time.Hour
	return fmt.Sprintf("%d.%02d:%02d:%02d.%06d", d/day, d%day/time.Hour, d%time.Hour/time.Minute, d%time.Minute/time.Second, d%time.Second/time.Microsecond)
}
