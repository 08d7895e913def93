package valkey_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/states"
	"stile.example/stile/store/states/statestest"
	"stile.example/stile/store/valkey"
	"stile.example/stile/tokens"
)

// TestS75Evicted: a server that is set to evict values while it runs, or is replaced by one that
// does, forgets which calls tokens have made. None of them gets its calls again.
func TestS75Evicted(t *testing.T) {
	t.Parallel()
	server, url := engines.Valkey(t, "maxmemory-policy noeviction"), engines.Postgres(t)
	c := raw(t, server.Addr)
	node := func() *statestest.Node {
		e, err := valkey.Open(t.Context(), valkey.Options{URL: "valkey://" + server.Addr})
		if err != nil {
			t.Fatal(err)
		}
		n := statestest.OpenWith(t, url, e, states.Options{})
		ctx, stop := context.WithCancel(t.Context())
		t.Cleanup(func() { stop(); n.Close() })
		go n.States.Run(ctx)
		return n
	}
	issued := time.Now().Add(-time.Minute)
	id, p := tokens.ID{7, 5}, tokens.Policy{Calls: 1, Records: 100, BindWithin: time.Hour, SpikeCalls: 1 << 30, SpikePer: time.Minute}
	call := tokens.Call{At: time.Now(), Tenant: 1, IssuedAt: issued, Expires: issued.Add(time.Hour), From: netip.MustParseAddr("192.0.2.1"), Route: tokens.Item, Records: 1,
		Address: tokens.AddressVerdict{Known: true}}
	outcome := func(n *statestest.Node) tokens.Verdict {
		v, err := (&tokens.Gate{Store: n}).Apply(t.Context(), id, p, &call)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	first, other := node(), node()
	if v := outcome(first); v.Outcome != tokens.Admit {
		t.Fatalf("the first call: %+v", v)
	}
	send(t, c, "CONFIG", "SET", "maxmemory-policy", "volatile-lru")
	send(t, c, "CONFIG", "SET", "maxmemory", "1")
	_ = c.Do(t.Context(), c.B().Set().Key("x").Value("x").Build()).Error() // evicts, and is refused
	send(t, c, "CONFIG", "SET", "maxmemory", "0")
	for end := time.Now().Add(5 * time.Second); other.NotBefore() <= issued.Unix() && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	keys := send(t, c, "KEYS", "t:*")
	if list, err := keys.AsStrSlice(); err != nil || len(list) > 0 {
		t.Fatalf("the server has not evicted %q: %v", list, err)
	}
	if v := outcome(other); v.Outcome == tokens.Admit {
		t.Errorf("the token has got its call again: %+v", v)
	}
}
