package issuers

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"stile.example/stile/recent"
	"stile.example/stile/tokens/bearer"
)

const (
	activeFor   = time.Minute      // how long an active response is cached
	inactiveFor = 10 * time.Minute // an inactive one; unknown tokens are rarely issued later
	maxAnswer   = 16 << 10
	maxActive   = 8192    // active responses in memory: 128 MB at most
	maxOthers   = 1 << 15 // inactive responses in memory: 6 MB at most
	maxFirst    = 1 << 16 // times of first active responses in memory: 8 MB at most
	maxAsking   = 16      // requests at one time
	maxWaiting  = 256     // of each of known and unknown tokens: questions waiting or being asked
	ofGroup     = 32      // of those, for one client, IPv4 address or IPv6 /48
	maxWait     = 2 * time.Second
)

// IntrospectionClient asks one issuer about tokens that are not JWTs. It implements
// [bearer.Introspector].
//
// If a token was active before, the issuer is asked again as soon as a request is free. If a token
// is unknown, the issuer is asked within the budget of the token's source address (budget.go),
// after waiting for up to 2 s. If the budget does not allow a request, the result is an error and
// never a response: the token may be valid.
type IntrospectionClient struct {
	question
	client *client
	log    *slog.Logger

	mu       sync.Mutex
	active   recent.Map[key, answer]
	inactive recent.Map[key, answer]
	first    recent.Map[key, time.Time] // of the first active response
	fresh    time.Time                  // active responses from before it are not used
	running  map[key]*asked             // waiting and being asked
	waiting  []*asked                   // in this order
	groups   map[payer]group
	known    int // of running
	asking   int // of running, being asked
	suspects int // of asking
	budget   budget
}

// question says how the issuer is asked.
type question struct{ address, clientID, secret string }

type key [sha256.Size]byte

type answer struct {
	text  []byte // nil: inactive
	at    time.Time
	since time.Time // of the first active response
}

func (a answer) valid(now time.Time, life time.Duration) bool {
	return now.Sub(a.at) < life && !now.Before(a.at)
}

// asked is one question to the issuer, which all callers with the same token share.
type asked struct {
	key     key
	token   string
	from    bearer.Source
	at      time.Time
	known   bool // the token was active before
	started bool
	suspect bool // once started: whether it counts for the suspects
	done    chan struct{}
	answer  answer
	err     error
}

// group counts the questions about unknown tokens of one client, IPv4 address or IPv6 /48.
type group struct{ running, asking int }

// NewIntrospectionClient returns a client that sends requests to address, authenticated by clientID
// and secret. p says which addresses are allowed.
func NewIntrospectionClient(p Endpoint, address, clientID, secret string, log *slog.Logger) *IntrospectionClient {
	return &IntrospectionClient{
		question: question{address, clientID, secret},
		client:   newClient(p.AllowPrivate, address), log: log,
		active: recent.New[key, answer](maxActive), inactive: recent.New[key, answer](maxOthers), first: recent.New[key, time.Time](maxFirst),
		running: map[key]*asked{}, groups: map[payer]group{}, budget: newBudget(),
	}
}

// errSpent is returned to addresses with too many inactive tokens.
var errSpent = errors.New("too many inactive tokens from this address: no introspection for up to a minute")

var notActive = bearer.Introspection{Text: []byte(`{"active":false}`)}

// Introspect implements [bearer.Introspector].
func (a *IntrospectionClient) Introspect(token string, from bearer.Source, now time.Time) (bearer.Introspection, error) {
	k := key(sha256.Sum256([]byte(token)))
	a.mu.Lock()
	if s, ok := a.inactive.Get(k); ok && s.valid(now, inactiveFor) {
		a.mu.Unlock()
		return notActive, nil
	}
	s, known := a.active.Get(k)
	if known && s.valid(now, activeFor) && !s.at.Before(a.fresh) {
		a.mu.Unlock()
		return s.introspection(), nil
	}
	q := a.running[k]
	if q == nil {
		q = &asked{key: k, token: token, from: from, at: now, known: known, done: make(chan struct{})}
		if !a.enqueue(q) {
			a.mu.Unlock()
			return bearer.Introspection{}, errBusy
		}
		a.next()
	}
	a.mu.Unlock()
	return a.await(q)
}

// Refresh makes each token be introspected again, if a response from before now says that it is
// active.
func (a *IntrospectionClient) Refresh(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fresh = now
}

// await waits for the response. It waits at most for maxWait until the request starts.
func (a *IntrospectionClient) await(q *asked) (bearer.Introspection, error) {
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case <-q.done:
	case <-timer.C:
		a.withdraw(q)
		<-q.done
	}
	return q.answer.introspection(), q.err
}

func (a answer) introspection() bearer.Introspection {
	return bearer.Introspection{Text: a.text, Since: a.since}
}

// withdraw ends a question that is still waiting.
func (a *IntrospectionClient) withdraw(q *asked) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.Index(a.waiting, q); i >= 0 {
		a.waiting = slices.Delete(a.waiting, i, i+1)
		a.end(q, answer{}, errBusy)
	}
}

// enqueue adds a question to those that wait, unless there are too many. Known tokens come first.
// The caller holds mu, as for all methods below.
func (a *IntrospectionClient) enqueue(q *asked) bool {
	if q.known {
		if a.known >= maxWaiting {
			return false
		}
		a.known++
		a.waiting = slices.Insert(a.waiting, 0, q)
	} else {
		g := a.groups[networkOf(q.from)]
		if g.running >= ofGroup || len(a.running)-a.known >= maxWaiting {
			return false
		}
		g.running++
		a.groups[networkOf(q.from)] = g
		a.waiting = append(a.waiting, q)
	}
	a.running[q.key] = q
	return true
}

// next starts or ends all waiting questions that can be started or ended.
func (a *IntrospectionClient) next() {
	a.waiting = slices.DeleteFunc(a.waiting, func(q *asked) bool {
		start, err := a.admit(q)
		switch {
		case err != nil:
			a.end(q, answer{}, err)
		case start:
			a.start(q)
		}
		return start || err != nil
	})
}

// admit reports whether a question may be asked now. An error ends it. If it is neither admitted
// nor ended, it waits for a free request, or for responses that decide about its address.
func (a *IntrospectionClient) admit(q *asked) (start bool, err error) {
	if q.known {
		return a.asking < maxAsking, nil
	}
	left, suspect := a.budget.left(q.from, q.at)
	full := a.asking >= maxAsking
	switch {
	case left == 0:
		return false, later{errSpent, a.budget.rest(q.from, q.at)}
	case a.groups[networkOf(q.from)].asking >= left:
		return false, nil
	case suspect && (full || a.suspects >= maxAsking-kept):
		return false, errBusy
	case full:
		return false, nil
	case !a.budget.take(suspect, q.at):
		return false, errBusy
	}
	q.suspect = suspect
	return true, nil
}

func (a *IntrospectionClient) start(q *asked) {
	q.started = true
	a.count(q, 1)
	go a.ask(q)
}

// count adds n to the questions that are being asked.
func (a *IntrospectionClient) count(q *asked, n int) {
	a.asking += n
	if q.suspect {
		a.suspects += n
	}
	if !q.known {
		g := a.groups[networkOf(q.from)]
		g.asking += n
		a.groups[networkOf(q.from)] = g
	}
}

// end sets a question's response or error, and removes the question.
func (a *IntrospectionClient) end(q *asked, response answer, err error) {
	if q.started {
		a.count(q, -1)
	}
	if q.known {
		a.known--
	} else if g := a.groups[networkOf(q.from)]; g.running > 1 {
		g.running--
		a.groups[networkOf(q.from)] = g
	} else {
		delete(a.groups, networkOf(q.from))
	}
	delete(a.running, q.key)
	q.answer, q.err = response, err
	close(q.done)
}

// ask sends the request, and locks mu to store the response.
func (a *IntrospectionClient) ask(q *asked) {
	text, err := a.Ask(context.Background(), q.token)
	a.mu.Lock()
	response := answer{text: text, at: q.at}
	if err == nil && isActive(text) {
		response.since = a.firstActive(q)
	}
	a.note(q, response, err)
	a.end(q, response, err)
	a.next()
	a.mu.Unlock()
	if err != nil {
		a.log.Warn("can't ask an external issuer about a token", "err", err)
	}
}

// firstActive returns when the issuer first called a token active.
func (a *IntrospectionClient) firstActive(q *asked) time.Time {
	since, known := a.first.Get(q.key)
	if !known || since.After(q.at) { // or the clock was set back
		since = q.at
	}
	a.first.Put(q.key, since)
	return since
}

// note caches a response, and counts it for the address.
func (a *IntrospectionClient) note(q *asked, response answer, err error) {
	rejects := refusesToken(err)
	a.budget.failing = err != nil && !rejects
	switch {
	case err != nil:
		if rejects && !q.known {
			a.budget.miss(q.from, q.at)
		}
	case !response.since.IsZero():
		a.active.Put(q.key, response)
		a.inactive.Delete(q.key)
		if !q.known {
			a.budget.bucket(q.suspect).give()
		}
	default:
		a.active.Delete(q.key)
		a.inactive.Put(q.key, answer{at: q.at})
		if !q.known {
			a.budget.miss(q.from, q.at)
		}
	}
}

// refusesToken reports whether an endpoint responds to a token with an error status, where RFC 7662
// requires "inactive". Then the token is invalid, not the endpoint or our client.
func refusesToken(err error) bool {
	s, ok := errors.AsType[statusError](err)
	return ok && (s.code == http.StatusBadRequest || s.code == http.StatusNotFound || s.code == http.StatusUnprocessableEntity)
}

// isActive reports whether package bearer will find a response active.
func isActive(text []byte) bool {
	var m map[string]json.RawMessage
	return json.Unmarshal(text, &m) == nil && string(m["active"]) == "true"
}

// Ask asks the issuer about a token, and returns its response (RFC 7662 §2.1). It uses neither the
// cache nor a budget, so it is for the operator's own commands. The client's name and secret are
// form-encoded within HTTP Basic, as RFC 6749 §2.3.1 requires.
func (a *IntrospectionClient) Ask(ctx context.Context, token string) ([]byte, error) {
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.address, strings.NewReader(form))
	if err != nil {
		return nil, fmt.Errorf("introspection: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(a.clientID), url.QueryEscape(a.secret))
	body, err := a.client.do(req)
	if err == nil && (len(body) > maxAnswer || !json.Valid(body)) {
		err = fmt.Errorf("the response is not JSON, or larger than %d KiB", maxAnswer>>10)
	}
	if err != nil {
		return nil, fmt.Errorf("introspection: %w", err)
	}
	return body, nil
}

// Probe asks about a token that does not exist. An error shows that the URL or the client's name is
// wrong.
func (a *IntrospectionClient) Probe(ctx context.Context) error {
	_, err := a.Ask(ctx, "stile-check")
	return err
}
