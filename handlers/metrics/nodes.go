package metrics

import "github.com/prometheus/client_golang/prometheus"

// Nodes is what the metrics say about the nodes and engines that a server shares. A scrape asks for
// it once.
type Nodes struct {
	Live, Silent     int
	Behind           float64 // seconds since this node heard of the others
	Clock            float64 // seconds by which the database's clock is ahead
	Generation       int64   // of the corpus that this node serves
	CorpusBehind     bool    // there is a later one
	Differ           int     // settings in which other nodes differ
	Engines          []Engine
	Alone            []string // what this node does alone
	UnsettledSeconds float64  // age of the oldest count that is not in the database yet
}

// Engine is a database that nodes share.
type Engine struct {
	Name     string // store, state or corpus
	IsUp     bool
	Requests float64
	Errors   float64
	Seconds  float64 // that requests have taken, in all
	Breaker  string  // closed, open or half-open; "": it has none
}

type nodeMetrics struct {
	read                                            func() Nodes
	nodes, behind, clock, generation, late, differs *prometheus.Desc
	up, requests, errors, seconds, breaker          *prometheus.Desc
	alone, unsettled                                *prometheus.Desc
}

// Nodes adds the metrics of nodes.
func (m *Metrics) Nodes(read func() Nodes) {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("stile_"+name, help, labels, nil)
	}
	m.registry.MustRegister(&nodeMetrics{
		read:       read,
		nodes:      desc("nodes", "Servers that share the database, by state.", "state"),
		behind:     desc("nodes_behind_seconds", "Time since this server heard what others changed."),
		clock:      desc("nodes_clock_ahead_seconds", "How much the clock of the database is ahead."),
		generation: desc("corpus_generation", "Generation of the corpus that this server serves."),
		late:       desc("corpus_behind", "1 if there is a later generation of the corpus, which this server has not fetched yet."),
		differs:    desc("nodes_settings_differ", "Settings in which other servers differ from this one."),
		up:         desc("engine_up", "1 if the engine responds.", "engine"),
		requests:   desc("engine_requests_total", "Requests to the engine.", "engine"),
		errors:     desc("engine_errors_total", "Requests to the engine that failed.", "engine"),
		seconds:    desc("engine_duration_seconds_total", "Time that requests to the engine took.", "engine"),
		breaker:    desc("engine_breaker_open", "1 if requests to the engine fail without being sent, because many failed before.", "engine"),
		alone:      desc("node_task", "What this server does alone.", "task"),
		unsettled:  desc("unsettled_seconds", "Age of the oldest count that is not in the database yet."),
	})
}

func (c *nodeMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.nodes, c.behind, c.clock, c.generation, c.late, c.differs, c.up, c.requests, c.errors, c.seconds, c.breaker, c.alone, c.unsettled} {
		ch <- d
	}
}

func (c *nodeMetrics) Collect(ch chan<- prometheus.Metric) {
	n := c.read()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	gauge(c.nodes, float64(n.Live), "live")
	gauge(c.nodes, float64(n.Silent), "silent")
	gauge(c.behind, n.Behind)
	gauge(c.clock, n.Clock)
	gauge(c.generation, float64(n.Generation))
	gauge(c.late, one(n.CorpusBehind))
	gauge(c.differs, float64(n.Differ))
	gauge(c.unsettled, n.UnsettledSeconds)
	for _, task := range n.Alone {
		gauge(c.alone, 1, task)
	}
	for _, e := range n.Engines {
		gauge(c.up, one(e.IsUp), e.Name)
		count(c.requests, e.Requests, e.Name)
		count(c.errors, e.Errors, e.Name)
		count(c.seconds, e.Seconds, e.Name)
		if e.Breaker != "" {
			gauge(c.breaker, one(e.Breaker == "open"), e.Name)
		}
	}
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
