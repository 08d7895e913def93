package oauth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/bearer"
)

// introspection is the response of RFC 7662 §2.2, with stile's members.
type introspection struct {
	Active     bool       `json:"active"`
	Reason     codes.Code `json:"reason,omitempty"` // why the token is not active
	Scope      string     `json:"scope,omitempty"`
	ClientID   string     `json:"client_id,omitempty"`
	TokenType  string     `json:"token_type,omitempty"`
	Issuer     string     `json:"iss,omitempty"`
	Subject    string     `json:"sub,omitempty"`
	JTI        string     `json:"jti,omitempty"`
	IssuedAt   int64      `json:"iat,omitempty"`
	Expires    int64      `json:"exp,omitempty"`
	Binding    string     `json:"binding,omitempty"`
	Calls      *uint32    `json:"calls,omitempty"`
	CallsLimit *uint32    `json:"calls_limit,omitempty"`
}

// introspect returns the state of a token of the client. For any other token it returns only that
// it is not active.
func (srv *Server) introspect(r *request, t *tenants.Tenant) (any, error) {
	text := r.value("token")
	if text == "" {
		return nil, invalidRequest("token is missing")
	}
	now := srv.Now()
	claims, err := srv.own(text, t.ClientID, now)
	if errors.Is(err, bearer.ErrInvalid) || err == nil && claims.Client != t.ClientID {
		return introspection{}, nil
	} else if err != nil {
		return nil, unavailable(err)
	}
	ctx, cancel := context.WithTimeout(r.HTTP.Context(), srv.Timeout)
	defer cancel()
	state, err := srv.Gate.Stored(ctx, claims.ID)
	if err != nil {
		return nil, unavailable(err)
	}
	return srv.describeToken(claims, state, t, now), nil
}

func (srv *Server) describeToken(c bearer.Claims, s tokens.State, t *tenants.Tenant, now time.Time) introspection {
	p := srv.PolicyOf(t).Token
	p.Calls = c.Limit(p.Calls)
	calls := s.Used.Total().Calls
	i := introspection{
		Scope: c.Scope, ClientID: c.Client, TokenType: "Bearer", Issuer: c.Issuer, Subject: c.Subject, JTI: c.JTI,
		IssuedAt: c.IssuedAt.Unix(), Expires: c.Expires.Unix(),
		Binding: s.Bound.Kind.String(), Calls: &calls, CallsLimit: &p.Calls,
	}
	switch {
	case s.Dead != tokens.None:
		i.Reason = codes.Code(s.Dead.String())
	case OlderThan(c, t):
		i.Reason = codes.TokenRevoked
	case !now.Before(c.Expires) || s.Bound.Kind == tokens.Unbound && now.Sub(c.IssuedAt) > p.BindWithin:
		i.Reason = codes.TokenExpired
	}
	i.Active = i.Reason == ""
	return i
}

// own verifies a token. An expired one is verified as of its last second.
func (srv *Server) own(token, client string, now time.Time) (bearer.Claims, error) {
	c, err := srv.Verifier.VerifyFrom(token, bearer.Source{Client: client}, now)
	if !errors.Is(err, bearer.ErrExpired) {
		return c, err
	}
	last := lastSecond(token)
	if last.IsZero() { // not a JWT: its issuer can't be queried as of another time
		return c, bearer.ErrInvalid
	}
	c, err = srv.Verifier.VerifyFrom(token, bearer.Source{Client: client}, last)
	if errors.Is(err, bearer.ErrExpired) {
		err = bearer.ErrInvalid
	}
	return c, err
}

// lastSecond returns the second before the expiry in a token. The token is not verified here; the
// caller verifies it as of that time.
func lastSecond(token string) time.Time {
	var claims struct {
		Expires json.Number `json:"exp"`
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(text, &claims) != nil {
		return time.Time{}
	}
	exp, _ := claims.Expires.Float64()
	return time.Unix(int64(exp)-1, 0).UTC()
}
