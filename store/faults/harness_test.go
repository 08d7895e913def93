// Package faults tests several nodes whose engines fail: real engines that are killed, stopped,
// paused, slow, read-only or forgetful, and networks that lose, cut and delay what is sent.
//
// Whatever happens, no token gets more calls than its limit, each answered call is in the ledger, a
// call is answered, correctly refused or fails as a fault, nobody waits long, and all is well a few
// seconds after the fault has ended.
package faults

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"stile.example/stile/stiletest/ports"
	"stile.example/stile/store/breaker"
	"stile.example/stile/store/postgres"
	"stile.example/stile/store/postgres/values"
	"stile.example/stile/store/states"
	"stile.example/stile/store/tables/rows"
	"stile.example/stile/store/valkey"
	"stile.example/stile/tokens"
)

const (
	heals     = 5 * time.Second // the limit after a fault has ended
	requestIn = 5 * time.Second // as the handlers allow
	longest   = 5 * time.Second // the limit of what a caller waits: 2.5 s if not busy
	pace      = 4 * time.Millisecond
)

// proxy is a network between a node and an engine, which toxiproxy spoils.
type proxy struct {
	t *testing.T
	*toxiproxy.Proxy
}

func newProxy(t *testing.T, upstream string) *proxy {
	t.Helper()
	port, err := ports.Free() // which nothing else uses while the network is cut
	if err != nil {
		t.Fatal(err)
	}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(server, "engine", fmt.Sprint("127.0.0.1:", port), upstream)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return &proxy{t, p}
}

// spoil makes the network bad in one way, in both directions, until the function that it returns is
// called.
func (p *proxy) spoil(kind, attributes string) (restore func()) {
	for _, stream := range []string{"upstream", "downstream"} {
		text := fmt.Sprintf(`{"name": %q, "type": %q, "stream": %q, "attributes": {%s}}`, kind+stream, kind, stream, attributes)
		if _, err := p.Toxics.AddToxicJson(strings.NewReader(text)); err != nil {
			p.t.Fatal(err)
		}
	}
	return func() { p.Toxics.ResetToxics(context.Background()) }
}

// cut closes all connections and refuses new ones.
func (p *proxy) cut() (restore func()) {
	p.Stop()
	return func() {
		if err := p.Start(); err != nil {
			p.t.Error(err)
		}
	}
}

// node is one of several nodes, with networks of its own.
type node struct {
	gate           *tokens.Gate
	states         *states.Store
	db             *postgres.DB
	requests       *breaker.Breaker
	state, storage *proxy // to the engine of states, nil if it is a Cluster; and to PostgreSQL
	ahead          time.Duration
	failing        atomic.Int64 // calls that failed since the last one that was answered
}

var numbers atomic.Uint32

func logger(t *testing.T) *slog.Logger {
	if os.Getenv("STILE_FAULTS_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

// openNode opens a node. open opens its engine.
func openNode(t *testing.T, url string, state, storage *proxy, ahead time.Duration, open func(*slog.Logger, func() time.Time) (states.Engine, int)) *node {
	t.Helper()
	n := &node{state: state, storage: storage, ahead: ahead}
	log := logger(t)
	var err error
	if n.db, err = postgres.Open(t.Context(), url, postgres.Options{Log: log, Now: n.now}); err != nil {
		t.Fatal(err)
	}
	engine, trip := open(log, n.now)
	n.requests = breaker.New(breaker.Options{Name: "state", Log: log, Trip: trip})
	n.states, err = states.Open(t.Context(), states.NewGuard(engine, n.requests), values.Sink{DB: n.db},
		states.Options{Log: log, Now: n.now, Node: numbers.Add(1)})
	if err != nil {
		t.Fatal(err)
	}
	n.gate = &tokens.Gate{Store: n.states, Addresses: generous{}}
	ctx, stop := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { n.states.Run(ctx) })
	t.Cleanup(func() { stop(); work.Wait(); _ = n.states.Close(); _ = n.db.Close() })
	return n
}

func (n *node) now() time.Time { return time.Now().Add(n.ahead) }

// generous admits every token at every address.
type generous struct{}

func (generous) Check(context.Context, tokens.AddressUse) (tokens.AddressVerdict, error) {
	return tokens.AddressVerdict{Known: true}, nil
}
func (generous) ChallengeIssued(context.Context, tokens.AddressChallenge) error { return nil }
func (generous) ChallengeSolved(context.Context, tokens.AddressChallenge) error { return nil }

// token is a token that several clients use at all nodes.
type token struct {
	id     tokens.ID
	issued time.Time
	limit  uint32

	answered, failed atomic.Int64 // calls; of the failed ones some may have been counted
	over             atomic.Bool  // it was refused because it was lost or has used all calls
}

// load is the calls that continue all the time.
type load struct {
	t     *testing.T
	nodes []*node

	mu     sync.Mutex
	tokens []*token
	mayAge atomic.Bool // tokens may be refused because states were lost

	slowest atomic.Int64
	calls   atomic.Int64
	faults  sync.Map // counts of faults, by their texts
	stop    context.CancelFunc
	work    sync.WaitGroup
}

const (
	live    = 24 // tokens in use at the same time
	clients = 4  // for each node
)

func startLoad(t *testing.T, nodes []*node) *load {
	l := &load{t: t, nodes: nodes}
	for range live {
		l.newToken(nodes[0])
	}
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	for _, n := range nodes {
		for range clients {
			l.work.Go(func() { l.client(ctx, n) })
		}
	}
	t.Cleanup(l.end)
	return l
}

func (l *load) end() { l.stop(); l.work.Wait() }

// newToken issues a token, as the signer of a node does.
func (l *load) newToken(n *node) *token {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := time.Unix(max(n.now().Unix(), n.states.NotBefore()+1), 0)
	t := &token{issued: at, limit: 40 + rand.Uint32N(400)}
	for i := range t.id {
		t.id[i] = byte(rand.Uint32())
	}
	l.tokens = append(l.tokens, t)
	return t
}

// client makes calls of tokens that are in use, and replaces those that are over.
func (l *load) client(ctx context.Context, n *node) {
	for ctx.Err() == nil {
		l.call(n, l.pick(n))
		time.Sleep(rand.N(2 * pace))
	}
}

// pick returns a token that is in use.
func (l *load) pick(n *node) *token {
	l.mu.Lock()
	at := max(0, len(l.tokens)-live)
	t := l.tokens[at+rand.IntN(len(l.tokens)-at)]
	l.mu.Unlock()
	if t.over.Load() {
		return l.newToken(n)
	}
	return t
}

// call makes a call, and checks how it ends. It reports whether it was answered.
func (l *load) call(n *node, t *token) bool {
	ctx, cancel := context.WithTimeout(context.Background(), requestIn)
	defer cancel()
	began := time.Now()
	p := tokens.Policy{Calls: t.limit, Records: 1 << 30, BindWithin: time.Hour, SpikeCalls: 1 << 30, SpikeSuggestions: 1 << 30,
		SpikePer: time.Minute, Ladder: []tokens.Kind{tokens.Work}, PerToken: 9, Ignored: 9, Expires: time.Minute}
	v, err := n.gate.Apply(ctx, t.id, p, &tokens.Call{At: n.now(), Tenant: 7, IssuedAt: t.issued, Expires: t.issued.Add(24 * time.Hour),
		From: netip.AddrFrom4([4]byte{192, 0, 2, 1}), Route: tokens.Items, Records: 1})
	took := time.Since(began)
	for old := l.slowest.Load(); int64(took) > old && !l.slowest.CompareAndSwap(old, int64(took)); old = l.slowest.Load() {
	}
	l.calls.Add(1)
	switch {
	case err != nil:
		t.failed.Add(1)
		n.failing.Add(1)
		count, _ := l.faults.LoadOrStore(brief(err), new(atomic.Int64))
		count.(*atomic.Int64).Add(1)
	case v.Outcome == tokens.Admit:
		t.answered.Add(1)
		n.failing.Store(0)
		return true
	case v.Reason == tokens.Exhausted:
		// Counted calls that were not answered may have used some.
		if t.over.Store(true); t.answered.Load()+t.failed.Load()+3*clients < int64(t.limit) {
			l.t.Errorf("a token was exhausted after %d of %d calls, and %d that failed", t.answered.Load(), t.limit, t.failed.Load())
		}
	case v.Forgotten && l.mayAge.Load():
		t.over.Store(true)
	default:
		l.t.Errorf("a call was refused: %v (forgotten %v)", v.Reason, v.Forgotten)
	}
	return false
}

// brief returns the kind of an error.
func brief(err error) string {
	switch {
	case errors.Is(err, tokens.ErrUnknown):
		return "unknown"
	case errors.Is(err, context.DeadlineExceeded):
		return "too late"
	case errors.Is(err, breaker.ErrOpen):
		return "breaker is open"
	}
	text := err.Error()
	return text[:min(len(text), 160)]
}

// healed waits until each node answers calls of an old and of a new token, and returns how long
// that took.
func (l *load) healed() time.Duration {
	l.t.Helper()
	began := time.Now()
	for i, n := range l.nodes {
		for {
			old := l.pick(n)
			if l.call(n, l.newToken(n)) && (old.over.Load() || l.call(n, old) || old.over.Load()) {
				break
			}
			if took := time.Since(began); took > heals {
				l.t.Errorf("node %d does not work %s after the fault", i, took.Round(time.Millisecond))
				return took
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	return time.Since(began)
}

// fault lets something fail for a while, and checks that everything works soon afterwards.
func (l *load) fault(name string, lasts time.Duration, begin func() (restore func())) {
	l.t.Helper()
	l.slowest.Store(0)
	l.faults.Clear()
	calls := l.calls.Load()
	restore := begin()
	time.Sleep(lasts)
	restore()
	took := l.healed()
	slowest := time.Duration(l.slowest.Load())
	var faults []string
	l.faults.Range(func(text, n any) bool {
		faults = append(faults, fmt.Sprintf("%d× %s", n.(*atomic.Int64).Load(), text))
		return true
	})
	l.t.Logf("%-28s lasted %4s: healed after %5s; slowest call %5s; %d calls, failed: %s", name, lasts, took.Round(10*time.Millisecond),
		slowest.Round(10*time.Millisecond), l.calls.Load()-calls, strings.Join(faults, ", "))
	if slowest > longest {
		l.t.Errorf("%s: a caller waited %s", name, slowest)
	}
}

// check ends the load, and checks the ledger and the limits of all tokens.
func (l *load) check() {
	l.t.Helper()
	l.end()
	for _, n := range l.nodes {
		for deadline := time.Now().Add(heals); ; time.Sleep(100 * time.Millisecond) {
			err := n.states.Settle(l.t.Context())
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				l.t.Fatal(err)
			}
		}
	}
	counted := l.ledger()
	answered, extra := int64(0), int64(0)
	for _, t := range l.tokens {
		a, f, n := t.answered.Load(), t.failed.Load(), counted[t.id]
		answered, extra = answered+a, extra+n-a
		switch {
		case a > int64(t.limit):
			l.t.Errorf("a token with %d calls was answered %d", t.limit, a)
		case n < a:
			l.t.Errorf("%d calls of a token were answered, and %d are in the ledger", a, n)
		case n > a+f:
			l.t.Errorf("%d calls of a token are in the ledger, but %d were answered, and %d failed", n, a, f)
		}
	}
	l.t.Logf("%d calls of %d tokens were answered; %d that failed were counted too", answered, len(l.tokens), extra)
}

func (l *load) ledger() map[tokens.ID]int64 {
	counted := map[tokens.ID]int64{}
	read := func() error {
		return rows.Each(l.t.Context(), l.nodes[0].db.Reader(), func(r rows.Row) error {
			var id []byte
			var n int64
			err := r.Scan(&id, &n)
			counted[tokens.ID(id)] = n
			return err
		}, `SELECT token, CAST(sum(calls) AS bigint) FROM ledger GROUP BY token`)
	}
	err := read()
	for range 4 { // connections that have ended may still be in the pool
		if err != nil {
			err = read()
		}
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return counted
}

// openValkey opens an engine of a URL.
func openValkey(t *testing.T, url string) func(*slog.Logger, func() time.Time) (states.Engine, int) {
	return func(log *slog.Logger, _ func() time.Time) (states.Engine, int) {
		e, err := valkey.Open(t.Context(), valkey.Options{URL: url, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		return e, -1
	}
}

func TestMain(m *testing.M) {
	zerolog.SetGlobalLevel(zerolog.Disabled)
	os.Exit(m.Run())
}
