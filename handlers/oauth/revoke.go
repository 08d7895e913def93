package oauth

import (
	"context"
	"errors"
	"net/http"

	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/bearer"
)

// revoke permanently ends a token of the client (RFC 7009). For a token that is unknown, dead or
// expired it does nothing. For another client's it returns an error (§2.1).
func (srv *Server) revoke(r *request, t *tenants.Tenant) (any, error) {
	text := r.value("token")
	if text == "" {
		return nil, invalidRequest("token is missing")
	}
	c, err := srv.Verifier.VerifyFrom(text, bearer.Source{Client: t.ClientID}, srv.Now())
	switch {
	case errors.Is(err, bearer.ErrInvalid), errors.Is(err, bearer.ErrExpired):
		return nil, nil
	case err != nil:
		return nil, unavailable(err)
	case c.Client != t.ClientID:
		return nil, &failure{http.StatusBadRequest, "invalid_grant", "the token was issued to another client", nil}
	}
	ctx, cancel := context.WithTimeout(context.Background(), srv.Timeout)
	defer cancel()
	_, err = srv.Gate.Apply(ctx, c.ID, srv.PolicyOf(t).Token, tokens.Revoke{Tenant: t.Number, IssuedAt: c.IssuedAt, Expires: c.Expires})
	if err != nil {
		return nil, unavailable(err)
	}
	return nil, nil
}
