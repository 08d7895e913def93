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

// fakeAddresses is the addresses of a site: the real rules with a store in memory.
type fakeAddresses struct {
	*addresses.Registry
	store *addressStore
}

func newFakeAddresses(t testing.TB, p addresses.Policy) *fakeAddresses {
	t.Helper()
	s := &fakeAddresses{store: &addressStore{states: map[addresses.Scope]addresses.State{}}}
	registry, err := addresses.OpenRegistry(context.Background(), s.store, p)
	if err != nil {
		t.Fatal(err)
	}
	s.Registry = registry
	return s
}

// Check returns the verdict for a token from the state of its address.
func (s *fakeAddresses) Check(ctx context.Context, a tokens.AddressUse) (tokens.AddressVerdict, error) {
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

func (s *fakeAddresses) ChallengeIssued(ctx context.Context, c tokens.AddressChallenge) error {
	_, err := s.Apply(ctx, c.From, c.Tenant, c.At, addresses.Issued{At: c.At, Shared: c.Shared})
	return err
}

func (s *fakeAddresses) ChallengeSolved(ctx context.Context, c tokens.AddressChallenge) error {
	_, err := s.Apply(ctx, c.From, c.Tenant, c.At, addresses.Solved{At: c.At, Shared: c.Shared})
	return err
}

// block blocks a range as an operator does: permanently, or until a time.
func (s *site) block(what string, until time.Time) {
	s.Helper()
	s.must(s.addresses.Put(context.Background(), addresses.Entry{Range: netip.MustParsePrefix(what), Kind: addresses.Block, Until: until}))
}

// addressStore is an addresses.Store.
type addressStore struct {
	mu      sync.Mutex
	states  map[addresses.Scope]addresses.State
	entries []addresses.Entry
	fault   error
}

func (h *addressStore) UpdateAddress(_ context.Context, a addresses.Scope, fn func(addresses.State) addresses.State) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fault == nil {
		h.states[a] = fn(h.states[a])
	}
	return h.fault
}

func (h *addressStore) EachAddress(_ context.Context, fn func(addresses.Scope, addresses.State)) error {
	for a, s := range h.states {
		fn(a, s)
	}
	return nil
}

func (h *addressStore) Entries(context.Context) ([]addresses.Entry, error) { return h.entries, nil }

func (h *addressStore) PutEntry(_ context.Context, e addresses.Entry) error {
	h.entries = append(h.entries, e)
	return nil
}

func (h *addressStore) RemoveEntry(context.Context, netip.Prefix) (bool, error) { return false, nil }

// refusalRecorder stores the refusals of a site.
type refusalRecorder struct {
	log   *slog.Logger
	mu    sync.Mutex
	notes []refusals.Refusal
	kept  map[string]bool // whether it is lasting, by reference
}

func (n *refusalRecorder) Note(f refusals.Refusal, lasting bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.notes = append(n.notes, f)
	n.kept[f.Ref] = lasting
}

func (n *refusalRecorder) Keep(f refusals.Refusal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.kept[f.Ref] = true
}

// Log writes every line immediately, so that a test can read it.
func (n *refusalRecorder) Log(_ time.Time, l refusals.Line) {
	attrs := append([]slog.Attr{slog.String("code", l.Code), slog.String("tenant", l.Tenant), slog.String("address", l.Address)}, l.Attrs...)
	n.log.LogAttrs(context.Background(), l.Level, l.Message, append(attrs, slog.Int64("count", max(l.Count, 1)))...)
}

func (n *refusalRecorder) last() (f refusals.Refusal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.notes) > 0 {
		f = n.notes[len(n.notes)-1]
	}
	return f
}

// networkOf returns an address as the default of log_addresses shows it.
func networkOf(a netip.Addr) string {
	bits := 24
	if a.Is6() {
		bits = 48
	}
	p, _ := a.Prefix(bits)
	return p.String()
}
