package e2e

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// counts are what commands list of everything else that pages count.
type counts struct {
	Tokens []struct {
		ID, State  string
		ClientID   string `json:"client_id"`
		Challenges int64
	}
	Refusals []struct {
		Code  string
		Count int64
	}
	addresses  []struct{ Kind string }
	proposals  []any
	items, own []struct{ Collection string }
	statements []struct {
		Tenant string
		Number int64
	}
	// projections are those of the open month, by tenant.
	projections map[string]struct{ Calls, Amount json.Number }
	challenges  struct {
		Asked, Solved, Failed int64
		LeftOpen              int64 `json:"left_open"`
	}
	// listed returns what `stile refusal list` counts of a reference, of all tokens or of one.
	listed func(token, ref string) int64
}

// readCounts reads what the commands list.
func (s *server) readCounts() *counts {
	s.t.Helper()
	c := &counts{projections: map[string]struct{ Calls, Amount json.Number }{}, listed: func(token, ref string) (n int64) {
		args := []string{"refusal", "list"}
		if token != "" {
			args = append(args, "--token", token)
		}
		var all []struct {
			Ref   string
			Count int64
		}
		s.must(s.CommandJSON(&all, args...))
		for _, one := range all {
			if one.Ref == ref {
				n = one.Count
			}
		}
		return n
	}}
	s.must(s.CommandJSON(&c.Tokens, "token", "list"))
	s.must(s.CommandJSON(&c.Refusals, "refusal", "list"))
	s.must(s.CommandJSON(&c.addresses, "address", "list"))
	s.must(s.CommandJSON(&c.proposals, "address", "proposals"))
	s.must(s.CommandJSON(&c.items, "content", "list"))
	s.must(s.CommandJSON(&c.own, "content", "list", "--tenant", "acme"))
	s.must(s.CommandJSON(&c.statements, "statement", "list"))
	for _, tenant := range []string{"acme", "globe"} {
		var open struct {
			Projection struct{ Calls, Amount json.Number }
		}
		s.must(s.CommandJSON(&open, "statement", "show", tenant))
		c.projections[tenant] = open.Projection
	}
	var overview struct{ Total struct{ Challenges any } }
	overview.Total.Challenges = &c.challenges
	s.must(s.CommandJSON(&overview, "overview", "show"))
	return c
}

// count returns how many elements fulfil a condition.
func count[T any](list []T, is func(T) bool) int64 {
	var n int64
	for _, one := range list {
		if is(one) {
			n++
		}
	}
	return n
}

// refused returns how many refusals have a code; "" for all.
func (c *counts) refused(code string) (n int64) {
	for _, r := range c.Refusals {
		if code == "" || r.Code == code {
			n += max(r.Count, 1)
		}
	}
	return n
}

// measured are cards with what no command counts: latencies, sizes and serial numbers.
var measured = []string{"Slowest 1 % of calls", "Size", "Generation"}

// card returns what the commands say of a card, for a tenant.
func (c *counts) card(label, tenant string) (want string, isKnown bool) {
	n := int64(-1)
	switch label {
	case "Live tokens":
		n = int64(0)
		for _, t := range c.Tokens {
			if t.State == "live" && (tenant == "" || t.ClientID == tenant) {
				n++
			}
		}
	case "Refusals":
		n = c.refused("")
	case "Blocked addresses", "Crowded addresses":
		kind := map[string]string{"Blocked addresses": "block", "Crowded addresses": "crowded"}[label]
		n = count(c.addresses, func(a struct{ Kind string }) bool { return a.Kind == kind })
	case "Proposed blocks":
		n = int64(len(c.proposals))
	case "Challenges issued":
		n = c.challenges.Asked
	case "Items":
		n = int64(len(c.items))
	case "Own items":
		if n = 0; tenant == "acme" {
			n = int64(len(c.own))
		}
	case "Statements shown":
		n = 0
		for _, s := range c.statements {
			if tenant == "" || s.Tenant == tenant {
				n++
			}
		}
	case "Projection: calls":
		return c.projections[tenant].Calls.String(), true
	case "Projection: amount":
		r, ok := new(big.Rat).SetString(c.projections[tenant].Amount.String())
		return r.RatString(), ok
	}
	return strconv.FormatInt(n, 10), n >= 0
}

// others are tables and columns whose numbers no command counts: settings, prices, changes of them,
// and times.
var others = regexp.MustCompile(`^(Prices|What was changed|Admins|Time to answer a call|/Value|/Default)$`)

// cell returns what the commands say of a number in a table that is not about usage, on a page
// about a token or others.
func (c *counts) cell(g grid, token, head string, row []string) (want string, isKnown bool) {
	n := int64(-1)
	switch first := row[0]; {
	case g.Caption == "Tokens" && head == "Challenges":
		for _, t := range c.Tokens {
			if strings.HasPrefix(t.ID, strings.TrimSuffix(first, "…")) {
				n = t.Challenges
			}
		}
	case head == "Count":
		n = c.listed(token, first)
	case g.Caption == "Refusals by code" && head == "Before":
		n = 0
	case g.Caption == "Refusals by code":
		n = c.refused(first)
	case g.Caption == "Collections" && head == "Items":
		n = count(c.items, func(i struct{ Collection string }) bool { return i.Collection == first })
	case g.Caption == "Collections":
		n = 0 // no tenant has items in the shared collections
		if slices.ContainsFunc(c.own, func(i struct{ Collection string }) bool { return i.Collection == first }) {
			n = int64(len(c.own))
		}
	case g.Caption == "Closed statements" && head == "Number":
		for _, s := range c.statements {
			if slices.Contains(row, s.Tenant) {
				n = s.Number
			}
		}
	}
	return strconv.FormatInt(n, 10), n >= 0
}

// legend returns what the commands say of a series of a chart, such as "solved: 3".
func (c *counts) legend(name string) (int64, bool) {
	n, ok := map[string]int64{"refusals": c.refused(""), "solved": c.challenges.Solved, "failed": c.challenges.Failed, "left open": c.challenges.LeftOpen}[name]
	return n, ok
}

var aNumber = regexp.MustCompile(`^[0-9][0-9,]*(\.[0-9]+)?( EUR)?$`)

// checkCounts compares all numbers of a page that are not about usage. One that the test does not
// know is an error, so that a new number is compared, too.
func (n *numbers) checkCounts(p page, c *counts) {
	n.t.Helper()
	tenant := scope(p.Path)
	for label, shown := range p.cards() {
		if measureOf(label) != "" || slices.Contains(measured, label) {
			continue
		}
		want, isKnown := c.card(label, tenant)
		if !isKnown {
			n.t.Errorf("%s: the test can't compare the card %q: %s", p.Path, label, shown)
			continue
		}
		n.compare(p, label, shown, want)
	}
	for _, g := range p.grids() {
		for column, head := range g.Heads {
			if column > 0 && measureOf(head) == "" {
				n.checkColumn(p, g, column, head, c)
			}
		}
	}
}

func (n *numbers) checkColumn(p page, g grid, column int, head string, c *counts) {
	n.t.Helper()
	if g.Heads[0] == "Node" { // the generation of the corpus that a node serves
		return
	}
	if g.Caption == "Calls by day" || strings.HasPrefix(head, "calls: ") || others.MatchString(g.Caption) || others.MatchString("/"+head) {
		return
	}
	if name, shown, isSeries := strings.Cut(head, ": "); isSeries {
		want, isKnown := c.legend(name)
		if !isKnown {
			n.t.Errorf("%s: the test can't compare the series %q of %q", p.Path, head, g.Caption)
			return
		}
		n.compare(p, g.Caption+", its legend", shown, fmt.Sprint(want))
		n.compare(p, g.Caption+", all rows", columnTotal(n.t, g, column), fmt.Sprint(want))
		return
	}
	_, token, _ := strings.Cut(p.Path, "/refusals?token=")
	for _, row := range g.Rows {
		if column >= len(row) || !aNumber.MatchString(row[column]) {
			continue
		}
		what := fmt.Sprintf("%q, %s, %s", g.Caption, row[0], head)
		if want, isKnown := c.cell(g, token, head, row); isKnown {
			n.compare(p, what, row[column], want)
		} else {
			n.t.Errorf("%s: the test can't compare %s: %s", p.Path, what, row[column])
		}
	}
}

// TestTenantShowCountsCalls: what `stile tenant show` says right after calls includes them, on
// whichever nodes they were.
func TestTenantShowCountsCalls(t *testing.T) {
	s := newServer(t, trusting)
	s.command("tenant", "set", "acme", "--calls-per-month", "1000")
	tokens := s.tokens(3)
	for round := 1; round <= 5; round++ {
		for i, token := range tokens {
			s.mustGet("/v1/items/i1", token, addressOf(i))
		}
		text, want := s.command("tenant", "show", "acme"), fmt.Sprintf("%d/1000", round*len(tokens))
		if fields := strings.Fields(text[strings.Index(text, "calls this month"):]); len(fields) < 4 || fields[3] != want {
			t.Errorf("round %d: want %s in\n%s", round, want, text)
		}
	}
}
