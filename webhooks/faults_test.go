package webhooks_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/events"
	"stile.example/stile/webhooks"
)

// TestR3_Deliveries makes the n-th use of the store fail, for every n: an event that was stored is
// sent, and one that was not is reported as not stored.
func TestR3_Deliveries(t *testing.T) {
	h := newHarness(t, webhooks.LoopbackTargets)
	h.SetFaultWait(time.Millisecond)
	var fail atomic.Int64
	r := newReceiver(t, h.clock.now, func(w http.ResponseWriter, _ *http.Request) {
		if fail.Add(1)%2 == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	h.add(r.URL)
	sent, at := 0, start
	for n := 1; n <= 24; n++ {
		tenant := fmt.Sprint("tenant-", n)
		h.db.reset(n)
		_, err := h.Emit(t.Context(), event(tenant))
		ctx, stop := context.WithCancel(t.Context())
		for range 4 {
			at = at.Add(10 * time.Minute)
			h.clock.set(at)
			done := make(chan struct{})
			go func() { h.Flush(ctx); close(done) }()
			<-done
		}
		stop()
		h.db.reset(0)
		if err != nil {
			if !errors.Is(err, errDisk) && !strings.Contains(err.Error(), "closed") {
				t.Errorf("use %d: %v", n, err)
			}
			if _, err := h.Emit(t.Context(), event(tenant)); err != nil {
				t.Fatal(err)
			}
		}
		sent++
		for range 20 {
			at = at.Add(10 * time.Minute)
			h.clock.set(at)
			h.Flush(t.Context())
			if len(h.all(webhooks.Query{State: webhooks.Delivered})) == sent {
				break
			}
		}
		if !delivered(r, tenant) || len(h.all(webhooks.Query{State: webhooks.Delivered})) != sent {
			t.Fatalf("use %d: the event is lost: %+v", n, h.all(webhooks.Query{State: webhooks.Waiting}))
		}
	}
}

func delivered(r *receiver, tenant string) bool {
	for _, got := range r.got() {
		if got.tenant() == tenant {
			return true
		}
	}
	return false
}

// TestOnce checks marks: events with the same mark happen once, over restarts and errors.
func TestOnce(t *testing.T) {
	h := newHarness(t, webhooks.PublicTargets)
	h.add("https://a.example")
	marked := func(value int64, when events.Condition) events.Event {
		e := event("acme")
		e.Mark = events.Mark{Key: fmt.Sprint("key", when), Value: value, When: when}
		return e
	}
	for n := 1; n <= 3; n++ { // the n-th use of the store fails: mark and event belong together
		h.db.reset(n)
		happened, err := h.Emit(t.Context(), marked(1, events.Rises))
		h.db.reset(0)
		if stored := len(h.all(webhooks.Query{})); happened != (err == nil) || stored != btoi(happened) {
			t.Fatalf("use %d: happened %t, %v, %d stored", n, happened, err, stored)
		}
		if happened {
			break
		}
	}
	// The mark is stored only together with the event.
	other := event("acme")
	other.Mark = events.Mark{Key: "other", Value: 1}
	if err := h.db.DB.Write(t.Context(), execute(`CREATE TRIGGER fails BEFORE INSERT ON deliveries BEGIN SELECT RAISE(ABORT, 'disk is gone'); END`)); err != nil {
		t.Fatal(err)
	}
	if happened, err := h.Emit(t.Context(), other); err == nil || happened {
		t.Errorf("happened %t, %v", happened, err)
	}
	if err := h.db.DB.Write(t.Context(), execute(`DROP TRIGGER fails`)); err != nil {
		t.Fatal(err)
	}
	if !h.emit(other) {
		t.Error("the mark was stored without the event")
	}
	h.Outbox = h.open(webhooks.PublicTargets)
	for _, step := range []struct {
		value int64
		when  events.Condition
		want  bool
	}{
		{1, events.Rises, false}, {2, events.Rises, true}, {1, events.Rises, false}, {2, events.Rises, false}, {3, events.Rises, true},
		{0, events.Changes, false}, {1, events.Changes, true}, {1, events.Changes, false}, {0, events.Changes, true}, {0, events.Changes, false},
		{0, events.Ends, false},
	} {
		if got := h.emit(marked(step.value, step.when)); got != step.want {
			t.Errorf("%+v: %t", step, got)
		}
	}
	if err := h.Begin(t.Context(), fmt.Sprint("key", events.Ends), "a note"); err != nil {
		t.Fatal(err)
	}
	if !h.emit(marked(0, events.Ends)) || h.emit(marked(0, events.Ends)) {
		t.Error("what has begun does not end once")
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestSweep checks what is kept: waiting deliveries, and the newest finished ones for a while.
func TestSweep(t *testing.T) {
	h := newHarness(t, webhooks.LoopbackTargets)
	r := newReceiver(t, h.clock.now, nil)
	w, gone := h.add(r.URL), h.add(r.URL, events.ImportFailed)
	off := h.add(r.URL, events.TenantQuota)
	h.emit(event("acme"))
	h.Flush(t.Context())
	h.emit(events.Event{Type: events.ImportFailed, At: start})
	if err := h.Remove(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	h.emit(events.Event{Type: events.TenantQuota, At: start})
	disable := false
	if _, err := h.Set(t.Context(), off.ID, webhooks.Change{Enabled: &disable}); err != nil {
		t.Fatal(err)
	}
	webhooks.Sweep(h.Outbox, t.Context())
	if list := h.all(webhooks.Query{}); len(list) != 4 || h.find(off.ID).Waiting != 1 {
		t.Errorf("%d deliveries, %+v", len(list), h.find(off.ID))
	}
	h.clock.set(start.Add(26 * time.Hour))
	webhooks.Sweep(h.Outbox, t.Context())
	if list := h.all(webhooks.Query{Webhook: off.ID}); len(list) != 1 || list[0].State != webhooks.Failed || !strings.Contains(list[0].Last().Error, "for 24 h") || h.find(off.ID).Waiting != 0 {
		t.Errorf("a disabled webhook: %+v", list)
	}
	h.clock.set(start.Add(31 * 24 * time.Hour))
	webhooks.Sweep(h.Outbox, t.Context())
	if list := h.all(webhooks.Query{}); len(list) != 0 {
		t.Errorf("%+v", list)
	}
	var events int
	if err := h.db.DB.Reader().QueryRow(`SELECT count(*) FROM events`).Scan(&events); err != nil || events != 0 {
		t.Errorf("%d events are left, %v", events, err)
	}
	if h.find(w.ID).Waiting != 0 {
		t.Errorf("%+v", h.find(w.ID))
	}
}

// TestSecrets checks how secrets are stored, and what a rotation signs with.
func TestSecrets(t *testing.T) {
	h := newHarness(t, webhooks.LoopbackTargets)
	r := newReceiver(t, h.clock.now, nil)
	w, first, err := h.Add(t.Context(), webhooks.Change{URL: &r.URL})
	if err != nil {
		t.Fatal(err)
	}
	_, second, err := h.RotateSecret(t.Context(), w.ID, time.Hour)
	if err != nil || first == second {
		t.Fatal(err, first, second)
	}
	signatures := func() []string {
		t.Helper()
		if d, err := h.Test(t.Context(), w.ID); err != nil || d.State != webhooks.Delivered {
			t.Fatal(d, err)
		}
		got := r.got()
		return strings.Fields(got[len(got)-1].header.Get("webhook-signature"))
	}
	if n := len(signatures()); n != 2 {
		t.Errorf("%d signatures during the overlap", n)
	}
	h.clock.set(start.Add(time.Hour))
	if n := len(signatures()); n != 1 {
		t.Errorf("%d signatures after it", n)
	}
	var stored string
	if err := h.db.DB.Reader().QueryRow(`SELECT secrets FROM webhooks`).Scan(&stored); err != nil || strings.Contains(stored, first[6:]) || strings.Contains(stored, second[6:]) {
		t.Errorf("stored %s, %v", stored, err)
	}
	// moved to another webhook
	other := h.add(r.URL)
	if err := h.db.DB.Write(t.Context(), execute(`UPDATE webhooks SET secrets = (SELECT secrets FROM webhooks WHERE id = ?) WHERE id = ?`, w.ID, other.ID)); err != nil {
		t.Fatal(err)
	}
	if d, err := h.Test(t.Context(), other.ID); err != nil || !strings.Contains(d.Last().Error, "can't be decrypted") {
		t.Errorf("another webhook's secret: %+v, %v", d, err)
	}
	h.key = []byte("the key of another server")
	o := h.open(webhooks.LoopbackTargets)
	if d, err := o.Test(t.Context(), w.ID); err != nil || d.Last().Status != 0 || !strings.Contains(d.Last().Error, "run `stile webhook rotate-secret`") {
		t.Errorf("with new keys: %+v, %v", d, err)
	}
	if _, _, err := o.RotateSecret(t.Context(), w.ID, 0); err != nil {
		t.Fatal(err)
	}
	if d, err := o.Test(t.Context(), w.ID); err != nil || d.State != webhooks.Delivered {
		t.Errorf("after a rotation: %+v, %v", d, err)
	}
}

// TestLimits checks the errors of what operators do.
func TestLimits(t *testing.T) {
	h := newHarness(t, webhooks.PublicTargets)
	for range webhooks.MaxWebhooks {
		h.add("https://a.example")
	}
	url := "https://a.example"
	if _, _, err := h.Add(t.Context(), webhooks.Change{URL: &url}); !errors.Is(err, webhooks.ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
	for what, err := range map[string]error{
		"find": second(h.Find(t.Context(), "x")), "set": second(h.Set(t.Context(), "x", webhooks.Change{})), "remove": h.Remove(t.Context(), "x"),
		"test": second(h.Test(t.Context(), "x")), "replay": second(h.Replay(t.Context(), 4711)),
	} {
		if !errors.Is(err, webhooks.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := h.Apply(webhooks.Change{Events: &[]events.Type{"tenant.quota", "no"}}, &webhooks.Webhook{}); err == nil || !strings.Contains(err.Error(), `event "no": unknown; must be one of tenant.quota`) {
		t.Error(err)
	}
	if _, err := h.Emit(t.Context(), events.Event{Data: strings.Repeat("x", 33<<10)}); err == nil {
		t.Error("an event of 33 KiB is stored")
	}
}

func second[T any](_ T, err error) error { return err }

// TestR7_Clock checks that a clock that was ahead for a while delays nothing when it is right
// again.
func TestR7_Clock(t *testing.T) {
	h := newHarness(t, webhooks.LoopbackTargets)
	r := newReceiver(t, h.clock.now, status(http.StatusServiceUnavailable))
	h.add(r.URL)
	h.clock.set(start.AddDate(1, 0, 0))
	for range 6 {
		h.emit(event("acme"))
		h.Flush(t.Context())
	}
	r.respond = nil
	h.clock.set(start)
	for range 6 {
		h.Flush(t.Context())
	}
	if n := len(h.all(webhooks.Query{State: webhooks.Delivered})); n != 6 {
		t.Errorf("%d of 6 are delivered", n)
	}
}

// TestSweepScale checks that a sweep of many deliveries is linear, and leaves the newest of each
// webhook.
func TestSweepScale(t *testing.T) {
	h := newHarness(t, webhooks.PublicTargets)
	a, b := h.add("https://a.example").ID, h.add("https://b.example").ID
	const numbers = `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 29999) `
	err := errors.Join(
		h.db.DB.Write(t.Context(), execute(numbers+`INSERT INTO events SELECT 'evt_' || i, 'tenant.quota', 'acme', '{}' FROM n`)),
		h.db.DB.Write(t.Context(), execute(numbers+`
			INSERT INTO deliveries (webhook, event, state, created_at, next_at, attempts, tries, replay_of)
			SELECT CASE i % 3 WHEN 0 THEN ? ELSE ? END, 'evt_' || i, 'delivered', ?, 0, 1, '[]', 0 FROM n`, a, b, start.UnixMilli())))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	webhooks.Sweep(h.Outbox, t.Context())
	if took := time.Since(began); took > 20*time.Second { // 30 times as long as it takes
		t.Errorf("it took %s", took)
	}
	if n, m := len(h.all(webhooks.Query{Webhook: a})), len(h.all(webhooks.Query{Webhook: b})); n != 10_000 || m != 10_000 || h.all(webhooks.Query{Webhook: b})[0].ID != 30_000 {
		t.Errorf("%d and %d are left", n, m)
	}
	var events int
	if err := h.db.DB.Reader().QueryRow(`SELECT count(*) FROM events`).Scan(&events); err != nil || events != 20_000 {
		t.Errorf("%d events are left, %v", events, err)
	}
}
