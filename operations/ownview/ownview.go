// Package ownview makes what a tenant's developers see of their own tenant, and manages the links
// by which they see it.
//
// They get a refusal in a form of its own: it contains only what is listed in [Refusal], and
// nothing about other tenants, their issuers or their sites.
package ownview

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/evidence"
	"stile.example/stile/handlers/codes"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/lookup"
	"stile.example/stile/refusals"
	"stile.example/stile/settings"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens/readable"
)

// Refusal is what a tenant's developers see of a refusal.
type Refusal struct {
	Ref     string    `json:"ref"`
	At      time.Time `json:"at"`
	Code    string    `json:"code"`
	Title   string    `json:"title"`
	Count   int64     `json:"count"`             // refusals that it stands for
	Page    string    `json:"page,omitempty"`    // the origin of the page, if that decided
	Token   string    `json:"token,omitempty"`   // jti
	Address string    `json:"address,omitempty"` // as the setting log_addresses shows it
	Detail  string    `json:"detail,omitempty"`  // what decided
	Fix     string    `json:"fix"`               // what a developer can do
	// The rule is only observed: the request was admitted.
	Observed bool `json:"observed,omitempty"`
}

// Query names a tenant, and one of its refusals. Without a Ref, it means the latest ones.
type Query struct {
	ClientID string `json:"client_id"`
	Ref      string `json:"ref,omitempty"` // as the visitor was shown it; case and hyphen don't matter
}

// maxRecent is the maximum of recent refusals.
const maxRecent = 50

// List returns the latest refusals of a tenant, one for each day, code and rule, the newest first.
// With a Ref, it returns only the refusal with that reference.
func List(ctx context.Context, d *datadir.Dir, q Query) ([]Refusal, error) {
	t, err := lookup.Tenant(d, q.ClientID)
	if err != nil {
		return nil, err
	}
	if q.Ref != "" {
		f, err := findRefusal(ctx, d, t, q.Ref)
		if err != nil {
			return nil, err
		}
		return []Refusal{view(d, t, f)}, nil
	}
	list, err := d.Evidence.Of(ctx, t.Number, d.Now())
	if err != nil {
		return nil, err
	}
	recent := []Refusal{}
	for _, e := range latest(list) {
		f, err := d.Refusals.Find(ctx, e.Ref)
		if errors.Is(err, refusals.ErrNotFound) || err == nil && !isOf(f, t) {
			code, rule, _ := strings.Cut(e.Key, " ")
			f, err = refusals.Refusal{Code: code, Rule: rule}, nil // it was not stored
		}
		if err != nil {
			return nil, err
		}
		v := view(d, t, f)
		v.At, v.Count = e.Last, e.Count
		recent = append(recent, v)
	}
	return recent, nil
}

// latest returns the entries about refusals, the newest first.
func latest(list []evidence.Entry) []evidence.Entry {
	list = slices.DeleteFunc(slices.Clone(list), func(e evidence.Entry) bool { return e.Kind != evidence.Refused || e.Key == evidence.Others })
	slices.SortStableFunc(list, func(a, b evidence.Entry) int { return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.Key, b.Key)) })
	return list[:min(len(list), maxRecent)]
}

// findRefusal returns the tenant's refusal of a reference. One of another tenant is as unknown as
// one that does not exist.
func findRefusal(ctx context.Context, d *datadir.Dir, t *tenants.Tenant, ref string) (refusals.Refusal, error) {
	if !refusals.IsRef(ref) {
		return refusals.Refusal{}, failure.New(failure.Invalid, "malformed reference %.24q: a reference has 8 letters and digits, such as 7QK2-M4TD; copy it from the message that the visitor saw", ref)
	}
	f, err := d.Refusals.Find(ctx, ref)
	if errors.Is(err, refusals.ErrNotFound) || err == nil && !isOf(f, t) {
		return refusals.Refusal{}, failure.New(failure.NotFound, "unknown reference %s: it is wrong, or its refusal is not one of %s or is no longer kept", refusals.CanonicalRef(ref), t.ClientID)
	}
	return f, err
}

// isOf reports whether a refusal is the tenant's, and not one of an earlier tenant with the same
// client_id.
func isOf(f refusals.Refusal, t *tenants.Tenant) bool {
	return f.Tenant != "" && f.Tenant == t.ClientID && !f.At.Before(t.CreatedAt.Truncate(time.Second))
}

// view returns what the tenant sees of a refusal.
func view(d *datadir.Dir, t *tenants.Tenant, f refusals.Refusal) Refusal {
	info, _ := codes.Of(codes.Code(f.Code))
	v := Refusal{Ref: f.Ref, At: f.At.UTC(), Code: f.Code, Title: info.Title, Count: 1 + f.More, Page: f.Page, Address: f.Address,
		Detail: detail(d, t, f), Fix: info.Developer, Observed: f.Observed}
	if cause, known := codes.CauseOf(codes.ClientMismatch, titleOf(f)); known && f.Code == string(codes.ClientMismatch) {
		v.Title, v.Fix = cause.Title, cause.Text
	}
	if name, is := strings.CutPrefix(f.Identity, "token "); is {
		v.Token = name
	}
	return v
}

// titleOf returns the title of the cause of a refusal with client_mismatch, by its rule.
func titleOf(f refusals.Refusal) string {
	switch f.Rule {
	case "sites":
		if f.Page == "null" || f.Page == "invalid" {
			return codes.NoOrigin
		}
		return codes.NotRegistered
	case "fetch metadata":
		return codes.NotByCode
	case "no origin":
		return codes.HiddenOrigin
	case "site":
		return codes.NoPage
	case "issuers.clients":
		return codes.UnknownClient
	}
	return codes.OtherClient
}

// detail returns what decided, in words, unless it may say something about another tenant or about
// an issuer that has none of the tenant's clients.
func detail(d *datadir.Dir, t *tenants.Tenant, f refusals.Refusal) string {
	switch {
	case f.Rule == "client_id" || f.Rule == "unknown client_id":
		return "the request's client_id is not the token's"
	case f.Code == string(codes.Overloaded) || f.Code == string(codes.Internal) || f.Rule == "issuers.clients":
		return ""
	case f.Rule == "unknown issuer":
		return "its issuer is not one that the publisher accepts for " + t.ClientID
	case f.Rule == "issuers":
		for _, i := range issuersOf(d, t) {
			if strings.HasPrefix(f.Detail, "issuer "+i.Issuer+": ") {
				return f.Detail
			}
		}
		return "its issuer or its claims are not what the publisher accepts for " + t.ClientID
	}
	return f.Detail
}

// issuersOf returns the external issuers that have a client of the tenant.
func issuersOf(d *datadir.Dir, t *tenants.Tenant) (list []settings.Issuer) {
	for _, i := range d.Settings().Issuers {
		for _, clientID := range i.Clients {
			if clientID == t.ClientID {
				list = append(list, i)
				break
			}
		}
	}
	return list
}

// MaySee reports whether a tenant may see an entry of the evidence. One about a claim says what is
// accepted, which may be the setting of another tenant's issuer.
func MaySee(d *datadir.Dir, t *tenants.Tenant, e evidence.Entry) bool {
	if e.Kind != evidence.Claim || e.Note == d.Signer.Issuer {
		return true
	}
	for _, i := range issuersOf(d, t) {
		if e.Note == i.Issuer || e.Note == readable.Allowed(i.Audience) {
			return true
		}
	}
	return false
}
