package handlers

import "github.com/prometheus/client_golang/prometheus"

// listed is how many addresses the list holds, by kind, when somebody asks.
type listed struct {
	desc  *prometheus.Desc
	count func() map[string]int
}

// kinds are the lines of the address list, in the contract's words.
var kinds = []string{"allow", "block", "crowded"}

// Addresses adds how many lines the address list has: count says it by kind,
// and is asked at each scrape.
func (m *Metrics) Addresses(count func() map[string]int) {
	m.registry.MustRegister(&listed{
		desc:  prometheus.NewDesc("stile_addresses", "Ranges and addresses that are allowed, blocked and crowded.", []string{"kind"}, nil),
		count: count,
	})
}

func (l *listed) Describe(ch chan<- *prometheus.Desc) { ch <- l.desc }

func (l *listed) Collect(ch chan<- prometheus.Metric) {
	n := l.count()
	for _, kind := range kinds {
		ch <- prometheus.MustNewConstMetric(l.desc, prometheus.GaugeValue, float64(n[kind]), kind)
	}
}
