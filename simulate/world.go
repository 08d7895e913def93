package simulate

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/tokens"
)

// monday is the start of the clock.
var monday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// agent is a person, a scraper or an attacker.
type agent interface {
	// act does what is due, and returns when to act next, or never.
	act(w *world, now time.Duration) (next time.Duration)
}

const never = time.Duration(1<<63 - 1)

// world is the simulation of one group: its tokens, its addresses, its clock and its tally. It is
// the Store and the AddressChecker of its gate.
type world struct {
	Config
	*rand.Rand
	gate   tokens.Gate
	tokens map[tokens.ID]tokens.State
	scopes map[addresses.Scope]addresses.State
	issued uint64 // tokens issued
	end    time.Duration
	tally
}

func newWorld(c Config, r *rand.Rand) *world {
	w := &world{Config: c, Rand: r, tokens: map[tokens.ID]tokens.State{}, scopes: map[addresses.Scope]addresses.State{},
		end: time.Duration(c.Days) * 24 * time.Hour}
	w.gate = tokens.Gate{Store: w, Addresses: w}
	w.tally = newTally(c)
	return w
}

// run lets the agents act in the order of their times.
func (w *world) run(ctx context.Context, agents []agent) {
	var q queue
	for n, a := range agents {
		if _, hidden := a.(*weapon); !hidden {
			w.agents++
		}
		if at := a.act(w, 0); at < w.end {
			q.push(due{at, n})
		}
	}
	for acts := 0; len(q) > 0; acts++ {
		if acts%4096 == 0 && ctx.Err() != nil {
			return
		}
		d := q.pop()
		if next := agents[d.agent].act(w, d.at); next < w.end {
			q.push(due{max(next, d.at+time.Millisecond), d.agent})
		}
	}
}

// Update implements [tokens.Store].
func (w *world) Update(_ context.Context, id tokens.ID, fn func(tokens.State) tokens.State) error {
	w.tokens[id] = fn(w.tokens[id])
	return nil
}

// Peek implements [tokens.Store].
func (w *world) Peek(id tokens.ID) (tokens.State, bool) { return w.tokens[id], true }

// Check implements [tokens.AddressChecker].
func (w *world) Check(_ context.Context, a tokens.AddressUse) (tokens.AddressVerdict, error) {
	var e addresses.Event = addresses.Deliver{At: a.At, Records: a.Records, Checked: a.AddressChecked}
	if a.NewBinding {
		e = addresses.Bind{At: a.At, Key: a.Key, Person: a.Person, Records: a.Records}
	}
	v := w.step(a.From, a.Tenant, e)
	c := tokens.AddressVerdict{Level: v.Level, Allowance: v.Allowance, Shared: v.Shared}
	switch v.Status {
	case addresses.Blocked:
		c.Blocked = true
	case addresses.Crowded:
		c.Kind = tokens.Work
	case addresses.Suspicious:
		c.Kind = tokens.Picture
	}
	return c, nil
}

// ChallengeIssued implements [tokens.AddressChecker].
func (w *world) ChallengeIssued(_ context.Context, c tokens.AddressChallenge) error {
	w.step(c.From, c.Tenant, addresses.Issued{At: c.At, Shared: c.Shared})
	return nil
}

// ChallengeSolved implements [tokens.AddressChecker].
func (w *world) ChallengeSolved(_ context.Context, c tokens.AddressChallenge) error {
	w.step(c.From, c.Tenant, addresses.Solved{At: c.At, Shared: c.Shared})
	return nil
}

// step applies an event to the scopes of an address.
func (w *world) step(from netip.Addr, tenant uint32, e addresses.Event) addresses.Verdict {
	v, _ := w.Addresses.Apply(from, tenant, e, func(scope addresses.Scope, p addresses.Policy, e addresses.Event) (addresses.Verdict, error) {
		s, v := addresses.Step(w.scopes[scope], p, e)
		w.scopes[scope] = s
		if v.NewlyBlocked {
			w.blocks++
		}
		return v, nil // this store never fails
	})
	return v
}

// blocked returns until when a rule blocks an address for new tokens of a tenant, or 0 if it does
// not.
func (w *world) blocked(from netip.Addr, tenant uint32, now time.Duration) time.Duration {
	if s := w.scopes[addresses.OfTenant(from, tenant)]; s.Until > monday.Add(now).Unix() {
		return time.Duration(s.Until-monday.Unix()) * time.Second
	}
	return 0
}

// issue returns a new token, as a tenant's page does when it is loaded.
func (w *world) issue() (id tokens.ID) {
	w.issued++
	binary.BigEndian.PutUint64(id[:], w.issued)
	return id
}

// address returns the n-th of the group's addresses.
func address(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
}

// due is the next act of an agent.
type due struct {
	at    time.Duration
	agent int
}

func (d due) before(o due) bool { return d.at < o.at || d.at == o.at && d.agent < o.agent }

// queue is a heap of what is due. Its root is the earliest.
type queue []due

func (q *queue) push(d due) {
	h := append(*q, d)
	for n := len(h) - 1; n > 0 && h[n].before(h[(n-1)/2]); n = (n - 1) / 2 {
		h[n], h[(n-1)/2] = h[(n-1)/2], h[n]
	}
	*q = h
}

func (q *queue) pop() due {
	h := *q
	first, last := h[0], len(h)-1
	h[0], h = h[last], h[:last]
	for n := 0; ; {
		c := 2*n + 1
		if c >= last {
			break
		}
		if c+1 < last && h[c+1].before(h[c]) {
			c++
		}
		if !h[c].before(h[n]) {
			break
		}
		h[n], h[c] = h[c], h[n]
		n = c
	}
	*q = h
	return first
}
