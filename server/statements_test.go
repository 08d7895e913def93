package server

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/operations"
	"stile.example/stile/settings"
	"stile.example/stile/statements"
	"stile.example/stile/tokens"
	"stile.example/stile/webhooks"
)

// TestMonthsClose checks that the server closes a month when it is due, and logs and reports each
// statement once.
func TestMonthsClose(t *testing.T) {
	s, err := settings.Load(settings.Source{Env: []string{"STILE_DATA=" + t.TempDir(), "STILE_LISTEN=127.0.0.1:0", "STILE_ADMIN_LISTEN=127.0.0.1:0"}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 12, 2, 23, 59, 59, 0, time.UTC)
	var later atomic.Int64 // goroutines of the store read the clock
	var log bytes.Buffer
	srv, err := New(t.Context(), s, func() time.Time { return now.Add(time.Duration(later.Load())) }, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	if _, err := operations.AddTenant(t.Context(), srv.dir, operations.TenantChange{ClientID: "acme"}); err != nil {
		t.Fatal(err)
	}
	number, _ := srv.dir.TenantNumber("acme")
	day := int32(now.Unix()/86400) - 3
	err = srv.dir.Store.Update(t.Context(), tokens.ID{1}, func(tokens.State) tokens.State {
		return tokens.State{Tenant: number, Day: day, Expires: int64(day+1) * 86400, Used: tokens.Usage{{{Calls: 3}}}}
	})
	if err != nil {
		t.Fatal(err)
	}
	var made []statements.Statement
	closed := srv.dir.Statements.OnClosed
	srv.dir.Statements.OnClosed = func(s statements.Statement) { made = append(made, s); closed(s) }
	url := "https://ops.example"
	if _, _, err := srv.dir.Webhooks.Add(t.Context(), webhooks.Change{URL: &url}); err != nil {
		t.Fatal(err)
	}
	srv.closeMonths(t.Context())
	if made != nil {
		t.Errorf("closed early: %+v", made)
	}
	later.Store(int64(time.Second))
	srv.closeMonths(t.Context())
	srv.closeMonths(t.Context())
	if len(made) != 1 || made[0].Calls != 3 || made[0].Month != "2026-11" || strings.Count(log.String(), `msg="closed a statement" tenant=acme month=2026-11 calls=3 amount=0`) != 1 {
		t.Errorf("%+v\n%s", made, log.String())
	}
	if err := srv.dir.Watch.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantReported(t, srv.dir, `"type":"statement.closed","timestamp":"2026-12-03T00:00:00Z","data":{"tenant":"acme","month":"2026-11","calls":3,"records":0,"amount":"0","currency":""}`)
}

// wantReported checks that one event was stored.
func wantReported(t *testing.T, d *datadir.Dir, want string) {
	t.Helper()
	list, err := d.Webhooks.Deliveries(t.Context(), webhooks.Query{Limit: 10})
	if err != nil || len(list) != 1 || !strings.Contains(string(list[0].Message.Body), want) {
		t.Errorf("%d events, %v: %+v, want %s", len(list), err, list, want)
	}
}

// TestClosingIsReportedAfterAKill checks that the next server reports a statement whose process
// ended between the closing and the event.
func TestClosingIsReportedAfterAKill(t *testing.T) {
	s, err := settings.Load(settings.Source{Env: []string{"STILE_DATA=" + t.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	var clock atomic.Int64 // Unix seconds; the directory's goroutines read it too
	clock.Store(now.Unix())
	open := func() *datadir.Dir {
		d, err := datadir.Open(t.Context(), s, func() time.Time { return time.Unix(clock.Load(), 0).UTC() }, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := open()
	url := "https://ops.example"
	_, _, err = d.Webhooks.Add(t.Context(), webhooks.Change{URL: &url})
	_, err2 := operations.AddTenant(t.Context(), d, operations.TenantChange{ClientID: "acme"})
	number, _ := d.TenantNumber("acme")
	err3 := d.Store.Update(t.Context(), tokens.ID{1}, func(tokens.State) tokens.State {
		return tokens.State{Tenant: number, Day: int32(now.Unix() / 86400), Expires: now.Unix() + 3600, Used: tokens.Usage{{{Calls: 3}}}}
	})
	now = time.Date(2026, 12, 3, 0, 0, 0, 0, time.UTC)
	clock.Store(now.Unix())
	made, err4 := d.Statements.CloseDue(t.Context(), now)
	if err := errors.Join(err, err2, err3, err4, d.Close()); err != nil || len(made) != 1 {
		t.Fatal(made, err)
	}
	for range 2 { // and not again after another restart
		d = open()
		if err := errors.Join(d.Watch.Recover(t.Context()), d.Watch.Check(t.Context())); err != nil {
			t.Error(err)
		}
		wantReported(t, d, `"month":"2026-11","calls":3`)
		d.Close()
	}
}
