package server

import (
	"bytes"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/operations"
	"stile.example/stile/settings"
	"stile.example/stile/statements"
	"stile.example/stile/tokens"
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
	srv.dir.Statements.OnClosed = func(s statements.Statement) { made = append(made, s) }
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
}
