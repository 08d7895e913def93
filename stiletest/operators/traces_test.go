package operators

import (
	"compress/gzip"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"stile.example/stile/stiletest"
)

// receiver is a collector that stores the spans that it gets.
type receiver struct {
	collector.UnimplementedTraceServiceServer
	mu    sync.Mutex
	text  strings.Builder // everything that arrived
	spans []*trace.Span
}

// Export implements the gRPC service.
func (r *receiver) Export(_ context.Context, req *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintln(&r.text, req)
	for _, rs := range req.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			r.spans = append(r.spans, ss.Spans...)
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

// ServeHTTP implements OTLP over HTTP.
func (r *receiver) ServeHTTP(w http.ResponseWriter, h *http.Request) {
	body := io.Reader(h.Body)
	if h.Header.Get("Content-Encoding") == "gzip" {
		if z, err := gzip.NewReader(body); err == nil {
			body = z
		}
	}
	text, err := io.ReadAll(body)
	var req collector.ExportTraceServiceRequest
	if err != nil || h.URL.Path != "/v1/traces" || proto.Unmarshal(text, &req) != nil {
		http.Error(w, "not a request of OTLP", http.StatusBadRequest)
		return
	}
	out, _ := r.Export(h.Context(), &req)
	text, _ = proto.Marshal(out)
	w.Header().Set("Content-Type", "application/x-protobuf")
	w.Write(text)
}

// named returns the spans with a name.
func (r *receiver) named(name string) (found []*trace.Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		if s.Name == name {
			found = append(found, s)
		}
	}
	return found
}

// attributesOf returns the attributes of a span as name=value, sorted.
func attributesOf(s *trace.Span) string {
	var all []string
	for _, a := range s.Attributes {
		text := a.Value.GetStringValue()
		if text == "" {
			text = fmt.Sprint(a.Value.GetIntValue())
		}
		all = append(all, a.Key+"="+text)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// tracedServer starts a server that exports only when it stops.
func tracedServer(t *testing.T, settings string, env ...string) (*stiletest.Server, string) {
	t.Helper()
	s := &stiletest.Server{Binary: binary, Dir: t.TempDir(), Settings: settings, Env: append(env, "OTEL_BSP_SCHEDULE_DELAY=60000")}
	return s, start(t, s)
}

// send makes a request, with the headers of a visitor that wants to influence the traces.
func send(t *testing.T, target string) {
	t.Helper()
	req, err := http.NewRequest("GET", target, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Traceparent", "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01")
	req.Header.Set("Tracestate", "vendor=canary")
	req.Header.Set("Baggage", "user=canary")
	req.Header.Set("User-Agent", "canary")
	req.Header.Set("X-Forwarded-For", "203.0.113.7")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
}

// calls makes requests of each kind.
func calls(t *testing.T, s *stiletest.Server, token string) {
	t.Helper()
	for _, path := range []string{
		"/v1/items?q=canary&client_id=acme&access_token=" + token,
		"/v1/items/canary?callback=cb&client_id=acme&access_token=" + token,
		"/v1/items?client_id=canary&access_token=canary",
		"/canary", "/problems/canary", "/healthz",
	} {
		send(t, s.URL+path)
	}
}

// TestTraces checks what a collector gets over HTTP and gRPC: each request has a span with its
// route, tenant and code, with spans of the store and the corpus, all is exported when the server
// stops, and nothing that a visitor sent is in it.
func TestTraces(t *testing.T) {
	for _, protocol := range []string{"http/protobuf", "grpc"} {
		t.Run(protocol, func(t *testing.T) {
			r := &receiver{}
			s, token := tracedServer(t, "", "OTEL_EXPORTER_OTLP_ENDPOINT="+listenBy(t, r, protocol), "OTEL_EXPORTER_OTLP_PROTOCOL="+protocol)
			calls(t, s, token)
			if err := s.Stop(); err != nil {
				t.Fatal(err)
			}
			r.checkSpans(t)
			for _, canary := range []string{"canary", token[:30], "203.0.113", "127.0.0.1", "aaaaaaaa", "vendor"} {
				if strings.Contains(r.text.String(), canary) {
					t.Errorf("%q was exported: %s", canary, r.text.String())
				}
			}
			if strings.Contains(s.Log(), `"level":"WARN"`) {
				t.Errorf("log: %s", s.Log())
			}
		})
	}
}

func listenBy(t *testing.T, r *receiver, protocol string) (endpoint string) {
	t.Helper()
	if protocol != "grpc" {
		h := httptest.NewServer(r)
		t.Cleanup(h.Close)
		return h.URL
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	collector.RegisterTraceServiceServer(g, r)
	go g.Serve(l)
	t.Cleanup(g.Stop)
	return "http://" + l.Addr().String()
}

func (r *receiver) checkSpans(t *testing.T) {
	t.Helper()
	for name, want := range map[string][]string{
		"GET /v1/items": {
			"http.request.method=GET http.response.status_code=200 http.route=/v1/items stile.tenant=acme stile.transport=json",
			"http.request.method=GET http.response.status_code=401 http.route=/v1/items stile.code=token_invalid stile.transport=json",
		},
		"GET /v1/items/:id":   {"http.request.method=GET http.response.status_code=200 http.route=/v1/items/:id stile.code=not_found stile.tenant=acme stile.transport=jsonp"},
		"POST /oauth/token":   {"http.request.method=POST http.response.status_code=200 http.route=/oauth/token stile.tenant=acme"},
		"GET /problems/:code": {"http.request.method=GET http.response.status_code=404 http.route=/problems/:code"},
		"GET":                 {"http.request.method=GET http.response.status_code=404"},
	} {
		var got []string
		for _, s := range r.named(name) {
			got = append(got, attributesOf(s))
			if len(s.ParentSpanId) > 0 || s.Kind != trace.Span_SPAN_KIND_SERVER || s.EndTimeUnixNano < s.StartTimeUnixNano {
				t.Errorf("%s: %v", name, s)
			}
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	calls := r.named("GET /v1/items")
	for name, n := range map[string]int{"store step": 2, "store check": 2, "corpus search": 1, "corpus item": 1, "queue wait": 2} {
		found := r.named(name)
		if len(found) != n {
			t.Errorf("%d spans %s, want %d", len(found), name, n)
		}
		if name == "corpus search" && !slices.ContainsFunc(calls, func(s *trace.Span) bool { return string(s.SpanId) == string(found[0].ParentSpanId) }) {
			t.Errorf("%s belongs to no call", name)
		}
	}
}

// TestTraceOfProxy checks that a trusted proxy says which trace a request belongs to.
func TestTraceOfProxy(t *testing.T) {
	r := &receiver{}
	s, token := tracedServer(t, "trusted_proxies: [127.0.0.1]", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+listenBy(t, r, "")+"/v1/traces", "OTEL_TRACES_SAMPLER=parentbased_always_off")
	send(t, s.URL+"/v1/items?client_id=acme&access_token="+token)
	// Without traceparent, the server's own sampling applies.
	if res, err := http.Get(s.URL + "/v1/items?client_id=acme&access_token=" + token); err != nil {
		t.Fatal(err)
	} else {
		res.Body.Close()
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	found := r.named("GET /v1/items")
	if len(found) != 1 || hex.EncodeToString(found[0].TraceId) != strings.Repeat("a", 32) || hex.EncodeToString(found[0].ParentSpanId) != strings.Repeat("b", 16) {
		t.Errorf("%v", found)
	}
	if strings.Contains(r.text.String(), "canary") {
		t.Errorf("exported: %s", r.text.String())
	}
}

// TestTracesWithoutCollector checks that a collector that hangs or refuses harms no call, is
// reported once, and delays a stop by a second at most.
func TestTracesWithoutCollector(t *testing.T) {
	hanging, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hanging.Close()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }))
	defer refusing.Close()
	for name, endpoint := range map[string]string{"hanging": "http://" + hanging.Addr().String(), "refusing": refusing.URL, "gone": "http://127.0.0.1:1"} {
		t.Run(name, func(t *testing.T) {
			s, token := tracedServer(t, "", "OTEL_EXPORTER_OTLP_ENDPOINT="+endpoint, "OTEL_BSP_SCHEDULE_DELAY=1", "OTEL_BSP_MAX_QUEUE_SIZE=4", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=2")
			began := time.Now()
			for range 40 {
				send(t, s.URL+"/v1/items?client_id=acme&access_token="+token)
			}
			if took := time.Since(began); took > 4*time.Second {
				t.Errorf("40 calls took %v", took)
			}
			began = time.Now()
			if err := s.Stop(); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("the stop took %v", took)
			}
			log := s.Log()
			if n := strings.Count(log, "can't export traces"); n > 1 || name == "refusing" && n != 1 || name == "hanging" && !strings.Contains(log, "some traces are lost") {
				t.Errorf("log: %s", log)
			}
			if strings.Contains(log, "traces export:") && !strings.Contains(log, `"msg":"can't export traces`) {
				t.Errorf("OpenTelemetry wrote to the log itself: %s", log)
			}
		})
	}
}

// TestTraceSettings checks that a wrong variable is reported at the start, and that tracing can be
// disabled.
func TestTraceSettings(t *testing.T) {
	s := &stiletest.Server{Binary: binary, Dir: t.TempDir(), Env: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL=smoke"}}
	if err := s.Start(); err == nil || !strings.Contains(err.Error(), "must be http/protobuf or grpc") {
		t.Errorf("a wrong protocol: %v", err)
	}
	s.Env = append(s.Env, "OTEL_SDK_DISABLED=true")
	if err := s.Start(); err != nil {
		t.Errorf("disabled: %v", err)
	}
	s.Kill()
}
