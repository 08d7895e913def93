package operations

import (
	"cmp"
	"context"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/lists"
	"stile.example/stile/operations/lookup"
	"stile.example/stile/operations/tokenstate"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/bearer"
)

// Scope is the only scope that a token can have.
const Scope = "content"

// TokenRequest describes a token to issue.
type TokenRequest struct {
	Tenant string `json:"tenant"` // client_id
	// The tenant's name of the visitor, at most 128 bytes; empty: the tenant.
	Subject string `json:"subject,omitempty"`
	Scope   string `json:"scope"` // must be [Scope]
	// Test makes it a token to try out, for [TestCalls] calls within [TestLifetime].
	Test bool `json:"test,omitempty"`
}

// The limits of a token to try out, unless the tenant's own are stricter.
const (
	TestCalls    = 20
	TestLifetime = 15 * time.Minute
)

// IssuedToken is the token endpoint's body (RFC 6749 §5.1).
type IssuedToken struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"`
	Scope       string `json:"scope"`
}

func issueToken(_ context.Context, d *datadir.Dir, q TokenRequest) (IssuedToken, error) {
	now := d.Now()
	c, err := q.claims(d, now)
	if err != nil {
		return IssuedToken{}, err
	}
	token, err := d.Signer.Sign(c, now)
	if err != nil {
		return IssuedToken{}, err
	}
	return IssuedToken{token, "Bearer", int64(c.Expires.Sub(now) / time.Second), q.Scope}, nil
}

// claims returns what a token says that the request may have.
func (q TokenRequest) claims(d *datadir.Dir, now time.Time) (c bearer.Claims, err error) {
	t, err := lookup.Tenant(d, q.Tenant)
	switch {
	case err != nil:
		return c, err
	case t.Status != tenants.Active:
		return c, failure.New(failure.Conflict, "the tenant %s is suspended; resume it first with `stile tenant resume %s`", t.ClientID, t.ClientID)
	case len(q.Subject) > 128:
		return c, failure.New(failure.Invalid, "the subject must be at most 128 bytes long")
	case q.Scope != Scope:
		return c, failure.New(failure.Invalid, "unknown scope %q; must be %s", q.Scope, Scope)
	}
	lifetime, calls := d.PolicyOf(t).Lifetime, uint32(0)
	if q.Test {
		lifetime, calls = min(lifetime, TestLifetime), TestCalls
	}
	return bearer.Claims{Subject: cmp.Or(q.Subject, t.ClientID), Client: t.ClientID, Tenant: t.Number, MaxCalls: calls, Scope: q.Scope, Expires: now.Add(lifetime)}, nil
}

// TokenName names a token.
type TokenName struct {
	Token string `json:"token"` // the token itself, or its jti
}

// TokenView is what --json prints of a token.
type TokenView = tokenstate.Token

// TokenStep is one step of looking at what a data directory says about a token.
type TokenStep = tokenstate.Step

// TokenInfo is a token with what people want to know in addition.
type TokenInfo struct {
	TokenView
	OpenChallenge string `json:"open_challenge"` // in words; empty: none
	// Why the token is not active, in words, if its reason does not say it all.
	Detail string `json:"detail,omitempty"`
	// What the stored data says about its calls.
	Steps []TokenStep `json:"steps,omitempty"`
	ID    string      `json:"id"` // in 32 hexadecimal digits
	// Records that it delivered, and what it is bound to, in words; "": nothing.
	Records uint32 `json:"records"`
	BoundTo string `json:"bound_to,omitempty"`
	// What happened to it, the oldest first.
	Story []lists.Moment `json:"story,omitempty"`
}

func showToken(ctx context.Context, d *datadir.Dir, name TokenName) (TokenInfo, error) {
	n, err := tokenstate.Find(ctx, d, name.Token)
	if err != nil {
		return TokenInfo{}, err
	}
	s, err := d.Gate.Stored(ctx, n.ID)
	if err != nil {
		return TokenInfo{}, err
	}
	if n.Claims == nil && s == (tokens.State{}) {
		return TokenInfo{}, failure.New(failure.NotFound, "unknown jti: it is wrong, or its token was never used; to show a token that was never used, give the token instead of its jti")
	}
	v := tokenstate.View(d, n, s)
	story, err := lists.Story(ctx, d, n.ID, s, *v.IssuedAt, *v.ExpiresAt)
	return TokenInfo{v, tokenstate.OpenChallenge(d, s), n.Detail, tokenstate.Steps(d, n, v, s), n.ID.String(),
		s.Used.Total().Records, s.BoundTo(d.ShowAddress), story}, err
}

// revokeToken kills a token. If a token was never used and is named by its jti, its lifetime is
// unknown, so its record is kept for the longest lifetime.
func revokeToken(ctx context.Context, d *datadir.Dir, name TokenName) (TokenInfo, error) {
	n, err := tokenstate.Find(ctx, d, name.Token)
	if err != nil {
		return TokenInfo{}, err
	}
	s, err := d.Gate.Stored(ctx, n.ID)
	if err != nil {
		return TokenInfo{}, err
	}
	v, err := d.Gate.Apply(ctx, n.ID, tokens.Policy{}, revocation(d, n, s))
	if err != nil {
		return TokenInfo{}, err
	}
	return TokenInfo{TokenView: tokenstate.View(d, n, v.State), Detail: n.Detail, ID: n.ID.String(), Records: v.State.Used.Total().Records}, nil
}

func revocation(d *datadir.Dir, n tokenstate.Named, s tokens.State) tokens.Revoke {
	switch {
	case s.Tenant != 0:
		return tokens.Revoke{Tenant: s.Tenant, IssuedAt: time.Unix(s.IssuedAt, 0), Expires: time.Unix(s.Expires, 0)}
	case n.Claims != nil:
		number, _ := d.TenantNumber(n.Claims.Client)
		return tokens.Revoke{Tenant: number, IssuedAt: n.Claims.IssuedAt, Expires: n.Claims.Expires}
	}
	return tokens.Revoke{IssuedAt: d.Now(), Expires: d.Now().Add(datadir.MaxLifetime)}
}
