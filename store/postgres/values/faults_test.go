package values_test

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/states"
	"stile.example/stile/store/states/statestest"
	"stile.example/stile/tokens"
)

// calls makes calls by 16 callers at two nodes until fault has ended. It checks that each answered
// call is counted once, and that a call with an error is counted once or not at all.
func calls(t *testing.T, url string, fault func()) (failed int64) {
	t.Helper()
	statestest.Empty(t, url)
	open := statestest.Values(t, url)
	var opt states.Options
	nodes := []*statestest.Node{statestest.OpenWith(t, url, open(), opt), statestest.OpenWith(t, url, open(), opt)}
	const ids = 6
	var answered, unknown [ids]atomic.Int64
	var isOver atomic.Bool
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for n := i; !isOver.Load(); n++ {
				switch err := nodes[i%2].Update(t.Context(), tokens.ID{byte(n % ids)}, count); {
				case err == nil:
					answered[n%ids].Add(1)
				case errors.Is(err, states.ErrUnknown):
					unknown[n%ids].Add(1)
				}
			}
		})
	}
	fault()
	isOver.Store(true)
	wg.Wait()
	for id := range ids {
		var got int64
		read := func(s tokens.State) tokens.State { got = int64(s.Used.Total().Calls); return s }
		err := nodes[0].Update(t.Context(), tokens.ID{byte(id)}, read)
		least := answered[id].Load()
		if most := least + unknown[id].Load(); err != nil || got < least || got > most {
			t.Errorf("token %d counts %d, of %d answered and %d that may have been counted: %v", id, got, least, most-least, err)
		}
		failed += unknown[id].Load()
	}
	for _, n := range nodes {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
	return failed
}

// TestLostReplies ends the connections of both nodes 40 times, while swaps are on their way.
func TestLostReplies(t *testing.T) {
	url := engines.Postgres(t)
	admin, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	failed := calls(t, url, func() {
		for range 40 {
			time.Sleep(10 * time.Millisecond)
			_, err := admin.ExecContext(t.Context(), `
				SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%swap_states%'`)
			if err != nil {
				t.Error(err)
			}
		}
	})
	if failed > 0 {
		t.Logf("%d calls had no answer", failed)
	}
}

// TestCutReplies cuts the connections in the midst of replies, after the server has executed the
// swaps.
func TestCutReplies(t *testing.T) {
	server := engines.NewPostgres(t, false)
	u, err := url.Parse(server.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	p := engines.NewProxy(t, u.Host)
	u.Host = p.Addr
	unknown := calls(t, u.String(), func() {
		p.LoseReplies(6000)
		time.Sleep(3 * time.Second)
		p.LoseReplies(0)
		time.Sleep(200 * time.Millisecond)
	})
	t.Logf("%d calls had no answer", unknown)
}

// TestServerPauses: callers give up before the server, which is paused, does what they asked for.
func TestServerPauses(t *testing.T) {
	server := engines.NewPostgres(t, false)
	calls(t, server.Database(t), func() {
		time.Sleep(200 * time.Millisecond)
		server.Pause()
		time.Sleep(1300 * time.Millisecond)
		server.Resume()
		time.Sleep(500 * time.Millisecond)
	})
}

// TestServerPausesAndDies pauses the server for longer than an operation may take, and then kills
// and starts it. It waits for the disk, so no answered call is lost.
func TestServerPausesAndDies(t *testing.T) {
	server := engines.NewPostgres(t, true)
	calls(t, server.Database(t), func() {
		time.Sleep(200 * time.Millisecond)
		server.Pause()
		time.Sleep(1200 * time.Millisecond)
		server.Resume()
		time.Sleep(200 * time.Millisecond)
		server.Kill()
		server.Restart()
		time.Sleep(200 * time.Millisecond)
	})
}

// TestGone: while the server is away, updates fail with an error, in time, and work again after it.
func TestGone(t *testing.T) {
	server := engines.NewPostgres(t, false)
	url := server.Database(t)
	statestest.Empty(t, url)
	n := statestest.OpenWith(t, url, statestest.Values(t, url)(), states.Options{})
	server.Stop()
	start := time.Now()
	err := n.Update(t.Context(), tokens.ID{1}, count)
	if took := time.Since(start); err == nil || took > 6*time.Second {
		t.Errorf("%v after %s", err, took)
	}
	if err := n.Ready(t.Context()); err == nil {
		t.Error("ready without a server")
	}
	server.Restart()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for err = n.Update(ctx, tokens.ID{1}, count); err != nil && ctx.Err() == nil; {
		err = n.Update(ctx, tokens.ID{1}, count)
	}
	if err := errors.Join(err, n.Close()); err != nil {
		t.Error(err)
	}
}
