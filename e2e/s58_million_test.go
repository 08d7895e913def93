package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/refusals"
	"stile.example/stile/store/sqlite"
)

// volume counts what is written to a log.
type volume int

func (v *volume) Write(p []byte) (int, error) {
	*v += volume(len(p))
	return len(p), nil
}

// TestS58AMillionRefusals: a million refused requests leave under 1 MB of
// database and under 1 MB of log, from one address and from 100,000. They go
// through the recorder and the store, as no flood by HTTP on this machine is as
// fast.
func TestS58AMillionRefusals(t *testing.T) {
	for _, from := range []int{1, 100_000} {
		t.Run(fmt.Sprint(from, " addresses"), func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "a.db")
			before := closedSize(t, openDB(t, file), file)
			db := openDB(t, file)
			var log volume
			began := time.Now()
			millionRefusals(t, refusals.NewRecorder(db, slog.New(slog.NewJSONHandler(&log, nil))), from)
			took := time.Since(began)
			if from == 1 {
				for _, first := range []int{0, 500_000} { // of each of the two minutes
					if f, err := db.Refusal(t.Context(), refOf(first)); err != nil || f.More != 499_999 {
						t.Errorf("%+v, %v", f, err)
					}
				}
			}
			grown := closedSize(t, db, file) - before
			t.Logf("%.1f s, database %d KB, log %d bytes", took.Seconds(), grown>>10, log)
			if grown >= 1<<20 || log >= 1<<20 {
				t.Errorf("database %d, log %d bytes: want less than 1 MB each", grown, log)
			}
		})
	}
}

func openDB(t *testing.T, file string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), file, sqlite.Options{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// closedSize closes a database and returns its size, all of which is in the one
// file then.
func closedSize(t *testing.T, db *sqlite.DB, file string) int64 {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// millionRefusals notes and logs a million refusals in 50 s of a clock that
// starts 25 s before the end of a minute.
func millionRefusals(t *testing.T, r *refusals.Recorder, from int) {
	t.Helper()
	start := time.Date(2026, 1, 9, 12, 0, 35, 0, time.UTC)
	var clock atomic.Int64
	now := func() time.Time { return start.Add(time.Duration(clock.Load())) }
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan struct{})
	go func() { defer close(ran); r.Run(ctx, now) }()
	for n := range 1_000_000 {
		clock.Store(int64(n) * int64(50*time.Microsecond))
		address, ref := fmt.Sprint("10.", n%from>>8, ".", n%from&255, ".0/24"), refOf(n)
		r.Note(refusals.Refusal{Ref: ref, At: now(), Code: "address_blocked", Rule: "address.block", Identity: "address " + address, Address: address}, true)
		r.Log(now(), refusals.Line{Key: refusals.Key{Message: "refused", Code: "address_blocked", Address: address}, Attrs: []slog.Attr{
			slog.String("request", "3w5e11264sgsf"), slog.String("method", "GET"), slog.String("route", "/v1/items/:id/related"),
			slog.Int("status", 403), slog.String("ref", ref)}})
	}
	stop()
	<-ran
}

// refOf is the reference of refusal number n.
func refOf(n int) string {
	return fmt.Sprintf("%04d-%04d", n/10_000, n%10_000)
}
