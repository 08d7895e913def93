package metrics

import "github.com/prometheus/client_golang/prometheus"

// Nodes is what the metrics say about the nodes and engines that a server shares. A scrape asks for
// it once.
type Nodes struct {
	Live, Silent int
	Behind       float64  // seconds since this node heard of the others
	Clock        float64  // seconds by which the database's clock is ahead
	Generation   int64    // of the corpus that this node serves
	CorpusBehind float64  // seconds since there is a later one
	Differ       int      // settings in which other nodes differ
	Alone        []string // what this node does alone
	Engines      []Engine
}

// Engine is an engine that nodes share.
type Engine struct {
	Name    string // store or state
	IsUp    bool
	NotSent float64 // requests that were not sent, because it did not respond
	Unknown float64 // requests of which it is not known whether they were executed
}

type nodeMetrics struct {
	read                                                   func() Nodes
	nodes, behind, clock, generation, late, differs, alone *prometheus.Desc
	up, failures                                           *prometheus.Desc
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
		late:       desc("corpus_behind_seconds", "Time since there is a later generation of the corpus, which this server has not fetched yet."),
		differs:    desc("nodes_settings_differ", "Settings in which other servers differ from this one."),
		alone:      desc("node_task", "What this server does alone.", "task"),
		up:         desc("engine_up", "1 if the engine responds.", "engine"),
		failures:   desc("engine_failures_total", "Requests to the engine that were not sent, or whose outcome is unknown.", "engine", "outcome"),
	})
}

// Describe implements [prometheus.Collector].
func (c *nodeMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.nodes, c.behind, c.clock, c.generation, c.late, c.differs, c.alone, c.up, c.failures} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
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
	gauge(c.late, n.CorpusBehind)
	gauge(c.differs, float64(n.Differ))
	for _, task := range n.Alone {
		gauge(c.alone, 1, task)
	}
	for _, e := range n.Engines {
		up := 0.0
		if e.IsUp {
			up = 1
		}
		gauge(c.up, up, e.Name)
		count(c.failures, e.NotSent, e.Name, "not sent")
		count(c.failures, e.Unknown, e.Name, "unknown")
	}
}
