// Package overview is the console's first page: what happens now, and what needs attention.
//
// Its figures are those of the operation `overview show`, which the history keeps. The lists of
// tenants and issuers say what needs attention.
package overview

import (
	"cmp"
	_ "embed"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"stile.example/stile/console/chart"
	"stile.example/stile/console/frame"
	"stile.example/stile/operations"
)

//go:embed overview.html
var overviewHTML string

// Operation is the name of the operation that has the page's figures.
const Operation = "overview show"

// query is the input of the operation.
type query struct {
	Period string `json:"period"` // hour, day or month
}

// overview is what the page reads of the operation's output.
type overview struct {
	Bucket int64 `json:"bucket"` // length of a bucket, in seconds
	Now    struct {
		LiveTokens int `json:"live_tokens"`
		Blocked    int `json:"addresses_blocked"`
		Crowded    int `json:"addresses_crowded"`
		Proposals  int `json:"proposals"`
	} `json:"now"`
	Total  figures  `json:"total"`
	Before figures  `json:"before"` // of the period before
	Series []bucket `json:"series"`
}

// bucket is a part of the period.
type bucket struct {
	At time.Time `json:"at"`
	figures
}

// figures is what was counted in a time.
type figures struct {
	Calls      int64            `json:"calls"`
	Refusals   int64            `json:"refusals"`
	Codes      map[string]int64 `json:"refusals_by_code"`
	Challenges struct {
		Asked    int64 `json:"asked"`
		Solved   int64 `json:"solved"`
		Failed   int64 `json:"failed"`
		LeftOpen int64 `json:"left_open"`
	} `json:"challenges"`
	Latency struct {
		Calls int64   `json:"calls"`
		P50   float64 `json:"p50_ms"`
		P99   float64 `json:"p99_ms"`
	} `json:"latency"`
	Most map[string]int64 `json:"most"` // of what was there at a time: live, block, crowded
}

// Add adds the page.
func Add(f *frame.Frame) {
	f.Page(frame.Page{Path: "/", Section: "overview", Role: operations.Viewer, Title: "Overview", Template: overviewHTML, Data: show})
}

// page is what the template shows.
type page struct {
	Tabs       frame.Tabs
	Attention  []notice
	HasTenants bool
	Cards      []frame.Card
	Calls      frame.Drawing
	Challenges frame.Drawing
	Latency    frame.Drawing
	Codes      frame.Drawing
	Period     string
	Nodes      []node // none if this server is the only one
}

var periods = []string{"hour", "Last hour", "day", "Last 24 hours", "month", "Last 30 days"}

func show(r *frame.Request) (any, error) {
	r.Refresh = true
	p := page{Tabs: r.Tabs("Period", "period", "day", periods...), Period: r.Query("period")}
	if !slices.Contains([]string{"hour", "month"}, p.Period) {
		p.Period = "day"
	}
	var err error
	if p.Attention, p.HasTenants, err = attention(r); err != nil {
		return nil, err
	}
	if !r.May(Operation) {
		return p, nil
	}
	if p.Nodes, err = frame.Do[struct{}, []node](r, "nodes", struct{}{}); err != nil {
		return nil, err
	}
	o, err := frame.Do[query, overview](r, Operation, query{p.Period})
	if err != nil {
		return nil, err
	}
	o.join()
	p.Cards = o.cards()
	p.Calls = o.chart("calls", "Calls and refusals", chart.Lines, chart.Count,
		line{"calls", func(f figures) float64 { return float64(f.Calls) }}, line{"refusals", func(f figures) float64 { return float64(f.Refusals) }})
	p.Challenges = o.chart("challenges", "Challenges", chart.Columns, chart.Count,
		line{"solved", func(f figures) float64 { return float64(f.Challenges.Solved) }}, line{"failed", func(f figures) float64 { return float64(f.Challenges.Failed) }},
		line{"left open", func(f figures) float64 { return float64(f.Challenges.LeftOpen) }})
	p.Latency = o.latencyChart()
	p.Codes = o.codes(p.Period)
	return p, nil
}

// latencyChart returns a chart of the latencies.
func (o overview) latencyChart() frame.Drawing {
	c := o.chart("latency", "Time to answer a call", chart.Lines, chart.Seconds, line{"99 % of the calls", p99}, line{"half of the calls", p50})
	c.Nothing = "No calls in this period."
	return c
}

// p50 and p99 return latencies in seconds. A time without calls has none.
func p50(f figures) float64 { return latency(f, f.Latency.P50) }
func p99(f figures) float64 { return latency(f, f.Latency.P99) }

func latency(f figures, ms float64) float64 {
	if f.Latency.Calls == 0 {
		return math.NaN()
	}
	return ms / 1000
}

// maxBuckets is how many times a chart has. Twice as many would double the size of the page.
const maxBuckets = 48

// join joins pairs of buckets until there are few enough. Of latencies and of what was there at a
// time, the greater remains.
func (o *overview) join() {
	for len(o.Series) > maxBuckets {
		var joined []bucket
		for i := 0; i < len(o.Series); i += 2 {
			b := o.Series[i]
			if i+1 < len(o.Series) {
				b.figures = b.add(o.Series[i+1].figures)
			}
			joined = append(joined, b)
		}
		o.Series, o.Bucket = joined, 2*o.Bucket
	}
}

func (f figures) add(g figures) figures {
	f.Calls, f.Refusals = f.Calls+g.Calls, f.Refusals+g.Refusals
	f.Challenges.Asked += g.Challenges.Asked
	f.Challenges.Solved += g.Challenges.Solved
	f.Challenges.Failed += g.Challenges.Failed
	f.Challenges.LeftOpen += g.Challenges.LeftOpen
	f.Latency.Calls += g.Latency.Calls
	f.Latency.P50, f.Latency.P99 = max(f.Latency.P50, g.Latency.P50), max(f.Latency.P99, g.Latency.P99)
	most := maps.Clone(f.Most)
	for name, n := range g.Most {
		most[name] = max(most[name], n)
	}
	f.Most = most
	return f
}

// cards returns the figures of the period next to those of the period before.
func (o overview) cards() []frame.Card {
	counted := func(label, href string, good int, of func(figures) int64) frame.Card {
		now, before := of(o.Total), of(o.Before)
		c := frame.Card{Label: label, Href: href, Value: frame.Number(now), Spark: o.spark(func(f figures) float64 { return float64(of(f)) })}
		return c.Changed(float64(now), float64(before), frame.Number(before), good)
	}
	there := func(label, href, gauge string, now int) frame.Card {
		c := frame.Card{Label: label, Href: href, Value: frame.Number(int64(now)), Spark: o.spark(func(f figures) float64 { return float64(f.Most[gauge]) })}
		c.Note = fmt.Sprintf("at most %s, before %s", frame.Number(max(o.Total.Most[gauge], int64(now))), frame.Number(o.Before.Most[gauge]))
		return c
	}
	slow := frame.Card{Label: "Slowest 1 % of calls", Value: "no calls"}
	if o.Total.Latency.Calls > 0 {
		slow.Value, slow.Spark = chart.Seconds.Text(p99(o.Total)), o.spark(p99)
	}
	if o.Total.Latency.Calls > 0 && o.Before.Latency.Calls > 0 {
		slow = slow.Changed(p99(o.Total), p99(o.Before), chart.Seconds.Text(p99(o.Before)), -1)
	}
	challenges := counted("Challenges issued", "", 0, func(f figures) int64 { return f.Challenges.Asked })
	challenges.Note = o.outcomes()
	return []frame.Card{
		counted("Calls", "/usage", 0, func(f figures) int64 { return f.Calls }),
		counted("Refusals", "/refusals", -1, func(f figures) int64 { return f.Refusals }),
		challenges,
		slow,
		there("Live tokens", "/tokens", "live", o.Now.LiveTokens),
		there("Crowded addresses", "/addresses?kind=crowded", "crowded", o.Now.Crowded),
		there("Blocked addresses", "/addresses?kind=block", "block", o.Now.Blocked),
		there("Proposed blocks", "/addresses/proposals", "proposals", o.Now.Proposals),
	}
}

func (o overview) spark(of func(figures) float64) frame.Drawing {
	var s chart.Spark
	for _, b := range o.Series {
		s.Values = append(s.Values, of(b.figures))
	}
	return s
}

// line is a figure that a chart shows.
type line struct {
	name string
	of   func(figures) float64
}

// chart returns a chart of figures over time. The names of counts have their totals.
func (o overview) chart(id, title string, kind chart.Kind, unit chart.Unit, lines ...line) chart.Time {
	c := chart.Time{ID: id, Title: title, Kind: kind, Unit: unit, Step: time.Duration(o.Bucket) * time.Second}
	for _, b := range o.Series {
		c.Times = append(c.Times, b.At)
	}
	for _, l := range lines {
		s := chart.Series{Name: l.name + ": " + unit.Text(l.of(o.Total))}
		for _, b := range o.Series {
			s.Values = append(s.Values, l.of(b.figures))
		}
		c.Series = append(c.Series, s)
	}
	return c
}

// outcomes says what happened to the challenges, next to the period before.
func (o overview) outcomes() string {
	a, b := o.Total.Challenges, o.Before.Challenges
	if a.Asked == 0 && b.Asked == 0 {
		return ""
	}
	n := frame.Number
	return fmt.Sprintf("solved %s (before %s), failed %s (%s), left open %s (%s)", n(a.Solved), n(b.Solved), n(a.Failed), n(b.Failed), n(a.LeftOpen), n(b.LeftOpen))
}

// maxCodes is how many codes the chart of refusals has.
const maxCodes = 12

// codes returns a chart of the refusals by code, the most frequent first. Nil: there are none.
func (o overview) codes(period string) frame.Drawing {
	c := chart.Bars{Title: "Refusals by code", Of: "Code", Names: []string{"Last " + period, "Before"}}
	all := maps.Clone(o.Before.Codes)
	if all == nil {
		all = map[string]int64{}
	}
	maps.Copy(all, o.Total.Codes)
	for code := range all {
		c.Rows = append(c.Rows, chart.Bar{Label: code, Href: frame.URL("/refusals", "code", code), Values: []float64{float64(o.Total.Codes[code]), float64(o.Before.Codes[code])}})
	}
	if len(c.Rows) == 0 {
		return nil
	}
	slices.SortFunc(c.Rows, func(a, b chart.Bar) int {
		return cmp.Or(cmp.Compare(b.Values[0], a.Values[0]), cmp.Compare(b.Values[1], a.Values[1]), cmp.Compare(a.Label, b.Label))
	})
	if len(c.Rows) > maxCodes {
		c.Title = fmt.Sprintf("Refusals by code (the %d most frequent)", maxCodes)
		c.Rows = c.Rows[:maxCodes]
	}
	return c
}
