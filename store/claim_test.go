package store

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"stile.example/stile/nodes"
	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/breaker"
	"stile.example/stile/store/postgres"
	"stile.example/stile/store/postgres/nodetable"
	"stile.example/stile/store/postgres/values"
	"stile.example/stile/store/states"
)

// claimed is an engine of which only the owner matters.
type claimed struct {
	states.Engine
	owner  states.Owner
	faster states.Owner // which another node sets first; zero: none does
	clears int
	reads  int
	epoch  int64
}

func (e *claimed) Owner(context.Context) (states.Owner, error) { return e.owner, nil }

func (e *claimed) SetOwner(_ context.Context, o states.Owner) (states.Owner, error) {
	if e.faster != (states.Owner{}) {
		e.owner = e.faster
	}
	if e.owner == (states.Owner{}) {
		e.owner = o
	}
	return e.owner, nil
}

func (e *claimed) Clear(context.Context) error                { e.clears++; return nil }
func (e *claimed) SetEpoch(_ context.Context, at int64) error { e.epoch = at; return nil }
func (e *claimed) Each(context.Context, byte, func(states.Key, []byte) error) error {
	e.reads++
	return nil
}

// openDatabase opens a new database until the test ends.
func openDatabase(t *testing.T) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), engines.Postgres(t), postgres.Options{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// TestTryClaim goes through the life of an installation: its first engine, which another node is
// faster to claim, that engine again, another one, and one of another installation. Only another
// engine is cleared, after what it counted was copied, and makes tokens expire that were issued
// until then by the fastest clock.
func TestTryClaim(t *testing.T) {
	t.Parallel()
	db := openDatabase(t)
	sink, now := values.Sink{DB: db}, time.Now()
	for _, c := range []struct {
		name    string
		engine  claimed
		m       Member
		err     error
		memory  string // that the database has afterwards
		changed bool
	}{
		{"another node is faster", claimed{faster: states.Owner{Installation: "mine", Memory: "1"}}, Member{Installation: "mine"}, values.ErrMeanwhile, "", false},
		{"of another database", claimed{owner: states.Owner{Installation: "mine", Memory: "1"}}, Member{Installation: "mine"}, errUsed, "", false},
		{"the first engine", claimed{owner: states.Owner{Installation: "mine", Memory: "1"}}, Member{}, nil, "1", false},
		{"it again", claimed{owner: states.Owner{Installation: "mine", Memory: "1"}}, Member{Instead: "x"}, nil, "1", false},
		{"of another installation", claimed{owner: states.Owner{Installation: "other", Memory: "1"}}, Member{}, states.ErrForeign, "1", false},
		{"another one, by a command", claimed{owner: states.Owner{Installation: "mine", Memory: "2"}}, Member{Instead: "x"}, states.ErrOther, "1", false},
		{"another one", claimed{owner: states.Owner{Installation: "mine", Memory: "2"}}, Member{}, nil, "2", true},
		{"PostgreSQL", claimed{owner: values.Owner}, Member{}, nil, "store", true},
	} {
		before, err := sink.NotBefore(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sh := &Shared{Postgres: db, log: slog.New(slog.DiscardHandler), owned: &c.engine}
		if err := sh.tryClaim(t.Context(), &c.engine, sink, c.m, func() time.Time { return now }); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", c.name, err)
		}
		has, err := sink.Owner(t.Context())
		if want := (states.Owner{Installation: "mine", Memory: c.memory}); err != nil || has != want || c.err == nil && sh.owner != want {
			t.Errorf("%s: the database has %+v, the node %+v, want %+v, %v", c.name, has, sh.owner, want, err)
		}
		after, err := sink.NotBefore(t.Context())
		if err != nil || (c.engine.clears == 1) != c.changed || (c.engine.reads == 1) != c.changed || (c.engine.epoch != 0) != c.changed || (after != before) != c.changed {
			t.Errorf("%s: read and cleared %d times, epoch %d, tokens until %d are refused, and until %d before, %v", c.name, c.engine.clears+c.engine.reads, c.engine.epoch, after, before, err)
		}
		if c.changed && (after < now.Add(2*5*time.Second).Unix() || c.engine.epoch != after) {
			t.Errorf("%s: epoch %d, tokens until %d are refused", c.name, c.engine.epoch, after)
		}
	}
}

// watched is an engine whose owner changes while it is watched.
type watched struct {
	states.Engine
	mu    sync.Mutex
	owner states.Owner
	err   error
	asked int
	sets  int
}

func (e *watched) Owner(context.Context) (states.Owner, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked++
	return e.owner, e.err
}

func (e *watched) SetOwner(_ context.Context, o states.Owner) (states.Owner, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sets++
	e.owner = o
	return o, nil
}

func (e *watched) Clear(context.Context) error { return nil }
func (e *watched) Ready(context.Context) error { return nil }

// become changes what the engine says, and waits until it was asked twice since.
func (e *watched) become(t *testing.T, o states.Owner, err error) (sets int) {
	t.Helper()
	e.mu.Lock()
	e.owner, e.err = o, err
	until := e.asked + 2
	e.mu.Unlock()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		e.mu.Lock()
		asked, sets := e.asked, e.sets
		e.mu.Unlock()
		if asked >= until {
			return sets
		}
		if time.Now().After(end) {
			t.Fatal("nobody asks whose the engine is")
		}
	}
}

// TestWatch checks when calls fail because the engine is not the right one, and that the log says
// it once. An engine that does not respond changes nothing about that. The owner of an engine that
// has lost its memory is stored again, but not without the database.
func TestWatch(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	db := openDatabase(t)
	mine := states.Owner{Installation: "mine", Memory: "1"}
	e := &watched{owner: mine}
	sh := &Shared{Postgres: db, log: slog.New(slog.NewTextHandler(&log, nil)), owned: e, guard: states.NewGuard(e, breaker.New(breaker.Options{Name: "state"}))}
	if _, err := (values.Sink{DB: db}).Installed(t.Context(), "mine"); err != nil {
		t.Fatal(err)
	}
	if err := sh.tryClaim(t.Context(), &claimed{}, values.Sink{DB: db}, Member{}, time.Now); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); sh.Watch(ctx) }()
	lost := errors.New("no reply")
	for i, c := range []struct {
		owner states.Owner
		err   error
		want  error
	}{
		{mine, nil, nil}, {mine, lost, nil}, {states.Owner{Installation: "other", Memory: "1"}, nil, states.ErrForeign},
		{mine, lost, states.ErrForeign}, {states.Owner{Installation: "mine", Memory: "2"}, nil, states.ErrOther}, {states.Owner{}, nil, nil},
	} {
		e.become(t, c.owner, c.err)
		if err := sh.guard.Ready(t.Context()); !errors.Is(err, c.want) {
			t.Errorf("%d: %v, want %v", i, err, c.want)
		}
	}
	if got, _ := e.Owner(t.Context()); got != mine {
		t.Errorf("after a loss, the owner is %+v", got)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if sets := e.become(t, states.Owner{}, nil); sets != 1 {
		t.Errorf("the owner was stored %d times, and once with the database", sets)
	}
	stop()
	<-ended
	for _, line := range []string{"all calls are refused", "the right one again"} {
		if n := strings.Count(log.String(), line); n != 1 {
			t.Errorf("%q is in the log %d times:\n%s", line, n, log.String())
		}
	}
}

// TestUseEngineMeanwhile: between the decision and its write, another node may have chosen an
// engine, or begun to serve with the last one.
func TestUseEngineMeanwhile(t *testing.T) {
	t.Parallel()
	db := openDatabase(t)
	sink := values.Sink{DB: db}
	none, err := sink.Installed(t.Context(), "mine")
	if err != nil {
		t.Fatal(err)
	}
	one, two := states.Owner{Installation: "mine", Memory: "1"}, states.Owner{Installation: "mine", Memory: "2"}
	use := func(last, next states.Owner, changed bool, want error) {
		t.Helper()
		if _, err := sink.UseEngine(t.Context(), last, next, changed, 1000); !errors.Is(err, want) {
			t.Errorf("%+v after %+v: %v, want %v", next, last, err, want)
		}
	}
	use(none, one, false, nil)
	use(none, two, false, values.ErrMeanwhile)
	if _, err := (nodetable.Table{Pool: db.Single()}).Register(t.Context(), nodes.Info{Name: "node1", Address: "node1:8080"}); err != nil {
		t.Fatal(err)
	}
	use(one, two, true, values.ErrMeanwhile)
	if o, err := sink.Owner(t.Context()); err != nil || o != one {
		t.Errorf("the engine is %+v, %v", o, err)
	}
	if notBefore, err := sink.NotBefore(t.Context()); err != nil || notBefore != 0 {
		t.Errorf("tokens until %d are refused, %v", notBefore, err)
	}
}
