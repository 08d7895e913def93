// Package proof checks the proofs by which a browser shows that it holds the
// key which its token is bound to: DPoP proofs of RFC 9449, to the letter.
//
//   - [Checker.Check] reports which key made a proof, if the proof is valid for
//     one request. It remembers nothing.
//   - The key is named by its RFC 7638 thumbprint. Package tokens decides what
//     happens to a token that comes with it.
//   - [Checker.Spend] remembers a checked proof, so that it works once. Only
//     proofs by the key that the token is bound to are worth remembering: a
//     caller that spent others would let anybody fill the memory.
//
// It does no I/O, reads no clock and uses no randomness. What it remembers is
// bounded: the proofs that were spent (used.go), and the keys of tokens
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

// Life is how long a spent proof must be remembered, counted in whole seconds:
// after it, the proof is too old for [Checker.Check].
const Life = maxAge + ahead + time.Second

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
	keys keyCache
	used replayCache
}

// NewChecker is a Checker of a server that started at start. It takes no proof
// that may have been used before.
func NewChecker(start time.Time) *Checker {
	c := &Checker{keys: newKeyCache()}
	c.used.begin(start.Add(ahead).Unix())
	return c
}

// Checked is a proof that was found valid for a request, and what spending it
// needs. It refers to nothing of the request, and costs no memory.
type Checked struct {
	Thumbprint Thumbprint // of the key that made the proof

	key          *key
	proof, token digest
	made         int64 // iat, Unix seconds
}

// Foreign is c as a proof by another key than the token's. What is spent so has
// a budget of its own, so that foreign proofs can't use up the token's.
func (c Checked) Foreign() Checked {
	c.token[len(c.token)-1] ^= 1
	return c
}

// Check returns what a valid proof for r shows, and remembers nothing: a proof
// that was used before passes, until [Checker.Spend] refuses it. Otherwise the
// error is an [ErrInvalid]. Check refuses whatever it can before it looks at
// the signature, which costs ten times all else.
func (c *Checker) Check(text string, r Request, now time.Time) (Checked, error) {
	t, err := cut(text)
	if err != nil {
		return Checked{}, err
	}
	ath := sha256.Sum256([]byte(r.Token))
	token := digest(ath[:])
	k := c.keys.get(token, t.header)
	known := k != nil
	if !known {
		if k, err = readHeader(t.header); err != nil {
			return Checked{}, err
		}
	}
	p, err := readClaims(t.payload)
	if err != nil {
		return Checked{}, err
	}
	if err := p.fits(r, ath, now); err != nil {
		return Checked{}, err
	}
	if !k.verify(t) {
		return Checked{}, invalid("the signature is not the key's")
	}
	if known {
		k.again()
	}
	return Checked{Thumbprint: k.thumbprint, key: k, proof: digestOf(k.thumbprint, p.jti), token: token, made: p.iat}, nil
}

// Spend remembers a proof that [Checker.Check] returned, for at least [Life].
// most is how many proofs the token's limits admit in that time; it is never
// more than 65,535. The error is an [ErrInvalid] if the proof was spent before.
// It is [ErrBusy] if nobody can know that (after a start), if most proofs of
// the token are remembered, or if the memory is full.
func (c *Checker) Spend(p Checked, most int, now time.Time) error {
	if p.key == nil {
		return invalid("it was not checked")
	}
	if err := c.used.spend(p, most, now.Unix()); err != nil {
		return err
	}
	c.keys.put(p.token, p.key)
	return nil
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
