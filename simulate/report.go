package simulate

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
)

// Report contains the result of each group by the rules of the policy, and by the plain rules: see
// [Config.Plain].
type Report struct {
	Seed   uint64   `json:"seed"`
	Days   int      `json:"days"`
	Corpus int      `json:"corpus"`
	Scale  int      `json:"scale"`
	Groups []Result `json:"groups"`
	Plain  []Result `json:"plain"` // in the same order
}

// JSON returns the report for programs, with its goals.
func (r Report) JSON() ([]byte, error) {
	type report Report
	return json.MarshalIndent(struct {
		report
		Goals []Goal `json:"goals"`
	}{report(r), r.Goals()}, "", "  ")
}

// Text returns the report for people.
func (r Report) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, days %d, corpus %d items, people %d %%\n\n", r.Seed, r.Days, r.Corpus, r.Scale)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%-12s\tagents\tcalls\ttokens\trenewed\twork/day\twait s/day\tpictures/day\tsaw one\tblocked\tminutes\tcpu s\tcorpus/hour\tcorpus/day\tPLAIN:\tblocked\tsaw picture\tcorpus/day\t\n", "group")
	for n, g := range r.Groups {
		p := r.Plain[n]
		fmt.Fprintf(t, "%-12s\t%d\t%d\t%d\t%d\t%.2f\t%.2f\t%.3f\t%s\t%d\t%.0f\t%.0f\t%s\t%s\t\t%d\t%s\t%s\t\n", g.Name, g.Agents, g.Calls, g.Tokens, g.Renewals,
			g.Work, g.Seconds, g.Pictures, percent(g.SawPicture), g.Blocked, g.BlockedTime, g.CPU, percent(g.Hour), percent(g.Day),
			p.Blocked, percent(p.SawPicture), percent(p.Day))
	}
	t.Flush()
	b.WriteByte('\n')
	for _, g := range r.Groups {
		fmt.Fprintf(&b, "%-13s %s\n", g.Name, g.What)
	}
	b.WriteByte('\n')
	for _, g := range r.Goals() {
		fmt.Fprintf(&b, "%-8s %s: %s\n", map[bool]string{true: "held", false: "NOT HELD"}[g.Held], g.Goal, g.Seen)
	}
	return b.String()
}

func percent(share float64) string { return fmt.Sprintf("%.2f %%", 100*share) }
