package codes

import (
	"context"
	"crypto/rand"
	"errors"
	mathrand "math/rand/v2"
	"time"
)

// Refusal is why a request is refused. It contains no input, except names that were checked.
type Refusal struct {
	Code   Code
	Title  string        // for the client; "": the code's own
	Status int           // the HTTP status, if it is not the code's
	Detail string        // for the client; "": the code's own
	Retry  time.Duration // when to retry; 0: unknown
	Cause  error         // for the log; never for the client
	Slow   bool          // the cause is that the time was up: a warning, not an error

	Explanation     // for the operator; never for the client
	Challenge   any // what to solve, to be encoded as JSON; nil: nothing
}

// Explanation is what decided a refusal, for `stile explain`: the setting, its limit, and what was
// counted against it.
type Explanation struct {
	Rule        string
	Limit, Seen int64
	Page        string // what the request says about its page, if that decides; validated
	Why         string // what decided, in words, if the client's Detail does not say it
}

// By returns the explanation by a rule with a limit.
func By(rule string, limit, seen int64) Explanation {
	return Explanation{Rule: rule, Limit: limit, Seen: seen}
}

func (r *Refusal) Error() string { return string(r.Code) }

func (r *Refusal) Unwrap() error { return r.Cause }

// Refuse returns a refusal with a code and its texts.
func Refuse(code Code) error { return &Refusal{Code: code} }

// Malformed returns a refusal with a text that says what is wrong and where.
func Malformed(detail string) error { return &Refusal{Code: BadRequest, Detail: detail} }

// Unavailable returns a refusal for a fault, such as one of the store. The request is valid and the
// client should retry it. It is never a statement about the token.
// If it is [Temporary], it says when.
func Unavailable(err error) error {
	return &Refusal{Code: Overloaded, Cause: err, Retry: RetryAfter(err)}
}

// Temporary is an error that a later request will not get, such as that an issuer's keys were
// requested too often. It is an ordinary event, and not an internal error.
type Temporary interface {
	error
	RetryAfter() time.Duration
}

// RetryAfter returns when to retry after an error: when it says, or a random delay.
func RetryAfter(err error) time.Duration {
	if t, ok := errors.AsType[Temporary](err); ok {
		return t.RetryAfter()
	}
	return RetryDelay()
}

// Unread returns a refusal for content that can't be read, or not in time. The second is not an
// error in the server: some queries are expensive, and searches wait for each other. Neither is a
// visitor who leaves meanwhile.
func Unread(err error) error {
	slow := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
	return &Refusal{Code: Overloaded, Cause: err, Retry: RetryDelay(), Slow: slow}
}

// RetryDelay returns a random delay of 1 to 5 s, so that refused clients don't all retry at the
// same time.
func RetryDelay() time.Duration {
	return time.Duration(1+mathrand.IntN(5)) * time.Second
}

// RefusalOf returns the refusal in an error. Any other error is internal, and only the log contains
// its text.
func RefusalOf(err error) *Refusal {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	return &Refusal{Code: Internal, Cause: err}
}

// Decided returns what decided a refusal, in words: for the operator, so never for the client.
func (r *Refusal) Decided() string {
	if r.Why != "" {
		return r.Why
	}
	return r.Detail
}

// Problem is the member error of a response: RFC 9457's members and stile's.
type Problem struct {
	Type       string `json:"type"`
	Code       Code   `json:"code"`
	Status     int    `json:"status"`
	Title      string `json:"title"`
	Detail     string `json:"detail"`
	Ref        string `json:"ref"`
	Renewable  bool   `json:"renewable"`
	RetryAfter *int   `json:"retry_after"`
	Challenge  any    `json:"challenge"`
	Now        *int64 `json:"now,omitempty"` // Unix seconds, if the client's clock may be the cause
}

// Problem returns the refusal as the client reads it, with a new reference.
func (r *Refusal) Problem() Problem {
	m, ok := table[r.Code]
	if !ok {
		m = table[Internal]
	}
	p := Problem{
		Type: "/problems/" + string(m.Code), Code: m.Code, Status: m.Status, Title: m.Title,
		Detail: m.Detail, Ref: NewRef(), Renewable: m.Renewable, Challenge: r.Challenge,
	}
	if r.Title != "" {
		p.Title = r.Title
	}
	if r.Status != 0 {
		p.Status = r.Status
	}
	if r.Detail != "" {
		p.Detail = r.Detail
	}
	if r.Retry > 0 {
		s := int((r.Retry + time.Second - 1) / time.Second)
		p.RetryAfter = &s
	}
	return p
}

// crockford is the alphabet of references: none of its letters looks like a digit.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewRef returns a new reference, such as 7QK2-M4TD: 40 random bits.
func NewRef() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	ref := make([]byte, 0, 9)
	for i, c := range b {
		if i == 4 {
			ref = append(ref, '-')
		}
		ref = append(ref, crockford[c%32])
	}
	return string(ref)
}
