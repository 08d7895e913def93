// Package metrics counts what the API does, for Prometheus.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/tokens"
)

// Metrics counts what happens, for Prometheus. No label is one that a client
// can choose: a tenant is named only if it exists, else it is "".
type Metrics struct {
	registry *prometheus.Registry
	calls    *prometheus.CounterVec
	refusals *prometheus.CounterVec
	bindings *prometheus.CounterVec

	challenges *prometheus.CounterVec
	observes   *prometheus.CounterVec

	call  prometheus.Histogram
	store *prometheus.HistogramVec
}

// buckets are from 100 µs, what an item takes, to 5 s, when patience ends.
var buckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}

// New returns a fresh set of counters, with Go's own beside them. live says
// how many tokens are in use; it is asked at each scrape.
func New(live func() float64) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "stile_calls_total", Help: "Calls that were let through and counted."}, []string{"tenant", "route"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "stile_refusals_total", Help: "Requests that were refused, by code."}, []string{"tenant", "code"}),
		bindings: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "stile_bindings_total", Help: "Tokens that were bound by their first call."}, []string{"mode"}),
		challenges: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "stile_challenges_total", Help: "Challenges that were asked, solved, failed and exchanged."}, []string{"kind", "result"}),
		observes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "stile_observed_total", Help: "Requests that a rule would have refused which is only observed, by code."}, []string{"tenant", "code"}),
		call: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "stile_call_duration_seconds", Help: "Time from a call's request to its durable count.", Buckets: buckets}),
		store: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "stile_store_duration_seconds", Help: "Time that the store took.", Buckets: buckets}, []string{"op"}),
	}
	m.registry.MustRegister(m.calls, m.refusals, m.bindings, m.challenges, m.observes, m.call, m.store,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "stile_tokens_live", Help: "Tokens in use that have not expired."}, live),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Called counts a call that was let through.
func (m *Metrics) Called(tenant string, route tokens.Route, took time.Duration) {
	m.calls.WithLabelValues(tenant, route.String()).Inc()
	m.call.Observe(took.Seconds())
}

// Refused counts a refusal. tenant is one that exists, or "".
func (m *Metrics) Refused(tenant string, code codes.Code) {
	m.refusals.WithLabelValues(tenant, string(code)).Inc()
}

// Stepped counts what an event did to its token, whether it was admitted or
// not. An exchanged challenge is counted as that alone.
func (m *Metrics) Stepped(v tokens.Verdict, e tokens.Event) {
	if v.NewlyBound {
		m.bindings.WithLabelValues(v.State.Bound.Kind.String()).Inc()
	}
	if _, exchanged := e.(tokens.Reload); v.ChallengeIssued && !exchanged {
		m.Challenged(v.State.OpenChallenge.Kind, "asked")
	}
}

// Challenged counts what became of a challenge.
func (m *Metrics) Challenged(kind tokens.Kind, result string) {
	m.challenges.WithLabelValues(kind.String(), result).Inc()
}

// Observed counts a request that was let through because the rule against it
// is only observed. tenant is one that exists, or "".
func (m *Metrics) Observed(tenant string, code codes.Code) {
	m.observes.WithLabelValues(tenant, string(code)).Inc()
}

// Stored says how long one operation of the store took.
func (m *Metrics) Stored(op string, since time.Time) {
	m.store.WithLabelValues(op).Observe(time.Since(since).Seconds())
}

func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
