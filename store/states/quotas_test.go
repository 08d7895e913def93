package states

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/store/storetest"
	"stile.example/stile/tokens"
	"stile.example/stile/usage"
)

const month = int32(2026*12 + 11)

// TestQuotaBlocks takes and returns blocks at two nodes while replies are lost. All calls of the
// quota are given, and none twice.
func TestQuotaBlocks(t *testing.T) {
	stores, links := nodes(t, 2, newMemory(), newTable())
	var have atomic.Int64
	storetest.Concurrently(8, func(i int) {
		links[i%2].lose.Store(20)
		for n := range 60 {
			b, err := stores[i%2].Take(t.Context(), 1, month, 10_000, 0)
			if err != nil || b.Calls <= 0 {
				t.Error(b, err)
				continue
			}
			have.Add(b.Calls)
			if n%3 == 0 {
				if err := stores[i%2].Return(t.Context(), 1, month, b); err != nil {
					t.Error(err)
				}
				have.Add(-b.Calls)
			}
		}
	})
	for n := 0; ; n++ {
		b, err := stores[0].Take(t.Context(), 1, month, 10_000, 0)
		if err != nil || n > 10_000 {
			t.Fatal(n, err)
		}
		if have.Add(b.Calls); b.Calls == 0 {
			break
		}
	}
	if have.Load() != 10_000 {
		t.Errorf("%d of 10,000 calls were given", have.Load())
	}
}

// TestLostQuota loses the engine's memory. The month starts again from the ledger, when all nodes
// have noticed it, and blocks from before are not valid.
func TestLostQuota(t *testing.T) {
	m, db := newMemory(), newTable()
	ahead := atomic.Int64{}
	now := func() time.Time { return start.Add(time.Duration(ahead.Load())) }
	st, err := Open(t.Context(), m, db, Options{Log: slog.New(slog.DiscardHandler), Now: now, Node: 1})
	if err != nil {
		t.Fatal(err)
	}
	b, err := st.Take(t.Context(), 1, month, 1000, 0)
	if err != nil || b.Calls != 10 {
		t.Fatal(b, err)
	}
	for range 7 {
		err := st.Update(t.Context(), tokens.ID{1}, func(s tokens.State) tokens.State { s.Tenant = 1; return counting(s) })
		if err != nil {
			t.Fatal(err)
		}
	}
	m.flush()
	if valid, err := st.IsValid(t.Context(), 1, month, b); valid || err != nil {
		t.Errorf("the block is valid: %v, %v", valid, err)
	}
	if _, err := st.Take(t.Context(), 1, month, 1000, 0); !errors.Is(err, errQuotaLost) {
		t.Errorf("taken immediately: %v", err)
	}
	ahead.Store(int64(skew + quotaWait + time.Second))
	next, err := st.Take(t.Context(), 1, month, 1000, 0)
	if err != nil || next.Calls != 9 || next.Origin == b.Origin { // a hundredth of 993
		t.Errorf("%+v, %v", next, err)
	}
	if err := st.Return(t.Context(), 1, month, b); err != nil {
		t.Error(err)
	}
	if valid, err := st.IsValid(t.Context(), 1, month, next); !valid || err != nil {
		t.Errorf("the new block is not valid: %v", err)
	}
	if err := st.Return(t.Context(), 1, month, usage.Block{Origin: next.Origin, Calls: 9}); err != nil {
		t.Error(err)
	}
	if next, err = st.Take(t.Context(), 1, month, 1000, 0); next.Calls != 9 || err != nil {
		t.Errorf("%+v, %v", next, err)
	}
	// While the tenant had no quota, it made calls that were not taken.
	for _, x := range []struct{ used, want int64 }{{800, 2}, {999, 1}, {1000, 0}} {
		if next, err = st.Take(t.Context(), 1, month, 1000, x.used); next.Calls != x.want || err != nil {
			t.Errorf("%d used: %+v, %v", x.used, next, err)
		}
	}
}
