package refusals_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	. "stile.example/stile/refusals"
)

// records is a store in memory with a log that can be read.
type records struct {
	t    *testing.T
	mu   sync.Mutex
	rows map[string]Refusal
	log  bytes.Buffer
}

func newRecords(t *testing.T) (*records, *Recorder) {
	r := &records{t: t, rows: map[string]Refusal{}}
	return r, NewRecorder(r, slog.New(slog.NewJSONHandler(&r.log, nil)))
}

func (s *records) AddRefusals(_ context.Context, some []Refusal, _ int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range some {
		s.rows[f.Ref] = f
	}
	return nil
}

func (s *records) Refusal(_ context.Context, ref string) (Refusal, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.rows[ref]; ok {
		return f, nil
	}
	return Refusal{}, ErrNotFound
}

func (s *records) FirstRefusal(context.Context, string, string) (Refusal, error) {
	return Refusal{}, ErrNotFound
}

func (s *records) Refusals(context.Context, Query) ([]Refusal, error) { return nil, nil }

func (s *records) PruneRefusals(context.Context, time.Time, int) error { return nil }

type logLine struct {
	Msg, Code, Tenant, Address, Ref, Err string
	Count                                int
}

// lines returns the log's lines since the last call.
func (s *records) lines() (lines []logLine) {
	s.t.Helper()
	for text := range bytes.Lines(s.log.Bytes()) {
		var l logLine
		if err := json.Unmarshal(text, &l); err != nil {
			s.t.Fatal(err)
		}
		lines = append(lines, l)
	}
	s.log.Reset()
	return lines
}

// refuse records a refusal as the handlers do.
func refuse(r *Recorder, f Refusal) {
	r.Note(f, true)
	r.Log(f.At, Line{Key: Key{Message: "refused", Code: f.Code, Tenant: f.Tenant, Address: f.Address}, Attrs: []slog.Attr{slog.String("ref", f.Ref)}})
}

// TestS58OneRowAndLine checks that the first refusal of a key in a minute is stored and logged
// immediately, that others are counted, and that each can be explained while it is in memory.
func TestS58OneRowAndLine(t *testing.T) {
	s, r := newRecords(t)
	ran := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	now := noon
	go func() { defer close(ran); r.Run(ctx, func() time.Time { return noon }) }()
	some := []Refusal{
		{Ref: "0000-0001", Code: "a", Tenant: "acme", Address: "192.0.2.0/24"},
		{Ref: "0000-0002", Code: "a", Tenant: "acme", Address: "198.51.100.0/24"},
		{Ref: "0000-0003", Code: "a", Tenant: "other", Address: "192.0.2.0/24"},
		{Ref: "0000-0004", Code: "b", Tenant: "acme", Address: "192.0.2.0/24"},
		{Ref: "0000-0005", Code: "a", Tenant: "acme", Address: "192.0.2.0/24", Observed: true},
	}
	for n, f := range some {
		for i := range 3 {
			g := f
			g.At = now
			if i > 0 {
				g.Ref = fmt.Sprintf("%04d-%04d", n+1, i)
			}
			r.Note(g, true)
		}
	}
	for _, f := range some {
		if got, err := r.Find(t.Context(), f.Ref); err != nil || got.More != 2 {
			t.Errorf("%s: %+v, %v", f.Ref, got, err)
		}
	}
	if got, err := r.Find(t.Context(), "0002-0001"); err != nil || got.Address != "198.51.100.0/24" || got.More != 2 {
		t.Errorf("one that is counted with another: %+v, %v", got, err)
	}
	cancel()
	<-ran
	if len(s.rows) != len(some) {
		t.Errorf("%d rows, want %d", len(s.rows), len(some))
	}
	for _, f := range some {
		if row := s.rows[f.Ref]; row.More != 2 || row.Address != f.Address || row.Tenant != f.Tenant {
			t.Errorf("after the end: %+v", row)
		}
	}
}

// TestS58LinesAreCounted checks that the first line of a minute is written immediately, that the
// others are written as one with their number when it is over, and that different causes are never
// merged.
func TestS58LinesAreCounted(t *testing.T) {
	s, r := newRecords(t)
	line := func(ref, cause string) {
		l := Line{Key: Key{Message: "refused", Code: "a", Address: "x", Detail: cause}, Attrs: []slog.Attr{slog.String("ref", ref)}}
		if cause != "" {
			l.Level, l.Attrs = slog.LevelError, append(l.Attrs, slog.Any("err", errors.New(cause)))
		}
		r.Log(noon, l)
	}
	check := func(what string, want ...logLine) {
		t.Helper()
		if got := s.lines(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
		}
	}
	line("1", "")
	check("the first", logLine{"refused", "a", "", "x", "1", "", 0})
	line("2", "")
	line("3", "disk full")
	line("4", "disk full")
	line("5", "out of memory")
	line("6", "")
	check("others", logLine{"refused", "a", "", "x", "3", "disk full", 0}, logLine{"refused", "a", "", "x", "5", "out of memory", 0})
	r.Flush(t.Context(), noon.Add(59*time.Second))
	check("in the minute")
	r.Flush(t.Context(), noon.Add(time.Minute))
	got := map[logLine]bool{}
	for _, l := range s.lines() {
		got[l] = true
	}
	if len(got) != 2 || !got[logLine{"refused", "a", "", "x", "6", "", 2}] || !got[logLine{"refused", "a", "", "x", "4", "disk full", 0}] {
		t.Errorf("after the minute: %+v", got)
	}
	r.Flush(t.Context(), noon.Add(time.Hour))
	check("an hour later")
	r.Log(noon, Line{Key: Key{Message: "issued", Tenant: "acme"}, Count: 100})
	r.Log(noon, Line{Key: Key{Message: "issued", Tenant: "acme"}, Count: 5})
	check("issued", logLine{"issued", "", "acme", "", "", "", 100})
	r.Flush(t.Context(), noon.Add(time.Minute))
	check("issued, after the minute", logLine{"issued", "", "acme", "", "", "", 5})
}

// TestS58Overflow checks that, when the tally is full, further keys share one row and one line
// without an address.
func TestS58Overflow(t *testing.T) {
	s, r := newRecords(t)
	const all = 5000
	for n := range all {
		refuse(r, Refusal{Ref: fmt.Sprintf("%04d-0000", n), At: noon, Code: "a", Tenant: "acme", Address: fmt.Sprint("address ", n), Identity: "token x"})
	}
	r.Flush(t.Context(), noon.Add(time.Minute))
	lines := s.lines()
	sum, shared := 0, 0
	for _, l := range lines {
		if sum += max(l.Count, 1); l.Address == "several addresses" {
			shared += max(l.Count, 1)
		}
	}
	if sum != all || shared != all-512 || len(lines) != 512+2 {
		t.Errorf("%d lines stand for %d, of which %d of several addresses", len(lines), sum, shared)
	}
	if f, err := r.Find(t.Context(), "4999-0000"); err != nil || f.Address != "address 4999" || f.More != all-512-1 {
		t.Errorf("from memory: %+v, %v", f, err)
	}
	if row := s.rows["0512-0000"]; row.Address != "several addresses" || row.Tenant != "" || row.Identity != "" || row.More != all-512-1 {
		t.Errorf("the row: %+v", row)
	}
}

// TestS58AtOnce checks that refusals from many goroutines are all counted.
func TestS58AtOnce(t *testing.T) {
	s, r := newRecords(t)
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan struct{})
	go func() { defer close(ran); r.Run(ctx, func() time.Time { return noon }) }()
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for n := range 1000 {
				refuse(r, Refusal{Ref: fmt.Sprintf("%04d-%04d", w, n), At: noon, Code: "a", Address: fmt.Sprint(n % 5)})
			}
		})
	}
	wg.Wait()
	cancel()
	<-ran
	rows, lines := 0, 0
	for _, f := range s.rows {
		rows += int(f.More) + 1
	}
	for _, l := range s.lines() {
		lines += max(l.Count, 1)
	}
	if rows != 8000 || lines != 8000 || len(s.rows) != 5 {
		t.Errorf("%d rows for %d, lines for %d", len(s.rows), rows, lines)
	}
}

var noon = time.Date(2026, 1, 9, 12, 0, 0, 0, time.UTC)
