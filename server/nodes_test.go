package server

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stile.example/stile/settings"
	"stile.example/stile/stiletest/engines"
)

// TestPostgresPaused checks that a node over Valkey says soon that PostgreSQL does not respond: a
// load balancer that waits for a second must not regard the node as down. The metrics do not blame
// Valkey for it.
func TestPostgresPaused(t *testing.T) {
	database, states := engines.NewPostgres(t, true), engines.Valkey(t, "appendonly yes")
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(strings.Repeat("0a", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := settings.Load(settings.Source{Env: []string{"STILE_DATA=" + t.TempDir(), "STILE_LISTEN=127.0.0.1:0", "STILE_ADMIN_LISTEN=127.0.0.1:0",
		"STILE_STORE=" + database.Database(t), "STILE_STORE_KEY_FILE=" + key, "STILE_STATE=valkey://" + states.Addr}})
	if err != nil {
		t.Fatal(err)
	}
	srv, err := New(t.Context(), s, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	for end := time.Now().Add(30 * time.Second); ; { // a busy machine may take its time
		err := srv.Degraded(t.Context())
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	database.Pause()
	defer database.Resume()
	began := time.Now()
	err = srv.Degraded(t.Context())
	if took := time.Since(began); err == nil || !strings.HasPrefix(err.Error(), "database: ") || took > 5*time.Second {
		t.Errorf("after %s: %v", took, err)
	}
	m := srv.nodeMetrics()
	if e := m.Engines; len(e) != 2 || e[0].Name != "store" || e[0].IsUp || e[1].Name != "state" || !e[1].IsUp {
		t.Errorf("%+v", e)
	}
}
