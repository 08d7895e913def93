package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"stile.example/stile/console/problem"
	"stile.example/stile/idempotency"
)

// repeatHeader has the key of a request that may be repeated.
const repeatHeader = "Idempotency-Key"

// stored is a response as it is stored.
type stored struct {
	Status int         `json:"status"`
	Header http.Header `json:"header"`
	Body   []byte      `json:"body"`
	Sum    []byte      `json:"sum,omitempty"` // of the request's body, if that was an upload
}

// once runs a request and sends the response. If a request with the same key was run before, it
// sends that one's response instead.
func (a *API) once(ctx context.Context, r *request, body []byte, run func() (*response, error)) error {
	return a.onceWith(ctx, r, nil, run, string(body))
}

// onceWith is once for a request whose body is an upload, or nil. An upload is known only when all
// of it was read, so its sum is stored with the response.
func (a *API) onceWith(ctx context.Context, r *request, body *upload, run func() (*response, error), parts ...string) error {
	key, err := r.repeatKey()
	if err != nil {
		return err
	}
	if key == "" || r.prefers("dry-run") {
		res, err := run()
		if err != nil {
			return err
		}
		return r.send(res)
	}
	parts = append([]string{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header.Get("If-Match")}, parts...)
	outcome, id, old, err := a.requests.Begin(ctx, a.Dir.Now(), r.actorKey(), key, parts...)
	if err != nil {
		return err
	}
	switch outcome {
	case idempotency.Begun:
	case idempotency.Repeated:
		return r.sendAgain(old, body)
	case idempotency.Reused:
		return problem.New(problem.KeyReused, problem.InfoOf(problem.KeyReused).Help)
	case idempotency.InProgress:
		return problem.New(problem.InProgress, "A request with the same Idempotency-Key is in progress. Repeat it when that has ended.").Retry(1)
	case idempotency.Interrupted:
		return problem.New(problem.InProgress, "The server was stopped while it handled a request with the same Idempotency-Key, so the outcome is unknown. Read what it was to change, then use a new key.")
	case idempotency.TooMany:
		return problem.New(problem.TooManyRequests, "Too many different Idempotency-Keys within 24 hours.").Retry(3600)
	default:
		return problem.New(problem.Internal, problem.InfoOf(problem.Internal).Help)
	}
	return a.first(context.WithoutCancel(ctx), r, id, body, run)
}

// first runs a request with a new key. Its response is stored before it is sent. A fault is not
// stored: the request may be tried again. Nor is any error of an upload: it may have ended early.
func (a *API) first(ctx context.Context, r *request, id [32]byte, body *upload, run func() (*response, error)) (err error) {
	handled := false
	defer func() {
		if !handled { // it panicked, or there is a fault
			_ = a.requests.Forget(ctx, id) // if that fails, a repetition is refused
		}
	}()
	res, err := run()
	if err != nil {
		e := problem.Of(err)
		if e.Status >= 500 || body != nil {
			return err
		}
		a.logError(r, e)
		if res, err = refusal(e); err != nil {
			return err
		}
	}
	var sum []byte
	if body != nil {
		if sum, err = body.sum(); err != nil {
			return err
		}
	}
	handled = true
	text, err := json.Marshal(stored{res.status, res.header, res.body, sum})
	if err != nil {
		return err
	}
	if err := a.requests.End(ctx, id, text); err != nil {
		return err
	}
	return r.send(res)
}

// sendAgain sends a stored response. A repeated upload must be the same.
func (r *request) sendAgain(text []byte, body *upload) error {
	var s stored
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	if body != nil {
		sum, err := body.sum()
		if err != nil {
			return err
		}
		if !bytes.Equal(sum, s.Sum) {
			return problem.New(problem.KeyReused, problem.InfoOf(problem.KeyReused).Help)
		}
	}
	s.Header.Set("Idempotency-Replayed", "true")
	return r.send(&response{s.Status, s.Header, s.Body})
}

// repeatKey returns the key of a POST, "" if it has none. The draft writes it as a string in
// quotes; many clients send it without.
func (r *request) repeatKey() (string, error) {
	lines := r.Header.Values(repeatHeader)
	if len(lines) == 0 || r.Method != http.MethodPost {
		return "", nil
	}
	key := strings.TrimSpace(lines[0])
	if len(key) >= 2 && key[0] == '"' && key[len(key)-1] == '"' {
		key = key[1 : len(key)-1]
	}
	malformed := len(lines) > 1 || key == "" || len(key) > 255
	for _, c := range []byte(key) {
		malformed = malformed || c < ' ' || c > '~'
	}
	if malformed {
		return "", problem.New(problem.BadRequest, repeatHeader+": must be given once, and have 1 to 255 printable ASCII characters, such as a UUID")
	}
	return key, nil
}
