package queue

import (
	"context"
	"errors"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stile.example/stile/handlers/transport"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
)

// budgeted maps addresses to how many tokens they may bind. 25 are usual.
type budgeted map[netip.Addr]uint16

func (b budgeted) Bindings(a netip.Addr, _ time.Time) (allowed, usual uint16) {
	if n, ok := b[a]; ok {
		return n, 25
	}
	return 25, 25
}

// request is a request with a token.
type request struct {
	transport.Request
	token tokens.ID
}

// maxConnections is how many requests a server holds at once.
const maxConnections = 16_384

// asking returns a request with a token of a tenant, from the n-th address.
func asking(token byte, n byte, tenant uint32) *request {
	r := &request{}
	r.HTTP = httptest.NewRequest("GET", "/v1/items", nil)
	r.token = tokens.ID{token}
	r.From, r.Tenant = netip.AddrFrom4([4]byte{192, 0, 2, n}), &tenants.Tenant{Number: tenant}
	return r
}

// TestS54QueriesRunning checks that two queries of a token run at the same time, and four of an
// address and tenant, or in proportion to the address's own budget. Other tokens, addresses and
// tenants do not wait for them.
func TestS54QueriesRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budgeted{netip.AddrFrom4([4]byte{192, 0, 2, 2}): 50, netip.AddrFrom4([4]byte{192, 0, 2, 3}): 0}
		var q Queue
		for name, c := range map[string]struct {
			of   func(n int) *request
			want int
		}{
			"one token":                 {func(int) *request { return asking(1, 1, 1) }, 2},
			"one address":               {func(n int) *request { return asking(byte(10+n), 1, 2) }, 4},
			"its other tenant":          {func(n int) *request { return asking(byte(40+n), 1, 3) }, 4},
			"with twice the budget":     {func(n int) *request { return asking(byte(70+n), 2, 1) }, 8},
			"exempt":                    {func(n int) *request { return asking(byte(100+n), 3, 1) }, 20},
			"exempt, with a token only": {func(int) *request { return asking(130, 3, 1) }, 2},
		} {
			var mu sync.Mutex
			var order []int
			running, most := 0, 0
			var wg sync.WaitGroup
			for n := range 20 {
				wg.Go(func() {
					time.Sleep(time.Duration(n)) // in this order
					done, err := taken(t.Context(), &q, c.of(n), b)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					order = append(order, n)
					running++
					most = max(most, running)
					mu.Unlock()
					time.Sleep(time.Second)
					mu.Lock()
					running--
					mu.Unlock()
					done()
				})
			}
			wg.Wait()
			if most != c.want || len(order) != 20 || !fairly(order, c.want) {
				t.Errorf("%s: %d at the same time, want %d; in the order %v", name, most, c.want, order)
			}
		}
		if len(q.tokens.keys) != 0 || len(q.addresses.keys) != 0 {
			t.Errorf("stored for idle keys: %v, %v", q.tokens.keys, q.addresses.keys)
		}
	})
}

// fairly reports whether those that waited had their turns in the order in which
// they came. Those that end at the same moment may change places.
func fairly(order []int, atOnce int) bool {
	for i, n := range order {
		if n/atOnce != i/atOnce {
			return false
		}
	}
	return true
}

// TestS54ClientLeavesQueue checks that a request whose client has closed the connection leaves the
// queue, and that its turn goes to the next one.
func TestS54ClientLeavesQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q Queue
		var ends []func()
		for range perToken {
			done, err := taken(t.Context(), &q, asking(1, 1, 1), budgeted{})
			if err != nil {
				t.Fatal(err)
			}
			ends = append(ends, done)
		}
		leaves := asking(1, 1, 1)
		ctx, leave := context.WithCancel(t.Context())
		leaves.HTTP = leaves.HTTP.WithContext(ctx)
		var left error
		go func() { left = q.Take(t.Context(), &leaves.Request, leaves.token, budgeted{}) }()
		synctest.Wait()
		stays := make(chan func(), 1)
		go func() {
			done, err := taken(t.Context(), &q, asking(1, 1, 1), budgeted{})
			if err != nil {
				t.Error(err)
			}
			stays <- done
		}()
		synctest.Wait()
		leave()
		synctest.Wait()
		if !errors.Is(left, context.Canceled) {
			t.Errorf("the one that left: %v", left)
		}
		ends[0]()
		ends = append(ends, <-stays)
		for _, end := range ends[1:] {
			end()
		}
		if len(q.tokens.keys) != 0 || len(q.addresses.keys) != 0 {
			t.Errorf("stored: %v, %v", q.tokens.keys, q.addresses.keys)
		}
	})
}

// TestS54QueueIsCheap checks that as many requests as there are connections can wait for the turn
// of one token, and all give up. The queue takes under 4 KB for each, and not more the longer it
// is.
func TestS54QueueIsCheap(t *testing.T) {
	var q turns[tokens.ID]
	always := func() int { return 1 }
	if err := q.take(t.Context(), t.Context(), tokens.ID{1}, always); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	errs := make([]error, maxConnections)
	for n := range errs {
		wg.Go(func() { errs[n] = q.take(ctx, t.Context(), tokens.ID{1}, always) })
	}
	waiting := func() int {
		q.mu.Lock()
		defer q.mu.Unlock()
		return len(q.keys[tokens.ID{1}].waiting)
	}
	for waiting() < maxConnections {
		runtime.Gosched()
	}
	cancel()
	wg.Wait()
	runtime.ReadMemStats(&after)
	if slices.ContainsFunc(errs, func(err error) bool { return !errors.Is(err, context.Canceled) }) || waiting() != 0 {
		t.Errorf("%d still wait", waiting())
	}
	if n := (after.TotalAlloc - before.TotalAlloc) / maxConnections; n > 4096 {
		t.Errorf("%d bytes for a request that waits", n)
	}
}

// taken takes a turn, and returns a function that ends it.
func taken(ctx context.Context, q *Queue, r *request, b Budgets) (done func(), err error) {
	err = q.Take(ctx, &r.Request, r.token, b)
	return func() { q.Give(&r.Request, r.token) }, err
}
