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
	"stile.example/stile/store/tables/refusallog"
)

// byteCount counts the bytes that are written to it.
type byteCount int

func (c *byteCount) Write(p []byte) (int, error) {
	*c += byteCount(len(p))
	return len(p), nil
}

// TestS58MillionRefusals: a million refused requests add less than 1 MB to the database and to the
// log, from one address and from 100,000. The test uses the recorder and the store without HTTP,
// which would be too slow.
func TestS58MillionRefusals(t *testing.T) {
	for _, from := range []int{1, 100_000} {
		t.Run(fmt.Sprint(from, " addresses"), func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "a.db")
			before := closedSize(t, openDB(t, file), file)
			db := openDB(t, file)
			var log byteCount
			start := time.Now()
			millionRefusals(t, refusals.NewRecorder(refusallog.New(db), slog.New(slog.NewJSONHandler(&log, nil))), from)
			took := time.Since(start)
			if from == 1 {
				for _, first := range []int{0, 500_000} { // the first of each of the two minutes
					if f, err := refusallog.New(db).Refusal(t.Context(), refOf(first)); err != nil || f.More != 499_999 {
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

// openDB opens a database, without a log.
func openDB(t *testing.T, file string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), file, sqlite.Options{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// closedSize closes a database and returns its size. A closed database is a single file.
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

// millionRefusals records and logs a million refusals within 50 s of a fake clock, which starts 25
// s before the end of a minute.
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

// refOf returns the reference of refusal n.
func refOf(n int) string {
	return fmt.Sprintf("%04d-%04d", n/10_000, n%10_000)
}
