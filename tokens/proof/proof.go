// Package proof checks the proofs by which a browser shows that it holds the
// key which its token is bound to: DPoP proofs of RFC 9449, to the letter.
//
//   - [Checker.Check] says whose key made a proof, if it is good for one
//     request, and spends it: a proof works once.
//   - The key is named by its RFC 7638 thumbprint; what becomes of a token
//     that comes with it is decided by package tokens.
//
// It does no I/O, reads no clock and draws no lots. What it remembers is
// bounded: the proofs that were used lately (used.go), and the keys of late
// (keys.go). Both are this process's own. After a restart the proofs that may
// have been used before it are refused; two processes that serve the same
// tokens would each accept a proof once.
package proof

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"
)

// A proof is good for maxAge from its iat on, which may be as far in our
// future as ahead: clocks that are set by the network differ by less.
const (
	maxAge = 60 * time.Second
	ahead  = 2 * time.Second
)

// Bounds of a proof's text and of its jti, in bytes.
const (
	maxLength = 2 << 10
	maxJTI    = 128
)

// ErrInvalid says that a proof is not good for the request. What wraps it says
// why, in words that can be shown.
var ErrInvalid = errors.New("proof invalid")

// ErrBusy says that nothing can be said of a proof now: the server has only
// just started and can't know whether it was used before, or it has more
// proofs to remember than it has room for. A new proof will do, a little later.
var ErrBusy = errors.New("proofs can't be checked now")

// invalid is an [ErrInvalid] that says why. Its texts are constants of this
// package, so nothing of a proof gets out by it.
type invalid string

func (i invalid) Error() string { return string(i) }

func (i invalid) Is(target error) bool { return target == ErrInvalid }

// Thumbprint names a public key: the SHA-256 of RFC 7638. The zero Thumbprint
// is no key's.
type Thumbprint [sha256.Size]byte

func (t Thumbprint) String() string { return base64.RawURLEncoding.EncodeToString(t[:]) }

// Request is what a proof must have been made for.
type Request struct {
	Method string
	URL    string // as the client knows the server, without query and fragment
	Token  string // as it was presented
}

// Checker checks proofs. Its methods may be called at once from many
// goroutines.
type Checker struct {
	keys keys
	used used
}

// NewChecker is a Checker of a server that started at start. It takes no proof
// that may have been used before.
func NewChecker(start time.Time) *Checker {
	c := &Checker{}
	c.used.begin(start.Add(ahead).Unix())
	return c
}

// Check returns the thumbprint of the key that made a proof for r, and spends
// the proof. Else the error is an [ErrInvalid] or an [ErrBusy]. Whatever can
// be refused without looking at the signature is: a signature costs ten times
// all else.
func (c *Checker) Check(text string, r Request, now time.Time) (Thumbprint, error) {
	t, err := cut(text)
	if err != nil {
		return Thumbprint{}, err
	}
	k := c.keys.find(t.header)
	fresh := k == nil
	if fresh {
		if k, err = readHeader(t.header); err != nil {
			return Thumbprint{}, err
		}
	}
	p, err := readClaims(t.payload)
	if err != nil {
		return Thumbprint{}, err
	}
	ath := sha256.Sum256([]byte(r.Token))
	if err := p.fits(r, ath, now); err != nil {
		return Thumbprint{}, err
	}
	if !k.signed(t) {
		return Thumbprint{}, invalid("the signature is not the key's")
	}
	if fresh {
		c.keys.keep(t.header, k)
	} else {
		k.again()
	}
	return k.thumbprint, c.used.spend(ath, k.thumbprint, p, now.Unix())
}

// fits holds a proof's claims to the request (RFC 9449 §4.3).
func (p claims) fits(r Request, ath [sha256.Size]byte, now time.Time) error {
	switch age := now.Sub(time.Unix(p.iat, 0)); {
	case p.htm != r.Method:
		return invalid("htm is another method than the request's")
	case age > maxAge:
		return invalid("iat is more than 60 seconds ago")
	case age < -ahead:
		return invalid("iat is in the future")
	case p.ath != base64.RawURLEncoding.EncodeToString(ath[:]):
		return invalid("ath is not the token's")
	case !sameURL(p.htu, r.URL):
		return invalid("htu is another URL than the request's")
	}
	return nil
}
