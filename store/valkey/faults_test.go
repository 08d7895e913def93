package valkey_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/states"
	"stile.example/stile/store/valkey"
)

// heals is the limit for an engine to be usable again after a fault has ended.
const heals = 5 * time.Second

// await waits until a swap of a new key succeeds, and returns how long that took.
func await(t *testing.T, e *valkey.Engine, within time.Duration) time.Duration {
	t.Helper()
	began := time.Now()
	for {
		_, swapped, err := e.Swap(t.Context(), today(newKey(), "a"))
		if swapped {
			return time.Since(began)
		}
		if time.Since(began) > within {
			t.Fatalf("not healed within %s: %v", within, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// put stores a value under a new key.
func put(t *testing.T, e *valkey.Engine, value string) states.Key {
	t.Helper()
	k := newKey()
	if got := swap(t, e, today(k, value)); !strings.HasPrefix(got, "swapped") {
		t.Fatal(got)
	}
	return k
}

// today returns a swap that stores a new value, whatever the epoch.
func today(k states.Key, value string) states.Swap {
	s := change(k, "", value)
	s.NotBefore = time.Now().Unix()
	return s
}

// TestRoundTrips: each swap is one round trip.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	servers := map[string]func(testing.TB, ...string) *engines.Engine{"redis": engines.Redis, "valkey": engines.Valkey}
	for name, start := range servers {
		p := engines.NewProxy(t, start(t).Addr)
		e := open(t, valkey.Options{URL: "valkey://" + p.Addr})
		k := put(t, e, "0") // loads the script
		expect(t, e, change(k, "0", "1"), `swapped "0"`)
		const count = 100
		trips := func(kind string, one func(i int)) {
			before := p.RoundTrips()
			for i := range count {
				one(i)
			}
			if n := p.RoundTrips() - before; n != count {
				t.Errorf("%s: %d round trips of %d calls that %s", name, n, count, kind)
			}
		}
		trips("change a value", func(i int) {
			expect(t, e, change(k, fmt.Sprint(i+1), fmt.Sprint(i+2)), fmt.Sprintf("swapped %q", fmt.Sprint(i+1)))
		})
		trips("meet another value", func(int) { expect(t, e, change(k, "x", "y"), `kept "101"`) })
		trips("store a new value", func(int) { put(t, e, "a") })
		trips("use something once", func(i int) {
			s := change(k, fmt.Sprint(i+101), fmt.Sprint(i+102))
			s.Once = states.Once{Digest: [16]byte{byte(i)}, Until: inAnHour()}
			expect(t, e, s, fmt.Sprintf("swapped %q", fmt.Sprint(i+101)))
		})
		trips("read", func(int) { _, _ = e.Get(t.Context(), k) })
	}
}

// TestEachReadsAgain: a reply that is lost while all values are read does not end that, unless it
// happens again and again.
func TestEachReadsAgain(t *testing.T) {
	t.Parallel()
	p := engines.NewProxy(t, engines.Valkey(t).Addr)
	e := open(t, valkey.Options{URL: "valkey://" + p.Addr})
	k := put(t, e, "a")
	for _, lost := range []int64{0, 1, 100} {
		var left atomic.Int64
		left.Store(lost)
		p.Observe(func(sent []byte) {
			if strings.Contains(string(sent), "SCAN") && left.Add(-1) >= 0 {
				p.Cut()
			}
		})
		found := map[states.Key]string{}
		err := e.Each(t.Context(), states.KindToken, func(k states.Key, b []byte) error {
			found[k] = string(b)
			return nil
		})
		if lost == 100 && !errors.Is(err, states.ErrUnknown) || lost < 100 && (err != nil || len(found) != 1 || found[k] != "a") {
			t.Errorf("%d replies were lost: %q, %v", lost, found, err)
		}
	}
}

// TestDamagedOwner: an engine whose owner can't be read is not used.
func TestDamagedOwner(t *testing.T) {
	t.Parallel()
	s := engines.Valkey(t)
	e, c := open(t, valkey.Options{URL: "valkey://" + s.Addr}), raw(t, s.Addr)
	for _, damaged := range []string{"", "mine", "mine ", " 1"} {
		send(t, c, "SET", "i", damaged)
		if o, err := e.Owner(t.Context()); err == nil || !strings.Contains(err.Error(), "the key i is damaged, or belongs to another program") {
			t.Errorf("%q: %+v, %v", damaged, o, err)
		}
		if o, err := e.SetOwner(t.Context(), states.Owner{Installation: "mine", Memory: "1"}); err == nil {
			t.Errorf("%q was replaced by %+v", damaged, o)
		}
	}
}

// TestScriptFlush: a server that has forgotten the script gets it again.
func TestScriptFlush(t *testing.T) {
	t.Parallel()
	s := engines.Redis(t)
	e, c := open(t, valkey.Options{URL: "redis://" + s.Addr}), raw(t, s.Addr)
	k := put(t, e, "0")
	for i := range 3 {
		send(t, c, "SCRIPT", "FLUSH")
		expect(t, e, change(k, fmt.Sprint(i), fmt.Sprint(i+1)), fmt.Sprintf("swapped %q", fmt.Sprint(i)))
	}
}

// TestFlush: an engine that has lost its memory says so until it has an epoch again.
func TestFlush(t *testing.T) {
	t.Parallel()
	s := engines.Valkey(t)
	e, c := open(t, valkey.Options{URL: "valkey://" + s.Addr}), raw(t, s.Addr)
	k := put(t, e, "a")
	send(t, c, "FLUSHALL")
	expect(t, e, change(k, "a", "b"), "forgot")
	expect(t, e, change(k, "", "b"), "forgot")
	with := change(k, "", "b")
	with.Once = states.Once{Digest: [16]byte{1}, Until: inAnHour()}
	expect(t, e, with, "forgot")
	if _, err := e.Get(t.Context(), k); !errors.Is(err, states.ErrForgot) {
		t.Errorf("Get: %v", err)
	}
	if n := send(t, c, "DBSIZE"); n.String() != "0" {
		if size, _ := n.AsInt64(); size != 0 {
			t.Errorf("it has stored %d keys", size)
		}
	}
	if err := e.SetEpoch(t.Context(), founded+100); err != nil {
		t.Fatal(err)
	}
	expect(t, e, with, fmt.Sprintf("kept none since %d", founded+100)) // it was decided before
	with.NotBefore = founded + 100
	expect(t, e, with, fmt.Sprintf("swapped none since %d", founded+100))
	send(t, c, "FLUSHALL") // again, so that the same epoch must be written again
	if err := e.SetEpoch(t.Context(), founded+100); err != nil {
		t.Fatal(err)
	}
	expect(t, e, with, fmt.Sprintf("swapped none since %d", founded+100))
}

// TestRestart: with its append-only file, a server has the same values after it was killed. Until
// then, calls fail at once, and certainly.
func TestRestart(t *testing.T) {
	t.Parallel()
	s := engines.Valkey(t, "appendonly yes", "appendfsync always")
	e := open(t, valkey.Options{URL: "valkey://" + s.Addr})
	k := put(t, e, "a")
	s.Kill()
	failed, slow := 0, 0
	for range 20 {
		began := time.Now()
		_, _, err := e.Swap(t.Context(), change(k, "a", "b"))
		if err == nil || errors.Is(err, states.ErrForgot) {
			t.Fatalf("without a server: %v", err)
		}
		if !errors.Is(err, states.ErrUnknown) {
			failed++
		}
		if time.Since(began) > 100*time.Millisecond {
			slow++
		}
	}
	if slow > 4 { // a busy machine delays a few
		t.Errorf("%d of 20 calls took more than 100 ms", slow)
	}
	if failed < 16 { // the first ones may meet the connections that break, at most 4
		t.Errorf("%d of 20 calls certainly did not happen", failed)
	}
	if err := e.Ready(t.Context()); err == nil {
		t.Error("it is ready without a server")
	}
	s.Restart()
	t.Logf("healed after %s", await(t, e, heals))
	expect(t, e, change(k, "a", "b"), `swapped "a"`)
}

// TestPause: a server that does not respond makes calls end in time, and then fail at once. There
// are more callers than may wait for it. It is used again soon after it responds.
func TestPause(t *testing.T) {
	t.Parallel()
	s := engines.Valkey(t)
	e := open(t, valkey.Options{URL: "valkey://" + s.Addr, Timeout: 300 * time.Millisecond})
	keys := make([]states.Key, 1500)
	for i := range keys {
		keys[i] = put(t, e, "0")
	}
	s.Pause()
	var longest, fast atomic.Int64
	stop := time.Now().Add(2 * time.Second)
	attempts := make([]map[string]bool, len(keys))
	var wg sync.WaitGroup
	for i, k := range keys {
		attempts[i] = map[string]bool{"0": true}
		wg.Go(func() {
			for n := 1; time.Now().Before(stop); n++ {
				began := time.Now()
				next := fmt.Sprint(n)
				_, swapped, err := e.Swap(t.Context(), change(k, "0", next))
				if swapped || err == nil {
					t.Errorf("a paused server responds: %v", err)
				} else if errors.Is(err, states.ErrUnknown) {
					attempts[i][next] = true
				}
				took := int64(time.Since(began))
				longest.Store(max(longest.Load(), took))
				if took < int64(time.Millisecond) {
					fast.Add(1)
					time.Sleep(5 * time.Millisecond)
				}
			}
		})
	}
	wg.Wait()
	s.Resume()
	took := await(t, e, heals)
	t.Logf("longest call %s; %d calls failed at once; healed after %s", time.Duration(longest.Load()), fast.Load(), took)
	if d := time.Duration(longest.Load()); d > 1600*time.Millisecond || fast.Load() < 1000 {
		t.Errorf("the longest call took %s, and %d failed at once", d, fast.Load())
	}
	for i, k := range keys {
		if p, err := e.Get(t.Context(), k); err != nil || !attempts[i][string(p.Value)] {
			t.Errorf("%q is present, which was not unknown: %v", p.Value, err)
		}
	}
}

// TestSlow: replies that are late, but in time, count as others do. Those that are too late
// leave it unknown what happened.
func TestSlow(t *testing.T) {
	t.Parallel()
	p := engines.NewProxy(t, engines.Valkey(t).Addr)
	// A busy machine delays calls too, so the times differ by seconds.
	const timeout, late = 2 * time.Second, 5 * time.Second
	e := open(t, valkey.Options{URL: "valkey://" + p.Addr, Timeout: timeout})
	k := put(t, e, "a")
	p.Delay(100 * time.Millisecond)
	expect(t, e, change(k, "a", "b"), `swapped "a"`)
	p.Delay(late)
	began := time.Now()
	_, _, err := e.Swap(t.Context(), change(k, "b", "c"))
	if took := time.Since(began); !errors.Is(err, states.ErrUnknown) || took >= late {
		t.Errorf("%v after %s", err, took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began = time.Now()
	if _, _, err := e.Swap(ctx, change(k, "b", "d")); err == nil || time.Since(began) >= timeout {
		t.Errorf("with a deadline of 50 ms: %v after %s", err, time.Since(began))
	}
	p.Delay(0)
	await(t, e, heals)
	if p, err := e.Get(t.Context(), k); err != nil || string(p.Value) != "c" && string(p.Value) != "d" {
		t.Errorf("%q, %v", p.Value, err)
	}
}

// TestAnotherMaster: behind one address, another server becomes the master. The one that was it
// refuses writes with connections that remain open.
func TestAnotherMaster(t *testing.T) {
	t.Parallel()
	old, next := engines.Redis(t), engines.Valkey(t)
	p := engines.NewProxy(t, old.Addr)
	e := open(t, valkey.Options{URL: "redis://" + p.Addr})
	k := put(t, e, "0")
	expect(t, e, change(k, "0", "a"), `swapped "0"`) // finds that it has no IFEQ
	host, port, _ := strings.Cut(next.Addr, ":")
	open(t, valkey.Options{URL: "redis://" + next.Addr})
	p.Lead(next.Addr)
	send(t, raw(t, old.Addr), "REPLICAOF", host, port)
	_, _, err := e.Swap(t.Context(), change(k, "a", "b"))
	if err == nil || errors.Is(err, states.ErrUnknown) {
		t.Errorf("a replica: %v", err)
	}
	await(t, e, heals)
	k = put(t, e, "a")
	c := raw(t, next.Addr)
	send(t, c, "CONFIG", "RESETSTAT")
	expect(t, e, change(k, "a", "b"), `swapped "a"`)
	stats := send(t, c, "INFO", "commandstats")
	if text, _ := stats.ToString(); !strings.Contains(text, "cmdstat_set:") || strings.Contains(text, "cmdstat_evalsha:") {
		t.Errorf("the new master has IFEQ, and a script was used:\n%s", text)
	}
}

// TestReadyReplica: a server that can be read and not written is not ready, and changes nothing.
func TestReadyReplica(t *testing.T) {
	t.Parallel()
	s := engines.Valkey(t)
	e := open(t, valkey.Options{URL: "valkey://" + s.Addr})
	if err := e.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	with := change(put(t, e, "a"), "a", "b")
	with.Once = states.Once{Digest: [16]byte{1}, Until: inAnHour()}
	send(t, raw(t, s.Addr), "REPLICAOF", "127.0.0.1", "1")
	if _, _, err := e.Swap(t.Context(), with); err == nil || errors.Is(err, states.ErrUnknown) {
		t.Errorf("a script on a replica: %v", err)
	}
	for range 3 { // also with new connections
		if err := e.Ready(t.Context()); err == nil {
			t.Error("a replica is ready")
		}
	}
}

// TestSentinel: the Sentinels replace a master that is gone.
func TestSentinel(t *testing.T) {
	t.Parallel()
	user, allowed := restricted(t)
	s := engines.Sentinel(t, user, "appendonly yes")
	var hosts []string
	for _, sentinel := range s.Sentinels {
		hosts = append(hosts, sentinel.Addr)
	}
	e := open(t, valkey.Options{URL: "redis://" + strings.Join(hosts, ",") + "?sentinel=" + s.Name, User: allowed.User, Password: allowed.Password})
	k := put(t, e, "a")
	replicated(t, s.Master.Addr)
	began := time.Now()
	s.Master.Kill()
	// The Sentinels take 1 s to notice, and then as long as their elections last. Each that fails
	// costs twice the failover-timeout, such as on a machine that is busy.
	await(t, e, time.Minute)
	t.Logf("healed %s after the master was gone", time.Since(began))
	deadline := time.Now().Add(heals)
	for got := ""; got != `swapped "a"` && got != `kept "b"`; {
		if got = swap(t, e, change(k, "a", "b")); !strings.HasPrefix(got, "error") && got != `swapped "a"` && got != `kept "b"` || time.Now().After(deadline) {
			t.Fatal(got)
		}
	}
}

// replicated waits until a replica has all that was written to a master.
func replicated(t *testing.T, master string) {
	t.Helper()
	c := raw(t, master)
	for deadline := time.Now().Add(20 * time.Second); ; {
		m := send(t, c, "WAIT", "1", "500")
		if n, err := m.AsInt64(); err == nil && n > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("no replica has what was written")
		}
	}
}

// TestFullMemory: a server without memory refuses a swap as a whole.
func TestFullMemory(t *testing.T) {
	t.Parallel()
	for _, start := range []func(testing.TB, ...string) *engines.Engine{engines.Redis, engines.Valkey} {
		s := start(t)
		e, c := open(t, valkey.Options{URL: "valkey://" + s.Addr}), raw(t, s.Addr)
		k := put(t, e, "a")
		send(t, c, "CONFIG", "SET", "maxmemory", "1mb")
		for digest := range byte(2) {
			s := change(k, "a", "b")
			if digest > 0 {
				s.Once = states.Once{Digest: [16]byte{digest}, Until: inAnHour()}
			}
			_, _, err := e.Swap(t.Context(), s)
			if err == nil || errors.Is(err, states.ErrUnknown) || !strings.Contains(err.Error(), "maxmemory") {
				t.Errorf("with full memory: %v", err)
			}
		}
		send(t, c, "CONFIG", "SET", "maxmemory", "0")
		with := change(k, "a", "b")
		with.Once = states.Once{Digest: [16]byte{1}, Until: inAnHour()}
		expect(t, e, with, `swapped "a"`)
	}
}
