package watch_test

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/events"
	"stile.example/stile/events/watch"
	"stile.example/stile/statements"
	"stile.example/stile/store/sqlite"
	"stile.example/stile/store/tables/webhookdb"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens/issuers"
	"stile.example/stile/webhooks"
)

var start = time.Date(2026, 11, 27, 9, 30, 0, 0, time.UTC)

// world is what a Watcher sees, with a real store and a webhook that wants everything.
type world struct {
	*watch.Watcher
	t       *testing.T
	now     time.Time
	db      *sqlite.DB
	tenants *tenants.Directory
	out     *failing
	used    map[string]int64 // by month and number
	issuers []issuers.Status
	states  map[addresses.Scope]addresses.State
	corpus  string
	closed  []statements.Statement
	damaged error // of reading statements
}

// failing is an outbox that fails while err is set.
type failing struct {
	*webhooks.Outbox
	err error
}

func (f *failing) Emit(ctx context.Context, e events.Event) (bool, error) {
	if f.err != nil {
		return false, f.err
	}
	return f.Outbox.Emit(ctx, e)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: start, used: map[string]int64{}, states: map[addresses.Scope]addresses.State{}, corpus: "corpus-1.db"}
	log := slog.New(slog.DiscardHandler)
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "stile.db"), sqlite.Options{Log: log, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w.db = db
	if w.tenants, err = tenants.Open(t.Context(), db, []byte("key")); err != nil {
		t.Fatal(err)
	}
	o, err := webhooks.New(webhooks.Config{Store: webhookdb.Table{DB: db}, ServerKey: []byte("key"), Now: func() time.Time { return w.now }, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	url := "https://ops.example"
	if _, _, err := o.Add(t.Context(), webhooks.Change{URL: &url}); err != nil {
		t.Fatal(err)
	}
	w.out = &failing{Outbox: o}
	w.restart()
	return w
}

// restart replaces the Watcher, as a new process does.
func (w *world) restart() {
	w.Watcher = watch.New(watch.Config{
		Outbox: w.out, Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler), Tenants: w.tenants,
		Used:    func(n uint32, at time.Time) int64 { return w.used[fmt.Sprint(at.UTC().Format("2006-01"), " ", n)] },
		Issuers: func() []issuers.Status { return w.issuers }, Addresses: w,
		ShowAddress: func(a netip.Addr) string { return "shown " + a.String()[:4] }, Corpus: func() string { return w.corpus },
		ClosedSince: func(_ context.Context, since time.Time) (list []statements.Statement, err error) {
			for _, s := range w.closed {
				if !s.ClosedAt.Before(since) {
					list = append(list, s)
				}
			}
			return list, cmp.Or(w.out.err, w.damaged)
		},
	})
	if err := w.Recover(w.t.Context()); err != nil && w.out.err == nil {
		w.t.Fatal(err)
	}
}

func (w *world) EachAddress(_ context.Context, fn func(addresses.Scope, addresses.State)) error {
	for scope, s := range w.states {
		fn(scope, s)
	}
	return nil
}

func (w *world) tenant(id string, quota int64) {
	w.t.Helper()
	if _, err := w.tenants.Add(w.t.Context(), tenants.Tenant{ClientID: id, CallsPerMonth: quota, CreatedAt: start}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) setQuota(id string, quota int64) {
	w.t.Helper()
	if _, err := w.tenants.Update(w.t.Context(), id, func(t *tenants.Tenant) error { t.CallsPerMonth = quota; return nil }); err != nil {
		w.t.Fatal(err)
	}
}

// check checks once, and returns the events that were stored since the last check, in order.
func (w *world) check() (list []string) {
	w.t.Helper()
	if err := w.Check(w.t.Context()); err != nil && w.out.err == nil {
		w.t.Fatal(err)
	}
	return w.stored()
}

func (w *world) stored() (list []string) {
	w.t.Helper()
	all, err := w.out.Deliveries(w.t.Context(), webhooks.Query{Limit: 10_000})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range slices.Backward(all) {
		var body struct{ Data json.RawMessage }
		if err := json.Unmarshal(d.Message.Body, &body); err != nil {
			w.t.Fatal(err)
		}
		list = append(list, string(d.Message.Type)+" "+string(body.Data))
	}
	w.clear()
	return list
}

// clear removes what was stored, but no marks.
func (w *world) clear() {
	w.t.Helper()
	err := w.db.Write(w.t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec(`DELETE FROM deliveries; UPDATE webhooks SET waiting = 0`)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) want(what string, got []string, want ...string) {
	w.t.Helper()
	if !slices.Equal(got, want) {
		w.t.Errorf("%s:\ngot  %s\nwant %s", what, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

func quota(month string, threshold, calls, limit int64) string {
	return fmt.Sprintf(`tenant.quota {"tenant":"acme","month":"%s","threshold":%d,"calls":%d,"calls_per_month":%d}`, month, threshold, calls, limit)
}

// TestQuota checks that each threshold is reported once a month, over restarts and errors, and
// again for a higher quota only.
func TestQuota(t *testing.T) {
	w := newWorld(t)
	w.tenant("acme", 1000)
	w.tenant("free", 0)
	use := func(month string, n int64) { w.used[month+" 1"], w.used[month+" 2"] = n, n }
	use("2026-11", 499)
	w.want("below", w.check())
	use("2026-11", 500)
	w.want("50 %", w.check(), quota("2026-11", 50, 500, 1000))
	w.want("again", w.check())
	w.restart()
	w.want("after a restart", w.check())
	use("2026-11", 750)
	w.out.err = errors.New("disk is gone")
	w.want("while the store fails", w.check())
	w.out.err = nil
	w.want("75 %", w.check(), quota("2026-11", 75, 750, 1000))
	use("2026-11", 1000)
	w.restart()
	w.want("100 %", w.check(), quota("2026-11", 100, 1000, 1000))
	w.setQuota("acme", 900)
	w.want("a lower quota", w.check())
	w.setQuota("acme", 1900)
	w.want("a higher quota", w.check(), quota("2026-11", 50, 1000, 1900))
	w.setQuota("acme", 1000)
	w.want("the old quota", w.check())
	w.setQuota("acme", 2000)
	use("2026-11", 1500)
	w.want("75 % of the higher quota", w.check(), quota("2026-11", 50, 1500, 2000), quota("2026-11", 75, 1500, 2000))
	// The last calls of a month are counted after its last check.
	use("2026-11", 2000)
	w.now = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	w.want("the end of the month", w.check(), quota("2026-11", 100, 2000, 2000))
	use("2026-12", 1000)
	w.want("the next month", w.check(), quota("2026-12", 50, 1000, 2000))
}

// TestQuotaOfOneCall checks thresholds that one call reaches together, and that no quota overflows.
func TestQuotaOfOneCall(t *testing.T) {
	w := newWorld(t)
	w.tenant("acme", 1)
	w.used["2026-11 1"] = 1
	w.want("one call", w.check(), quota("2026-11", 50, 1, 1), quota("2026-11", 75, 1, 1), quota("2026-11", 100, 1, 1))
	const most = int64(1<<63 - 1)
	w.setQuota("acme", most)
	w.used["2026-11 1"] = most / 4 * 3
	w.want("a large quota", w.check(), quota("2026-11", 50, most/4*3, most))
}

// TestStatus checks the events of suspended and resumed tenants, also of those that were changed
// while the store failed, or by a process that was killed.
func TestStatus(t *testing.T) {
	w := newWorld(t)
	w.tenant("acme", 0)
	set := func(s tenants.Status) error {
		_, err := w.Update(t.Context(), "acme", func(t *tenants.Tenant) error { t.Status = s; return nil })
		return err
	}
	suspended, resumed := `tenant.suspended {"tenant":"acme","name":"","status":"suspended"}`, `tenant.resumed {"tenant":"acme","name":"","status":"active"}`
	w.want("at first", w.stored())
	if err := errors.Join(set(tenants.Active), set(tenants.Suspended), set(tenants.Suspended)); err != nil {
		t.Fatal(err)
	}
	w.want("suspended twice", w.stored(), suspended)
	w.out.err = errors.New("disk is gone")
	if err := set(tenants.Active); err == nil || !strings.Contains(err.Error(), "the tenant is active, but webhooks are not informed until the server restarts") {
		t.Error(err)
	}
	w.out.err = nil
	w.want("not stored", w.stored())
	w.restart()
	w.want("after a restart", w.stored(), resumed)
	if _, err := w.tenants.Update(t.Context(), "acme", func(t *tenants.Tenant) error { t.Status = tenants.Suspended; return nil }); err != nil {
		t.Fatal(err) // as a process that is killed before the event
	}
	w.restart()
	w.restart()
	w.want("after a kill", w.stored(), suspended)
}

// TestStatusOfNodes: two nodes change the status of a tenant by turns, and each change is an event,
// although a node's own last change may be the same.
func TestStatusOfNodes(t *testing.T) {
	w := newWorld(t)
	w.tenant("acme", 0)
	one := w.Watcher
	w.restart()
	two := w.Watcher
	for i, node := range []*watch.Watcher{one, two, one, two, two, one} {
		s := []tenants.Status{tenants.Suspended, tenants.Active}[i%2]
		if _, err := node.Update(t.Context(), "acme", func(t *tenants.Tenant) error { t.Status = s; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.stored(); len(got) != 6 {
		t.Errorf("%d events of 6 changes: %s", len(got), got)
	}
}

func state(until int64, blocks uint8) addresses.State {
	return addresses.State{Until: until, LastStepBlocks: blocks, Propose: true}
}

// TestProposals checks that each proposal is reported once.
func TestProposals(t *testing.T) {
	w := newWorld(t)
	w.tenant("acme", 0)
	scope := addresses.OfTenant(netip.MustParseAddr("198.51.100.7"), 1)
	proposed := func(until int64, blocks int) string {
		return fmt.Sprintf(`address.proposed {"address":"shown 198.","tenant":"acme","blocks":%d,"blocked_until":"%s"}`, blocks, time.Unix(until, 0).UTC().Format(time.RFC3339))
	}
	const first, second, third = 1_800_000_000, 1_801_000_000, 1_802_000_000
	w.Proposed(scope, state(first, 1))
	w.states[scope] = state(first, 1)
	w.want("proposed", w.check(), proposed(first, 1))
	w.restart()
	w.want("after a restart", w.check())
	w.states[scope] = state(second, 2) // blocked again: the same proposal
	w.restart()
	w.want("blocked again", w.check())
	w.states[scope] = state(third, 1) // lifted, and proposed again by a process that is killed
	w.restart()
	w.want("proposed again", w.check(), proposed(third, 1))
	w.out.err = errors.New("disk is gone")
	other := addresses.OfTenant(netip.MustParseAddr("198.51.100.8"), 1)
	w.Proposed(other, state(first, 1))
	w.states[other] = state(first, 1)
	w.want("while the store fails", w.check())
	w.out.err = nil
	w.want("when it works", w.check(), proposed(first, 1))
	for n := range 3000 { // more than are noted
		scope := addresses.OfTenant(netip.AddrFrom4([4]byte{198, 52, byte(n >> 8), byte(n)}), 1)
		w.states[scope] = state(first, 1)
		w.Proposed(scope, w.states[scope])
	}
	if got := len(w.check()); got != 3000 {
		t.Errorf("%d of 3,000 are reported", got)
	}
}

// TestIssuers checks that an issuer is reported after five minutes, once, and its recovery once.
func TestIssuers(t *testing.T) {
	w := newWorld(t)
	fetched := start.Add(-time.Hour)
	ok := issuers.Status{Issuer: "https://id.example", FetchedAt: fetched}
	bad := issuers.Status{Issuer: "https://id.example", FetchedAt: fetched, Failed: errors.New("https://id.example/keys?secret=x: connection\nrefused")}
	pass := func(s issuers.Status, d time.Duration) (list []string) {
		w.issuers = []issuers.Status{s}
		for end := w.now.Add(d); w.now.Before(end); w.now = w.now.Add(20 * time.Second) {
			list = append(list, w.check()...)
		}
		return list
	}
	unreachable := func(since string) string {
		return `issuer.unreachable {"issuer":"https://id.example","since":"` + since + `","error":"https://id.example/keys?… connection refused","keys_until":"2026-11-28T08:30:00Z"}`
	}
	recovered := func(since string) string {
		return `issuer.recovered {"issuer":"https://id.example","since":"` + since + `"}`
	}
	w.want("not fetched yet", pass(issuers.Status{Issuer: "https://id.example"}, time.Hour))
	w.want("reachable", pass(ok, time.Minute))
	w.want("a short outage", pass(bad, 4*time.Minute))
	w.want("its end", pass(ok, time.Minute))
	w.want("a long outage", pass(bad, time.Hour), unreachable("2026-11-27T10:36:00Z"))
	w.restart()
	w.want("after a restart", pass(bad, time.Hour))
	w.restart()
	w.want("its end", pass(ok, time.Hour), recovered("2026-11-27T10:36:00Z"))
	for range 20 { // alternating
		w.want("flapping, bad", pass(bad, time.Minute))
		w.want("flapping, good", pass(ok, time.Minute))
	}
	w.now = w.now.Add(24 * time.Hour)
	w.want("a machine that slept", pass(bad, time.Minute))
}

// TestImports checks the events of imports, also of those whose process ended.
func TestImports(t *testing.T) {
	w := newWorld(t)
	begin := func(tenant string) *watch.Import {
		t.Helper()
		i, err := w.ImportBegins(t.Context(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	if err := errors.Join(begin("").Finished(t.Context(), events.ImportResult{Added: 3}), begin("acme").Failed(t.Context(), "invalid", "a\nb")); err != nil {
		t.Fatal(err)
	}
	w.want("ended", w.stored(), `import.finished {"tenant":"","result":{"added":3,"updated":0,"unchanged":0,"removed":0}}`, `import.failed {"tenant":"acme","reason":"invalid","message":"a b"}`)
	begin("acme")
	w.restart()
	w.restart()
	w.want("killed", w.stored(), `import.failed {"tenant":"acme","reason":"interrupted","message":"the process ended during the import"}`)
	i := begin("")
	w.out.err = errors.New("disk is gone")
	if err := i.Finished(t.Context(), events.ImportResult{}); err == nil {
		t.Error("an event that is not stored was not reported")
	}
	w.corpus, w.out.err = "corpus-2.db", nil
	w.restart()
	w.want("killed after it was published", w.stored(), `import.finished {"tenant":"","result":null}`)
	gone, stop := context.WithCancel(t.Context())
	i = begin("")
	stop()
	if err := i.Failed(gone, "cancelled", "context canceled"); err != nil {
		t.Error(err)
	}
	w.want("cancelled", w.stored(), `import.failed {"tenant":"","reason":"cancelled","message":"context canceled"}`)
}

// TestStatements checks that each closed statement is reported once, also if the process that
// closed it was killed before the event, or was a command.
func TestStatements(t *testing.T) {
	w := newWorld(t)
	november := statements.Statement{Tenant: "acme", Month: "2026-11", ClosedAt: start, Calls: 25, Records: 75, Amount: 50_000, Currency: "EUR"}
	december := november
	december.Month, december.ClosedAt = "2026-12", start.AddDate(0, 1, 0)
	event := func(month string) string {
		return `statement.closed {"tenant":"acme","month":"` + month + `","calls":25,"records":75,"amount":"0.05","currency":"EUR"}`
	}
	w.closed = append(w.closed, november) // by a process that is killed
	w.restart()
	w.want("after a kill", w.check(), event("2026-11"))
	w.restart()
	w.want("after a restart", w.check())
	w.out.err = errors.New("disk is gone")
	w.closed = append(w.closed, december)
	w.Closed(december)
	w.want("while the store fails", w.check())
	w.out.err = nil
	w.want("when it works", w.check(), event("2026-12"))
	w.Closed(december)
	w.want("again", w.check())
	for n := range 3000 { // more than are noted
		s := december
		s.Tenant = fmt.Sprint("tenant-", n)
		w.closed = append(w.closed, s)
		w.Closed(s)
	}
	if got := len(w.check()); got != 3000 {
		t.Errorf("%d of 3,000 are reported", got)
	}
	old := november
	old.Tenant, old.ClosedAt = "ancient", start.AddDate(-2, 0, 0)
	w.closed = append(w.closed, old)
	w.restart()
	w.want("a statement whose mark is no longer kept", w.check())
}

// TestDamagedStatement checks that proposals are reported although a statement can't be read, and
// that its own event follows when it can be read.
func TestDamagedStatement(t *testing.T) {
	w := newWorld(t)
	w.closed = append(w.closed, statements.Statement{Tenant: "acme", Month: "2026-11", ClosedAt: start})
	w.damaged = errors.New("the database was changed")
	w.states[addresses.Scope{Range: netip.MustParsePrefix("203.0.113.7/32")}] = addresses.State{Until: start.Unix() + 60, Propose: true, LastStepBlocks: 1}
	if err := w.Check(t.Context()); !errors.Is(err, w.damaged) {
		t.Errorf("the error is %v", err)
	}
	if got := w.stored(); len(got) != 1 || !strings.HasPrefix(got[0], "address.proposed ") {
		t.Errorf("reported: %q", got)
	}
	w.damaged = nil
	if got := w.check(); len(got) != 1 || !strings.HasPrefix(got[0], "statement.closed ") {
		t.Errorf("reported when it can be read: %q", got)
	}
}
