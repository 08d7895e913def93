package operations

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/settings"
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
	t, err := findTenant(d, q.Tenant)
	switch {
	case err != nil:
		return IssuedToken{}, err
	case t.Status != tenants.Active:
		return IssuedToken{}, fmt.Errorf("the tenant %s is suspended; resume it first with `stile tenant resume %s`", t.ClientID, t.ClientID)
	case len(q.Subject) > 128:
		return IssuedToken{}, errors.New("the subject must be at most 128 bytes long")
	case q.Scope != Scope:
		return IssuedToken{}, fmt.Errorf("unknown scope %q; must be %s", q.Scope, Scope)
	}
	if q.Subject == "" {
		q.Subject = t.ClientID
	}
	now, lifetime, calls := d.Now(), d.PolicyOf(t).Lifetime, uint32(0)
	if q.Test {
		lifetime, calls = min(lifetime, TestLifetime), TestCalls
	}
	token, err := d.Signer.Sign(bearer.Claims{Subject: q.Subject, Client: t.ClientID, Tenant: t.Number, MaxCalls: calls, Scope: q.Scope, Expires: now.Add(lifetime)}, now)
	if err != nil {
		return IssuedToken{}, err
	}
	return IssuedToken{token, "Bearer", int64(lifetime / time.Second), q.Scope}, nil
}

// named is a token that was given in full or by its name.
type named struct {
	id     tokens.ID
	claims *bearer.Claims // nil if only the name is known
	detail string         // why it is not valid any more, in words, if the claims say so
}

// errNoToken does not quote the text, which may be a damaged token.
var errNoToken = errors.New("not a token or a jti: a token has three parts with a dot between them, and a jti of this server has 22 letters, digits, - and _; for a token of another issuer, give the jti or the ID that `stile explain` shows, once the token was used")

// findToken returns the token that a text names: the token itself, or its jti.
func findToken(ctx context.Context, d *datadir.Dir, text string) (named, error) {
	if strings.Count(text, ".") == 2 {
		return findByText(d, text)
	}
	if isOwnJTI(text) {
		return named{id: tokens.NewID(d.Signer.Issuer, text)}, nil
	}
	if n, found, err := findExternal(ctx, d, text); found || err != nil {
		return n, err
	}
	if slices.ContainsFunc(d.Settings().Issuers, func(i settings.Issuer) bool { return i.Introspection.URL != "" }) {
		return findByText(d, text)
	}
	return named{}, errNoToken
}

// isOwnJTI reports whether a text can be a jti of this server: 16 bytes, in base64url.
func isOwnJTI(text string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(b) == 16 && len(text) == 22
}

// findExternal finds a token of an external issuer that was used, by its jti or its ID.
func findExternal(ctx context.Context, d *datadir.Dir, text string) (n named, found bool, err error) {
	var ids []tokens.ID
	for _, i := range d.Settings().Issuers {
		ids = append(ids, tokens.NewID(i.Issuer, text))
	}
	if b, err := hex.DecodeString(text); err == nil && len(b) == len(tokens.ID{}) {
		ids = append(ids, tokens.ID(b))
	}
	for _, id := range ids {
		s, err := d.Gate.State(ctx, id)
		if err != nil || s != (tokens.State{}) {
			return named{id: id}, err == nil, err
		}
	}
	return named{}, false, nil
}

// findByText returns the token that its own text names.
func findByText(d *datadir.Dir, text string) (named, error) {
	claims, err := d.Verifier.Verify(text, d.Now())
	switch {
	case errors.Is(err, bearer.ErrExpired):
		return findExpired(d, text, err)
	case errors.Is(err, bearer.ErrInvalid):
		return named{}, errors.New("the token is invalid: " + bearer.Explain(err))
	case err != nil:
		return named{}, err
	}
	n := named{id: claims.ID, claims: &claims}
	if claims.Client == "" {
		n.detail = claims.WhyUnmapped()
	}
	return n, nil
}

// findExpired returns the token that the text of an expired token names. It verifies the token as
// of its last second. why is the error of the token now.
func findExpired(d *datadir.Dir, text string, why error) (named, error) {
	gone := errors.New("the token is invalid: " + bearer.Explain(why))
	parts := strings.Split(text, ".")
	if len(parts) != 3 { // opaque: its issuer can't be asked as of another time
		return named{}, gone
	}
	var c struct {
		Expires int64 `json:"exp"`
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return named{}, gone
	}
	claims, err := d.Verifier.Verify(text, time.Unix(c.Expires-1, 0))
	switch {
	case errors.Is(err, bearer.ErrInvalid):
		return named{}, errors.New("the token is invalid: " + bearer.Explain(err))
	case err != nil:
		return named{}, gone
	}
	return named{claims.ID, &claims, bearer.Explain(why)}, nil
}

// TokenName names a token.
type TokenName struct {
	Token string `json:"token"` // the token itself, or its jti
}

// TokenView is what --json prints of a token.
type TokenView struct {
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

// TokenInfo is a token with what people want to know in addition.
type TokenInfo struct {
	TokenView
	OpenChallenge string `json:"open_challenge"` // in words; empty: none
	// Why the token is not active, in words, if its reason does not say it all.
	Detail string `json:"detail,omitempty"`
	// What the stored data says about its calls.
	Steps []TokenStep `json:"steps,omitempty"`
}

func showToken(ctx context.Context, d *datadir.Dir, name TokenName) (TokenInfo, error) {
	n, err := findToken(ctx, d, name.Token)
	if err != nil {
		return TokenInfo{}, err
	}
	s, err := d.Gate.State(ctx, n.id)
	if err != nil {
		return TokenInfo{}, err
	}
	if n.claims == nil && s == (tokens.State{}) {
		return TokenInfo{}, errors.New("unknown jti: it is wrong, or its token was never used; to show a token that was never used, give the token instead of its jti")
	}
	v := viewToken(d, n, s)
	return TokenInfo{v, openChallenge(d, s), n.detail, tokenSteps(d, n, v, s)}, nil
}

// openChallenge describes the challenge that must be solved before the token can continue; "" if
// there is none.
func openChallenge(d *datadir.Dir, s tokens.State) string {
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

// viewToken joins the token's claims with the stored state.
func viewToken(d *datadir.Dir, n named, s tokens.State) TokenView {
	v := TokenView{Binding: s.Bound.Kind.String(), Calls: s.Used.Total().Calls, Challenges: int(s.ChallengesIssued), Active: true}
	issuedAt, expires := time.Unix(s.IssuedAt, 0).UTC(), time.Unix(s.Expires, 0).UTC()
	t, known := d.Tenants.ByNumber(s.Tenant)
	if n.claims != nil {
		issuedAt, expires = n.claims.IssuedAt.UTC(), n.claims.Expires.UTC()
		t, known = d.Tenants.Find(n.claims.Client)
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
	if !d.Now().Before(expires) {
		why(tokens.Expired.String())
	}
	if n.claims != nil && n.claims.Client == "" {
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
	if v.CallsLimit = p.Calls; n.claims != nil {
		v.CallsLimit = n.claims.Limit(p.Calls)
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
func issuedFor(t *tenants.Tenant, n named, issuedAt time.Time) bool {
	if n.claims != nil && n.claims.Tenant != 0 {
		return n.claims.Tenant == t.Number
	}
	return !issuedAt.Before(t.CreatedAt.Truncate(time.Second))
}

// revokeToken kills a token. If a token was never used and is named by its jti, its lifetime is
// unknown, so its record is kept for the longest lifetime.
func revokeToken(ctx context.Context, d *datadir.Dir, name TokenName) (TokenInfo, error) {
	n, err := findToken(ctx, d, name.Token)
	if err != nil {
		return TokenInfo{}, err
	}
	s, err := d.Gate.State(ctx, n.id)
	if err != nil {
		return TokenInfo{}, err
	}
	v, err := d.Gate.Apply(ctx, n.id, tokens.Policy{}, revocation(d, n, s))
	if err != nil {
		return TokenInfo{}, err
	}
	return TokenInfo{viewToken(d, n, v.State), "", n.detail, nil}, nil
}

func revocation(d *datadir.Dir, n named, s tokens.State) tokens.Revoke {
	switch {
	case s.Tenant != 0:
		return tokens.Revoke{Tenant: s.Tenant, IssuedAt: time.Unix(s.IssuedAt, 0), Expires: time.Unix(s.Expires, 0)}
	case n.claims != nil:
		number, _ := d.TenantNumber(n.claims.Client)
		return tokens.Revoke{Tenant: number, IssuedAt: n.claims.IssuedAt, Expires: n.claims.Expires}
	}
	return tokens.Revoke{IssuedAt: d.Now(), Expires: d.Now().Add(datadir.MaxLifetime)}
}
