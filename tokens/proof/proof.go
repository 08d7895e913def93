// Package proof checks the proofs by which a browser shows that it holds the key of its token: DPoP
// proofs, exactly as in RFC 9449.
//
//   - [Checker.Check] returns the key that made a proof, if the proof is valid for one request. It
//     stores nothing.
//   - The key is named by its RFC 7638 thumbprint. Package tokens decides what happens to a token
//     that comes with it.
//   - [Checker.Spend] stores a checked proof, so that it works once. It is for proofs by the key
//     that the token is bound to. If a caller spent other proofs, anybody could fill the memory.
//
// The package does no I/O, reads no clock and uses no randomness. Its memory is bounded: for the
// spent proofs (replay_cache.go) and for the keys of tokens (key_cache.go). Both are of one
// process. After a restart, proofs that may have been used before are refused. Two processes for
// the same tokens would each accept a proof once.
package proof

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"
)

// A proof is valid for maxAge from its iat. The iat may be at most ahead in our future; clocks that
// are set by the network differ by less.
const (
	maxAge = 60 * time.Second
	ahead  = 2 * time.Second
)

// Life is how long a spent proof must be stored, in whole seconds. After that, it is too old for
// [Checker.Check].
const Life = maxAge + ahead + time.Second

// Bounds of a proof's text and of its jti, in bytes.
const (
	maxLength = 2 << 10
	maxJTI    = 128
)

// ErrInvalid says that a proof is invalid for the request. The error that wraps it has a reason
// that may be shown.
var ErrInvalid = errors.New("proof invalid")

// ErrBusy says that a proof can't be checked now. Either the server has just started and does not
// know whether the proof was used before, or it has no space for another proof. A new proof will be
// accepted a little later.
var ErrBusy = errors.New("proofs can't be checked now")

// invalid is an [ErrInvalid] with its reason. The reasons are constants of this package, so they
// reveal nothing of a proof.
type invalid string

func (i invalid) Error() string { return string(i) }

func (i invalid) Is(target error) bool { return target == ErrInvalid }

// untimely is the [invalid] for a proof that was made at another time.
type untimely struct {
	invalid
	ahead time.Duration
}

func (u untimely) Unwrap() error { return u.invalid }

// Ahead returns how far the clock that made an invalid proof seems to be ahead of this one, and
// reports whether the proof was invalid for its time. A negative one is behind, or the proof was
// kept.
func Ahead(err error) (ahead time.Duration, untimed bool) {
	u, ok := errors.AsType[untimely](err)
	return u.ahead, ok
}

// Thumbprint names a public key: the SHA-256 of RFC 7638. The zero Thumbprint stands for no key.
type Thumbprint [sha256.Size]byte

func (t Thumbprint) String() string { return base64.RawURLEncoding.EncodeToString(t[:]) }

// Request is the request that a proof must be for.
type Request struct {
	Method string
	URL    string // as the client knows the server, without query and fragment
	Token  string // as it was presented
}

// Checker checks proofs. [NewChecker] returns one. Its methods are safe for concurrent use.
type Checker struct {
	keys  keyCache
	used  replayCache
	since int64 // Unix seconds: proofs that were made until then are not accepted
}

// NewChecker returns a Checker for a server that started at start. It accepts no proof that may
// have been used before.
func NewChecker(start time.Time) *Checker {
	c := &Checker{keys: newKeyCache(), since: start.Add(ahead).Unix()}
	c.used.begin(c.since)
	return c
}

// Ready reports whether new proofs are accepted. They are not until 2 s after the start: the clock
// of a browser may be that much ahead, so a proof made until then may have been used before.
func (c *Checker) Ready(now time.Time) bool { return now.Unix() > c.since }

// Checked is a proof that is valid for a request, and what spending it needs. It does not refer to
// the request, and needs no memory of its own.
type Checked struct {
	Thumbprint Thumbprint // of the key that made the proof
	SessionKey string     // the claim session_key, unchecked; "": there is none

	key          *key
	proof, token digest
	made         int64 // iat, Unix seconds
}

// Digest names the proof among all proofs. All spellings of a proof have the same digest.
func (c Checked) Digest() [16]byte { return c.proof }

// Until returns until when it must be known that the proof was used. It is more than [Life] after
// the proof was made: the clocks of several servers differ, and none may forget it early.
func (c Checked) Until() time.Time { return time.Unix(c.made, 0).Add(2 * Life) }

// ErrUsed says that a proof was used before.
var ErrUsed error = invalid("it was used before")

// Foreign returns c as a proof by another key than the token's. Such proofs have their own budget,
// so that they can't use up that of the token.
func (c Checked) Foreign() Checked {
	c.token[len(c.token)-1] ^= 1
	return c
}

// Check returns the key of a valid proof for r, and stores nothing: a used proof passes until
// [Checker.Spend] refuses it. Otherwise the error is an [ErrInvalid]. Check refuses whatever it can
// before it checks the signature, which takes ten times as long as everything else.
func (c *Checker) Check(text string, r Request, now time.Time) (Checked, error) {
	t, err := cut(text)
	if err != nil {
		return Checked{}, err
	}
	ath := sha256.Sum256([]byte(r.Token))
	token := digest(ath[:])
	k := c.keys.get(token, t.Header)
	if k == nil {
		if k, err = readHeader(t.Header); err != nil {
			return Checked{}, err
		}
	}
	p, err := readClaims(t.Payload)
	if err != nil {
		return Checked{}, err
	}
	if err := p.fits(r, ath, now); err != nil {
		return Checked{}, err
	}
	if !k.verify(t) {
		return Checked{}, invalid("the signature is not the key's")
	}
	return Checked{Thumbprint: k.thumbprint, SessionKey: p.sessionKey, key: k, proof: digestOf(k.thumbprint, p.jti), token: token, made: p.iat}, nil
}

// Spend stores a proof that [Checker.Check] returned, for at least [Life]. most is how many proofs
// the token's limits admit in that time; more than 65,535 are never stored. The error is an
// [ErrInvalid] if the proof was spent before. It is [ErrBusy] if that is not known (after a start),
// if most proofs of the token are stored, or if the memory is full.
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

// fits checks a proof's claims against the request (RFC 9449 §4.3).
func (p claims) fits(r Request, ath [sha256.Size]byte, now time.Time) error {
	switch age := now.Sub(time.Unix(p.iat, 0)); {
	case p.htm != r.Method:
		return invalid("htm is not the request's method")
	case age > maxAge:
		return untimely{invalid("iat is more than 60 seconds ago"), -age}
	case age < -ahead:
		return untimely{invalid("iat is in the future"), -age}
	case p.ath != base64.RawURLEncoding.EncodeToString(ath[:]):
		return invalid("ath is not the token's")
	case !sameURL(p.htu, r.URL):
		return invalid("htu is not the request's URL")
	}
	return nil
}
