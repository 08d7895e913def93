package oauth

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"time"

	"stile.example/stile/refusals"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/bearer"
)

// The names of RFC 8693 that are supported.
const (
	tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
	accessToken   = "urn:ietf:params:oauth:token-type:access_token"
	anyJWT        = "urn:ietf:params:oauth:token-type:jwt"
)

// client authenticates the client that requests a token: by its credentials, or by a token of an
// external issuer that authenticates its client.
func (srv *Server) client(r *request) (*tenants.Tenant, error) {
	if err := r.ReadForm(); err != nil {
		return nil, err
	}
	_, secret := r.HTTP.Header["Authorization"]
	for _, name := range []string{"client_secret", "client_assertion"} {
		secret = secret || r.value(name) != ""
	}
	if secret || r.value("grant_type") != tokenExchange || r.repeats() {
		return srv.credentials(r)
	}
	c, alone, err := srv.subjectToken(r, bearer.Source{Address: r.From})
	switch {
	case err != nil:
		return nil, err
	case !alone:
		return nil, invalidClient("the client must authenticate: tokens of this issuer are given to visitors, so they don't authenticate a client")
	}
	if id := r.value("client_id"); id != "" && id != c.Client {
		return nil, invalidRequest("client_id must be the tenant of the subject_token")
	}
	t, ok := srv.Tenants.Find(c.Client)
	switch {
	case !ok:
		if c.Client == "" {
			r.why = refusals.Clip(c.WhyUnmapped())
		}
		return nil, invalidRequest("subject_token does not belong to a tenant")
	case t.Status != tenants.Active:
		return nil, invalidClient("the client is suspended")
	}
	return t, nil
}

// exchange issues tokens for a token of an external issuer (RFC 8693). Their subject is the one
// that the tenant names, or else the token's.
func (srv *Server) exchange(r *request, t *tenants.Tenant, subject string) (any, error) {
	if err := srv.checkRequested(r); err != nil {
		return nil, err
	}
	c, _, err := srv.subjectToken(r, bearer.Source{Client: t.ClientID})
	if err != nil {
		srv.collectDifference(r, t.ClientID, r.cause, "issuer")
		return nil, err
	}
	if err := srv.checkSubject(r, t, c); err != nil {
		return nil, err
	}
	if r.value("subject") == "" && c.Subject != "" && fitSubject(c.Subject) {
		subject = c.Subject
	}
	g, err := srv.mint(r, t, subject)
	if err != nil {
		return nil, err
	}
	g.IssuedType = accessToken
	if r.value("requested_token_type") == anyJWT {
		g.IssuedType = anyJWT
	}
	return g, nil
}

// checkRequested returns an error if the requested type, audience or resource is not supported.
func (srv *Server) checkRequested(r *request) error {
	switch r.value("requested_token_type") {
	case "", accessToken, anyJWT:
	default:
		return invalidRequest("requested_token_type must be an access token or a JWT")
	}
	if r.value("actor_token") != "" || r.value("actor_token_type") != "" {
		return invalidRequest("actor_token is not supported")
	}
	for _, name := range []string{"audience", "resource"} {
		if s := r.value(name); s != "" && s != srv.PublicURL {
			return &failure{http.StatusBadRequest, "invalid_target", name + " must be this server, or left out", nil}
		}
	}
	return nil
}

// subjectToken verifies the token to exchange. An invalid one is invalid_request (RFC 8693 §2.2.2).
func (srv *Server) subjectToken(r *request, from bearer.Source) (c bearer.Claims, alone bool, err error) {
	if srv.Subjects == nil {
		return c, false, unsupportedGrant("this server does not trust an external issuer for token exchange")
	}
	switch text, kind := r.value("subject_token"), r.value("subject_token_type"); {
	case text == "" || kind == "":
		return c, false, invalidRequest("subject_token or subject_token_type is missing")
	case kind != accessToken && kind != anyJWT:
		return c, false, invalidRequest("subject_token_type must be an access token or a JWT")
	default:
		c, alone, err = srv.Subjects.VerifySubject(text, from, srv.Now())
	}
	switch {
	case errors.Is(err, bearer.ErrInvalid), errors.Is(err, bearer.ErrExpired):
		r.why, r.cause = refusals.Clip(bearer.Explain(err)), err
		return c, false, invalidRequest("subject_token is invalid, or of an issuer that this server does not trust")
	case err != nil:
		return c, false, unavailable(err)
	}
	return c, alone, nil
}

// checkSubject returns an error unless a subject token belongs to the tenant, is not older than the
// tenant, and is not dead.
func (srv *Server) checkSubject(r *request, t *tenants.Tenant, c bearer.Claims) error {
	if c.Client != t.ClientID || OlderThan(c, t) {
		if c.Client == "" {
			r.why = refusals.Clip(c.WhyUnmapped())
		}
		return invalidRequest("subject_token must belong to the client")
	}
	ctx, cancel := context.WithTimeout(r.HTTP.Context(), srv.Timeout)
	defer cancel()
	state, err := srv.Gate.Stored(ctx, c.ID)
	if err != nil {
		return unavailable(err)
	}
	if state.Dead != tokens.None {
		return invalidRequest("subject_token is dead: " + state.Dead.String())
	}
	return nil
}

// mint issues as many tokens as the client requests.
func (srv *Server) mint(r *request, t *tenants.Tenant, subject string) (g grant, err error) {
	n, several, err := countOf(r)
	if err != nil {
		return g, err
	}
	now, life := srv.Now().Truncate(time.Second), srv.PolicyOf(t).Lifetime
	g = grant{TokenType: "Bearer", ExpiresIn: int64(life / time.Second), Scope: Scope}
	first := bearer.NewJTI()
	for i := range n {
		jti := first
		if i > 0 {
			// 100 signatures in a row would keep calls waiting for a processor.
			runtime.Gosched()
			jti = "" // the signer's own
		}
		token, err := srv.Signer.Sign(bearer.Claims{
			JTI: jti, Subject: subject, Client: t.ClientID, Tenant: t.Number, Scope: Scope, IssuedAt: now, Expires: now.Add(life),
		}, now)
		if err != nil {
			return g, unavailable(err)
		}
		g.AccessTokens = append(g.AccessTokens, token)
	}
	if g.AccessToken = g.AccessTokens[0]; !several {
		g.AccessTokens = nil
	}
	srv.issued(t, first, n)
	srv.collectIssued(t, subject, n)
	return g, nil
}
