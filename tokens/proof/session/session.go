// Package session checks session proofs: the cheap proofs that a browser makes once it and the
// server have agreed on a key. docs/security.md describes the protocol byte by byte.
//
//   - [Sealer.Agree] answers the public key that came in a DPoP proof. It returns a [Ticket], which
//     contains the agreed key, sealed with a key of the server. So the server stores nothing, and
//     any node with the same key opens the ticket, after a restart too.
//   - [Sealer.Check] checks a proof for one request, and returns the browser's key and the counter.
//     Package tokens decides whether the token is bound to that key, and whether the counter was
//     used before.
//
// The package does no I/O, reads no clock and uses no randomness. It is safe for concurrent use.
package session

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Life is how long a ticket is valid at most. After it, only the key that the token is bound to can
// agree on another session.
const Life = time.Hour

// MaxCounter is the highest counter of a proof.
const MaxCounter = 1<<32 - 1

// ErrInvalid says that a session proof is invalid for the request. The error that wraps it has a
// reason that may be shown.
var ErrInvalid = errors.New("session proof invalid")

// invalid is an [ErrInvalid] with its reason. The reasons are constants of this package, so they
// reveal nothing of a proof.
type invalid string

func (i invalid) Error() string { return string(i) }

func (i invalid) Is(target error) bool { return target == ErrInvalid }

// What else can be wrong with a proof that [Sealer.Check] accepts. The token's state decides it.
var (
	ErrUsed    error = invalid("its counter was used before, or is 64 or more below the highest one")
	ErrUnbound error = invalid("the token is not bound to the key of its ticket")
)

// Ticket is what an agreement is for.
type Ticket struct {
	Token   [16]byte // the tokens.ID of the token
	Key     [16]byte // the tokens.Key that the token is bound to
	Expires time.Time
}

// Domain separation: each text names one use and its version.
const (
	sealingLabel = "stile: session tickets, 1" // from the installation's secret to the sealing key
	ticketLabel  = "stile: session ticket, 1"  // additional data of a ticket
	macLabel     = "stile: session proof, 1"   // from the shared secret to the MAC key
)

// The parts of a ticket: nonce, ciphertext and tag are 96 bytes, in 128 characters of base64url.
// That leaves no unused bits, so a ticket has one spelling.
const (
	nonceSize  = 12
	macKeySize = 32
	plainSize  = 16 + 16 + macKeySize + 4
	boxSize    = nonceSize + plainSize + 16
	ticketSize = boxSize / 3 * 4
	pointSize  = 87 // of an uncompressed point of P-256, 65 bytes, in base64url
)

var encoding = base64.RawURLEncoding.Strict()

// Sealer seals and opens tickets. Sealers with the same key open each other's tickets.
type Sealer struct{ aead cipher.AEAD }

// NewSealer returns a Sealer with a key that is derived from key, which must have at least 32 bytes
// and may have other purposes too. Nonces are random, so the limit for one key is 2^32 tickets
// (NIST SP 800-38D, 8.3): at 100 a second it is reached in 16 months.
func NewSealer(key []byte) (*Sealer, error) {
	if len(key) < 32 {
		return nil, errors.New("derive the key of session tickets: the key must have at least 32 bytes")
	}
	derived, err := hkdf.Key(sha256.New, key, nil, sealingLabel, 32)
	if err != nil {
		return nil, fmt.Errorf("derive the key of session tickets: %w", err)
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &Sealer{aead}, err
}

// Format keeps the key out of logs and errors, whatever the verb.
func (s *Sealer) Format(f fmt.State, _ rune) { fmt.Fprint(f, "session.Sealer(hidden)") }

// EncodeKey returns the text of a public key, in which it travels.
func EncodeKey(k *ecdh.PublicKey) string { return encoding.EncodeToString(k.Bytes()) }

// Agree returns the ticket of an agreement between browser, the public key that came in a DPoP
// proof, and server, which is used once. ath is the SHA-256 of the token's text. The nonce must be
// random. The error is an [ErrInvalid] if browser is not a public key.
func (s *Sealer) Agree(t Ticket, browser string, server *ecdh.PrivateKey, ath [32]byte, nonce [12]byte) (ticket string, err error) {
	point, err := encoding.DecodeString(browser)
	if err != nil || len(browser) != pointSize { // the decoder skips line breaks
		return "", invalid("session_key is not an uncompressed point of P-256 in base64url")
	}
	public, err := ecdh.P256().NewPublicKey(point)
	if err != nil {
		return "", invalid("session_key is not a point of P-256")
	}
	shared, err := server.ECDH(public)
	if err != nil {
		return "", fmt.Errorf("agree on a session key: %w", err)
	}
	info := slices.Concat([]byte(macLabel), point, server.PublicKey().Bytes())
	macKey, err := hkdf.Key(sha256.New, shared, ath[:], string(info), macKeySize)
	if err != nil {
		return "", fmt.Errorf("derive a session key: %w", err)
	}
	return s.seal(t, [macKeySize]byte(macKey), nonce), nil
}
