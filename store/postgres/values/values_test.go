package values_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/postgres"
	"stile.example/stile/store/postgres/values"
	"stile.example/stile/store/states"
	"stile.example/stile/store/states/statestest"
	"stile.example/stile/store/storetest"
	"stile.example/stile/tokens"
)

func TestEngine(t *testing.T) {
	statestest.Run(t, func(t testing.TB, url string) func() states.Engine {
		open := statestest.Values(t, url)
		return func() states.Engine { return aged{open().(*values.Engine), url} }
	})
}

// aged is an engine whose clock, that of the server, can be put forward, as the suites do.
type aged struct {
	*values.Engine
	url string
}

// Sweep removes what the engine would remove at a time.
func (a aged) Sweep(ctx context.Context, at time.Time) error {
	db, err := sql.Open("pgx", a.url)
	if err == nil {
		_, err = db.ExecContext(ctx, `UPDATE states SET expires = 0 WHERE expires <= $1`, at.Unix())
		err = errors.Join(err, db.Close())
	}
	return errors.Join(err, a.Engine.Sweep(ctx, at))
}

// TestThroughPgBouncer runs the same tests through PgBouncer, which gives each statement another
// session of the server.
func TestThroughPgBouncer(t *testing.T) {
	statestest.Run(t, func(t testing.TB, url string) func() states.Engine {
		open := statestest.Values(t, engines.PgBouncer(t, url).URL)
		return func() states.Engine { return aged{open().(*values.Engine), url} }
	})
}

// TestEachOfMany: Each reads all values of a kind, in several steps.
func TestEachOfMany(t *testing.T) {
	url := engines.Postgres(t)
	statestest.Empty(t, url)
	e := statestest.Values(t, url)()
	const many = 2100
	storetest.Concurrently(100, func(i int) {
		for n := range many / 100 {
			s := states.Swap{Key: states.Key{Kind: states.KindQuota, ID: fmt.Sprint(i, " ", n)}, Next: []byte("x"), Expires: time.Now().Add(time.Hour)}
			if _, _, err := e.Swap(context.Background(), s); err != nil {
				t.Error(err)
			}
		}
	})
	found := map[string]bool{}
	err := e.Each(t.Context(), states.KindQuota, func(k states.Key, _ []byte) error { found[k.ID] = true; return nil })
	if err = errors.Join(err, e.Close()); err != nil || len(found) != many {
		t.Errorf("%d of %d values: %v", len(found), many, err)
	}
}

// TestExpiryMoves: a change of a value moves its expiry, too.
func TestExpiryMoves(t *testing.T) {
	url := engines.Postgres(t)
	statestest.Empty(t, url)
	e := statestest.Values(t, url)()
	s := states.Swap{Key: states.Key{Kind: states.KindToken, ID: "one"}, Next: []byte("x"), Expires: time.Now().Add(-time.Hour)}
	_, _, err := e.Swap(t.Context(), s)
	s.Known, s.Next, s.Expires = []byte("x"), []byte("y"), time.Now().Add(time.Hour)
	_, swapped, changed := e.Swap(t.Context(), s)
	if err = errors.Join(err, changed, e.(states.Sweeper).Sweep(t.Context(), time.Now())); err != nil || !swapped {
		t.Fatal(swapped, err)
	}
	if p, err := e.Get(t.Context(), s.Key); err != nil || string(p.Value) != "y" {
		t.Errorf("%q, %v", p.Value, err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// TestSink: a loss is later than the one before, unless that was far in the future, and the calls
// of a month are those of its days.
func TestSink(t *testing.T) {
	url := engines.Postgres(t)
	statestest.Empty(t, url)
	n := statestest.Open(t, url, statestest.Values(t, url)())
	sink := values.Sink{DB: n.DB()}
	for _, x := range []struct{ set, want int64 }{{100, 100}, {95, 101}, {200, 200}, {50, 60}} {
		if got, err := sink.SetNotBefore(t.Context(), x.set); got != x.want || err != nil {
			t.Errorf("after %d it is %d, want %d: %v", x.set, got, x.want, err)
		}
	}
	// The zero day is 1 January 1970.
	err := n.Update(t.Context(), tokens.ID{1}, func(s tokens.State) tokens.State { return count(bound(s)) })
	if err = errors.Join(err, n.States.Settle(t.Context())); err != nil {
		t.Fatal(err)
	}
	const january = 1970*12 + 1
	for month, want := range map[int32]int64{january - 1: 0, january: 1, january + 1: 0} {
		if used, err := sink.Used(t.Context(), month); used[1] != want || err != nil {
			t.Errorf("month %d: %v, want %d: %v", month, used, want, err)
		}
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}

// TestUsedWithoutValue: what was used once stays used if the value of its key is gone.
func TestUsedWithoutValue(t *testing.T) {
	url := engines.Postgres(t)
	statestest.Empty(t, url)
	e := statestest.Values(t, url)()
	s := states.Swap{Key: states.Key{Kind: states.KindToken, ID: "one"}, Next: []byte("x"), Expires: time.Now().Add(-time.Hour),
		Once: states.Once{Digest: [16]byte{1}, Until: time.Now().Add(time.Hour)}}
	if _, swapped, err := e.Swap(t.Context(), s); err != nil || !swapped {
		t.Fatal(swapped, err)
	}
	if err := e.(states.Sweeper).Sweep(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, swapped, err := e.Swap(t.Context(), s); swapped || !errors.Is(err, states.ErrUsed) {
		t.Errorf("used again: %v, %v", swapped, err)
	}
	if p, err := e.Get(t.Context(), s.Key); err != nil || p.Value != nil {
		t.Errorf("%q is stored, %v", p.Value, err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// TestS73WrongClock: a node whose clock is ahead removes nothing that others need, such as used
// proofs and the states of live tokens.
func TestS73WrongClock(t *testing.T) {
	url := engines.Postgres(t)
	statestest.Empty(t, url)
	e := statestest.Values(t, url)()
	key := states.Key{Kind: states.KindToken, ID: "one"}
	for _, test := range []struct {
		ends time.Duration
		want bool
	}{{time.Hour, true}, {-time.Hour, false}} {
		at := time.Now().Add(test.ends)
		s := states.Swap{Key: key, Next: []byte("x"), Expires: at, Once: states.Once{Digest: [16]byte{1}, Until: at}}
		if _, swapped, err := e.Swap(t.Context(), s); err != nil || !swapped {
			t.Fatal(swapped, err)
		}
		if err := e.(states.Sweeper).Sweep(t.Context(), time.Now().AddDate(0, 0, 9)); err != nil {
			t.Fatal(err)
		}
		p, err := e.Get(t.Context(), key)
		if has := p.Value != nil; err != nil || has != test.want {
			t.Errorf("it ends in %s: still there %v, %v", test.ends, has, err)
		}
		s.Known, s.Expires, s.Next = p.Value, time.Now().Add(-time.Minute), []byte("y")
		if _, _, err := e.Swap(t.Context(), s); (err == states.ErrUsed) != test.want {
			t.Errorf("it ends in %s: used again: %v", test.ends, err)
		}
		s.Once = states.Once{}
		if _, _, err := e.Swap(t.Context(), s); test.want && err != nil {
			t.Error(err)
		}
		if err := e.(states.Sweeper).Sweep(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		key.ID = "two"
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// TestNotBefore: an epoch is later than the last one, except the first, which several nodes of a
// new installation may store.
func TestNotBefore(t *testing.T) {
	url := engines.Postgres(t)
	statestest.Empty(t, url)
	db, err := postgres.Open(t.Context(), url, postgres.Options{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	sink := values.Sink{DB: db}
	for _, c := range []struct{ next, want int64 }{{states.FirstEpoch, 1}, {states.FirstEpoch, 1}, {1000, 1000}, {1000, 1001}, {states.FirstEpoch, 1001}} {
		if stored, err := sink.SetNotBefore(t.Context(), c.next); stored != c.want || err != nil {
			t.Errorf("%d was stored for %d, want %d: %v", stored, c.next, c.want, err)
		}
	}
}

// TestClear: before an engine is used again, its states are removed, and not what was used once.
func TestClear(t *testing.T) {
	url := engines.Postgres(t)
	statestest.Empty(t, url)
	e := statestest.Values(t, url)()
	kinds := []byte{states.KindToken, states.KindAddress, states.KindQuota, states.KindOnce}
	for _, kind := range kinds {
		s := states.Swap{Key: states.Key{Kind: kind, ID: "one"}, Next: []byte("x"), Expires: time.Now().Add(time.Hour)}
		if _, swapped, err := e.Swap(t.Context(), s); err != nil || !swapped {
			t.Fatal(swapped, err)
		}
	}
	if err := e.(states.Owned).Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds {
		p, err := e.Get(t.Context(), states.Key{Kind: kind, ID: "one"})
		if err != nil || (p.Value != nil) != (kind == states.KindOnce) {
			t.Errorf("after Clear, %c has %q, %v", kind, p.Value, err)
		}
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}
