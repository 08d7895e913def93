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
	remembered = time.Minute      // how long an active answer is valid
	rejected   = 10 * time.Minute // how long an inactive one is: a token that was never issued rarely is later
	maxAnswer  = 16 << 10
	maxActive  = 8192    // active answers in memory: 128 MB at most
	maxOthers  = 1 << 15 // inactive answers, likewise: 6 MB
	maxAsking  = 16      // questions at once
	maxWaiting = 256     // questions that wait or are asked, about unknown tokens; likewise about known ones
	ofGroup    = 32      // of those, by one client, IPv4 address or IPv6 /48
	patience   = 2 * time.Second
)

// IntrospectionClient asks one issuer about tokens that are not JWTs. It implements
// [bearer.Introspector].
//
// A token that was active before is asked about again as soon as there is a
// place. A token that is unknown is asked about within the budget of its source
// address (budget.go), and may have to wait for up to 2 s. A question that the
// budget does not admit is an error, never an answer: the token may be valid.
type IntrospectionClient struct {
	question
	client *client
	log    *slog.Logger

	mu       sync.Mutex
	active   recent.Map[key, answer]
	inactive recent.Map[key, answer]
	running  map[key]*asked // being asked, and waiting
	waiting  []*asked       // in this order
	groups   map[payer]group
	known    int // of running
	asking   int // of running, being asked
	suspects int // of asking
	budget   budget
}

// question is how to ask.
type question struct{ address, clientID, secret string }

type key [sha256.Size]byte

type answer struct {
	text []byte // nil: inactive
	at   time.Time
}

func (a answer) valid(now time.Time, life time.Duration) bool {
	return now.Sub(a.at) < life && !now.Before(a.at)
}

// asked is a question that is under way, by one for all who have it.
type asked struct {
	key     key
	token   string
	from    bearer.Source
	at      time.Time
	known   bool // the token was active before
	started bool
	suspect bool // whose bucket and places it has, once started
	done    chan struct{}
	text    []byte
	err     error
}

// group is the questions about unknown tokens by one client, one IPv4 address
// or one IPv6 /48.
type group struct{ running, asking int }

// NewIntrospectionClient asks at the address, as the client. Place says what may be reached.
func NewIntrospectionClient(p Endpoint, address, clientID, secret string, log *slog.Logger) *IntrospectionClient {
	return &IntrospectionClient{
		question: question{address, clientID, secret},
		client:   newClient(p.AllowPrivate, address), log: log,
		active: recent.New[key, answer](maxActive), inactive: recent.New[key, answer](maxOthers),
		running: map[key]*asked{}, groups: map[payer]group{}, budget: newBudget(),
	}
}

// errSpent is for addresses with too many inactive answers.
var errSpent = errors.New("too many tokens from this address were not active: no questions for up to a minute")

var notActive = []byte(`{"active":false}`)

// Introspect implements [bearer.Introspector].
func (a *IntrospectionClient) Introspect(token string, from bearer.Source, now time.Time) ([]byte, error) {
	k := key(sha256.Sum256([]byte(token)))
	a.mu.Lock()
	if s, ok := a.inactive.Get(k); ok && s.valid(now, rejected) {
		a.mu.Unlock()
		return notActive, nil
	}
	s, known := a.active.Get(k)
	if known && s.valid(now, remembered) {
		a.mu.Unlock()
		return s.text, nil
	}
	q := a.running[k]
	if q == nil {
		q = &asked{key: k, token: token, from: from, at: now, known: known, done: make(chan struct{})}
		if !a.enqueue(q) {
			a.mu.Unlock()
			return nil, errBusy
		}
		a.next()
	}
	a.mu.Unlock()
	return a.await(q)
}

// await waits for an answer: as long as the client lets a question take, and
// until then at most patience for a place.
func (a *IntrospectionClient) await(q *asked) ([]byte, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-q.done:
	case <-timer.C:
		a.withdraw(q)
		<-q.done
	}
	return q.text, q.err
}

// withdraw ends a question that still waits.
func (a *IntrospectionClient) withdraw(q *asked) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.Index(a.waiting, q); i >= 0 {
		a.waiting = slices.Delete(a.waiting, i, i+1)
		a.end(q, nil, errBusy)
	}
}

// enqueue adds a question to those that wait, unless there are too many. Known
// tokens come first. Called with mu held, as all below.
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

// next starts or ends all waiting questions that can be.
func (a *IntrospectionClient) next() {
	a.waiting = slices.DeleteFunc(a.waiting, func(q *asked) bool {
		start, err := a.admit(q)
		switch {
		case err != nil:
			a.end(q, nil, err)
		case start:
			a.start(q)
		}
		return start || err != nil
	})
}

// admit reports whether a question may be asked now. An error ends it. Neither
// lets it wait: for a place, or for the answers that decide about its address.
func (a *IntrospectionClient) admit(q *asked) (start bool, err error) {
	if q.known {
		return a.asking < maxAsking, nil
	}
	left, suspect := a.budget.left(q.from, q.at)
	full := a.asking >= maxAsking
	switch {
	case left == 0:
		return false, errSpent
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

// count adds a question to those that are being asked, or takes it off.
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

// end gives a question its answer, or an error, and forgets it.
func (a *IntrospectionClient) end(q *asked, text []byte, err error) {
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
	q.text, q.err = text, err
	close(q.done)
}

// ask asks, and takes mu to tell.
func (a *IntrospectionClient) ask(q *asked) {
	text, err := a.fetch(context.Background(), q.token)
	a.mu.Lock()
	a.note(q, text, err)
	a.end(q, text, err)
	a.next()
	a.mu.Unlock()
	if err != nil {
		a.log.Warn("can't ask an external issuer about a token", "err", err)
	}
}

// note remembers an answer, and what it says of the address.
func (a *IntrospectionClient) note(q *asked, text []byte, err error) {
	rejects := refusesToken(err)
	a.budget.failing = err != nil && !rejects
	switch {
	case err != nil:
		if rejects && !q.known {
			a.budget.miss(q.from, q.at)
		}
	case isActive(text):
		a.active.Put(q.key, answer{text, q.at})
		a.inactive.Delete(q.key)
		if !q.known {
			a.budget.bucket(q.suspect).give()
		}
	default:
		a.active.Delete(q.key)
		a.inactive.Put(q.key, answer{nil, q.at})
		if !q.known {
			a.budget.miss(q.from, q.at)
		}
	}
}

// refusesToken reports whether an endpoint answers a token with an error of
// its own (RFC 7662 has it say "inactive"): what is wrong is the token, neither
// the endpoint nor our client there.
func refusesToken(err error) bool {
	s, ok := errors.AsType[statusError](err)
	return ok && (s.code == http.StatusBadRequest || s.code == http.StatusNotFound || s.code == http.StatusUnprocessableEntity)
}

// isActive reports what package bearer will find in an answer.
func isActive(text []byte) bool {
	var m map[string]json.RawMessage
	return json.Unmarshal(text, &m) == nil && string(m["active"]) == "true"
}

// fetch asks (RFC 7662 §2.1). The names of the client are form-encoded within
// HTTP Basic, as RFC 6749 §2.3.1 has it.
func (a *IntrospectionClient) fetch(ctx context.Context, token string) ([]byte, error) {
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.address, strings.NewReader(form))
	if err != nil {
		return nil, fmt.Errorf("introspection: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(a.clientID), url.QueryEscape(a.secret))
	body, err := a.client.do(req)
	if err == nil && (len(body) > maxAnswer || !json.Valid(body)) {
		err = fmt.Errorf("the answer is no JSON, or more than %d KiB", maxAnswer>>10)
	}
	if err != nil {
		return nil, fmt.Errorf("introspection: %w", err)
	}
	return body, nil
}

// Probe asks about a token that there is not: so what is wrong is the way there,
// or the client's name.
func (a *IntrospectionClient) Probe(ctx context.Context) error {
	_, err := a.fetch(ctx, "stile-check")
	return err
}
