package sqlite

import (
	"context"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/refusals"
)

// volume counts what is written to a log.
type volume int

func (v *volume) Write(p []byte) (int, error) {
	*v += volume(len(p))
	return len(p), nil
}

// TestS58_AMillionRefusals: a million refused requests leave under 1 MB of
// database and under 1 MB of log, from one address and from 100,000.
func TestS58_AMillionRefusals(t *testing.T) {
	for _, from := range []int{1, 100_000} {
		t.Run(fmt.Sprint(from, " addresses"), func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "a.db")
			db, err := Open(t.Context(), file, Options{Log: slog.New(slog.DiscardHandler), Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			before := filled(t, db)
			var log volume
			r := refusals.NewRecorder(db, slog.New(slog.NewJSONHandler(&log, nil)))
			began := time.Now()
			flood(t, r, from)
			took := time.Since(began)
			grown := filled(t, db) - before
			t.Logf("%.1f s, database %d KB, log %d KB", took.Seconds(), grown>>10, log>>10)
			if grown >= 1<<20 || log >= 1<<20 {
				t.Errorf("database %d, log %d bytes: want less than 1 MB each", grown, log)
			}
			counted(t, db, 1_000_000, from)
		})
	}
}

// flood refuses a million requests in 50 s of a clock that begins in the middle
// of a minute, so that it takes parts of two.
func flood(t *testing.T, r *refusals.Recorder, from int) {
	t.Helper()
	start := time.Date(2026, 1, 9, 12, 0, 35, 0, time.UTC)
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan struct{})
	var clock atomic.Int64
	now := func() time.Time { return start.Add(time.Duration(clock.Load())) }
	go func() { defer close(ran); r.Run(ctx, now) }()
	for n := range 1_000_000 {
		clock.Store(int64(n) * int64(50*time.Microsecond))
		at := now()
		address := fmt.Sprint("10.", n%from>>8, ".", n%from&255, ".0/24")
		ref := refOf(n)
		r.Note(refusals.Refusal{Ref: ref, At: at, Code: "address_blocked", Rule: "address.block", Identity: "address " + address, Address: address}, true)
		r.Log(at, refusals.Line{Key: refusals.Key{Message: "refused", Code: "address_blocked", Address: address}, Attrs: []slog.Attr{
			slog.String("request", "3w5e11264sgsf"), slog.String("method", "GET"), slog.String("route", "/v1/items/:id/related"),
			slog.Int("status", 403), slog.String("ref", ref)}})
	}
	stop()
	<-ran
}

func refOf(n int) string {
	var b [5]byte
	binary.BigEndian.PutUint32(b[1:], uint32(n))
	text := base32.HexEncoding.EncodeToString(b[:])
	return text[:4] + "-" + text[4:]
}

// filled is the pages of the file that hold something, in bytes.
func filled(t *testing.T, db *DB) (bytes int) {
	t.Helper()
	err := db.read.QueryRow(`SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size`).Scan(&bytes)
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

// counted checks that the rows stand for all refusals, and are as few as they
// may be.
func counted(t *testing.T, db *DB, all, from int) {
	t.Helper()
	var rows, sum int
	if err := db.read.QueryRow(`SELECT count(*), sum(more + 1) FROM refusals`).Scan(&rows, &sum); err != nil {
		t.Fatal(err)
	}
	if most := 2 * (min(from, 512) + 1); sum != all || rows > most {
		t.Errorf("%d rows stand for %d refusals, want at most %d for %d", rows, sum, most, all)
	}
}
