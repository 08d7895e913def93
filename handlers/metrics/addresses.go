package metrics

import "github.com/prometheus/client_golang/prometheus"

// Listed identifies entries of the address list that are counted together, by their kind and by the
// client_id of the tenant that a rule's entry applies to. Tenant is "" for all tenants.
type Listed struct{ Kind, Tenant string }

// listed counts the entries of the address list at each scrape.
type listed struct {
	all, ofTenants *prometheus.Desc
	count          func() map[Listed]int
}

// kinds lists the kinds of entries, as the contract names them.
var kinds = []string{"allow", "block", "crowded"}

// Addresses adds metrics of how many entries the address list has. count is called at each scrape.
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
