// Package metrics counts what the API does, for Prometheus.
package metrics

import (
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/tokens"
)

// Metrics counts what the API does. Clients can't choose labels: the label of a tenant that does
// not exist is "". Its methods are safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	calls    *prometheus.CounterVec
	refusals *prometheus.CounterVec
	bindings *prometheus.CounterVec

	challenges *prometheus.CounterVec
	observes   *prometheus.CounterVec

	call  prometheus.Histogram
	store [ops]func() prometheus.Observer // a call looks two of them up
}

// Op is an operation of the store or of the corpus.
type Op uint8

// The operations.
const (
	Step Op = iota // of a token
	Search
	Item
	Related
	Collections
	Suggest
	ops
)

var opNames = [ops]string{"step", "search", "item", "related", "collections", "suggest"}

func (o Op) String() string { return opNames[o] }

// buckets range from 100 µs, what an item takes, to 5 s, the timeout of a request.
var buckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}

// New returns a set of counters, together with Go's own. live returns how many tokens are in use.
// It is called at each scrape.
func New(live func() float64) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "stile_calls_total", Help: "Calls that were admitted and counted."}, []string{"tenant", "route"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "stile_refusals_total", Help: "Requests that were refused, by code."}, []string{"tenant", "code"}),
		bindings: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "stile_bindings_total", Help: "Tokens that were bound by their first call."}, []string{"mode"}),
		challenges: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "stile_challenges_total", Help: "Challenges that were issued, solved, failed and reloaded."}, []string{"kind", "result"}),
		observes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "stile_observed_total", Help: "Requests that a rule would have refused if it were not only observed, by code."}, []string{"tenant", "code"}),
		call: prometheus.NewHistogram(histogram("stile_call_duration_seconds", "Time from a call's request to its durable count.")),
	}
	store := prometheus.NewHistogramVec(histogram("stile_store_duration_seconds", "Time that an operation of the store took."), []string{"op"})
	for op := range ops { // an operation that was never used has no series
		m.store[op] = sync.OnceValue(func() prometheus.Observer { return store.WithLabelValues(op.String()) })
	}
	m.registry.MustRegister(m.calls, m.refusals, m.bindings, m.challenges, m.observes, m.call, store,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "stile_tokens_live", Help: "Tokens in use that have not expired."}, live),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.startAtZero()
	return m
}

// startAtZero adds the counters whose labels are known. Prometheus sees no increase in a counter
// that begins at 1, so the first challenge and the first binding would be missing in every rate.
func (m *Metrics) startAtZero() {
	for _, kind := range []tokens.Kind{tokens.Work, tokens.Picture} {
		for _, result := range []string{"asked", "solved", "failed", "reloaded"} {
			m.challenges.WithLabelValues(kind.String(), result)
		}
	}
	for _, mode := range []tokens.BindingKind{tokens.ToAddress, tokens.ToKey} {
		m.bindings.WithLabelValues(mode.String())
	}
}

// histogram returns the options of a histogram of durations. It has classic buckets, which every
// Prometheus reads, and in addition native ones, which a Prometheus with native histograms scrapes
// instead: each is at most 10 % wider than the one before, so a quantile is exact to about 5 %.
func histogram(name, help string) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
	}
}

// Called counts an admitted call.
func (m *Metrics) Called(tenant string, route tokens.Route, took time.Duration) {
	m.calls.WithLabelValues(tenant, route.String()).Inc()
	m.call.Observe(took.Seconds())
}

// Refused counts a refusal. tenant must exist or be "".
func (m *Metrics) Refused(tenant string, code codes.Code) {
	m.refusals.WithLabelValues(tenant, string(code)).Inc()
}

// Stepped counts what an event did to its token, whether it was admitted or not. A challenge that
// replaces a reloaded one is not counted as issued.
func (m *Metrics) Stepped(v *tokens.Verdict, e tokens.Event) {
	if v.NewlyBound {
		m.bindings.WithLabelValues(v.State.Bound.Kind.String()).Inc()
	}
	if _, reloaded := e.(tokens.Reload); v.ChallengeIssued && !reloaded {
		m.Challenged(v.State.OpenChallenge.Kind, "asked")
	}
}

// Challenged counts what happened to a challenge.
func (m *Metrics) Challenged(kind tokens.Kind, result string) {
	m.challenges.WithLabelValues(kind.String(), result).Inc()
}

// Observed counts a request or a binding that was admitted because the rule against it is only
// observed. tenant must exist or be "".
func (m *Metrics) Observed(tenant string, code codes.Code) {
	m.observes.WithLabelValues(tenant, string(code)).Inc()
}

// Stored records how long one operation of the store took.
func (m *Metrics) Stored(op Op, took time.Duration) {
	m.store[op]().Observe(took.Seconds())
}

// Handler returns the handler of /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
