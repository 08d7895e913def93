package storetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"stile.example/stile/refusals"
)

// someRefusals returns n refusals with few different values, several in each millisecond.
func someRefusals(r *rand.Rand, n int) []refusals.Refusal {
	all := make([]refusals.Refusal, n)
	for i := range all {
		all[i] = refusals.Refusal{Ref: fmt.Sprintf("%04d-%04d", r.IntN(10000), i), At: noon.Add(time.Duration(r.IntN(n/3)) * time.Millisecond),
			Tenant: []string{"", "acme", "other"}[r.IntN(3)], Code: fmt.Sprint("code", r.IntN(4)), Address: fmt.Sprint("192.0.2.", r.IntN(5)),
			Identity: fmt.Sprint("token ", r.IntN(6)), Token: [16]byte{byte(r.IntN(4))}, Observed: r.IntN(5) == 0}
	}
	return all
}

// randomQuery returns a query that limits some fields.
func randomQuery(r *rand.Rand, n int) (q refusals.Query) {
	maybe := func(to *string, value string) {
		if r.IntN(3) == 0 {
			*to = value
		}
	}
	maybe(&q.Tenant, "acme")
	maybe(&q.Code, fmt.Sprint("code", r.IntN(4)))
	maybe(&q.Address, fmt.Sprint("192.0.2.", r.IntN(5)))
	maybe(&q.Identity, fmt.Sprint("token ", r.IntN(6)))
	if r.IntN(4) == 0 {
		q.Token = [16]byte{byte(r.IntN(4))}
	}
	if r.IntN(3) == 0 {
		yes := r.IntN(2) == 0
		q.Observed = &yes
	}
	if r.IntN(3) == 0 {
		q.From, q.To = noon.Add(time.Duration(n/12)*time.Millisecond), noon.Add(time.Duration(n/4)*time.Millisecond)
	}
	q.Limit = 1 + r.IntN(40)
	return q
}

// selected returns what a query selects of all refusals, in the order of the list, without a limit.
func selected(all []refusals.Refusal, q refusals.Query) (found []refusals.Refusal) {
	is := func(filter, value string) bool { return filter == "" || filter == value }
	for _, f := range all {
		if is(q.Tenant, f.Tenant) && is(q.Code, f.Code) && is(q.Address, f.Address) && is(q.Identity, f.Identity) && (q.Token == [16]byte{} || q.Token == f.Token) &&
			(q.Observed == nil || *q.Observed == f.Observed) && (q.From.IsZero() || !f.At.Before(q.From) && f.At.Before(q.To)) {
			found = append(found, f)
		}
	}
	slices.SortFunc(found, func(a, b refusals.Refusal) int { return cmp.Or(b.At.Compare(a.At), strings.Compare(b.Ref, a.Ref)) })
	return found
}

// pagesOf reads all pages of a list. between is called between two pages.
func pagesOf(t *testing.T, s Store, q refusals.Query, between func()) (all []refusals.Refusal) {
	t.Helper()
	for {
		page, err := s.Refusals(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, page...); len(page) < q.Limit {
			return all
		}
		q.After = refusals.PositionOf(page[len(page)-1])
		between()
	}
}

// refusalsListed: each combination of filters selects what it says, in the exact order.
func refusalsListed(t *testing.T, open func() Store) {
	s, r := with(t, open), rand.New(rand.NewPCG(1, 2))
	all := someRefusals(r, 600)
	refuse(t, s, all...)
	for range 150 {
		q := randomQuery(r, len(all))
		got, want := pagesOf(t, s, q, func() {}), selected(all, q)
		if len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v: %d refusals, want %d:\n%+v\n%+v", q, len(got), len(want), got, want)
		}
	}
}

// refusalsPaged: while refusals are added, before, within and after what was read, the pages repeat
// none of the others and skip none.
func refusalsPaged(t *testing.T, open func() Store) {
	s, r := with(t, open), rand.New(rand.NewPCG(3, 4))
	all := someRefusals(r, 300)
	refuse(t, s, all...)
	for round, q := range []refusals.Query{{Limit: 7}, {Tenant: "acme", Limit: 5}, {Code: "code1", Limit: 3}, {Address: "192.0.2.1", Limit: 3}} {
		n := 0
		got := pagesOf(t, s, q, func() {
			n++
			refuse(t, s, refusals.Refusal{Ref: fmt.Sprintf("NEW%d-%04d", round, n), At: noon.Add(time.Duration(r.IntN(200)) * time.Millisecond),
				Tenant: "acme", Code: "code1", Address: "192.0.2.1", Identity: "token 1"})
		})
		got = slices.DeleteFunc(got, func(f refusals.Refusal) bool { return strings.HasPrefix(f.Ref, "NEW") })
		if want := selected(all, q); !reflect.DeepEqual(got, want) || n < 5 {
			t.Errorf("%+v: %d refusals in %d pages, want %d", q, len(got), n, len(want))
		}
	}
}
