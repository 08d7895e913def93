package issuers

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	remembered = time.Minute // how long an answer is good
	maxAnswer  = 16 << 10
	maxAnswers = 4096 // in each half of the memory: 64 MB at the worst
	maxAsking  = 16   // questions at once
)

// Asker asks one issuer about tokens that are no JWT. It implements
// [bearer.Introspector].
type Asker struct {
	question
	client *client
	log    *slog.Logger
	asking chan struct{}

	mu         sync.Mutex
	fresh, old map[key]answer
	running    map[key]*asked
}

// question is how to ask.
type question struct{ address, clientID, secret string }

type key [sha256.Size]byte

// answer is what the issuer said. The token itself is not kept.
type answer struct {
	text []byte
	at   time.Time
}

// asked is a question that is under way, by one for all who have it.
type asked struct {
	done chan struct{}
	text []byte
	err  error
}

// NewAsker asks at the address, as the client. Place says what may be reached.
func NewAsker(p Place, address, clientID, secret string, log *slog.Logger) *Asker {
	return &Asker{
		question: question{address, clientID, secret},
		client:   newClient(p.AllowPrivate, address), log: log,
		asking: make(chan struct{}, maxAsking),
		fresh:  map[key]answer{}, old: map[key]answer{}, running: map[key]*asked{},
	}
}

// Introspect implements [bearer.Introspector].
func (a *Asker) Introspect(token string, now time.Time) ([]byte, error) {
	k := key(sha256.Sum256([]byte(token)))
	a.mu.Lock()
	if text, ok := a.find(k, now); ok {
		a.mu.Unlock()
		return text, nil
	}
	q, found := a.running[k]
	if !found {
		select {
		case a.asking <- struct{}{}:
		default:
			a.mu.Unlock()
			return nil, errBusy
		}
		q = &asked{done: make(chan struct{})}
		a.running[k] = q
		go a.ask(k, q, token, now)
	}
	a.mu.Unlock()
	<-q.done // which is within the client's time
	return q.text, q.err
}

// find is an answer that is good still. Called with mu held.
func (a *Asker) find(k key, now time.Time) ([]byte, bool) {
	for _, half := range []map[key]answer{a.fresh, a.old} {
		if s, ok := half[k]; ok && now.Sub(s.at) < remembered && !now.Before(s.at) {
			return s.text, true
		}
	}
	return nil, false
}

func (a *Asker) ask(k key, q *asked, token string, now time.Time) {
	q.text, q.err = a.fetch(context.Background(), token)
	a.mu.Lock()
	if q.err == nil {
		a.keep(k, answer{q.text, now})
	}
	delete(a.running, k)
	a.mu.Unlock()
	<-a.asking
	close(q.done)
	if q.err != nil {
		a.log.Warn("an outside issuer could not be asked about a token", "err", q.err)
	}
}

// keep forgets the older half when the newer is full. Called with mu held.
func (a *Asker) keep(k key, s answer) {
	if len(a.fresh) >= maxAnswers {
		a.fresh, a.old = map[key]answer{}, a.fresh
	}
	a.fresh[k] = s
}

// fetch asks (RFC 7662 §2.1). The names of the client are form-encoded within
// HTTP Basic, as RFC 6749 §2.3.1 has it.
func (a *Asker) fetch(ctx context.Context, token string) ([]byte, error) {
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

// Try asks about a token that there is not: so what is wrong is the way there,
// or the client's name.
func (a *Asker) Try(ctx context.Context) error {
	_, err := a.fetch(ctx, "stile-check")
	return err
}
