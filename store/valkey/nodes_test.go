package valkey_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/states"
	"stile.example/stile/store/states/statestest"
	"stile.example/stile/store/valkey"
)

// TestNodes runs the suites of all stores, and what several nodes must not do, with states in each
// kind of engine. Each test has a prefix of its own, as installations that share a server have.
func TestNodes(t *testing.T) {
	t.Parallel()
	var installations atomic.Int64
	for name, servers := range map[string][]*engines.Engine{
		"redis":   {engines.Redis(t)},
		"valkey":  {engines.Valkey(t)},
		"cluster": engines.Cluster(t),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := "valkey://" + servers[0].Addr
			if len(servers) > 1 {
				url += "?cluster=yes"
			}
			var clients []rueidis.Client
			for _, s := range servers {
				clients = append(clients, raw(t, s.Addr))
			}
			statestest.Run(t, func(t testing.TB, _ string) func() states.Engine {
				prefix := fmt.Sprintf("installation%d:", installations.Add(1))
				open := func() states.Engine {
					e, err := valkey.Open(t.Context(), valkey.Options{URL: url, Prefix: prefix})
					if err != nil {
						t.Fatal(err)
					}
					return aged{e, clients, prefix + "[taq]:*"}
				}
				// The suites make calls of a time that has passed. So the memory is from before.
				e := open().(aged)
				if err := errors.Join(e.SetEpoch(t.Context(), 1), e.Close()); err != nil {
					t.Fatal(err)
				}
				return open
			})
		})
	}
}

// aged is an engine whose clock can be put forward, as the suites do.
type aged struct {
	*valkey.Engine
	clients []rueidis.Client
	pattern string // of the names of its values
}

// Sweep removes what the servers would have removed at a time.
func (a aged) Sweep(ctx context.Context, now time.Time) error {
	for _, c := range a.clients {
		keys, err := c.Do(ctx, c.B().Keys().Pattern(a.pattern).Build()).AsStrSlice()
		if err != nil {
			return err
		}
		for _, key := range keys {
			at, err := c.Do(ctx, c.B().Pexpiretime().Key(key).Build()).AsInt64()
			if err == nil && at > 0 && at <= now.UnixMilli() {
				err = c.Do(ctx, c.B().Del().Key(key).Build()).Error()
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
