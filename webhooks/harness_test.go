package webhooks_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"stile.example/stile/events"
	"stile.example/stile/store/storetest/newdb"
	"stile.example/stile/store/tables/webhookdb"
	"stile.example/stile/webhooks"
)

var start = time.Date(2026, 11, 27, 9, 30, 0, 0, time.UTC)

// clock is a fake clock.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) set(t time.Time) { c.mu.Lock(); defer c.mu.Unlock(); c.at = t }

// faults makes the n-th use of the database fail, and all later ones until it is reset.
type faults struct {
	newdb.DB
	mu     sync.Mutex
	uses   int
	failAt int // 0: never
	closed *sql.DB
}

var errDisk = errors.New("disk is gone")

func (f *faults) fails() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.uses++
	return f.failAt != 0 && f.uses == f.failAt
}

func (f *faults) reset(failAt int) { f.mu.Lock(); defer f.mu.Unlock(); f.uses, f.failAt = 0, failAt }

func (f *faults) Write(ctx context.Context, fn func(*sql.Tx) error) error {
	if f.fails() {
		return errDisk
	}
	return f.DB.Write(ctx, fn)
}

func (f *faults) Reader() *sql.DB {
	if f.fails() {
		return f.closed
	}
	return f.DB.Reader()
}

type harness struct {
	*webhooks.Outbox
	t     *testing.T
	clock *clock
	db    *faults
	key   []byte
}

func newHarness(t *testing.T, targets webhooks.Targets) *harness {
	t.Helper()
	h := &harness{t: t, clock: &clock{at: start}, key: []byte("the key of a server")}
	db := newdb.Open(t, time.Now)
	closed, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	h.db = &faults{DB: db, closed: closed}
	h.Outbox = h.open(targets)
	return h
}

// open opens an Outbox over the same store.
func (h *harness) open(targets webhooks.Targets) *webhooks.Outbox {
	h.t.Helper()
	o, err := webhooks.New(webhooks.Config{Store: webhookdb.Table{DB: h.db}, ServerKey: h.key, Targets: targets, Now: h.clock.now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		h.t.Fatal(err)
	}
	return o
}

func (h *harness) add(url string, types ...events.Type) webhooks.Webhook {
	h.t.Helper()
	w, _, err := h.Add(h.t.Context(), webhooks.Change{URL: &url, Events: &types})
	if err != nil {
		h.t.Fatal(err)
	}
	return w
}

func (h *harness) find(id string) webhooks.Webhook {
	h.t.Helper()
	w, err := h.Find(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return w
}

func event(tenant string) events.Event {
	return events.Event{Type: events.TenantSuspended, At: start, Tenant: tenant, Data: events.TenantStatus{Tenant: tenant, Status: "suspended"}}
}

func (h *harness) emit(e events.Event) bool {
	h.t.Helper()
	happened, err := h.Emit(h.t.Context(), e)
	if err != nil {
		h.t.Fatal(err)
	}
	return happened
}

func (h *harness) all(q webhooks.Query) []webhooks.Delivery {
	h.t.Helper()
	q.Limit = 100_000
	list, err := h.Deliveries(h.t.Context(), q)
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

// receiver is a server that gets events.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	requests []received
	respond  func(http.ResponseWriter, *http.Request)
}

type received struct {
	at     time.Time
	header http.Header
	body   []byte
}

func (r received) tenant() string {
	var e struct{ Data struct{ Tenant string } }
	json.Unmarshal(r.body, &e)
	return e.Data.Tenant
}

func newReceiver(t *testing.T, now func() time.Time, respond func(http.ResponseWriter, *http.Request)) *receiver {
	r := &receiver{respond: respond}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.requests = append(r.requests, received{now(), req.Header.Clone(), body})
		r.mu.Unlock()
		if r.respond != nil {
			r.respond(w, req)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) got() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.requests...)
}

// patience is how long a test waits for what happens at once, unless the machine is busy.
const patience = time.Minute

// eventually waits for a condition.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

func status(code int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// execute returns a function for Write of a database.
func execute(query string, args ...any) func(*sql.Tx) error {
	return func(tx *sql.Tx) error { _, err := tx.Exec(query, args...); return err }
}

func TestOnPostgres(t *testing.T) {
	newdb.OnPostgres(t, map[string]func(*testing.T){
		"Delivery":   TestDelivery,
		"Choice":     TestChoice,
		"Pauses":     TestPauses,
		"Gone":       TestGone,
		"Sweep":      TestSweep,
		"Secrets":    TestSecrets,
		"Limits":     TestLimits,
		"SweepScale": TestSweepScale,
	})
}
