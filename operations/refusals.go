package operations

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/refusals"
	"stile.example/stile/tokens"
)

// RefusalName names a refusal.
type RefusalName struct {
	Ref string `json:"ref"` // as the visitor was shown it; case and hyphen don't matter
}

// RefusalView is what --json prints of a refusal. A null field does not apply to it.
type RefusalView struct {
	Ref      string    `json:"ref"`
	At       time.Time `json:"at"`
	Tenant   *string   `json:"tenant"`
	Code     string    `json:"code"`
	Rule     *string   `json:"rule"`
	Limit    *int64    `json:"limit"`
	Seen     *int64    `json:"seen"`
	Identity *string   `json:"identity"`
	Address  *string   `json:"address"`
	// What the request said about its page, if that decided: its origin, null or invalid.
	Page *string `json:"page,omitempty"`
	// What decided, in words: what was wrong with the request, its token or its proof.
	Detail *string `json:"detail,omitempty"`
	// Refusals of its address, tenant, code and minute; 0: only this one.
	Count int64 `json:"count,omitempty"`
}

// RefusalInfo is a refusal with what people want to know in addition.
type RefusalInfo struct {
	RefusalView
	Observed bool `json:"observed"` // the rule is only observed: the request was admitted
	// Whether Page is one of the tenant's sites now, or else a site that is similar.
	IsSite   bool   `json:"is_site,omitempty"`
	NearSite string `json:"near_site,omitempty"`
	// The refusal with which the token's refusals of this code began, if that is another one.
	First *FirstRefusal `json:"first,omitempty"`
}

// FirstRefusal is the first of a dead token's refusals: the one that killed it, unless that is not
// kept any more.
type FirstRefusal struct {
	Ref     string    `json:"ref"`
	At      time.Time `json:"at"`
	Address string    `json:"address"` // as the setting log_addresses says
}

func explainRefusal(ctx context.Context, d *datadir.Dir, n RefusalName) (RefusalInfo, error) {
	if !refusals.IsRef(n.Ref) {
		return RefusalInfo{}, failure.New(failure.Invalid, "malformed reference %.24q: a reference has 8 letters and digits, such as 7QK2-M4TD; copy it from the message that the visitor saw", n.Ref)
	}
	f, err := d.Refusals.Find(ctx, n.Ref)
	if errors.Is(err, refusals.ErrNotFound) {
		return RefusalInfo{}, failure.New(failure.NotFound, "unknown reference %s: it is wrong or another server's, or its refusal is no longer kept; `stile explain --help` says which refusals are kept", refusals.CanonicalRef(n.Ref))
	}
	info := RefusalInfo{RefusalView: viewRefusal(f), Observed: f.Observed}
	if t, ok := d.Tenants.Find(f.Tenant); ok && f.Page != "" {
		info.IsSite, info.NearSite = t.Serves(f.Page), t.Near(f.Page)
	}
	if err == nil && !f.Observed {
		info.First, err = firstRefusal(ctx, d, f)
	}
	return info, err
}

// firstRefusal returns the refusal that killed a token, for a later refusal because it is dead.
func firstRefusal(ctx context.Context, d *datadir.Dir, f refusals.Refusal) (*FirstRefusal, error) {
	kills := []tokens.Reason{tokens.Hijacked, tokens.Exhausted, tokens.ChallengeIgnored, tokens.ChallengedTooOften}
	if !strings.HasPrefix(f.Identity, "token ") || !slices.ContainsFunc(kills, func(r tokens.Reason) bool { return r.String() == f.Code }) {
		return nil, nil
	}
	first, err := d.Refusals.First(ctx, f.Code, f.Identity)
	switch {
	case errors.Is(err, refusals.ErrNotFound) || err == nil && (first.Ref == f.Ref || first.At.After(f.At)):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &FirstRefusal{first.Ref, first.At.UTC(), first.Address}, nil
}

func viewRefusal(f refusals.Refusal) RefusalView {
	text := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	v := RefusalView{Ref: f.Ref, At: f.At.UTC(), Tenant: text(f.Tenant), Code: f.Code, Rule: text(f.Rule), Identity: text(f.Identity), Address: text(f.Address), Page: text(f.Page), Detail: text(f.Detail)}
	if f.Limit != 0 || f.Seen != 0 {
		v.Limit, v.Seen = &f.Limit, &f.Seen
	}
	if f.More > 0 {
		v.Count = 1 + f.More
	}
	return v
}
