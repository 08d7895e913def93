package commands

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/bearer"
)

// scope is the only scope that there is.
const scope = "content"

// issueQuery asks for a token.
type issueQuery struct{ Tenant, Subject, Scope string }

func issueToken(_ context.Context, a *app, q issueQuery) (issued, error) {
	t, err := a.find(q.Tenant)
	switch {
	case err != nil:
		return issued{}, err
	case t.Status != tenants.Active:
		return issued{}, fmt.Errorf("the tenant %s is suspended; `stile tenant resume %s` first", t.ClientID, t.ClientID)
	case len(q.Subject) > 128:
		return issued{}, errors.New("the subject is longer than 128 bytes")
	case q.Scope != scope:
		return issued{}, fmt.Errorf("there is no scope %q; the only one is %s", q.Scope, scope)
	}
	if q.Subject == "" {
		q.Subject = t.ClientID
	}
	now, lifetime := a.now(), a.policies.of(t).Lifetime
	token, err := a.signer.Sign(bearer.Claims{Subject: q.Subject, Client: t.ClientID, Tenant: t.Number, Scope: q.Scope, Expires: now.Add(lifetime)}, now)
	if err != nil {
		return issued{}, err
	}
	return issued{token, "Bearer", int64(lifetime / time.Second), q.Scope}, nil
}

var errInvalid = errors.New("the token is invalid: not signed by this server or an issuer that it trusts, not for its public_url, or damaged")

// named is a token as support names it: what can be known of it by its name.
type named struct {
	id     tokens.ID
	claims *bearer.Claims // nil where only the jti is known
}

// name finds a token by itself, or by its jti.
func (a *app) name(text string) (named, error) {
	if strings.Count(text, ".") != 2 {
		if text == "" || len(text) > 256 {
			return named{}, errors.New("that is neither a token nor a jti")
		}
		return named{id: tokens.NewID(a.signer.Issuer, text)}, nil
	}
	claims, err := a.verifier.Verify(text, a.now())
	switch {
	case errors.Is(err, bearer.ErrExpired):
		return a.expired(text)
	case errors.Is(err, bearer.ErrInvalid):
		return named{}, errInvalid
	case err != nil:
		return named{}, err
	}
	return named{id: claims.ID, claims: &claims}, nil
}

// expired names a token that is past its time: it is verified as of its last
// second.
func (a *app) expired(text string) (named, error) {
	var c struct {
		Expires int64 `json:"exp"`
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[1])
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return named{}, errInvalid
	}
	claims, err := a.verifier.Verify(text, time.Unix(c.Expires-1, 0))
	if err != nil {
		return named{}, errInvalid
	}
	return named{id: claims.ID, claims: &claims}, nil
}

func showToken(ctx context.Context, a *app, text string) (tokenInfo, error) {
	n, err := a.name(text)
	if err != nil {
		return tokenInfo{}, err
	}
	s, err := a.gate.State(ctx, n.id)
	if err != nil {
		return tokenInfo{}, err
	}
	if n.claims == nil && s == (tokens.State{}) {
		return tokenInfo{}, errors.New("no token of this jti was ever presented here; show it by the token itself")
	}
	return tokenInfo{a.viewToken(n, s), a.openChallenge(s)}, nil
}

// openChallenge says what the token waits for, or "".
func (a *app) openChallenge(s tokens.State) string {
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
	if a.now().Unix() >= int64(c.Expires) {
		end = "expired; the next call is given another"
	}
	return fmt.Sprintf("%s, level %d, because of %s, %d calls left, %s", c.Kind, c.Level, why, c.Left, end)
}

// viewToken joins what the token says with what is kept of it.
func (a *app) viewToken(n named, s tokens.State) tokenView {
	v := tokenView{Binding: s.Bound.Kind.String(), Calls: s.Used.Total().Calls, Challenges: int(s.ChallengesIssued), Active: true}
	issuedAt, expires := time.Unix(s.IssuedAt, 0).UTC(), time.Unix(s.Expires, 0).UTC()
	t, known := a.tenants.ByNumber(s.Tenant)
	if n.claims != nil {
		issuedAt, expires = n.claims.IssuedAt.UTC(), n.claims.Expires.UTC()
		t, known = a.tenants.Find(n.claims.Client)
		v.ClientID = &n.claims.Client
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
	if !a.now().Before(expires) {
		why(tokens.Expired.String())
	}
	switch {
	case !known:
	case n.claims != nil && n.claims.Tenant != 0:
		known = n.claims.Tenant == t.Number
	default:
		known = !issuedAt.Before(t.CreatedAt.Truncate(time.Second))
	}
	if !known {
		why(tokens.Revoked.String()) // its tenant was removed, and maybe added again
		return v
	}
	v.ClientID = &t.ClientID
	p := a.policies.of(t)
	v.CallsLimit = p.Token.Calls
	if t.Status != tenants.Active {
		why("tenant_suspended")
	}
	if s.Bound.Kind == tokens.Unbound && a.now().Sub(issuedAt) > p.Token.BindWithin {
		why(tokens.Expired.String())
	}
	return v
}

// revokeToken kills a token. Of one that was never presented, and that is
// named by its jti, nothing is known: it may live as long as any.
func revokeToken(ctx context.Context, a *app, text string) (tokenInfo, error) {
	n, err := a.name(text)
	if err != nil {
		return tokenInfo{}, err
	}
	s, err := a.gate.State(ctx, n.id)
	if err != nil {
		return tokenInfo{}, err
	}
	v, err := a.gate.Apply(ctx, n.id, tokens.Policy{}, a.revocation(n, s))
	if err != nil {
		return tokenInfo{}, err
	}
	return tokenInfo{a.viewToken(n, v.State), ""}, nil
}

func (a *app) revocation(n named, s tokens.State) tokens.Revoke {
	switch {
	case s.Tenant != 0:
		return tokens.Revoke{Tenant: s.Tenant, IssuedAt: time.Unix(s.IssuedAt, 0), Expires: time.Unix(s.Expires, 0)}
	case n.claims != nil:
		number, _ := a.number(n.claims.Client)
		return tokens.Revoke{Tenant: number, IssuedAt: n.claims.IssuedAt, Expires: n.claims.Expires}
	}
	return tokens.Revoke{IssuedAt: a.now(), Expires: a.now().Add(maxLifetime)}
}
