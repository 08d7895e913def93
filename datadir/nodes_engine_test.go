package datadir

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/states"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
)

// redis sends commands to a database of a server, and returns the first line of the last reply that
// is not a length.
func redis(t *testing.T, addr string, database int, commands ...string) (last string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	for _, c := range append([]string{fmt.Sprintf("SELECT %d", database)}, commands...) {
		fmt.Fprintf(conn, "%s\r\n", c)
		last, err = r.ReadString('\n')
		if strings.HasPrefix(last, "$") && !strings.HasPrefix(last, "$-1") {
			last, err = r.ReadString('\n')
		}
		if last = strings.TrimSpace(last); err != nil || strings.HasPrefix(last, "-") {
			t.Fatalf("%s: %s, %v", c, last, err)
		}
	}
	return last
}

func stateIn(addr string, database int) string {
	return fmt.Sprintf("STILE_STATE=valkey://%s/%d", addr, database)
}

// cannotOpen opens a node that must not start, and returns why. The node may wait 7 s for others.
func (s *site) cannotOpen(name string, more ...string) error {
	s.t.Helper()
	d, err := Open(s.t.Context(), s.settings(name, more...), time.Now, slog.New(slog.DiscardHandler))
	if err == nil {
		s.t.Errorf("%s was opened", name)
		return d.Close()
	}
	return err
}

// engineRow returns what the database says about its engine of states.
func engineRow(t *testing.T, d *Dir) (row string) {
	t.Helper()
	err := d.Store.Reader().QueryRowContext(t.Context(), `
		SELECT installation || ' ' || memory || ' ' || (SELECT max(not_before) FROM states_lost) FROM states_engine`).Scan(&row)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// TestEngineOfOthers: a node does not start on the engine of another installation, nor on another
// one than that of live nodes. Such a start, and one with a wrong key, changes nothing.
func TestEngineOfOthers(t *testing.T) {
	v := engines.Valkey(t, "appendonly yes").Addr
	mine, other := newSite(t), newSite(t)
	a := mine.node("a", stateIn(v, 0))
	before, owner := engineRow(t, a), redis(t, v, 0, "GET i")
	if err := other.cannotOpen("b", stateIn(v, 0)); !errors.Is(err, states.ErrForeign) {
		t.Errorf("an engine of another installation: %v", err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		if err := mine.cannotOpen("b", stateIn(v, 3)); !errors.Is(err, states.ErrOther) || !strings.Contains(err.Error(), "(a)") {
			t.Errorf("another engine than that of node a: %v", err)
		}
	})
	all.Go(func() {
		if err := mine.cannotOpen("c"); !errors.Is(err, states.ErrOther) {
			t.Errorf("another engine, PostgreSQL: %v", err)
		}
	})
	all.Wait()
	mine.setKeys(strings.Repeat("0b", 32))
	if err := mine.cannotOpen("b", stateIn(v, 3)); err == nil || !strings.Contains(err.Error(), "store_key_file") {
		t.Errorf("a wrong key: %v", err)
	}
	if n := redis(t, v, 3, "DBSIZE"); n != ":0" {
		t.Errorf("refused starts left %s keys in an engine", n)
	}
	if after, now := engineRow(t, a), redis(t, v, 0, "GET i"); after != before || now != owner {
		t.Errorf("refused starts changed the engine: %q, %q; it was %q, %q", after, now, before, owner)
	}
	c := other.node("c", stateIn(v, 3))
	count(t, c, 1, 1, time.Now(), 1)
}

// TestChangeOfEngine: with all nodes stopped, an installation uses another engine, and the first
// one again. No call is lost from the ledger, and tokens from before don't begin again.
func TestChangeOfEngine(t *testing.T) {
	v := engines.Valkey(t, "appendonly yes").Addr
	s := newSite(t)
	var issued int64
	var number uint32
	for i, state := range []string{stateIn(v, 0), "STILE_STATE=store", stateIn(v, 0)} {
		d, err := Open(t.Context(), s.settings("a", state), time.Now, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		stop := d.Serve(t.Context(), "a:8080")
		if i == 0 {
			n, err := d.Tenants.Add(t.Context(), tenants.Tenant{ClientID: "acme", Status: tenants.Active, CreatedAt: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			number = n.Number
		}
		if notBefore := d.Store.Shared.States.NotBefore(); i > 0 && notBefore < issued {
			t.Errorf("engine %d: tokens from before %d are refused, but one is from %d", i, notBefore, issued)
		}
		err = d.Store.Update(t.Context(), tokens.ID{1}, func(st tokens.State) tokens.State {
			if st != (tokens.State{}) {
				t.Errorf("engine %d has an old state: %+v", i, st)
			}
			return st
		})
		if err != nil {
			t.Error(err)
		}
		issued = time.Now().Unix()
		count(t, d, 1, number, time.Now(), 2)
		count(t, d, byte(2+i), number, time.Now(), 3)
		stop()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	d := s.node("a", stateIn(v, 0))
	var calls int64
	if err := d.Store.Reader().QueryRowContext(t.Context(), `SELECT sum(calls) FROM ledger_days`).Scan(&calls); err != nil || calls < 11 {
		t.Errorf("%d calls are in the ledger, %v: want 2 + 3 × 3", calls, err)
	}
}

// TestEngineChangesUnderNode: a node whose engine has lost its memory says again whose it is. While
// the engine is another installation's, or another one, calls fail and the node is not ready.
func TestEngineChangesUnderNode(t *testing.T) {
	v := engines.Valkey(t, "appendonly yes").Addr
	s := newSite(t)
	a := s.node("a", stateIn(v, 0))
	owner := redis(t, v, 0, "GET i")
	redis(t, v, 0, "FLUSHALL")
	within(t, "the owner is stored again", func() bool { return redis(t, v, 0, "GET i") == owner })
	st := a.Store.Shared.States
	installation, _, _ := strings.Cut(owner, " ")
	for present, want := range map[string]error{"other x": states.ErrForeign, installation + " x": states.ErrOther} {
		redis(t, v, 0, `SET i "`+present+`"`)
		within(t, present+" is noticed", func() bool { return errors.Is(st.Ready(t.Context()), want) })
		update := func(st tokens.State) tokens.State { st.Day++; return st }
		if err := a.Store.Update(t.Context(), tokens.ID{9}, update); !errors.Is(err, want) {
			t.Errorf("a call with %q: %v", present, err)
		}
		err := a.Store.UpdateAddress(t.Context(), addresses.OfTenant(netip.MustParseAddr("198.51.100.1"), 1), func(st addresses.State) addresses.State { return st })
		if !errors.Is(err, want) {
			t.Errorf("an address with %q: %v", present, err)
		}
		redis(t, v, 0, `SET i "`+owner+`"`)
		within(t, "the right owner is noticed", func() bool { return st.Ready(t.Context()) == nil })
	}
	count(t, a, 1, 1, time.Now(), 1)
}

// TestEngineIsClaimedOnce: nodes of a new installation that start at the same time use one engine.
func TestEngineIsClaimedOnce(t *testing.T) {
	s, state := newSite(t), stateIn(engines.Valkey(t, "appendonly yes").Addr, 0)
	var all sync.WaitGroup
	for i := range 6 {
		set := s.settings(fmt.Sprintf("node%d", i), state)
		all.Go(func() {
			d, err := Open(t.Context(), set, time.Now, quiet)
			if err == nil {
				err = d.Close()
			}
			if err != nil {
				t.Errorf("node %d: %v", i, err)
			}
		})
	}
	all.Wait()
}

// TestEngineLosesMemoryBeforeStart: a node that starts after the engine has lost its memory waits
// until one that lives has stored whose it is.
func TestEngineLosesMemoryBeforeStart(t *testing.T) {
	v := engines.Valkey(t, "appendonly yes").Addr
	s := newSite(t)
	s.node("a", stateIn(v, 0))
	owner := redis(t, v, 0, "GET i")
	redis(t, v, 0, "FLUSHALL")
	s.node("b", stateIn(v, 0))
	if now := redis(t, v, 0, "GET i"); now != owner {
		t.Errorf("the engine's owner is %q, want %q", now, owner)
	}
}
