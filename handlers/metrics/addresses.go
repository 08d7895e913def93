package metrics

import "github.com/prometheus/client_golang/prometheus"

// Listed names lines of the address list that are counted together: their kind,
// in the contract's words, and the client_id of the tenant whose tokens a rule's
// line is about, "" if it is about all.
type Listed struct{ Kind, Tenant string }

// listed is how many lines the address list holds when somebody asks.
type listed struct {
	all, ofTenants *prometheus.Desc
	count          func() map[Listed]int
}

// kinds are the lines of the address list, in the contract's words.
var kinds = []string{"allow", "block", "crowded"}

// Addresses adds how many lines the address list has. count is called at each
// scrape.
func (m *Metrics) Addresses(count func() map[Listed]int) {
	m.registry.MustRegister(&listed{
		all: prometheus.NewDesc("stile_addresses", "Ranges and addresses that are allowed, blocked and crowded.", []string{"kind"}, nil),
		ofTenants: prometheus.NewDesc("stile_tenant_addresses",
			"Addresses that the rules have blocked or found crowded for the tokens of one tenant.", []string{"tenant", "kind"}, nil),
		count: count,
	})
}

func (l *listed) Describe(ch chan<- *prometheus.Desc) {
	ch <- l.all
	ch <- l.ofTenants
}

func (l *listed) Collect(ch chan<- prometheus.Metric) {
	all := map[string]int{}
	for lines, n := range l.count() {
		all[lines.Kind] += n
		if lines.Tenant != "" {
			ch <- prometheus.MustNewConstMetric(l.ofTenants, prometheus.GaugeValue, float64(n), lines.Tenant, lines.Kind)
		}
	}
	for _, kind := range kinds {
		ch <- prometheus.MustNewConstMetric(l.all, prometheus.GaugeValue, float64(all[kind]), kind)
	}
}
