package metrics

import (
	"bytes"
	"mime"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/tokens"
)

// filled returns metrics of every kind.
func filled() *Metrics {
	m := New(func() float64 { return 3 })
	m.Addresses(func() map[Listed]int {
		return map[Listed]int{{Kind: "block"}: 1, {Kind: "crowded", Tenant: "acme"}: 1}
	})
	m.Called("acme", tokens.Items, 3*time.Millisecond)
	m.Refused("acme", codes.NotFound)
	m.Observed("acme", codes.AddressBlocked)
	m.Challenged(tokens.Work, "solved")
	m.Stored(Step, time.Millisecond)
	v := tokens.Verdict{NewlyBound: true, ChallengeIssued: true}
	v.State.Bound.Kind, v.State.OpenChallenge.Kind = tokens.ToAddress, tokens.Picture
	m.Stepped(&v, &tokens.Call{})
	return m
}

// TestContract checks that the metrics are those of the contract, by name, type and labels.
func TestContract(t *testing.T) {
	want := map[string]string{
		"stile_calls_total":            "COUNTER route tenant",
		"stile_refusals_total":         "COUNTER code tenant",
		"stile_challenges_total":       "COUNTER kind result",
		"stile_observed_total":         "COUNTER code tenant",
		"stile_bindings_total":         "COUNTER mode",
		"stile_call_duration_seconds":  "HISTOGRAM",
		"stile_store_duration_seconds": "HISTOGRAM op",
		"stile_tokens_live":            "GAUGE",
		"stile_addresses":              "GAUGE kind",
		"stile_tenant_addresses":       "GAUGE kind tenant", // in addition to the contract
	}
	families, err := filled().registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	goes := false
	for _, f := range families {
		name := f.GetName()
		if strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") {
			goes = goes || name == "go_goroutines"
			continue
		}
		for _, m := range f.GetMetric() {
			got := []string{f.GetType().String()}
			for _, l := range m.GetLabel() {
				got = append(got, l.GetName())
			}
			slices.Sort(got[1:])
			if s := strings.Join(got, " "); s != want[name] {
				t.Errorf("%s is %s, want %s", name, s, want[name])
			}
		}
		if f.GetHelp() == "" {
			t.Errorf("%s has no help", name)
		}
		delete(want, name)
	}
	if len(want) > 0 || !goes {
		t.Errorf("missing: %v, Go's own: %v", want, goes)
	}
}

// TestZero checks that counters whose labels are known begin at 0: Prometheus sees no increase in
// one that begins at 1.
func TestZero(t *testing.T) {
	rec := httptest.NewRecorder()
	New(func() float64 { return 0 }).Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{`stile_bindings_total{mode="address"} 0`, `stile_bindings_total{mode="key"} 0`,
		`stile_challenges_total{kind="work",result="asked"} 0`, `stile_challenges_total{kind="picture",result="reloaded"} 0`} {
		if !strings.Contains(rec.Body.String(), want+"\n") {
			t.Errorf("%s is missing", want)
		}
	}
}

// TestHistograms checks that the histograms are native for a Prometheus that asks for that, and
// have classic buckets for every other.
func TestHistograms(t *testing.T) {
	m := filled()
	native, classic := 0, 0
	for name, f := range scrape(t, m, "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited") {
		if f.GetType() != dto.MetricType_HISTOGRAM || !strings.HasPrefix(name, "stile_") {
			continue
		}
		h := f.GetMetric()[0].GetHistogram()
		if h.Schema == nil || len(h.GetPositiveSpan()) == 0 {
			t.Errorf("%s is not native: %v", name, h)
		}
		native++
		if len(h.GetBucket()) < len(buckets) {
			t.Errorf("%s has no classic buckets: %v", name, h)
		}
	}
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	for _, name := range []string{`stile_call_duration_seconds_bucket{le="0.005"} 1`, `stile_store_duration_seconds_bucket{op="step",le="0.005"} 1`} {
		if strings.Contains(rec.Body.String(), name+"\n") {
			classic++
		}
	}
	if native != 2 || classic != 2 {
		t.Errorf("%d native histograms, %d with classic buckets\n%s", native, classic, rec.Body)
	}
}

// scrape returns the metrics by name, in the format that a scraper accepts.
func scrape(t *testing.T, m *Metrics, accept string) map[string]*dto.MetricFamily {
	t.Helper()
	req, rec := httptest.NewRequest("GET", "/metrics", nil), httptest.NewRecorder()
	req.Header.Set("Accept", accept)
	m.Handler().ServeHTTP(rec, req)
	kind, _, err := mime.ParseMediaType(rec.Header().Get("Content-Type"))
	if err != nil || !strings.Contains(accept, kind) {
		t.Fatalf("the type of the response is %q, %v", rec.Header().Get("Content-Type"), err)
	}
	found := map[string]*dto.MetricFamily{}
	for d := expfmt.NewDecoder(bytes.NewReader(rec.Body.Bytes()), expfmt.ResponseFormat(rec.Header())); ; {
		var f dto.MetricFamily
		if d.Decode(&f) != nil {
			return found
		}
		found[f.GetName()] = &f
	}
}

// BenchmarkCall measures what one call costs: its count, its duration, and two operations of the
// store.
func BenchmarkCall(b *testing.B) {
	m := filled()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			at := time.Now()
			m.Stored(Item, time.Since(at))
			m.Stored(Step, time.Since(at))
			m.Called("acme", tokens.Item, time.Since(at))
		}
	})
}
