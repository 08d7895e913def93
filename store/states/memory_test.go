package states

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/tokens"
)

// memory is an engine in memory, which may lose it.
type memory struct {
	mu     sync.Mutex
	values map[Key][]byte
	once   map[Once]bool
	epoch  int64 // 0: it has lost its memory
	swaps  atomic.Int64
	gets   atomic.Int64
}

func newMemory() *memory { return &memory{values: map[Key][]byte{}, once: map[Once]bool{}, epoch: 1} }

func (m *memory) Swap(_ context.Context, s Swap) (was Present, swapped bool, err error) {
	m.swaps.Add(1)
	m.mu.Lock()
	defer m.mu.Unlock()
	was = m.present(s.Key)
	switch {
	case was.Value == nil && m.epoch == 0:
		return Present{}, false, ErrForgot
	case s.Once != (Once{}) && m.once[s.Once]: // also if another value is present
		return was, false, ErrUsed
	case was.Value == nil && was.NotBefore > s.NotBefore, !bytes.Equal(was.Value, s.Known):
		return was, false, nil
	}
	m.values[s.Key] = bytes.Clone(s.Next)
	if s.Once != (Once{}) {
		m.once[s.Once] = true
	}
	return was, true, nil
}

func (m *memory) present(k Key) Present {
	if b := m.values[k]; b != nil {
		return Present{Value: bytes.Clone(b)}
	}
	return Present{NotBefore: m.epoch}
}

func (m *memory) Get(_ context.Context, k Key) (Present, error) {
	m.gets.Add(1)
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.present(k)
	if p.Value == nil && m.epoch == 0 {
		return Present{}, ErrForgot
	}
	return p, nil
}

func (m *memory) Each(_ context.Context, kind byte, fn func(Key, []byte) error) error {
	m.mu.Lock()
	all := maps.Clone(m.values)
	m.mu.Unlock()
	for k, b := range all {
		if k.Kind == kind {
			if err := fn(k, b); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *memory) SetEpoch(_ context.Context, notBefore int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.epoch = max(m.epoch, notBefore)
	return nil
}

func (*memory) Ready(context.Context) error { return nil }
func (*memory) Close() error                { return nil }

// flush loses everything.
func (m *memory) flush() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values, m.once, m.epoch = map[Key][]byte{}, map[Once]bool{}, 0
}

// copied returns the values as they are; become makes them the present ones, as a failover does.
func (m *memory) copied() map[Key][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.values)
}

func (m *memory) become(values map[Key][]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values = maps.Clone(values)
}

// link is what one node reaches an engine through. It loses replies: before the write, after it, or
// so that the write arrives later.
type link struct {
	*memory
	lose atomic.Int64 // of 100 swaps
	lost atomic.Int64
	late sync.WaitGroup
	wait chan struct{} // swaps wait until it is closed, if it is not nil

	holdNext bool  // the next swap is held, and its reply lost
	held     *Swap // it arrives right before the next one

	deaf      bool          // nothing comes back
	slowEpoch time.Duration // until an epoch that is stored arrives
	lostThen  func()        // called after the next swap, whose reply is lost; may be nil
}

func (l *link) Swap(ctx context.Context, s Swap) (Present, bool, error) {
	if l.wait != nil {
		<-l.wait
	}
	if l.holdNext {
		l.holdNext, l.held = false, &s
		return Present{}, false, ErrUnknown
	}
	if held := l.held; held != nil {
		l.held = nil
		l.memory.Swap(ctx, *held)
	}
	if l.deaf {
		return Present{}, false, ErrUnknown
	}
	if then := l.lostThen; then != nil {
		l.lostThen = nil
		l.memory.Swap(ctx, s)
		then()
		return Present{}, false, ErrUnknown
	}
	if rand.Int64N(100) >= l.lose.Load() {
		return l.memory.Swap(ctx, s)
	}
	l.lost.Add(1)
	switch rand.N(3) {
	case 0: // the request was lost
	case 1: // the reply was lost
		l.memory.Swap(ctx, s)
	case 2: // the request is on its way
		l.late.Go(func() {
			time.Sleep(rand.N(time.Millisecond))
			l.memory.Swap(ctx, s)
		})
	}
	return Present{}, false, ErrUnknown
}

func (l *link) SetEpoch(ctx context.Context, notBefore int64) error {
	if err := pauseFor(ctx, l.slowEpoch); err != nil {
		return err
	}
	return l.memory.SetEpoch(ctx, notBefore)
}

func (l *link) Get(ctx context.Context, k Key) (Present, error) {
	if l.deaf {
		<-ctx.Done()
		return Present{}, ctx.Err()
	}
	return l.memory.Get(ctx, k)
}

// table is a sink in memory.
type table struct {
	mu        sync.Mutex
	tokens    map[tokens.ID]Token
	addresses map[addressKey]Address
	notBefore int64
	fault     error
	puts      int
}

func newTable() *table {
	return &table{notBefore: 1, tokens: map[tokens.ID]Token{}, addresses: map[addressKey]Address{}}
}

func (t *table) PutTokens(_ context.Context, list []Token) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fault != nil {
		return t.fault
	}
	t.puts++
	for _, v := range list {
		if old, known := t.tokens[v.ID]; !known || v.Version > old.Version {
			t.tokens[v.ID] = v
		}
	}
	return nil
}

func (t *table) HasTokens(context.Context) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.tokens) > 0, t.fault
}

func (t *table) NotBefore(context.Context) (int64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.notBefore, t.fault
}

func (t *table) SetNotBefore(_ context.Context, notBefore int64) (int64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notBefore = max(t.notBefore, notBefore)
	return t.notBefore, t.fault
}

func (t *table) Used(_ context.Context, month int32) (map[uint32]int64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	used := map[uint32]int64{}
	for _, v := range t.tokens {
		for u := range v.State.Uses() {
			used[v.State.Tenant] += int64(u.Calls)
		}
	}
	return used, t.fault
}

func (t *table) Sweep(context.Context, time.Time) error { return nil }

func (t *table) PutAddresses(_ context.Context, list []Address) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range list {
		if a.Version > t.addresses[a.key].Version {
			t.addresses[a.key] = a
		}
	}
	return t.fault
}

func (t *table) EachAddress(_ context.Context, fn func(addresses.Scope, addresses.State)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range t.addresses {
		fn(a.Scope, a.State)
	}
	return t.fault
}

// nodes returns stores that share an engine and a table, and how each reaches the engine.
func nodes(t *testing.T, n int, m *memory, s Sink) (stores []*Store, links []*link) {
	t.Helper()
	for i := range n {
		l := &link{memory: m}
		st, err := Open(t.Context(), l, s, Options{Log: slog.New(slog.DiscardHandler), Now: time.Now, Node: uint32(i + 1)})
		if err != nil {
			t.Fatal(err)
		}
		stores, links = append(stores, st), append(links, l)
	}
	t.Cleanup(func() {
		for i, l := range links {
			l.lose.Store(0)
			l.late.Wait()
			if err := stores[i].Close(); err != nil && !t.Failed() {
				t.Error(err)
			}
		}
	})
	return stores, links
}
