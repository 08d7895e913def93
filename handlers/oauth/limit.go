package oauth

import (
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Wrong credentials for one client from one address are limited to 20 in 10 minutes, and then to
// one in 30 s.
const (
	wrongBurst = 20
	wrongEvery = 30 * time.Second
	maxPairs   = 10_000 // of address and client, in memory: about 1 MB
)

// unknownClient represents all clients that do not exist. A client can't have that name.
const unknownClient = "(unknown)"

// pair is an address and the client that it tried to authenticate as.
type pair struct {
	from   netip.Addr
	client string // one that exists, or unknownClient
}

// attempts limits the cost of wrong client credentials. The credentials of a pair over its limit
// are checked one at a time, together with those of all other such pairs, so that a flood never
// uses more than one core. Right credentials are still accepted: secrets have 256 bits and can't be
// guessed at any rate, and a limit that refused them would allow others behind the same address to
// lock a client out.
//
// The zero value is ready. Its methods are safe for concurrent use.
type attempts struct {
	lane sync.Mutex // held while the credentials of a limited pair are checked

	mu    sync.Mutex
	free  map[pair]time.Time // when the pair has all of its tries again
	swept time.Time
}

// turn waits until the credentials of a pair may be checked. The caller must call done.
func (a *attempts) turn(p pair, now time.Time) (done func()) {
	if !a.limited(p, now) {
		return func() {}
	}
	a.lane.Lock()
	return a.lane.Unlock
}

// limited reports whether a pair has used up its wrong tries. An unknown pair counts as limited if
// there is no space to count its tries.
func (a *attempts) limited(p pair, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	free, known := a.free[p]
	return usedUpTries(free, now) || !known && len(a.free) >= maxPairs
}

// wrong counts a wrong try, and reports whether this try reaches the limit.
func (a *attempts) wrong(p pair, now time.Time) (last bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sweep(now)
	before, known := a.free[p]
	if !known && len(a.free) >= maxPairs {
		return false
	}
	if a.free == nil {
		a.free = make(map[pair]time.Time)
	}
	after := before
	if after.Before(now) {
		after = now
	}
	after = after.Add(wrongEvery)
	if most := now.Add(wrongBurst * wrongEvery); after.After(most) {
		after = most
	}
	a.free[p] = after
	return !usedUpTries(before, now) && usedUpTries(after, now)
}

// usedUpTries reports whether a pair that has all of its tries again at free has less than one now.
func usedUpTries(free, now time.Time) bool {
	return free.Sub(now) > (wrongBurst-1)*wrongEvery
}

// sweep removes the pairs that have all of their tries again, at most once in wrongEvery.
func (a *attempts) sweep(now time.Time) {
	if len(a.free) < maxPairs || now.Sub(a.swept) < wrongEvery {
		return
	}
	a.swept = now
	for p, free := range a.free {
		if !free.After(now) {
			delete(a.free, p)
		}
	}
}

// loginPair returns the pair that a request's credentials count for.
func (srv *Server) loginPair(r *request, client string) pair {
	if t, ok := srv.Tenants.Find(client); ok {
		return pair{r.From, t.ClientID}
	}
	return pair{r.From, unknownClient}
}

// wrongTry counts wrong credentials for a client, logs when they reach the limit, and returns err.
// why is for the log.
func (srv *Server) wrongTry(r *request, client, why string, err error) error {
	p := srv.loginPair(r, client)
	r.client, r.wrong = client, why
	if srv.attempts.wrong(p, r.At) {
		l := srv.Log.Line(&r.Request, "client credentials limited", "invalid_client")
		if l.Level, l.Detail = slog.LevelWarn, p.client; p.client != unknownClient {
			l.Tenant = p.client
		}
		l.Attrs = append(l.Attrs, slog.String("client", p.client), slog.Int("limit", wrongBurst))
		srv.Log.Write(l, nil)
	}
	return err
}

// assertedClient returns the client that an assertion claims to be. It is not verified, and used
// only for counting.
func assertedClient(assertion string) string {
	var claims struct {
		Issuer string `json:"iss"`
	}
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return ""
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(text, &claims) != nil {
		return ""
	}
	return claims.Issuer
}
