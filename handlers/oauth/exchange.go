package oauth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/bearer"
)

// The words of RFC 8693 that are known here.
const (
	tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
	accessToken   = "urn:ietf:params:oauth:token-type:access_token"
	anyJWT        = "urn:ietf:params:oauth:token-type:jwt"
)

// client finds out who asks for a token: by its own credentials, or by a token
// of an outside issuer that is one.
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
		return nil, invalidClient("the client must authenticate: this issuer's tokens are given to visitors, and prove no client")
	}
	if id := r.value("client_id"); id != "" && id != c.Client {
		return nil, invalidRequest("client_id is not the tenant that the subject_token is of")
	}
	t, ok := srv.Tenants.Find(c.Client)
	switch {
	case !ok:
		return nil, invalidRequest("subject_token is of no tenant")
	case t.Status != tenants.Active:
		return nil, invalidClient("the client is suspended")
	}
	return t, nil
}

// exchange gives tokens of ours for one of an outside issuer (RFC 8693).
// They carry the subject that the tenant names, else the token's own.
func (srv *Server) exchange(r *request, t *tenants.Tenant, subject string) (any, error) {
	if err := srv.asksForOurs(r); err != nil {
		return nil, err
	}
	c, _, err := srv.subjectToken(r, bearer.Source{Client: t.ClientID})
	if err != nil {
		return nil, err
	}
	if err := srv.isOf(r, t, c); err != nil {
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

// asksForOurs says whether what is asked for can be had here.
func (srv *Server) asksForOurs(r *request) error {
	switch r.value("requested_token_type") {
	case "", accessToken, anyJWT:
	default:
		return invalidRequest("requested_token_type must be that of an access token or a JWT")
	}
	if r.value("actor_token") != "" || r.value("actor_token_type") != "" {
		return invalidRequest("an actor_token is not supported")
	}
	for _, name := range []string{"audience", "resource"} {
		if s := r.value(name); s != "" && s != srv.PublicURL {
			return &failure{http.StatusBadRequest, "invalid_target", name + " must be this server, or left out", nil}
		}
	}
	return nil
}

// subjectToken reads the token to exchange. What is wrong with it is
// invalid_request (RFC 8693 §2.2.2).
func (srv *Server) subjectToken(r *request, from bearer.Source) (c bearer.Claims, alone bool, err error) {
	if srv.Subjects == nil {
		return c, false, unsupportedGrant("this server trusts no other issuer whose token could be exchanged")
	}
	switch text, kind := r.value("subject_token"), r.value("subject_token_type"); {
	case text == "" || kind == "":
		return c, false, invalidRequest("subject_token or subject_token_type is missing")
	case kind != accessToken && kind != anyJWT:
		return c, false, invalidRequest("subject_token_type must be that of an access token or a JWT")
	default:
		c, alone, err = srv.Subjects.VerifySubject(text, from, srv.Now())
	}
	switch {
	case errors.Is(err, bearer.ErrInvalid), errors.Is(err, bearer.ErrExpired):
		return c, false, invalidRequest("subject_token is not valid, or not of an issuer that is trusted here")
	case err != nil:
		return c, false, unavailable(err)
	}
	return c, alone, nil
}

// isOf says whether a subject token is good for the tenant: its own, not older
// than it, and not dead here.
func (srv *Server) isOf(r *request, t *tenants.Tenant, c bearer.Claims) error {
	if c.Client != t.ClientID || OlderThan(c, t) {
		return invalidRequest("subject_token is not the client's")
	}
	ctx, cancel := context.WithTimeout(r.HTTP.Context(), srv.Timeout)
	defer cancel()
	state, err := srv.Gate.State(ctx, c.ID)
	if err != nil {
		return unavailable(err)
	}
	if state.Dead != tokens.None {
		return invalidRequest("subject_token is good no more: " + state.Dead.String())
	}
	return nil
}

// mint makes as many tokens as the client asks for.
func (srv *Server) mint(r *request, t *tenants.Tenant, subject string) (g grant, err error) {
	n, several, err := countOf(r)
	if err != nil {
		return g, err
	}
	now, life := srv.Now().Truncate(time.Second), srv.PolicyOf(t).Lifetime
	g = grant{TokenType: "Bearer", ExpiresIn: int64(life / time.Second), Scope: Scope}
	first := bearer.NewJTI()
	for i := range n {
		jti := "" // the signer's own
		if i == 0 {
			jti = first
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
	return g, nil
}
