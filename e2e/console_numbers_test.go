package e2e

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/operations"
	"stile.example/stile/operations/statements"
	"stile.example/stile/settings"
)

// waitForDay waits for the next day (UTC) if less than needed is left of this one. At midnight the
// projection of a month changes, and the first of a month begins a statement.
func waitForDay(needed time.Duration) {
	left := time.Until(time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour))
	if left < needed {
		time.Sleep(left + time.Second)
	}
}

// used is a row of `stile usage --json`.
type used struct {
	Tenant, Day, Route string
	Calls, Records     int64
	Amount             json.Number
}

// numbers compares what pages show with what the command prints.
type numbers struct {
	t      *testing.T
	rows   []used
	tokens []struct {
		ID             string
		ClientID       string `json:"client_id"`
		Calls, Records int64
	}
	compared map[string]int // how many numbers of each page
}

// is selects the rows of a tenant, a day and a route; "" selects all.
func (u used) is(tenant, day, route string) bool {
	return (tenant == "" || u.Tenant == tenant) && (day == "" || u.Day == day) && (route == "" || u.Route == route)
}

// sum returns what the command says, as a page would write it.
func (n *numbers) sum(measure, tenant, day, route string) string {
	n.t.Helper()
	var calls, records int64
	amount := new(big.Rat)
	for _, u := range n.rows {
		if u.is(tenant, day, route) {
			calls, records = calls+u.Calls, records+u.Records
			amount.Add(amount, exact(n.t, u.Amount.String()))
		}
	}
	switch measure {
	case "calls":
		return strconv.FormatInt(calls, 10)
	case "records":
		return strconv.FormatInt(records, 10)
	}
	return amount.RatString()
}

func exact(t *testing.T, text string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("%q is not a number", text)
	}
	return r
}

// measureOf returns what a heading is about: calls, records, amount, or "" for something else.
func measureOf(heading string) string {
	heading, _, _ = strings.Cut(strings.ToLower(heading), ",") // such as: Calls, 30 days
	switch heading {
	case "calls", "calls so far", "calls this month":
		return "calls"
	case "records", "amount":
		return heading
	case "amount in eur":
		return "amount"
	}
	return ""
}

// compare compares a number of a page, with or without the currency.
func (n *numbers) compare(p page, what, shown, want string) {
	n.t.Helper()
	n.compared[p.Path]++
	number := strings.ReplaceAll(strings.TrimSuffix(shown, " EUR"), ",", "")
	if r, ok := new(big.Rat).SetString(number); !ok || r.RatString() != want {
		n.t.Errorf("%s says %s: %s; the command says %s", p.Path, what, shown, want)
	}
}

// scope returns the tenant that a page is about; "" for all.
func scope(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Query().Get("tenant") != "" {
		return u.Query().Get("tenant")
	}
	parts := strings.Split(u.Path, "/")
	switch {
	case parts[1] == "developers":
		return "acme"
	case len(parts) > 2 && (parts[1] == "tenants" || parts[1] == "statements"):
		return parts[2]
	}
	return ""
}

// check compares all numbers of a page about calls, records and amounts.
func (n *numbers) check(p page) {
	n.t.Helper()
	tenant := scope(p.Path)
	for label, shown := range p.cards() {
		if m := measureOf(label); m != "" {
			n.compare(p, label, shown, n.sum(m, tenant, "", ""))
		}
	}
	for _, g := range p.grids() {
		n.checkGrid(p, g, tenant)
	}
	id, isToken := strings.CutPrefix(p.Path, "/tokens/")
	if isToken && !strings.Contains(id, "/") && id != "find" {
		calls, _, _ := strings.Cut(p.items()["Calls"], " of ")
		n.compare(p, "calls of the token", calls, n.ofToken("calls", id))
		n.compare(p, "records of the token", p.items()["Records"], n.ofToken("records", id))
	}
}

// checkGrid compares a table: the first cell of a row, and the heads of the columns, say what each
// number is. A table whose rows the test does not know is an error.
func (n *numbers) checkGrid(p page, g grid, tenant string) {
	n.t.Helper()
	if g.Heads[0] == "Node" {
		return
	}
	for column, head := range g.Heads[1:] {
		for _, row := range g.Rows {
			what := fmt.Sprintf("%q, %s, %s", g.Caption, row[0], head)
			shown, m := row[column+1], measureOf(head)
			switch {
			case g.Caption == "Calls by day":
				n.compare(p, what, shown, n.sum("calls", tenant, row[0], head))
			case m == "":
			case row[0] == "Total":
				n.compare(p, what, shown, n.sum(m, tenant, "", ""))
			default:
				n.compare(p, what, shown, n.ofRow(p, g, row, m, tenant))
			}
		}
		if calls, ok := strings.CutPrefix(head, "calls: "); ok {
			n.compare(p, g.Caption+", its legend", calls, n.sum("calls", tenant, "", ""))
			n.compare(p, g.Caption+", all rows", columnTotal(n.t, g, column+1), n.sum("calls", tenant, "", ""))
		}
	}
}

// ofRow returns what the command says of a row.
func (n *numbers) ofRow(p page, g grid, row []string, m, tenant string) string {
	n.t.Helper()
	switch g.Heads[0] {
	case "Tenant":
		return n.sum(m, row[0], "", "")
	case "Month", "Month (UTC)":
		if i := slices.Index(g.Heads, "Tenant"); i > 0 {
			tenant = row[i]
		}
		return n.sum(m, tenant, "", "")
	case "Day", "Day (UTC)":
		return n.sum(m, tenant, row[0], "")
	case "Route":
		return n.sum(m, tenant, "", row[0])
	case "Token":
		return n.ofToken(m, strings.TrimSuffix(row[0], "…"))
	}
	n.t.Errorf("%s: the test can't compare the table %q, whose rows are of a %s", p.Path, g.Caption, g.Heads[0])
	return ""
}

func (n *numbers) ofToken(m, id string) string {
	n.t.Helper()
	for _, one := range n.tokens {
		if strings.HasPrefix(one.ID, id) {
			return strconv.FormatInt(map[string]int64{"calls": one.Calls, "records": one.Records}[m], 10)
		}
	}
	n.t.Errorf("the command does not list the token %s", id)
	return ""
}

// columnTotal returns the sum of a column.
func columnTotal(t *testing.T, g grid, column int) string {
	t.Helper()
	sum := new(big.Rat)
	for _, row := range g.Rows {
		sum.Add(sum, exact(t, row[column]))
	}
	return sum.RatString()
}

// calls makes calls of a tenant: single items, and lists of some items.
func (s *server) calls(tenant string, tokens []string, single, lists, size int) {
	s.t.Helper()
	for i := range single + lists {
		path := "/v1/items/i1?"
		if i >= single {
			path = fmt.Sprintf("/v1/items?limit=%d&", size)
		}
		req, err := http.NewRequest("GET", s.URL+path+"client_id="+tenant, nil)
		s.must(err)
		req.Header.Set("Authorization", "Bearer "+tokens[i%len(tokens)])
		a, err := s.do(req)
		s.must(err)
		if a.code() != "" {
			s.t.Fatalf("call %d of %s is refused: %s", i, tenant, a.code())
		}
	}
}

// TestNumbersAgree makes 25 calls for single items and 5 for lists of 10, and checks that the
// command, the admin API, each page of the console and of the tenant's own view, and the statement
// say exactly 25 and 5 calls, 75 records, and the same amount: while the month is open, and when it
// is closed. A second tenant has other numbers, and refused calls are in none.
func TestNumbersAgree(t *testing.T) {
	waitForDay(3 * time.Minute)
	s := newServer(t, "")
	s.command("tenant", "set", "acme", "--currency", "EUR", "--price", "0.002", "--price-per-record", "0.0005", "--tier", "calls:11=0.001", "--tier", "records:51=0.0001")
	secret, err := s.Tenant("globe", "--currency", "EUR", "--price", "0.01")
	s.must(err)
	globe, err := s.Token("globe", secret)
	s.must(err)
	s.calls("acme", s.tokens(3), 25, 5, 10)
	s.calls("globe", []string{globe}, 2, 1, 7)
	for range 4 {
		if a, err := s.get("/v1/items", globe, ""); err != nil || a.code() == "" {
			t.Fatalf("a token of another tenant: %v %v", a, err)
		}
	}
	s.command("address", "block", "198.51.100.0/24", "--reason", "scraper")
	owner := s.addAdmin("alice", "owner")
	n := &numbers{t: t, compared: map[string]int{}}
	// A node stores its first refusal of a minute within a second, and repeated ones when the minute
	// is over, unless they came within the same second.
	s.untilWithin(80*time.Second, "4", func() string { return fmt.Sprint(s.readCounts().refused("")) })
	s.must(s.CommandJSON(&n.rows, "usage"))
	s.must(s.CommandJSON(&n.tokens, "token", "list"))
	month := n.rows[0].Day[:len("2006-01")]
	for route, want := range map[string]string{"item": "25 25 19/400", "items": "5 50 1/50", "": "30 75 27/400"} {
		if got := n.sum("calls", "acme", "", route) + " " + n.sum("records", "acme", "", route) + " " + n.sum("amount", "acme", "", route); got != want {
			t.Errorf("the command says of the route %q: %s, want %s", route, got, want)
		}
	}
	if got := n.sum("calls", "globe", "", "") + " " + n.sum("records", "globe", "", "") + " " + n.sum("amount", "globe", "", ""); got != "3 9 3/100" {
		t.Errorf("the command says of globe: %s", got)
	}
	s.checkUsageFiles(n)
	alice := s.signIn(owner)
	// Other nodes store the history of the last minute, and repeated refusals, later.
	if s.Nodes == nil {
		s.checkAPI(n, owner.Token)
		s.checkPages(n, alice, month)
	}
	s.checkStatement(n, owner.Token, month, true)

	s.must(s.Stop())
	s.closeMonth(month)
	s.must(s.Start())
	for _, node := range s.all() {
		n.compared = map[string]int{}
		alice.origin = node.AdminURL
		node.checkAPI(n, owner.Token)
		node.checkPages(n, alice, month)
		node.checkStatement(n, owner.Token, month, false)
	}
	s.checkStatementFiles(n, alice, owner.Token, month)
}

// checkAPI compares the admin API with the command: the rows, the same as a file, and the overview.
func (s *server) checkAPI(n *numbers, token string) {
	s.t.Helper()
	var got struct{ Data []used }
	_, _, text := s.api(token, "GET", "/usage", "", "")
	s.must(json.Unmarshal(text, &got))
	if !slices.Equal(got.Data, n.rows) {
		s.t.Errorf("the admin API says\n%v\nthe command says\n%v", got.Data, n.rows)
	}
	var overview struct {
		Data struct {
			Total struct{ Calls json.Number }
			Now   struct {
				Calls json.Number `json:"calls_this_month"`
			}
		}
	}
	_, _, text = s.api(token, "GET", "/overview?period=day", "", "")
	s.must(json.Unmarshal(text, &overview))
	if want := n.sum("calls", "", "", ""); overview.Data.Total.Calls.String() != want || overview.Data.Now.Calls.String() != want {
		s.t.Errorf("the overview of the admin API: %s, want %s", text[:200], want)
	}
	_, _, text = s.api(token, "GET", "/usage?format=csv", "", "")
	if want := s.command("usage", "--format", "csv"); !sameRows(s.t, string(text), want) {
		s.t.Errorf("the file of the admin API is\n%s\nthat of the command is\n%s", text, want)
	}
}

// sameRows reports whether the file of the admin API, which has more columns, has the same rows as
// that of the command.
func sameRows(t testing.TB, a, b string) bool {
	t.Helper()
	read := func(text string) (columns map[string][]string) {
		all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || len(all) < 2 {
			t.Fatalf("not a CSV file with rows: %v\n%s", err, text)
		}
		columns = map[string][]string{}
		for i, head := range all[0] {
			for _, row := range all[1:] {
				columns[head] = append(columns[head], row[i])
			}
		}
		return columns
	}
	x, y := read(a), read(b)
	for _, head := range []string{"tenant", "day", "route", "calls", "records", "amount"} {
		if x[head] == nil || !slices.Equal(x[head], y[head]) {
			return false
		}
	}
	return true
}

// checkPages compares all pages of the console and of the tenant's own view with the command.
func (s *server) checkPages(n *numbers, b *browser, month string) {
	s.t.Helper()
	counted := s.readCounts()
	for _, p := range b.walk("/") {
		n.check(p)
		n.checkCounts(p, counted)
	}
	for _, p := range s.ownView().walk("/developers/") {
		n.check(p)
	}
	cells := 0
	for _, count := range n.compared {
		cells += count
	}
	s.t.Logf("%d numbers on %d pages", cells, len(n.compared))
	for _, path := range []string{"/", "/?period=hour", "/?period=month", "/tenants", "/tenants/acme", "/usage", "/usage?tenant=acme", "/statements", "/statements/acme/" + month,
		"/tokens", "/tokens/" + n.tokens[0].ID, "/developers/", "/developers/usage"} {
		if n.compared[path] == 0 {
			s.t.Errorf("no number of %s was compared; the others: %v", path, n.compared)
		}
	}
}

// ownView opens a link to acme's own view.
func (s *server) ownView() *browser {
	s.t.Helper()
	var link struct{ URL string }
	s.must(s.CommandJSON(&link, "tenant", "link", "add", "acme"))
	_, secret, _ := strings.Cut(link.URL, "#")
	jar, err := cookiejar.New(nil)
	s.must(err)
	b := &browser{t: s.t, origin: s.URL, client: &http.Client{Jar: jar, Timeout: s.client.Timeout}}
	if p := b.send("/developers/open", "application/x-www-form-urlencoded", url.Values{"link": {secret}}.Encode()); p.Status != http.StatusOK {
		s.t.Fatalf("the own view: %d\n%s", p.Status, p.Text)
	}
	return b
}

// checkStatement compares the statement with the command, as a command and in the admin API.
func (s *server) checkStatement(n *numbers, token, month string, isPreliminary bool) {
	s.t.Helper()
	type statement struct {
		Preliminary    bool
		Calls, Records json.Number
		Amount         json.Number
		Rows           []used
	}
	var shown statement
	s.must(s.CommandJSON(&shown, "statement", "show", "acme", month))
	var got struct{ Data statement }
	_, _, text := s.api(token, "GET", "/statements/acme/"+month, "", "")
	s.must(json.Unmarshal(text, &got))
	rows := n.rowsOf("acme")
	for what, v := range map[string]statement{"the command": shown, "the admin API": got.Data} {
		for i := range v.Rows {
			v.Rows[i].Tenant = ""
		}
		sums := v.Calls.String() + " " + v.Records.String() + " " + exact(n.t, v.Amount.String()).RatString()
		if v.Preliminary != isPreliminary || sums != "30 75 27/400" || !slices.Equal(v.Rows, rows) {
			s.t.Errorf("the statement by %s: %+v, want the rows %v", what, v, rows)
		}
	}
}

// closeMonth closes a month as the server will do when it is due: in a directory that no server
// uses, with the time of then. Of several nodes, all try at the same time.
func (s *server) closeMonth(month string) {
	s.t.Helper()
	first, err := time.Parse("2006-01", month)
	s.must(err)
	then := first.AddDate(0, 1, 3)
	var closed atomic.Int32
	var all sync.WaitGroup
	for i := range s.all() {
		all.Go(func() {
			d, err := s.openData(i, then)
			if err != nil {
				s.t.Error(err)
				return
			}
			defer func() {
				if err := d.Close(); err != nil {
					s.t.Error(err)
				}
			}()
			made, err := operations.RunAs[statements.None, statements.Closing](s.t.Context(), d, operations.CommandLine(0), "statement close", statements.None{})
			if err != nil && s.Nodes == nil {
				s.t.Errorf("closing %s: %v", month, err)
			}
			closed.Add(int32(len(made.Closed)))
		})
	}
	all.Wait()
	if n := closed.Load(); n != 2 {
		s.t.Fatalf("closing %s made %d statements, want 2", month, n)
	}
}

// openData opens the data directory of a server that is stopped, or of a node, with a clock that
// stands still.
func (s *server) openData(node int, at time.Time) (*datadir.Dir, error) {
	src := settings.Source{Flags: map[string]string{"data": filepath.Join(s.Dir, "data")}}
	if s.Nodes != nil {
		name := fmt.Sprintf("node%d", node+1)
		src.File = filepath.Join(s.Dir, name+".yaml")
		src.Flags = map[string]string{"data": filepath.Join(s.Dir, name+"-stopped"), "store_key_file": filepath.Join(s.Dir, "store.key"), "node": name + "-stopped"}
	}
	sets, err := settings.Load(src)
	if err != nil {
		return nil, err
	}
	return datadir.OpenExisting(s.t.Context(), sets, func() time.Time { return at }, slog.New(slog.DiscardHandler))
}
