package insights

import (
	"context"
	"maps"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Spans sends spans: those of servers as requests, all others as dependencies.
type Spans struct{ Sender *Sender }

var _ sdktrace.SpanExporter = Spans{}

// ExportSpans sends ended spans.
func (s Spans) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	items := make([]Item, len(spans))
	for i, one := range spans {
		items[i] = s.item(one)
	}
	return s.Sender.Send(ctx, items)
}

// Shutdown ends nothing: nothing is kept.
func (s Spans) Shutdown(context.Context) error { return nil }

func (s Spans) item(one sdktrace.ReadOnlySpan) Item {
	tags := maps.Clone(role(one.Resource()))
	tags["ai.operation.id"] = one.SpanContext().TraceID().String()
	if one.Parent().SpanID().IsValid() {
		tags["ai.operation.parentId"] = one.Parent().SpanID().String()
	}
	about := map[string]string{}
	for _, a := range one.Attributes() {
		about[string(a.Key)] = cut(a.Value.Emit(), longestProperty)
	}
	take := func(key string) string {
		v := about[key]
		delete(about, key)
		return v
	}
	code := take("http.response.status_code")
	status, err := strconv.Atoi(code)
	id, name := one.SpanContext().SpanID().String(), cut(one.Name(), longestName)
	took, good := span(one.EndTime().Sub(one.StartTime())), one.Status().Code != codes.Error
	if d := one.Status().Description; d != "" {
		about["status"] = d
	}
	if k := one.SpanKind(); k == trace.SpanKindServer || k == trace.SpanKindConsumer {
		tags["ai.operation.name"] = name
		if peer := take("network.peer.address"); peer != "" {
			tags["ai.location.ip"] = host(peer)
		}
		if err != nil {
			code = "0"
		}
		return s.Sender.item("Request", one.StartTime(), tags, Request{
			Ver: 2, ID: id, Name: name, Duration: took, Code: code, Success: good && status < 400, URL: take("url.path"), Properties: about,
		})
	}
	return s.Sender.item("RemoteDependency", one.StartTime(), tags, Dependency{
		Ver: 2, ID: id, Name: name, Duration: took, Code: code, Success: good, Type: kindOf(one), Target: take("server.address"),
		Data: take("db.query.text"), Properties: about,
	})
}

// kindOf is what Application Insights groups dependencies by.
func kindOf(one sdktrace.ReadOnlySpan) string {
	set := attribute.NewSet(one.Attributes()...)
	switch {
	case set.HasValue("db.operation.name"):
		return "SQL"
	case set.HasValue("http.request.method"):
		return "HTTP"
	case one.SpanKind() == trace.SpanKindInternal:
		return "InProc"
	}
	return "Other"
}
