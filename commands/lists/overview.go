package lists

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/history"
	"stile.example/stile/operations"
)

// Overview returns the command `stile overview`.
func (p Commands) Overview() *cobra.Command {
	return syntax.Noun("overview", "what the server did recently",
		"Show calls, refusals, challenges, bindings and latencies of the last hour, day or\nmonth, each next to the period before.",
		"  stile overview show --period day\n  stile overview show --tenant acme --json",
		p.overviewShow())
}

func (p Commands) overviewShow() *cobra.Command {
	var q operations.OverviewQuery
	period := ""
	c := &cobra.Command{Use: "show",
		Long: `Show what the server did in the last hour, in the last 24 hours or in the last 30
days, next to the period before. The figures are counted in memory, and stored every
5 seconds. If the server is killed, the last seconds are missing. The calls of the
calendar month are exact, and so is everything that ` + "`stile usage`" + ` prints.

A challenge that is left open was neither solved nor failed nor reloaded before it
expired.`,
		Example: "  stile overview show\n  stile overview show --period month --tenant acme",
		Args:    syntax.Takes(0, 0, "no arguments, only flags")}
	c.Flags().StringVar(&period, "period", "hour", "`period`: hour, day or month")
	c.Flags().StringVar(&q.Tenant, "tenant", "", "only the tenant with this `client_id`")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if !slices.Contains([]string{"hour", "day", "month"}, period) {
			return syntax.Errorf("--period %q: must be hour, day or month", period)
		}
		q.Period = history.Period(period)
		var o operations.Overview
		if err := p.Run(c, q, &o); err != nil {
			return err
		}
		if p.JSON() {
			return printing.JSON(p.Out(), o)
		}
		return p.showOverview(o)
	}
	return p.Prints(c)
}

func (p Commands) showOverview(o operations.Overview) error {
	n := func(v int64) string { return printing.Number(int(v)) }
	err := printing.Card(p.Text(), "live tokens", strconv.Itoa(o.Now.LiveTokens), "addresses", fmt.Sprintf("%d crowded, %d blocked, %d allowed", o.Now.Crowded, o.Now.Blocked, o.Now.Allowed),
		"calls this month", n(o.Now.MonthCalls)+" (exact)")
	if err != nil {
		return err
	}
	fmt.Fprintln(p.Text())
	a, b := o.Total, o.Before
	rows := [][]string{{"calls", n(a.Calls), n(b.Calls)}}
	add := func(what string, now, before int64) { rows = append(rows, []string{what, n(now), n(before)}) }
	addAll := func(what string, now, before map[string]int64) {
		for _, label := range labelsOf(now, before) {
			add("  "+what+label, now[label], before[label])
		}
	}
	addAll("", a.Routes, b.Routes)
	add("refusals", a.Refusals, b.Refusals)
	addAll("", a.Codes, b.Codes)
	add("observed", a.Observed, b.Observed)
	addAll("", a.WouldBe, b.WouldBe)
	add("challenges asked", a.Challenges.Asked, b.Challenges.Asked)
	add("  solved", a.Challenges.Solved, b.Challenges.Solved)
	add("  failed", a.Challenges.Failed, b.Challenges.Failed)
	add("  left open", a.Challenges.LeftOpen, b.Challenges.LeftOpen)
	addAll("bound to ", a.Bindings, b.Bindings)
	for _, l := range []struct {
		name        string
		now, before float64
	}{{"p50", a.Latency.P50, b.Latency.P50}, {"p95", a.Latency.P95, b.Latency.P95}, {"p99", a.Latency.P99, b.Latency.P99}} {
		rows = append(rows, []string{"latency " + l.name, latency(a.Latency, l.now), latency(b.Latency, l.before)})
	}
	return printing.Table(p.Text(), "WHAT LAST_"+map[history.Period]string{"hour": "HOUR", "day": "DAY", "month": "MONTH"}[o.Period]+" BEFORE", rows)
}

// latency writes a percentile. Without calls there is none.
func latency(of history.Latency, ms float64) string {
	if of.Calls == 0 {
		return "no calls"
	}
	return fmt.Sprintf("%.2f ms", ms)
}

// labelsOf returns the labels of two counts, the largest first.
func labelsOf(a, b map[string]int64) []string {
	all := maps.Clone(b)
	if all == nil {
		all = map[string]int64{}
	}
	for label, n := range a {
		all[label] += n
	}
	return slices.SortedFunc(maps.Keys(all), func(x, y string) int { return cmp.Or(cmp.Compare(all[y], all[x]), cmp.Compare(x, y)) })
}
