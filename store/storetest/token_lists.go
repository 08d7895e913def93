package storetest

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"stile.example/stile/tokens"
	"stile.example/stile/tokens/listing"
)

// listed is a token as a test stored it.
type listed struct {
	id tokens.ID
	s  tokens.State
}

func (l listed) used() int64 { return max(l.s.IssuedAt, l.s.BoundAt(), int64(l.s.Calls.Since)) }

// at returns the time that orders a list.
func (l listed) at(q listing.Query) int64 {
	switch {
	case q.ByIssue:
		return l.s.IssuedAt
	case q.State == listing.Expired:
		return l.s.Expires
	}
	return l.used()
}

// someTokens stores n tokens with few different values.
func someTokens(t *testing.T, s Store, r *rand.Rand, n int) (all []listed) {
	t.Helper()
	for i := range n {
		l := listed{s: tokens.State{Tenant: 1 + r.Uint32N(3), IssuedAt: noon.Unix() - r.Int64N(100_000), Dead: tokens.Reason(max(0, r.IntN(6)-3))}}
		binary.BigEndian.PutUint64(l.id[:], r.Uint64())
		binary.BigEndian.PutUint64(l.id[8:], uint64(i))
		l.s.Expires = l.s.IssuedAt + 86400
		l.s.Calls.Since = uint32(l.s.IssuedAt + r.Int64N(40))
		if l.s.Bound = tokens.BindToKey(tokens.Key{1}); r.IntN(2) == 0 {
			l.s.Bound = tokens.BindTo(addressOf(r.IntN(4)))
		}
		putToken(t, s, l)
		all = append(all, l)
	}
	return all
}

func putToken(t *testing.T, s Store, l listed) {
	t.Helper()
	if err := s.Update(t.Context(), l.id, func(tokens.State) tokens.State { return l.s }); err != nil {
		t.Fatal(err)
	}
}

func addressOf(n int) netip.Addr { return netip.MustParseAddr(fmt.Sprint("192.0.2.", n)) }

// listsOf returns every kind of list.
func listsOf() (all []listing.Query) {
	for _, state := range append([]listing.State{""}, listing.States...) {
		for _, tenant := range []uint32{0, 2} {
			for _, a := range []netip.Addr{{}, addressOf(1)} {
				for _, byIssue := range []bool{false, true} {
					all = append(all, listing.Query{Tenant: tenant, State: state, Address: a, ByIssue: byIssue, Limit: 7, Now: noon})
				}
			}
		}
	}
	return all
}

// chosen returns the ids of the tokens that a query selects, in the order of the list.
func chosen(all []listed, q listing.Query) (ids []tokens.ID) {
	all = slices.DeleteFunc(slices.Clone(all), func(l listed) bool {
		expired := l.s.Expires <= q.Now.Unix()
		isState := map[listing.State]bool{"": true, listing.Live: l.s.Dead == 0 && !expired, listing.Dead: l.s.Dead != 0, listing.Expired: expired}[q.State]
		return !isState || q.Tenant != 0 && q.Tenant != l.s.Tenant || q.Address.IsValid() && l.s.Bound.Address() != q.Address
	})
	slices.SortFunc(all, func(a, b listed) int { return cmp.Or(cmp.Compare(b.at(q), a.at(q)), bytes.Compare(b.id[:], a.id[:])) })
	for _, l := range all {
		ids = append(ids, l.id)
	}
	return ids
}

// pagesOfTokens returns the ids of all pages of a list. between is called between two pages.
func pagesOfTokens(t *testing.T, s Store, q listing.Query, between func()) (ids []tokens.ID) {
	t.Helper()
	for {
		page, err := s.Tokens(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page {
			ids = append(ids, e.ID)
		}
		if len(page) < q.Limit {
			return ids
		}
		q.After = page[len(page)-1].Position
		between()
	}
}

// tokensListed: each list has the tokens that it says, in the exact order, also after the store was
// opened again. Later events of a token are in the list too.
func tokensListed(t *testing.T, open func() Store) {
	s, r := open(), rand.New(rand.NewPCG(5, 6))
	all := someTokens(t, s, r, 300)
	for i := range 40 {
		l := &all[i]
		if l.s.Dead == tokens.None && i%2 == 0 {
			l.s.Dead = tokens.Hijacked
		}
		if l.s.Dead == tokens.None {
			l.s.Calls.Since += 4000
		}
		putToken(t, s, *l)
	}
	for range 2 {
		for _, q := range listsOf() {
			if got, want := pagesOfTokens(t, s, q, func() {}), chosen(all, q); !slices.Equal(got, want) {
				t.Errorf("%+v: %d tokens, want %d", q, len(got), len(want))
			}
		}
		closed(t, s)
		s = open()
	}
	live := map[uint32]int{}
	for _, l := range all {
		if l.s.Dead == tokens.None && l.s.Expires > noon.Unix() {
			live[l.s.Tenant]++
		}
	}
	if got, err := s.LiveTokens(t.Context(), noon); err != nil || !maps.Equal(got, live) {
		t.Errorf("live tokens: %v, %v, want %v", got, err, live)
	}
	list, err := s.Tokens(t.Context(), listing.Query{Limit: 1, ByIssue: true, Now: noon})
	if err != nil || len(list) != 1 || list[0].State.IssuedAt != list[0].At || list[0].Used.Before(time.Unix(list[0].At, 0)) {
		t.Errorf("%+v, %v", list, err)
	}
	closed(t, s)
}

// tokensPaged: while tokens are added, the pages repeat none of the others and skip none.
func tokensPaged(t *testing.T, open func() Store) {
	s, r := with(t, open), rand.New(rand.NewPCG(7, 8))
	all := someTokens(t, s, r, 200)
	for _, q := range listsOf() {
		added := map[tokens.ID]bool{}
		got := pagesOfTokens(t, s, q, func() {
			for _, l := range someTokens(t, s, r, 2) {
				added[l.id] = true
			}
		})
		got = slices.DeleteFunc(got, func(id tokens.ID) bool { return added[id] })
		if want := chosen(all, q); !slices.Equal(got, want) {
			t.Errorf("%+v: %d tokens, want %d", q, len(got), len(want))
		}
		for id := range added {
			putToken(t, s, listed{id: id})
		}
	}
}
