package api

import (
	"crypto/sha256"
	"errors"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"

	"stile.example/stile/console/limiter"
	"stile.example/stile/console/problem"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
	"stile.example/stile/recent"
)

// TokenPrefix is the start of every admin token.
const TokenPrefix = "stile_adm_"

const (
	maxToken = 256 // bytes
	realm    = `Bearer realm="stile admin API"`
	wrongTry = realm + `, error="invalid_token"`
	maxWrong = 10 // wrong tokens of an address within wrongFor
	wrongFor = time.Minute
	tokens   = 1_000 // valid ones that are remembered
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

// owner returns the admin of a token. After too many wrong tokens from an address, only tokens that
// were valid before are looked up for it: others who share the address must not be locked out.
func (a *API) owner(r *request, token string) (operations.Actor, error) {
	sum, address := sha256.Sum256([]byte(token)), r.address.String()
	if wait := a.guesses.wrong.Wait(address, time.Now()); wait > 0 && !a.guesses.isKnown(sum) {
		seconds := int(math.Ceil(wait.Seconds()))
		return operations.Actor{}, problem.New(problem.TooManyRequests, "Too many wrong tokens came from this address.").Retry(seconds)
	}
	if !strings.HasPrefix(token, TokenPrefix) || len(token) > maxToken {
		a.guesses.wrong.Allow(address, time.Now())
		return operations.Actor{}, refuseToken(problem.TokenInvalid, wrongTry, errors.New("it does not have the form of an admin token"))
	}
	actor, err := a.Tokens.Authenticate(r.Context(), token, address)
	switch {
	case err == nil && actor.Role == "":
		return operations.Actor{}, errors.New("a token has no role")
	case err == nil:
		a.guesses.valid(sum)
		return actor, nil
	case failure.KindOf(err) == failure.Fault:
		return operations.Actor{}, err
	}
	a.guesses.wrong.Allow(address, time.Now())
	return operations.Actor{}, refuseToken(problem.TokenInvalid, wrongTry, err)
}

func refuseToken(c problem.Code, challenge string, why error) error {
	e := problem.New(c, problem.InfoOf(c).Help)
	e.Header.Set("WWW-Authenticate", challenge)
	e.Cause = why
	return e
}

// guesses limits the wrong tokens of addresses, and remembers valid tokens.
type guesses struct {
	wrong *limiter.Limiter

	mu    sync.Mutex
	known recent.Map[[sha256.Size]byte, struct{}]
}

func newGuesses() *guesses {
	return &guesses{wrong: limiter.New(maxWrong, wrongFor), known: recent.New[[sha256.Size]byte, struct{}](tokens)}
}

func (g *guesses) valid(token [sha256.Size]byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.known.Put(token, struct{}{})
}

func (g *guesses) isKnown(token [sha256.Size]byte) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, ok := g.known.Get(token)
	return ok
}
