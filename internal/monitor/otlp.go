package monitor

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	prombridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/monitor/insights"
	"github.com/drivecast/drivecast/internal/sent"
)

// tracer writes a span for each request and each transaction of the store.
type tracer struct {
	tracer trace.Tracer
	extern propagation.TextMapPropagator
}

func (t *tracer) serve(w *sent.Recorder, r *http.Request, next http.Handler, route string) {
	ctx := t.extern.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := t.tracer.Start(ctx, r.Method+" "+route, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", r.Method), attribute.String("http.route", route), attribute.String("url.path", r.URL.Path),
		attribute.String("network.peer.address", r.RemoteAddr), attribute.String("user_agent.original", r.UserAgent()),
	))
	defer func() {
		span.SetAttributes(attribute.Int("http.response.status_code", w.Status), attribute.Int64("http.response.body.size", w.Bytes))
		if w.Status >= 500 {
			span.SetStatus(codes.Error, http.StatusText(w.Status))
		}
		span.End()
	}()
	next.ServeHTTP(w, r.WithContext(ctx))
}

func (t *tracer) store(ctx context.Context, kind string, begin time.Time, err error) {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return
	}
	_, span := t.tracer.Start(ctx, "store "+kind, trace.WithTimestamp(begin), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("db.operation.name", kind)))
	if err != nil && errs.KindOf(err) == errs.Internal {
		span.SetStatus(codes.Error, "failed")
	}
	span.End()
}

// wanted reports whether the environment asks for a signal ("TRACES" or
// "METRICS") over OTLP.
func wanted(getenv func(string) string, signal string) (bool, error) {
	if getenv("OTEL_SDK_DISABLED") == "true" {
		return false, nil
	}
	switch e := getenv("OTEL_" + signal + "_EXPORTER"); e {
	case "", "otlp":
	case "none":
		return false, nil
	default:
		return false, errs.New(errs.Usage, "OTEL_%s_EXPORTER=%s is not one that there is; otlp and none are", signal, e)
	}
	if getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && getenv("OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT") == "" {
		return false, nil
	}
	protocol := getenv("OTEL_EXPORTER_OTLP_" + signal + "_PROTOCOL")
	if protocol == "" {
		protocol = getenv("OTEL_EXPORTER_OTLP_PROTOCOL")
	}
	if protocol != "" && protocol != "http/protobuf" {
		return false, errs.New(errs.Usage, "the OTLP protocol %s is not one that there is; http/protobuf is (port 4318 as a rule)", protocol)
	}
	return true, nil
}

// exporters are what the environment asks for; nil: nothing.
type exporters struct {
	spans   sdktrace.SpanExporter
	metrics metric.Exporter
}

// chosen makes the exporters: Application Insights when it has a connection string,
// else OTLP.
func chosen(ctx context.Context, getenv func(string) string) (e exporters, err error) {
	if text := getenv(insights.Variable); text != "" && getenv("OTEL_SDK_DISABLED") != "true" {
		to, err := insights.ParseConnection(text)
		if err != nil {
			return e, err
		}
		sender := insights.NewSender(to, nil, nil)
		if getenv("OTEL_TRACES_EXPORTER") != "none" {
			e.spans = insights.Spans{Sender: sender}
		}
		if getenv("OTEL_METRICS_EXPORTER") != "none" {
			e.metrics = insights.NewMetrics(sender)
		}
		return e, nil
	}
	traces, err1 := wanted(getenv, "TRACES")
	metrics, err2 := wanted(getenv, "METRICS")
	if err := errors.Join(err1, err2); err != nil {
		return e, err
	}
	if traces {
		if e.spans, err = otlptracehttp.New(ctx); err != nil {
			return e, errs.Wrap(err, "send traces")
		}
	}
	if metrics {
		if e.metrics, err = otlpmetrichttp.New(ctx); err != nil {
			return e, errs.Wrap(err, "send metrics")
		}
	}
	return e, nil
}

// Export sends traces and metrics to Application Insights when the environment has
// its connection string, else over OTLP when the standard OTEL_* variables ask for
// it, and returns what sends the rest and ends it. It is called before the first
// request. How often to send and what to sample is read from the process's
// environment by OpenTelemetry's own packages, and where OTLP goes.
func (m *Monitor) Export(ctx context.Context, getenv func(string) string, server, version string, logger *slog.Logger) (stop func(context.Context) error, err error) {
	e, err := chosen(ctx, getenv)
	if err != nil || e.spans == nil && e.metrics == nil {
		return func(context.Context) error { return nil }, err
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Warn("telemetry was not sent", "error", err) }))
	from, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "drivecast-"+server), attribute.String("service.version", version)),
		resource.WithHost(), resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		return nil, errs.Wrap(err, "describe this program to OpenTelemetry")
	}
	var stops []func(context.Context) error
	stop = func(ctx context.Context) error {
		var all error
		for _, s := range stops {
			all = errors.Join(all, s(ctx))
		}
		return all
	}
	if e.spans != nil {
		provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(e.spans), sdktrace.WithResource(from))
		stops = append(stops, provider.Shutdown)
		m.tracer = &tracer{provider.Tracer("github.com/drivecast/drivecast"), propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})}
	}
	if e.metrics != nil {
		reader := metric.NewPeriodicReader(e.metrics, metric.WithProducer(prombridge.NewMetricProducer(prombridge.WithGatherer(m.registry))))
		stops = append(stops, metric.NewMeterProvider(metric.WithReader(reader), metric.WithResource(from)).Shutdown)
	}
	return stop, nil
}
