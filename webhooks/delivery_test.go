package webhooks_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stile.example/stile/events"
	"stile.example/stile/webhooks"
)

// TestDelivery checks what a receiver gets: the headers, the signature and the body.
func TestDelivery(t *testing.T) {
	h := newHarness(t, webhooks.LoopbackTargets)
	r := newReceiver(t, h.clock.now, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "thanks\x1b[31m\n https://x.example/?token=abc ", strings.Repeat("x", 1<<20))
	})
	url := r.URL + "/hook?key=k"
	w, secret, err := h.Add(t.Context(), webhooks.Change{URL: &url})
	if err != nil {
		t.Fatal(err)
	}
	h.emit(event("acme"))
	h.Flush(t.Context())
	got := r.got()
	if len(got) != 1 {
		t.Fatalf("%d requests", len(got))
	}
	const body = `{"type":"tenant.suspended","timestamp":"2026-11-27T09:30:00Z","data":{"tenant":"acme","name":"","status":"suspended"}}`
	id := got[0].header.Get("webhook-id")
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) != 32 {
		t.Fatalf("secret %q: %v", secret, err)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.%s", id, start.Unix(), body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if string(got[0].body) != body || !strings.HasPrefix(id, "evt_") || got[0].header.Get("webhook-timestamp") != fmt.Sprint(start.Unix()) ||
		got[0].header.Get("webhook-signature") != want || got[0].header.Get("content-type") != "application/json" {
		t.Errorf("got %s\n%v", got[0].body, got[0].header)
	}
	d := h.all(webhooks.Query{})[0]
	if d.State != webhooks.Delivered || d.Attempts != 1 || d.Last().Status != 200 || !d.Next.IsZero() {
		t.Errorf("%+v", d)
	}
	if e := d.Last().Excerpt; len([]rune(e)) != 300 || !strings.HasPrefix(e, "thanks[31m https://x.example/?… xxx") {
		t.Errorf("excerpt %q", e)
	}
	if w = h.find(w.ID); w.Waiting != 0 || w.SucceededAt != start {
		t.Errorf("%+v", w)
	}
}

// TestChoice checks that a webhook gets only the events that it wants.
func TestChoice(t *testing.T) {
	h := newHarness(t, webhooks.PublicTargets)
	all, quota := h.add("https://a.example"), h.add("https://b.example", events.TenantQuota)
	acme := h.add("https://c.example")
	tenant, off := "acme", false
	if _, err := h.Set(t.Context(), acme.ID, webhooks.Change{Tenant: &tenant}); err != nil {
		t.Fatal(err)
	}
	disabled := h.add("https://d.example")
	if _, err := h.Set(t.Context(), disabled.ID, webhooks.Change{Enabled: &off}); err != nil {
		t.Fatal(err)
	}
	h.emit(event("acme"))
	h.emit(event("other"))
	h.emit(events.Event{Type: events.TenantQuota, Tenant: "acme", At: start})
	for id, want := range map[string]int{all.ID: 3, quota.ID: 1, acme.ID: 2, disabled.ID: 0} {
		if n := len(h.all(webhooks.Query{Webhook: id})); n != want || h.find(id).Waiting != want {
			t.Errorf("%s: %d, want %d", h.find(id).URL, n, want)
		}
	}
}

// TestSchedule checks the schedule that docs/webhooks.md describes, with a receiver that fails for
// 24 h: the delivery has failed then, and that is visible.
func TestSchedule(t *testing.T) {
	h := newHarness(t, webhooks.LoopbackTargets)
	r := newReceiver(t, h.clock.now, status(500))
	w := h.add(r.URL)
	h.emit(event("acme"))
	for range 100 {
		h.Flush(t.Context())
		d := h.all(webhooks.Query{})[0]
		if d.State == webhooks.Failed {
			break
		}
		if next := d.Next; !next.After(h.clock.now()) {
			t.Fatalf("next try at %s", next)
		}
		h.clock.set(later(d.Next, h.find(w.ID).PausedUntil))
	}
	want := []time.Duration{0, 5 * time.Second, 25 * time.Second, 105 * time.Second, 425 * time.Second, 1705 * time.Second, 6825 * time.Second}
	got := r.got()
	if len(got) < 12 || len(got) > 14 {
		t.Fatalf("%d tries", len(got))
	}
	for i, w := range want {
		if off := got[i].at.Sub(start); off < w*8/10 || off > w*12/10 {
			t.Errorf("try %d after %s, want %s", i+1, off, w)
		}
	}
	// The webhook may be paused when the last try is due.
	if last := got[len(got)-1].at.Sub(start); last < 24*time.Hour || last > 24*time.Hour+5*time.Minute {
		t.Errorf("last try after %s", last)
	}
	d, now := h.all(webhooks.Query{State: webhooks.Failed}), h.find(w.ID)
	if len(d) != 1 || d[0].Attempts != len(got) || d[0].Last().Error != "the response is 500 instead of 2xx" || now.Waiting != 0 || now.FailingSince != start {
		t.Errorf("%+v\n%+v", d, now)
	}
	h.Flush(t.Context())
	if len(r.got()) != len(got) {
		t.Error("it is tried again")
	}
	r.respond = nil
	again, err := h.Replay(t.Context(), d[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	h.clock.set(h.find(w.ID).PausedUntil)
	h.Flush(t.Context())
	if now := h.find(w.ID); now.Failures != 0 || !now.FailingSince.IsZero() || h.all(webhooks.Query{ID: again.ID})[0].State != webhooks.Delivered {
		t.Errorf("after a replay: %+v", now)
	}
	if got := r.got(); got[0].header.Get("webhook-id") != got[len(got)-1].header.Get("webhook-id") {
		t.Error("a replay has another webhook-id")
	}
	if list := h.all(webhooks.Query{State: webhooks.Failed, NotReplayed: true}); len(list) != 0 {
		t.Errorf("not replayed: %+v", list)
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func TestPauses(t *testing.T) {
	for n := 1; n < 40; n++ {
		for _, random := range []float64{0, 0.5, 1} {
			if p := webhooks.PauseAfter(n, random); p < 4*time.Second || p > 4*time.Hour*12/10 {
				t.Errorf("after %d: %s", n, p)
			}
		}
		if p := webhooks.Hold(n); p < 0 || p > 5*time.Minute || n <= 4 && p != 0 || n > 4 && p < 5*time.Second {
			t.Errorf("hold after %d: %s", n, p)
		}
	}
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "120": 2 * time.Minute, "-1": 0, "x": 0, "99999999": 24 * time.Hour, "99999999999999999999": 0,
		start.Add(time.Hour).Format(http.TimeFormat): time.Hour, start.Add(-time.Hour).Format(http.TimeFormat): 0,
	} {
		if got := webhooks.RetryAfter(http.Header{"Retry-After": {text}}, start); got != want {
			t.Errorf("Retry-After: %s gives %s, want %s", text, got, want)
		}
	}
}

// TestRetryAfter checks that no event is sent to a receiver that asked for a pause.
func TestRetryAfter(t *testing.T) {
	h := newHarness(t, webhooks.LoopbackTargets)
	r := newReceiver(t, h.clock.now, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(429)
	})
	h.add(r.URL)
	h.emit(event("acme"))
	h.Flush(t.Context())
	h.emit(event("acme"))
	h.clock.set(start.Add(59 * time.Minute))
	h.Flush(t.Context())
	if n := len(r.got()); n != 1 {
		t.Errorf("%d requests before the end of the pause", n)
	}
	h.clock.set(start.Add(time.Hour))
	r.respond = nil
	h.Flush(t.Context())
	h.Flush(t.Context())
	if n := len(r.got()); n != 3 {
		t.Errorf("%d requests after it", n)
	}
}

// TestGone checks that 410 disables a webhook, and that enabling it sends what waits.
func TestGone(t *testing.T) {
	h := newHarness(t, webhooks.LoopbackTargets)
	r := newReceiver(t, h.clock.now, status(http.StatusGone))
	w := h.add(r.URL)
	h.emit(event("acme"))
	h.Flush(t.Context())
	if w = h.find(w.ID); w.Enabled || w.Disabled != "the receiver responded with 410 Gone" {
		t.Errorf("%+v", w)
	}
	h.emit(event("acme")) // not queued
	h.clock.set(start.Add(time.Hour))
	h.Flush(t.Context())
	if n := len(r.got()); n != 1 {
		t.Errorf("%d requests to a disabled webhook", n)
	}
	if _, err := h.Replay(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "is disabled; enable it first") {
		t.Errorf("replay: %v", err)
	}
	on := true
	r.respond = nil
	if w, err := h.Set(t.Context(), w.ID, webhooks.Change{Enabled: &on}); err != nil || w.Disabled != "" || w.Failures != 0 {
		t.Fatal(err, w)
	}
	h.Flush(t.Context())
	if list := h.all(webhooks.Query{}); len(list) != 1 || list[0].State != webhooks.Delivered {
		t.Errorf("%+v", list)
	}
}

// TestSlow checks that a webhook whose receiver hangs does not delay others, and that the requests
// to it are limited in number and time.
func TestSlow(t *testing.T) {
	h := newHarness(t, webhooks.LoopbackTargets)
	h.SetTimeout(2 * patience) // not while the quick receiver gets all
	hang := make(chan struct{})
	slow := newReceiver(t, h.clock.now, func(http.ResponseWriter, *http.Request) { <-hang })
	t.Cleanup(func() { close(hang) })
	quick := newReceiver(t, h.clock.now, nil)
	h.add(slow.URL)
	h.add(quick.URL)
	for range 20 {
		h.emit(event("acme"))
	}
	run := func() (stop func()) {
		ctx, end := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { h.Run(ctx) })
		return func() { end(); running.Wait() }
	}
	stop := run()
	eventually(t, "the quick receiver has all, and the slow one what it gets at once", func() bool {
		return len(quick.got()) == 20 && len(slow.got()) >= 2
	})
	if n := len(slow.got()); n != 2 {
		t.Errorf("%d requests to the slow receiver at once", n)
	}
	stop()
	h.SetTimeout(time.Second)
	stop = run()
	eventually(t, "the slow one times out", func() bool {
		return len(h.all(webhooks.Query{Webhook: slow1(h)})) == 20 && h.find(slow1(h)).Failures > 0
	})
	stop()
	if e := lastError(h.all(webhooks.Query{Webhook: slow1(h)})); e != "no response within 1s" {
		t.Errorf("error %q", e)
	}
}

func slow1(h *harness) string {
	all, _ := h.List(h.t.Context())
	slices.SortFunc(all, func(a, b webhooks.Webhook) int { return b.Failures - a.Failures })
	return all[0].ID
}

func lastError(list []webhooks.Delivery) (text string) {
	for _, d := range list {
		if d.Attempts > 0 {
			text = d.Last().Error
		}
	}
	return text
}

// TestS25_Redirect checks that a redirect is a failure, and not followed (S25).
func TestS25_Redirect(t *testing.T) {
	h := newHarness(t, webhooks.LoopbackTargets)
	other := newReceiver(t, h.clock.now, nil)
	r := newReceiver(t, h.clock.now, func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, other.URL, http.StatusTemporaryRedirect)
	})
	w := h.add(r.URL)
	d, err := h.Test(t.Context(), w.ID)
	if err != nil || d.State != webhooks.Failed || !strings.Contains(d.Last().Error, "redirects are not followed") || len(other.got()) != 0 {
		t.Errorf("%+v, %v, followed %d times", d, err, len(other.got()))
	}
}

// TestS25_Connections checks the address at the moment of the connection: where a name leads may
// have changed since the webhook was added.
func TestS25_Connections(t *testing.T) {
	h := newHarness(t, webhooks.LoopbackTargets)
	r := newReceiver(t, h.clock.now, nil)
	w := h.add(r.URL)
	named := h.add(strings.Replace(r.URL, "127.0.0.1", "localhost", 1))
	if d, err := h.Test(t.Context(), named.ID); err != nil || d.State != webhooks.Delivered {
		t.Fatalf("localhost where it is allowed: %+v, %v", d, err)
	}
	for _, id := range []string{w.ID, named.ID} {
		d, err := h.open(webhooks.PublicTargets).Test(t.Context(), id)
		if err != nil || d.State != webhooks.Failed || !strings.Contains(d.Last().Error, "is not an address that webhooks.targets allows") {
			t.Errorf("%+v, %v", d, err)
		}
	}
	if n := len(r.got()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestS25_URLs(t *testing.T) {
	const public, loopback, private, never = 1, 2, 3, 9
	for url, least := range map[string]int{
		"https://ops.example": public, "https://ops.example:8443/x?key=1": public, "https://9.9.9.9/": public, "https://[2620:fe::fe]/": public,
		"http://ops.example": never, "http://9.9.9.9": never, "http://10.0.0.1": never, "ftp://ops.example": never, "file:///etc/passwd": never, "javascript:alert(1)": never, "gopher://x": never,
		"http://localhost:9000": loopback, "https://localhost": loopback, "http://127.0.0.1": loopback, "http://[::1]:80": loopback, "https://127.9.9.9": loopback, "http://a.localhost": loopback,
		"https://10.0.0.1": private, "https://192.168.1.1": private, "https://[fd00::1]": private, "https://100.64.0.1": private, "https://[::ffff:10.0.0.1]": private,
		"https://169.254.169.254": never, "https://[fe80::1]": never, "https://0.0.0.0": never, "https://[::]": never, "https://100.100.100.200": never, "https://[64:ff9b::a9fe:a9fe]": never,
		"https://user:pass@ops.example": never, "https://user@ops.example": never, "https://ops.example/#x": never, "https://": never, "": never, "ops.example": never, "//ops.example": never,
		"https://ops.example/ x": never, "https://ops.example/\r\nX: y": never, "https://ops.example/\x00": never, "https://" + strings.Repeat("a", 2049): never,
	} {
		for n, targets := range map[int]webhooks.Targets{1: webhooks.PublicTargets, 2: webhooks.LoopbackTargets, 3: webhooks.PrivateTargets} {
			err := targets.Check(url)
			if (err == nil) != (n >= least) {
				t.Errorf("%.60q with targets %s: %v", url, targets, err)
			}
			if err != nil && (strings.ContainsAny(err.Error(), "\r\n\x00") || strings.Contains(err.Error(), "pass@")) {
				t.Errorf("%.60q: error %q", url, err)
			}
		}
		if err := webhooks.Targets("").Check(url); (err == nil) != (least == public) {
			t.Errorf("%.60q without targets: %v", url, err)
		}
	}
}

// TestStop checks that Run ends within seconds, cancels what hangs, and leaves no goroutine. The
// next Run sends the cancelled request again.
func TestStop(t *testing.T) {
	h := newHarness(t, webhooks.LoopbackTargets)
	hang := make(chan struct{})
	r := newReceiver(t, h.clock.now, func(_ http.ResponseWriter, req *http.Request) {
		select {
		case <-hang:
		case <-req.Context().Done():
		}
	})
	h.add(r.URL)
	h.emit(event("acme"))
	before := runtime.NumGoroutine()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { h.Run(ctx) })
	eventually(t, "a request", func() bool { return len(r.got()) == 1 })
	began := time.Now()
	stop()
	running.Wait()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	close(hang)
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
	if d := h.all(webhooks.Query{}); d[0].State != webhooks.Waiting || d[0].Attempts != 0 {
		t.Errorf("%+v", d)
	}
	h.Flush(t.Context())
	if d := h.all(webhooks.Query{}); d[0].State != webhooks.Delivered {
		t.Errorf("%+v", d)
	}
}

// TestFlood checks that events beyond the limit are counted and not stored, and that those that
// were stored are sent.
func TestFlood(t *testing.T) {
	h := newHarness(t, webhooks.LoopbackTargets)
	h.SetWaiting(100)
	r := newReceiver(t, h.clock.now, nil)
	w, quiet := h.add(r.URL), h.add(r.URL, events.ImportFailed)
	for range 300 {
		h.emit(event("acme"))
	}
	if n := len(h.all(webhooks.Query{})); n != 100 || h.find(w.ID).Dropped != 200 || h.find(quiet.ID).Dropped != 0 {
		t.Errorf("%d deliveries, %d dropped", n, h.find(w.ID).Dropped)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go h.Run(ctx)
	eventually(t, "all are sent", func() bool { return h.find(w.ID).Waiting == 0 })
	if n := len(r.got()); n != 100 {
		t.Errorf("%d requests", n)
	}
	if h.emit(event("acme")); len(h.all(webhooks.Query{})) != 101 {
		t.Error("after the flood, no event is queued")
	}
}
