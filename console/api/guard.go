package api

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"stile.example/stile/console/problem"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
)

// TokenPrefix is the start of every admin token.
const TokenPrefix = "stile_adm_"

const (
	maxToken = 256 // bytes
	realm    = `Bearer realm="stile admin API"`
	wrongTry = realm + `, error="invalid_token"`
	maxWrong = 10 // lines about wrong tokens of an address within wrongFor
	wrongFor = time.Minute
)

// authenticate returns who makes a request: the admin of its token or, if it has none and only
// reads, of the session in the console.
func (a *API) authenticate(r *request) (operations.Actor, error) {
	headers := r.Header["Authorization"]
	switch {
	case len(headers) > 1:
		return operations.Actor{}, problem.New(problem.BadRequest, "the header Authorization must be given once")
	case len(headers) == 0:
		actor, signedIn := session(r.Request)
		if !signedIn {
			return actor, refuseToken(problem.TokenMissing, realm, nil)
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			return operations.Actor{}, refuseToken(problem.TokenMissing, realm, errors.New("a session of the console may only read"))
		}
		return actor, nil
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return operations.Actor{}, refuseToken(problem.TokenMissing, realm, errors.New("not a Bearer token"))
	}
	return a.owner(r, strings.TrimSpace(token))
}

// owner returns the admin of a token. A token has 256 random bits, so nobody guesses one, and wrong
// ones have no limit: they would lock out the valid tokens of those who share the address. Only
// their lines in the log are limited.
func (a *API) owner(r *request, token string) (operations.Actor, error) {
	if !strings.HasPrefix(token, TokenPrefix) || len(token) > maxToken {
		return operations.Actor{}, a.wrong(r, errors.New("it does not have the form of an admin token"))
	}
	actor, err := a.Tokens.Authenticate(r.Context(), token, r.address.String())
	switch {
	case err == nil && actor.Role == "":
		return operations.Actor{}, errors.New("a token has no role")
	case err == nil:
		return actor, nil
	case failure.KindOf(err) == failure.Fault:
		return operations.Actor{}, err
	}
	return operations.Actor{}, a.wrong(r, err)
}

// wrong refuses a wrong token.
func (a *API) wrong(r *request, why error) error {
	r.quiet = !a.wrongTokens.Allow(r.address.String(), time.Now())
	return refuseToken(problem.TokenInvalid, wrongTry, why)
}

func refuseToken(c problem.Code, challenge string, why error) error {
	e := problem.New(c, problem.InfoOf(c).Help)
	e.Header.Set("WWW-Authenticate", challenge)
	e.Cause = why
	return e
}
