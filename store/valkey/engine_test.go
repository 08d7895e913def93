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

	"github.com/redis/rueidis"

	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/states"
	"stile.example/stile/store/valkey"
)

const founded = 1_700_000_000 // the epoch in tests

// open opens an engine, with its epoch.
func open(t testing.TB, o valkey.Options) *valkey.Engine {
	t.Helper()
	e, err := valkey.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	if err := e.SetEpoch(t.Context(), founded); err != nil {
		t.Fatal(err)
	}
	return e
}

// raw returns a client that sends any command to a server, at host:port or password@host:port.
func raw(t testing.TB, address string) rueidis.Client {
	t.Helper()
	password, host, found := strings.Cut(address, "@")
	if !found {
		password, host = "", address
	}
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{host}, Password: password, ForceSingleClient: true, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// send sends a command, which must succeed.
func send(t testing.TB, c rueidis.Client, words ...string) rueidis.RedisMessage {
	t.Helper()
	m, err := c.Do(context.Background(), c.B().Arbitrary(words...).Build()).ToMessage()
	if err != nil && !rueidis.IsRedisNil(err) {
		t.Fatalf("%s: %v", words, err)
	}
	return m
}

var ids atomic.Int64

// newKey returns the key of a token that no other test has.
func newKey() states.Key {
	return states.Key{Kind: states.KindToken, ID: fmt.Sprintf("%016d", ids.Add(1))}
}

func inAnHour() time.Time { return time.Now().Add(time.Hour) }

// change returns a swap that expires in an hour.
func change(k states.Key, known, next string) states.Swap {
	s := states.Swap{Key: k, Next: []byte(next), Expires: inAnHour(), NotBefore: founded}
	if known != "" {
		s.Known = []byte(known)
	}
	return s
}

// swap swaps, and returns what was present, whether it swapped, and the error, as one text.
func swap(t testing.TB, e *valkey.Engine, s states.Swap) string {
	t.Helper()
	was, swapped, err := e.Swap(t.Context(), s)
	text := fmt.Sprintf("%q", was.Value)
	if was.Value == nil {
		text = fmt.Sprintf("none since %d", was.NotBefore)
	}
	switch {
	case swapped && err != nil:
		t.Errorf("swapped, and an error: %v", err)
	case swapped:
		return "swapped " + text
	case errors.Is(err, states.ErrUsed):
		return "used " + text
	case errors.Is(err, states.ErrForgot):
		return "forgot"
	case err != nil:
		return "error " + err.Error()
	}
	return "kept " + text
}

// expect checks the outcome of a swap.
func expect(t testing.TB, e *valkey.Engine, s states.Swap, want string) {
	t.Helper()
	if got := swap(t, e, s); got != want {
		t.Errorf("%q to %q: %s, want %s", s.Known, s.Next, got, want)
	}
}

// kinds start the engines of each kind that the contract is tested with.
var kinds = map[string]func(*testing.T) string{
	"redis":  func(t *testing.T) string { return "redis://" + engines.Redis(t, "appendonly yes").Addr },
	"valkey": func(t *testing.T) string { return "valkey://" + engines.Valkey(t, "appendonly yes").Addr },
}

func TestContract(t *testing.T) {
	for name, start := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := open(t, valkey.Options{URL: start(t), Prefix: "a*b:"})
			for name, test := range contract {
				t.Run(name, func(t *testing.T) { test(t, e) })
			}
		})
	}
}

var contract = map[string]func(*testing.T, *valkey.Engine){
	"conflict":   conflict,
	"expiry":     expiry,
	"once":       once,
	"epoch":      epoch,
	"each":       each,
	"concurrent": concurrent,
	"bytes":      anyBytes,
	"invalid":    invalid,
	"get":        get,
	"ready":      ready,
	"clocks":     clocks,
	"owner":      owner,
}

func conflict(t *testing.T, e *valkey.Engine) {
	k := newKey()
	expect(t, e, change(k, "a", "b"), fmt.Sprintf("kept none since %d", founded))
	expect(t, e, change(k, "", "a"), fmt.Sprintf("swapped none since %d", founded))
	expect(t, e, change(k, "", "b"), `kept "a"`)
	expect(t, e, change(k, "c", "b"), `kept "a"`)
	expect(t, e, change(k, "a", "b"), `swapped "a"`)
	expect(t, e, change(k, "a", "c"), `kept "b"`)
	expect(t, e, change(states.Key{Kind: states.KindAddress, ID: k.ID}, "", "x"), fmt.Sprintf("swapped none since %d", founded))
	expect(t, e, change(k, "b", "c"), `swapped "b"`)
}

func expiry(t *testing.T, e *valkey.Engine) {
	e.SetMargin(0)
	defer e.SetMargin(valkey.ClockMargin)
	for _, known := range []string{"", "a"} {
		k := newKey()
		if known != "" {
			expect(t, e, change(k, "", known), fmt.Sprintf("swapped none since %d", founded))
		}
		s := change(k, known, "b")
		s.Expires = time.Now().Add(300 * time.Millisecond)
		if got := swap(t, e, s); !strings.HasPrefix(got, "swapped") {
			t.Fatal(got)
		}
		// On a busy machine, it may have expired before the reply.
		if p, err := e.Get(t.Context(), k); time.Now().Before(s.Expires) && (err != nil || string(p.Value) != "b") {
			t.Errorf("before its expiry: %q, %v", p.Value, err)
		}
		for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			p, err := e.Get(t.Context(), k)
			if err != nil || p.Value == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("it does not expire")
			}
		}
		if early := time.Until(s.Expires); early > 0 {
			t.Errorf("it expired %s early", early)
		}
	}
}

func once(t *testing.T, e *valkey.Engine) {
	k, none := newKey(), fmt.Sprintf("none since %d", founded)
	with := func(known, next string, digest byte) states.Swap {
		s := change(k, known, next)
		s.Once = states.Once{Digest: [16]byte{digest}, Until: inAnHour()}
		return s
	}
	expect(t, e, with("", "a", 1), "swapped "+none)
	expect(t, e, with("a", "b", 1), `used "a"`)
	expect(t, e, with("x", "b", 2), `kept "a"`) // a conflict uses nothing
	expect(t, e, with("a", "b", 2), `swapped "a"`)
	expect(t, e, with("b", "c", 2), `used "b"`)
	e.SetMargin(0)
	defer e.SetMargin(valkey.ClockMargin)
	s := with("b", "c", 3)
	s.Once.Until = time.Now().Add(50 * time.Millisecond)
	expect(t, e, s, `swapped "b"`)
	time.Sleep(time.Until(s.Once.Until) + 20*time.Millisecond)
	expect(t, e, with("c", "d", 3), `swapped "c"`)
	other := with("", "a", 1)
	other.Key = newKey()
	expect(t, e, other, "swapped "+none)
}

func epoch(t *testing.T, e *valkey.Engine) {
	k := newKey()
	s := change(k, "", "a")
	s.NotBefore = founded - 1 // decided before the epoch was stored
	expect(t, e, s, fmt.Sprintf("kept none since %d", founded))
	s.NotBefore = founded + 1
	expect(t, e, s, fmt.Sprintf("swapped none since %d", founded))
	if err := e.SetEpoch(t.Context(), founded-5); err != nil {
		t.Error(err)
	}
	if p, err := e.Get(t.Context(), newKey()); err != nil || p.NotBefore != founded {
		t.Errorf("after an older epoch: %+v, %v", p, err)
	}
}

func each(t *testing.T, e *valkey.Engine) {
	const count = 1000
	written := map[string]string{}
	for range count {
		k := newKey()
		k.Kind = states.KindQuota
		value := "value of " + k.ID
		if got := swap(t, e, change(k, "", value)); !strings.HasPrefix(got, "swapped") {
			t.Fatal(got)
		}
		written[k.ID] = value
	}
	err := e.Each(t.Context(), states.KindQuota, func(k states.Key, v []byte) error {
		if want := written[k.ID]; want != string(v) || k.Kind != states.KindQuota {
			t.Errorf("%c %q: %q, want %q", k.Kind, k.ID, v, want)
		}
		delete(written, k.ID)
		return nil
	})
	if err != nil || len(written) > 0 {
		t.Errorf("%d of %d values are missing; %v", len(written), count, err)
	}
	stop := errors.New("stop")
	if err := e.Each(t.Context(), states.KindQuota, func(states.Key, []byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("after an error of fn: %v", err)
	}
}

// owner: an engine gets one owner. Clear removes states, and neither the owner, the epoch nor what
// was used once.
func owner(t *testing.T, e *valkey.Engine) {
	mine := states.Owner{Installation: "mine", Memory: "1"}
	if o, err := e.Owner(t.Context()); err != nil || o != (states.Owner{}) {
		t.Errorf("at first, the owner is %+v, %v", o, err)
	}
	for _, o := range []states.Owner{mine, {Installation: "other", Memory: "1"}, {Installation: "mine", Memory: "2"}} {
		if present, err := e.SetOwner(t.Context(), o); err != nil || present != mine {
			t.Errorf("to be set to %+v, the owner is %+v, %v", o, present, err)
		}
	}
	used := states.Once{Digest: [16]byte{7}, Until: inAnHour()}
	var all []states.Key
	for _, kind := range []byte{states.KindToken, states.KindAddress, states.KindQuota, states.KindOnce} {
		for range 600 {
			k := newKey()
			k.Kind = kind
			s := change(k, "", "a")
			if len(all) == 0 {
				s.Once = used
			}
			if got := swap(t, e, s); !strings.HasPrefix(got, "swapped") {
				t.Fatal(got)
			}
			all = append(all, k)
		}
	}
	if err := e.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		p, err := e.Get(t.Context(), k)
		if err != nil || (p.Value != nil) != (k.Kind == states.KindOnce) || k.Kind != states.KindOnce && p.NotBefore != founded {
			t.Fatalf("after Clear, %c %q has %q, %v", k.Kind, k.ID, p.Value, err)
		}
	}
	again := change(all[0], "", "b")
	again.Once = used
	expect(t, e, again, fmt.Sprintf("used none since %d", founded))
	if o, err := e.Owner(t.Context()); err != nil || o != mine {
		t.Errorf("after Clear, the owner is %+v, %v", o, err)
	}
}

// concurrent: of many simultaneous swaps from the same value, exactly one succeeds.
func concurrent(t *testing.T, e *valkey.Engine) {
	const callers, rounds = 32, 20
	k, present := newKey(), ""
	for round := range rounds {
		var swapped atomic.Int32
		var next atomic.Value
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				s := change(k, present, fmt.Sprintf("%d by %d", round, i))
				if i%4 == 0 {
					s.Once = states.Once{Digest: [16]byte{byte(round), byte(i)}, Until: inAnHour()}
				}
				if _, ok, err := e.Swap(t.Context(), s); err != nil {
					t.Error(err)
				} else if ok {
					swapped.Add(1)
					next.Store(string(s.Next))
				}
			})
		}
		wg.Wait()
		if n := swapped.Load(); n != 1 {
			t.Fatalf("%d swaps from %q succeeded", n, present)
		}
		present = next.Load().(string)
	}
}

// anyBytes: ids and values may be any bytes.
func anyBytes(t *testing.T, e *valkey.Engine) {
	for _, id := range []string{"}{}{", "\x00", strings.Repeat("\xff", 64), "a\r\nb", "*"} {
		k := states.Key{Kind: states.KindOnce, ID: id}
		value := "\x00\r\n$5\r\n" + id + strings.Repeat("\xfe", 60<<10)
		if got := swap(t, e, change(k, "", value)); !strings.HasPrefix(got, "swapped") {
			t.Error(got)
		}
		if p, err := e.Get(t.Context(), k); err != nil || string(p.Value) != value {
			t.Errorf("%q: another value; %v", id, err)
		}
		if _, swapped, err := e.Swap(t.Context(), change(k, value, "next\x00")); err != nil || !swapped {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func invalid(t *testing.T, e *valkey.Engine) {
	k := newKey()
	noExpiry := change(k, "", "a")
	noExpiry.Expires = time.Time{}
	for name, s := range map[string]states.Swap{
		"no id": change(states.Key{Kind: 't'}, "", "a"), "long id": change(states.Key{Kind: 't', ID: strings.Repeat("x", 65)}, "", "a"),
		"no value": change(k, "", ""), "long value": change(k, "", strings.Repeat("x", 64<<10+1)), "no expiry": noExpiry,
	} {
		if got := swap(t, e, s); !strings.HasPrefix(got, "error") {
			t.Errorf("%s: %s", name, got)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := e.Swap(ended, change(k, "", "a")); !errors.Is(err, context.Canceled) || errors.Is(err, states.ErrUnknown) {
		t.Errorf("with a context that has ended: %v", err)
	}
	if p, err := e.Get(t.Context(), k); err != nil || p.Value != nil {
		t.Errorf("an invalid swap has stored %q; %v", p.Value, err)
	}
}

func get(t *testing.T, e *valkey.Engine) {
	k := newKey()
	if p, err := e.Get(t.Context(), k); err != nil || p.Value != nil || p.NotBefore != founded {
		t.Errorf("%+v, %v", p, err)
	}
	expect(t, e, change(k, "", "a"), fmt.Sprintf("swapped none since %d", founded))
	if p, err := e.Get(t.Context(), k); err != nil || string(p.Value) != "a" {
		t.Errorf("%+v, %v", p, err)
	}
}

func ready(t *testing.T, e *valkey.Engine) {
	if err := e.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

// clocks: what has just expired by the clock of a node is present a little longer, in case the
// server's clock is ahead.
func clocks(t *testing.T, e *valkey.Engine) {
	k := newKey()
	s := change(k, "", "a")
	s.Expires = time.Now().Add(-5 * time.Second)
	s.Once = states.Once{Digest: [16]byte{1}, Until: s.Expires}
	expect(t, e, s, fmt.Sprintf("swapped none since %d", founded))
	again := change(k, "a", "b")
	again.Once = s.Once
	expect(t, e, again, `used "a"`)
}
