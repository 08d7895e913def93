package handlers

import (
	"context"
	"errors"
	"net/http"

	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/bearer"
)

// revoke ends a token of the client's own for good (RFC 7009). A token that is
// unknown, dead or expired already is as good as revoked; another client's is
// refused (§2.1).
func (a *API) revoke(r *request, t *tenants.Tenant) (any, error) {
	text := r.value("token")
	if text == "" {
		return nil, invalidRequest("token is missing")
	}
	c, err := a.Verifier.VerifyFrom(text, bearer.Source{Client: t.ClientID}, a.Now())
	switch {
	case errors.Is(err, bearer.ErrInvalid), errors.Is(err, bearer.ErrExpired):
		return nil, nil
	case err != nil:
		return nil, oauthUnavailable(err)
	case c.Client != t.ClientID:
		return nil, &oauthError{http.StatusBadRequest, "invalid_grant", "the token was issued to another client", nil}
	}
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	_, err = a.Gate.Apply(ctx, c.ID, a.PolicyOf(t).Token, tokens.Revoke{Tenant: t.Number, IssuedAt: c.IssuedAt, Expires: c.Expires})
	if err != nil {
		return nil, oauthUnavailable(err)
	}
	return nil, nil
}
