package main

import (
	"fmt"
	"math"
	"slices"
)

// goal is a figure that the project wants to reach.
type goal struct {
	text   string
	part   string // that measures it
	want   float64
	atMost bool   // otherwise at least
	format string // of the figures
	of, to string // the kinds whose rates it compares, unless value computes it
	value  func(*report) float64
}

// goals are those that a run can show.
var goals = []goal{
	{"one item, durable, as a share of bare Echo", "item", 0.80, false, "%.2f", "item/jsonp", "item/echo", nil},
	{"the same, by wrk", "wrk", 0.80, false, "%.2f", "wrk/stile", "wrk/echo", nil},
	{"one item that survives a power cut, as a share of bare Echo", "item", 0.50, false, "%.2f", "item/full", "item/echo", nil},
	{"session proofs, as a share of the same call without", "item", 0.90, false, "%.2f", "item/session", "item/jsonp", nil},
	{"a list, as a share of bare Echo", "list", 0.85, false, "%.2f", "list/stile", "list/echo", nil},
	{"searches that repeat, as a share of bare Echo", "search", 0.90, false, "%.2f", "search/stile", "search/echo", nil},
	{"suggestions, as a share of bare Echo", "suggest", 0.40, false, "%.2f", "suggest/stile", "suggest/echo", nil},
	{"one item over Valkey, as a share of bare Echo", "stores", 0.45, false, "%.2f", "stores/valkey", "stores/echo", nil},
	{"the most tokens, as a share of the rate of the fewest", "tokens", 0.80, false, "%.2f", "tokens/2", "tokens/0", nil},
	{"memory of a live token", "tokens", 250, true, "%.0f bytes", "", "", fact("bytes a token")},
	{"start with the most tokens", "tokens", 300, true, "%.0f ms", "", "", fact("start after SIGTERM")},
	{"p99 added to bare Echo at 5,000 calls a second", "open", 0.7, true, "%.2f ms", "open/5000/stile", "open/5000/echo", added("open/5000/stile", "open/5000/echo")},
	{"one item, as a multiple of Fastify with a cache", "peers", 3, false, "%.1f", "peers/stile", "peers/fastify", nil},
	{"one item, as a multiple of HAProxy", "peers", 3, false, "%.1f", "peers/stile", "peers/haproxy", nil},
	{"one item, as a multiple of Echo with echo-jwt", "peers", 4, false, "%.1f", "peers/stile", "peers/echo-jwt", nil},
}

// result returns what a run shows, NaN if it was not measured.
func (g goal) result(r *report) float64 {
	if g.value != nil {
		return g.value(r)
	}
	a, b := r.find(g.of), r.find(g.to)
	if a == nil || b == nil {
		return math.NaN()
	}
	return median(over(a.rates(), b.rates()))
}

// added returns the median of the differences of two kinds' 99th percentiles, in milliseconds.
func added(of, to string) func(*report) float64 {
	return func(r *report) float64 {
		a, b := r.find(of), r.find(to)
		if a == nil || b == nil {
			return math.NaN()
		}
		return median(minus(a.percentiles(.99), b.percentiles(.99)))
	}
}

// fact returns what was measured once.
func fact(name string) func(*report) float64 {
	return func(r *report) float64 {
		if v, ok := r.facts[name]; ok {
			return v
		}
		return math.NaN()
	}
}

// verdict says whether a value reaches the goal, and otherwise by how much it does not.
func (g goal) verdict(v float64) string {
	isMet := v >= g.want
	if g.atMost {
		isMet = v <= g.want
	}
	switch {
	case math.IsNaN(v):
		return "not measured"
	case isMet:
		return "met"
	}
	return fmt.Sprintf("missed by %.0f %%", math.Ceil(100*math.Abs(v-g.want)/g.want))
}

// goalTable returns the goals of some parts with their results, and a head.
func (r *report) goalTable(parts []string) [][]string {
	rows := [][]string{{"goal", "wanted", "result", "", "part"}}
	for _, g := range goals {
		if !slices.Contains(parts, g.part) {
			continue
		}
		bound := "at least "
		if g.atMost {
			bound = "at most "
		}
		v, result := g.result(r), "–"
		if !math.IsNaN(v) {
			result = fmt.Sprintf(g.format, v)
		}
		rows = append(rows, []string{g.text, bound + fmt.Sprintf(g.format, g.want), result, g.verdict(v), g.part})
	}
	return rows
}
