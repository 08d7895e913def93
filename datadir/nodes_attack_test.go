package datadir

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"stile.example/stile/addresses"
	"stile.example/stile/tokens"
)

// TestS71SlowSettling checks that a node hears of a block while it can't copy what it counted: a
// reader of usage must not be able to delay what others change.
func TestS71SlowSettling(t *testing.T) {
	s := newSite(t)
	a, b := s.node("a"), s.node("b")
	db, err := pgx.Connect(t.Context(), s.postgres)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close(t.Context()) })
	tx, err := db.Begin(t.Context())
	if err == nil { // the lock of those who write into the ledger
		_, err = tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock(1937009509, 2)`)
	}
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	err = b.Store.Update(t.Context(), tokens.ID{1}, func(s tokens.State) tokens.State {
		s.Tenant, s.IssuedAt, s.Expires = 1, now.Unix(), now.Add(time.Hour).Unix()
		s.Used[0][tokens.Items].Calls = 1
		return s
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Nodes.Changed(t.Context(), "settle"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(600 * time.Millisecond) // b has begun to settle
	from := netip.MustParseAddr("203.0.113.9")
	if err := a.Addresses.Put(t.Context(), addresses.Entry{Range: netip.PrefixFrom(from, 32), Kind: addresses.Block}); err != nil {
		t.Fatal(err)
	}
	within(t, "a block by hand", func() bool { _, blocked := b.Addresses.BlockedByOperator(from, time.Now()); return blocked })
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestS72ManyReadersOfUsage checks that many who read usage at the same time, each of which makes
// all nodes copy what they count, share these requests: nodes continue to hear of each other.
func TestS72ManyReadersOfUsage(t *testing.T) {
	s := newSite(t)
	a, b := s.node("a"), s.node("b")
	before, err := a.nodeTable.Counters(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	var readers sync.WaitGroup
	var read atomic.Int64
	for range 300 {
		readers.Go(func() {
			for ctx.Err() == nil {
				if a.Settle(ctx) == nil {
					read.Add(1)
				}
			}
		})
	}
	worst := time.Duration(0)
	for ctx.Err() == nil {
		worst = max(worst, a.Nodes.Health().Behind, b.Nodes.Health().Behind)
		time.Sleep(10 * time.Millisecond)
	}
	readers.Wait()
	after, err := a.nodeTable.Counters(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	asked := after.Topics["settle"] - before.Topics["settle"]
	t.Logf("%d read, nodes were asked %d times, and without news for %s", read.Load(), asked, worst)
	// Without load, the longest is 300 ms. After 3 s, a node is not ready any more.
	if worst > 2*time.Second || asked > 60 || read.Load() < 300 {
		t.Errorf("%d read, nodes were asked %d times, and without news for %s", read.Load(), asked, worst)
	}
}

// TestS74DigestsOfSettings checks that the digests of settings in a node's row, such as that of a
// URL with a password, can't be found by trying: their key is not in the database.
func TestS74DigestsOfSettings(t *testing.T) {
	s := newSite(t)
	a := s.node("a", "STILE_POLICY_TOKEN_CALLS=123")
	list := s.rowsOf(a, 1)
	sealed, err := a.sealed.Read(t.Context(), sealedKeys)
	if err != nil {
		t.Fatal(err)
	}
	const name = "policy.token.calls"
	own := a.Settings().SharedFingerprint([]byte(sealed.Key))[name]
	if got := list[0].Settings[name]; got == "" || got == own {
		t.Errorf("the row has %q, and whoever reads the database computes %q", got, own)
	}
	if list[0].Settings[name] != a.Nodes.Settings()[name] || a.box.Fingerprint() != sealed.Key {
		t.Error("the test computes something else")
	}
}
