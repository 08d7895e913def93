package handlers

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/refusals"
	"stile.example/stile/tokens"
)

// street is the addresses of a site: the real rules over a store in memory.
type street struct {
	*addresses.Registry
	houses *houses
}

func newStreet(t testing.TB, p addresses.Policy) *street {
	t.Helper()
	s := &street{houses: &houses{states: map[addresses.Scope]addresses.State{}}}
	book, err := addresses.OpenRegistry(context.Background(), s.houses, p)
	if err != nil {
		t.Fatal(err)
	}
	s.Registry = book
	return s
}

// Bound makes of how an address stands what its token starts with.
func (s *street) Check(ctx context.Context, a tokens.AddressUse) (tokens.AddressVerdict, error) {
	var e addresses.Event = addresses.Deliver{At: a.At, Records: a.Records, Checked: a.AddressChecked}
	if a.NewBinding {
		e = addresses.Bind{At: a.At, Key: a.Key, Records: a.Records}
	}
	v, err := s.Apply(ctx, a.From, a.Tenant, a.At, e)
	if err != nil {
		return tokens.AddressVerdict{}, err
	}
	kind := map[addresses.Status]tokens.Kind{addresses.Crowded: tokens.Work, addresses.Suspicious: tokens.Picture}[v.Status]
	return tokens.AddressVerdict{Blocked: v.Status == addresses.Blocked, Kind: kind, Level: v.Level, Allowance: v.Allowance, Limit: v.Limit, Seen: v.Seen, OverRecords: v.OverRecords, Shared: v.Shared}, nil
}

func (s *street) ChallengeIssued(ctx context.Context, c tokens.AddressChallenge) error {
	_, err := s.Apply(ctx, c.From, c.Tenant, c.At, addresses.Issued{At: c.At, Shared: c.Shared})
	return err
}

func (s *street) ChallengeSolved(ctx context.Context, c tokens.AddressChallenge) error {
	_, err := s.Apply(ctx, c.From, c.Tenant, c.At, addresses.Solved{At: c.At, Shared: c.Shared})
	return err
}

// block blocks a range as a person does: for good, or until a time.
func (s *site) block(what string, until time.Time) {
	s.Helper()
	s.must(s.street.Put(context.Background(), addresses.Entry{Range: netip.MustParsePrefix(what), Kind: addresses.Block, Until: until}))
}

// houses is an addresses.Store.
type houses struct {
	mu      sync.Mutex
	states  map[addresses.Scope]addresses.State
	entries []addresses.Entry
	fault   error
}

func (h *houses) UpdateAddress(_ context.Context, a addresses.Scope, fn func(addresses.State) addresses.State) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fault == nil {
		h.states[a] = fn(h.states[a])
	}
	return h.fault
}

func (h *houses) EachAddress(_ context.Context, fn func(addresses.Scope, addresses.State)) error {
	for a, s := range h.states {
		fn(a, s)
	}
	return nil
}

func (h *houses) Entries(context.Context) ([]addresses.Entry, error) { return h.entries, nil }

func (h *houses) PutEntry(_ context.Context, e addresses.Entry) error {
	h.entries = append(h.entries, e)
	return nil
}

func (h *houses) RemoveEntry(context.Context, netip.Prefix) (bool, error) { return false, nil }

// notebook keeps what the site told of its refusals.
type notebook struct {
	log   *slog.Logger
	mu    sync.Mutex
	notes []refusals.Refusal
	kept  map[string]bool // lasting, by reference
}

func (n *notebook) Note(f refusals.Refusal, lasting bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.notes = append(n.notes, f)
	n.kept[f.Ref] = lasting
}

// Log writes every line at once, so that a test sees each.
func (n *notebook) Log(_ time.Time, l refusals.Line) {
	attrs := append([]slog.Attr{slog.String("code", l.Code), slog.String("tenant", l.Tenant), slog.String("address", l.Address)}, l.Attrs...)
	n.log.LogAttrs(context.Background(), l.Level, l.Message, append(attrs, slog.Int64("count", max(l.Count, 1)))...)
}

func (n *notebook) last() (f refusals.Refusal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.notes) > 0 {
		f = n.notes[len(n.notes)-1]
	}
	return f
}

// networkOf shows an address as the default of log_addresses does.
func networkOf(a netip.Addr) string {
	bits := 24
	if a.Is6() {
		bits = 48
	}
	p, _ := a.Prefix(bits)
	return p.String()
}
