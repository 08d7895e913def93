package handlers

import (
	"errors"
	"strings"
	"time"

	"stile.example/stile/tenants"
	"stile.example/stile/tokens/bearer"
)

// guard finds out who calls: token, client, page, in the contract's order.
// It changes nothing but r.caller.
func (a *API) guard(r *request) (err error) {
	r.at = a.Now()
	if r.from, err = source(r.http, a.TrustedProxies); err != nil {
		return err
	}
	token, inURL, err := findToken(r)
	if err != nil {
		return err
	}
	if r.claims, err = a.verify(token, r.at); err != nil {
		return err
	}
	if err = a.findTenant(r); err != nil {
		return err
	}
	if inURL && r.policy.QueryTokens != QueryTokensYes {
		return badRequest("access_token may not stand in a URL: the tenant's setting query_tokens allows it in a form or a header only")
	}
	if err = checkPage(r.http.Header, &r.caller); err != nil {
		return err
	}
	if r.tenant.Status != tenants.Active {
		return refuse(TenantSuspended)
	}
	return nil
}

// verify reads a token. Only what bearer says of the token itself is told to
// the client; anything else is a fault of ours, or a widget would renew its
// token in a loop.
func (a *API) verify(token string, now time.Time) (bearer.Claims, error) {
	claims, err := a.Verifier.Verify(token, now)
	if err != nil && !errors.Is(err, bearer.ErrInvalid) && !errors.Is(err, bearer.ErrExpired) {
		return claims, fault(err)
	}
	return claims, err
}

// findTenant holds the token to the tenant that the request names.
func (a *API) findTenant(r *request) error {
	name, err := r.one("client_id")
	if err != nil {
		return err
	}
	if name == "" {
		return badRequest("client_id is missing: it must name the tenant that the token was issued to")
	}
	if name != r.claims.Client {
		return refuse(ClientMismatch)
	}
	t, ok := a.Tenants.Find(name)
	if !ok || olderThan(r.claims, t) {
		return refuse(TokenRevoked)
	}
	r.tenant, r.policy = t, a.PolicyOf(t)
	return nil
}

// olderThan says that a token was issued before its tenant was added: to one of
// the same name that has been removed since, and its tokens with it.
func olderThan(c bearer.Claims, t *tenants.Tenant) bool {
	return c.IssuedAt.Before(t.CreatedAt.Truncate(time.Second))
}

// findToken finds the token where it may be: in the header, or in the
// parameters; there is one way only in one request.
func findToken(r *request) (token string, inURL bool, err error) {
	param, n := r.find("access_token")
	header, sent, err := bearerHeader(r.http.Header["Authorization"])
	switch {
	case err != nil:
		return "", false, err
	case n > 1 || n == 1 && sent:
		return "", false, badRequest("the access token is given more than once")
	case sent:
		return header, false, nil
	case param == "":
		return "", false, refuse(TokenMissing)
	}
	return param, r.way != form, nil
}

// bearerHeader reads RFC 6750's Authorization header. Another scheme carries
// no token, and is none of ours.
func bearerHeader(lines []string) (token string, sent bool, err error) {
	if len(lines) > 1 {
		return "", false, badRequest("the header Authorization is given more than once")
	}
	if len(lines) == 0 {
		return "", false, nil
	}
	scheme, rest, _ := strings.Cut(lines[0], " ")
	token = strings.Trim(rest, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", false, nil
	}
	return token, true, nil
}
