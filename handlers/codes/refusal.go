package codes

import (
	"crypto/rand"
	"errors"
	mathrand "math/rand/v2"
	"time"
)

// Refusal is why a request is not answered. Nothing in it comes from the
// request, but for names that were checked.
type Refusal struct {
	Code   Code
	Status int           // of HTTP, where it is not the code's
	Detail string        // for the client; the code's own where empty
	Retry  time.Duration // when to try again; 0: not said
	Cause  error         // for the log; never for the client

	Explanation     // for who has to explain it; never for the client
	Challenge   any // what to solve, as it is encoded in JSON, where that is the reason
}

// Explanation is what a refusal was decided by, for whoever has to explain it:
// the setting, its limit, and what was counted against it. None of it goes to
// the visitor.
type Explanation struct {
	Rule        string
	Limit, Seen int64
}

// By is the explanation by a rule with a limit.
func By(rule string, limit, seen int64) Explanation { return Explanation{rule, limit, seen} }

func (r *Refusal) Error() string { return string(r.Code) }

func (r *Refusal) Unwrap() error { return r.Cause }

// Refuse refuses with nothing but a code.
func Refuse(code Code) error { return &Refusal{Code: code} }

// Malformed refuses with a sentence that says what is wrong and where.
func Malformed(detail string) error { return &Refusal{Code: BadRequest, Detail: detail} }

// Unavailable marks an error of a part of ours, such as the store: the client did
// nothing wrong and is to try again, so it is never a word about its token.
func Unavailable(err error) error {
	return &Refusal{Code: Overloaded, Cause: err, Retry: RetryDelay()}
}

// RetryDelay is between 1 and 5 seconds, so that refused clients don't all come
// back at once.
func RetryDelay() time.Duration {
	return time.Duration(1+mathrand.IntN(5)) * time.Second
}

// RefusalOf finds the refusal in an error. What nobody planned is internal, and
// its text stays in the log.
func RefusalOf(err error) *Refusal {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	return &Refusal{Code: Internal, Cause: err}
}

// Problem is the member error of a body: RFC 9457's members, and ours.
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
	Now        *int64 `json:"now,omitempty"` // Unix seconds, where the client's clock may be to blame
}

// Problem is the refusal as the client reads it, under a new reference.
func (r *Refusal) Problem() Problem {
	m, ok := table[r.Code]
	if !ok {
		m = table[Internal]
	}
	p := Problem{
		Type: "/problems/" + string(m.Code), Code: m.Code, Status: m.Status, Title: m.Title,
		Detail: m.Detail, Ref: NewRef(), Renewable: m.Renewable, Challenge: r.Challenge,
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

// crockford is the alphabet of references: no letter in it looks like a digit.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewRef names one refusal, as 7QK2-M4TD: 40 random bits.
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
