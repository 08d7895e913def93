package tokenstate

import (
	"fmt"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
)

// Token is what --json prints of a token.
type Token struct {
	Active     bool       `json:"active"`
	ClientID   *string    `json:"client_id"` // null: unknown
	Binding    string     `json:"binding"`   // none, address or key
	Calls      uint32     `json:"calls"`
	CallsLimit uint32     `json:"calls_limit"`
	Reason     *string    `json:"reason"` // why it is not active, as a code; null if it is
	IssuedAt   *time.Time `json:"issued_at"`
	ExpiresAt  *time.Time `json:"expires_at"`
	Challenges int        `json:"challenges"` // issued so far
}

// OpenChallenge describes the challenge that must be solved before the token can continue; "" if
// there is none.
func OpenChallenge(d *datadir.Dir, s tokens.State) string {
	c := s.OpenChallenge
	if c.Number == 0 || s.Dead != tokens.None {
		return ""
	}
	why := "its own calls"
	switch c.For {
	case tokens.ByTenant:
		why = "its address"
	case tokens.ByAll:
		why = "a budget that its address shares"
	}
	end := "until " + time.Unix(int64(c.Expires), 0).UTC().Format(time.RFC3339)
	if d.Now().Unix() >= int64(c.Expires) {
		end = "expired; the next call gets another"
	}
	return fmt.Sprintf("%s, level %d, because of %s, %d calls left, %s", c.Kind, c.Level, why, c.Left, end)
}

// View joins the token's claims with the stored state.
func View(d *datadir.Dir, n Named, s tokens.State) Token {
	v := Token{Binding: s.Bound.Kind.String(), Calls: s.Used.Total().Calls, Challenges: int(s.ChallengesIssued), Active: true}
	issuedAt, expires := time.Unix(s.IssuedAt, 0).UTC(), time.Unix(s.Expires, 0).UTC()
	t, known := d.Tenants.ByNumber(s.Tenant)
	if n.Claims != nil {
		issuedAt, expires = n.Claims.IssuedAt.UTC(), n.Claims.Expires.UTC()
		t, known = d.Tenants.Find(n.Claims.Client)
		v.ClientID = &n.Claims.Client
	}
	v.IssuedAt, v.ExpiresAt = &issuedAt, &expires
	why := func(code string) {
		if v.Active {
			v.Active, v.Reason = false, &code
		}
	}
	if s.Dead != tokens.None {
		why(s.Dead.String())
	}
	if !d.Now().Before(expires) {
		why(tokens.Expired.String())
	}
	if n.Claims != nil && n.Claims.Client == "" {
		v.ClientID = nil
		why("client_mismatch") // its issuer's client is not a tenant's
		return v
	}
	if !known || !issuedFor(t, n, issuedAt) {
		why(tokens.Revoked.String()) // its tenant was removed, and maybe added again
		return v
	}
	v.ClientID = &t.ClientID
	p := d.PolicyOf(t).Tokens()
	if v.CallsLimit = p.Calls; n.Claims != nil {
		v.CallsLimit = n.Claims.Limit(p.Calls)
	}
	if t.Status != tenants.Active {
		why("tenant_suspended")
	}
	if s.Bound.Kind == tokens.Unbound && d.Now().Sub(issuedAt) > p.BindWithin {
		why(tokens.Expired.String())
	}
	return v
}

// issuedFor reports whether a token was issued for a tenant, and not for one of the same client_id
// that was removed.
func issuedFor(t *tenants.Tenant, n Named, issuedAt time.Time) bool {
	if n.Claims != nil && n.Claims.Tenant != 0 {
		return n.Claims.Tenant == t.Number
	}
	return !issuedAt.Before(t.CreatedAt.Truncate(time.Second))
}
