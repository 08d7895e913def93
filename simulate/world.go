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

// monday is when the clock starts.
var monday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// agent is someone who acts by the clock.
type agent interface {
	// act does what is due, and says when to act next; never: not again.
	act(w *world, now time.Duration) (next time.Duration)
}

const never = time.Duration(1<<63 - 1)

// world is where one group lives: its tokens, its addresses, its clock, and
// the record of what became of it. It is the store that the gate is given.
type world struct {
	Config
	*rand.Rand
	gate   tokens.Gate
	tokens map[tokens.ID]tokens.State
	homes  map[addresses.Scope]addresses.State
	names  uint64 // tokens issued
	end    time.Duration
	tally
}

func newWorld(c Config, r *rand.Rand) *world {
	w := &world{Config: c, Rand: r, tokens: map[tokens.ID]tokens.State{}, homes: map[addresses.Scope]addresses.State{},
		end: time.Duration(c.Days) * 24 * time.Hour}
	w.gate = tokens.Gate{Store: w, Addresses: w}
	w.tally = newTally(c)
	return w
}

// live plays the agents' acts in the order of their times.
func (w *world) live(ctx context.Context, agents []agent) {
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

// Update makes the world a [tokens.Store].
func (w *world) Update(_ context.Context, id tokens.ID, fn func(tokens.State) tokens.State) error {
	w.tokens[id] = fn(w.tokens[id])
	return nil
}

// Peek makes the world a [tokens.Store].
func (w *world) Peek(id tokens.ID) (tokens.State, bool) { return w.tokens[id], true }

// Bound makes the world the [tokens.AddressChecker] of its gate.
func (w *world) Check(_ context.Context, a tokens.AddressUse) (tokens.AddressVerdict, error) {
	var e addresses.Event = addresses.Deliver{At: a.At, Records: a.Records, Checked: a.AddressChecked}
	if a.NewBinding {
		e = addresses.Bind{At: a.At, Key: a.Key, Records: a.Records}
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

// Asked is told of a crowd's challenge that was opened.
func (w *world) ChallengeIssued(_ context.Context, c tokens.AddressChallenge) error {
	w.step(c.From, c.Tenant, addresses.Issued{At: c.At, Shared: c.Shared})
	return nil
}

// Solved is told of a crowd's challenge that was solved.
func (w *world) ChallengeSolved(_ context.Context, c tokens.AddressChallenge) error {
	w.step(c.From, c.Tenant, addresses.Solved{At: c.At, Shared: c.Shared})
	return nil
}

func (w *world) step(from netip.Addr, tenant uint32, e addresses.Event) addresses.Verdict {
	v, _ := w.Addresses.Apply(from, tenant, e, func(scope addresses.Scope, p addresses.Policy, e addresses.Event) (addresses.Verdict, error) {
		s, v := addresses.Step(w.homes[scope], p, e)
		w.homes[scope] = s
		if v.NewlyBlocked {
			w.blocks++
		}
		return v, nil // this store has no faults
	})
	return v
}

// blocked says until when a rule blocks an address for new tokens of a tenant;
// 0: it does not.
func (w *world) blocked(from netip.Addr, tenant uint32, now time.Duration) time.Duration {
	if s := w.homes[addresses.OfTenant(from, tenant)]; s.Until > monday.Add(now).Unix() {
		return time.Duration(s.Until-monday.Unix()) * time.Second
	}
	return 0
}

// issue gives out a token, as a tenant's page does for whoever loads it.
func (w *world) issue() (id tokens.ID) {
	w.names++
	binary.BigEndian.PutUint64(id[:], w.names)
	return id
}

// address is the n-th of the group's addresses.
func address(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
}

// due is an agent and when it acts next.
type due struct {
	at    time.Duration
	agent int
}

func (d due) before(o due) bool { return d.at < o.at || d.at == o.at && d.agent < o.agent }

// queue is a heap of what is due, the earliest first.
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
