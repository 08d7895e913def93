package server

import (
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/settings"
)

// TestReadyAfterRestart checks that a server is ready at its first start, and that after a restart
// it is not until it accepts proofs. A corpus that can't be read makes it not ready.
func TestReadyAfterRestart(t *testing.T) {
	s, err := settings.Load(settings.Source{Env: []string{"STILE_DATA=" + t.TempDir(), "STILE_LISTEN=127.0.0.1:0", "STILE_ADMIN_LISTEN=127.0.0.1:0"}})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 11, 27, 12, 0, 0, 500, time.UTC)
	var later atomic.Int64 // ns
	open := func() *Server {
		srv, err := New(t.Context(), s, func() time.Time { return began.Add(time.Duration(later.Load())) }, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return srv
	}
	first := open()
	if err := first.Ready(t.Context()); err != nil {
		t.Errorf("at the first start: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open()
	for after, want := range []bool{false, false, false, true} {
		later.Store(int64(time.Duration(after) * time.Second))
		if err := second.Ready(t.Context()); (err == nil) != want || err != nil && !strings.HasPrefix(err.Error(), "proofs: ") {
			t.Errorf("%d s after a restart: %v", after, err)
		}
	}
	if err := second.dir.Store.Library.Close(); err != nil {
		t.Fatal(err)
	}
	if err := second.Ready(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "corpus: ") {
		t.Errorf("without a corpus: %v", err)
	}
	_ = second.Close() // the corpus is closed already
}
