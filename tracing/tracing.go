// Package tracing sends traces of requests to an OpenTelemetry collector, if the standard variable
// OTEL_EXPORTER_OTLP_ENDPOINT says where it is.
//
// A span has a route's pattern, a tenant, a code, a status and a duration. It never has a token, a
// query, the id of an item, or an address. Without the variable there is no [Tracer], and its
// methods, which a nil Tracer has too, do nothing.
//
// Spans wait in a bounded queue, and are dropped if the collector is too slow. A request never
// waits for it.
package tracing

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracer makes spans. Its methods are safe for concurrent use, and do nothing for nil.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// Start returns a Tracer that exports to the collector that the environment names, and nil if it
// names none. The exporter reads the other variables of the standard, such as those for headers and
// certificates, from the environment of the process. version is that of the program.
func Start(ctx context.Context, getenv func(string) string, version string, log *slog.Logger) (*Tracer, error) {
	endpoint := cmp.Or(getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), getenv("OTEL_EXPORTER_OTLP_ENDPOINT"))
	if endpoint == "" || strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") || getenv("OTEL_TRACES_EXPORTER") == "none" {
		return nil, nil
	}
	reportTo(log)
	exporter, err := newExporter(ctx, cmp.Or(getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), getenv("OTEL_EXPORTER_OTLP_PROTOCOL"), "http/protobuf"))
	if err != nil {
		return nil, err
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "stile"), attribute.String("service.version", version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	// The sampler, the limits and the sizes of the queue are those of the environment.
	p := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about))
	return &Tracer{provider: p, tracer: p.Tracer("stile.example/stile")}, nil
}

func newExporter(ctx context.Context, protocol string) (sdk.SpanExporter, error) {
	switch protocol {
	case "http/protobuf":
		return otlptracehttp.New(ctx)
	case "grpc":
		return otlptracegrpc.New(ctx)
	}
	return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL %q: must be http/protobuf or grpc", protocol)
}

// reportTo writes the errors of the exporter to the log, at most one a minute. OpenTelemetry
// reports them by global functions, and otherwise writes them to standard error.
func reportTo(log *slog.Logger) {
	var last, more atomic.Int64
	otel.SetLogger(logr.Discard())
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		more.Add(1)
		now, before := time.Now().Unix(), last.Load()
		if now-before >= 60 && last.CompareAndSwap(before, now) {
			log.Warn("can't export traces; calls are not affected", "err", err, "count", more.Swap(0))
		}
	}))
}

// Close exports the spans that wait, until ctx is done.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("export the last traces: %w", err)
	}
	return nil
}

// methods lists the methods that a span may name. Any other is chosen by the caller.
var methods = map[string]bool{"GET": true, "HEAD": true, "POST": true, "OPTIONS": true}

// Begin starts the span of a request, in a context that belongs to it. route is the pattern of the
// route, "" if there is none. If trusted, the caller may say in traceparent which trace the request
// belongs to: only proxies may, since any visitor could make all requests be sampled, or put them
// into another trace.
func (t *Tracer) Begin(r *http.Request, route string, trusted bool) (context.Context, trace.Span) {
	ctx := r.Context()
	if trusted {
		// Only the trace and whether it is sampled, without tracestate, which may contain anything.
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": r.Header.Get("Traceparent")})
	}
	method := r.Method
	if !methods[method] {
		method = "_OTHER"
	}
	name := method
	attributes := []attribute.KeyValue{attribute.String("http.request.method", method)}
	if route != "" {
		name += " " + route
		attributes = append(attributes, attribute.String("http.route", route))
	}
	return t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attributes...))
}

// Carry returns ctx with the span of another context.
func Carry(ctx, other context.Context) context.Context {
	return trace.ContextWithSpan(ctx, trace.SpanFromContext(other))
}

// End ends the span of a request with the status of its response.
func End(s trace.Span, status int) {
	s.SetAttributes(attribute.Int("http.response.status_code", status))
	if status >= 500 {
		s.SetStatus(otelcodes.Error, "")
	}
	s.End()
}

// Describe adds to the span of a request which tenant it is for, "" if that is unknown, how it was
// sent, and the code with which it was refused, "" if it was not.
func (t *Tracer) Describe(ctx context.Context, tenant, transport, code string) {
	if t == nil {
		return
	}
	s := trace.SpanFromContext(ctx)
	for name, value := range map[string]string{"stile.tenant": tenant, "stile.transport": transport, "stile.code": code} {
		if value != "" {
			s.SetAttributes(attribute.String(name, value))
		}
	}
}

// Did adds a span for a part of a request that has just ended, such as "store" and "step".
func (t *Tracer) Did(ctx context.Context, part, op string, began time.Time) {
	if t == nil || !trace.SpanContextFromContext(ctx).IsSampled() {
		return
	}
	_, s := t.tracer.Start(ctx, part+" "+op, trace.WithTimestamp(began))
	s.End()
}

// Now returns the time for [Tracer.Did]. For nil it does not read the clock.
func (t *Tracer) Now() time.Time {
	if t == nil {
		return time.Time{}
	}
	return time.Now()
}
