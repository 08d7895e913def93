// Package idempotency makes requests repeatable, by draft-ietf-httpapi-idempotency-key-header: a
// client that got no response sends the request again with the same key, and gets the response of
// the first request instead of doing the same twice.
//
// A response may contain a secret, so responses are stored encrypted, with a key that is derived
// from the server's own. Keys and requests are stored as keyed hashes.
package idempotency

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"
)

const (
	// Lasts is how long a request can be repeated.
	Lasts = 24 * time.Hour
	// MaxRequests is how many requests with different keys an actor may send within that time.
	MaxRequests = 10_000
	// MaxResponse is the size of the largest response that is stored, in bytes.
	MaxResponse = 256 << 10
)

// Record is a request that may be repeated.
type Record struct {
	ID          [sha256.Size]byte // of the actor and the key
	Actor       [sha256.Size]byte
	Fingerprint [sha256.Size]byte // of the request
	At          time.Time
	Process     [16]byte // that handles the request
	Response    []byte   // encrypted; nil: it is in progress
}

// Store stores records. Implementations must be safe for concurrent use.
type Store interface {
	// BeginRequest removes the records from before a time, and adds a record, in one transaction. If
	// there is one with its ID, it returns that one. It adds none if the actor has max records, and
	// returns the zero Record then.
	BeginRequest(ctx context.Context, r Record, before time.Time, max int) (stored Record, began bool, err error)
	// EndRequest stores the response to a request.
	EndRequest(ctx context.Context, id [sha256.Size]byte, response []byte) error
	// ForgetRequest removes the record of a request.
	ForgetRequest(ctx context.Context, id [sha256.Size]byte) error
}

// Requests recognises requests that are repeated.
type Requests struct {
	store   Store
	mac     []byte
	seal    cipher.AEAD
	process [16]byte
}

// New returns the requests in a store. The secret key is the server's own.
func New(secretKey []byte, store Store) (*Requests, error) {
	keys, err := hkdf.Key(sha256.New, secretKey, nil, "stile admin API: repeated requests", 64)
	if err != nil {
		return nil, fmt.Errorf("derive the key of stored responses: %w", err)
	}
	block, err := aes.NewCipher(keys[:32])
	if err != nil {
		return nil, err
	}
	r := &Requests{store: store, mac: keys[32:]}
	if r.seal, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return nil, err
	}
	_, _ = rand.Read(r.process[:]) // never fails
	return r, nil
}

// Outcome says how a request with a key is to be handled. The zero Outcome is a fault.
type Outcome int

// The outcomes.
const (
	Fault       Outcome = iota
	Begun               // it is new: handle it, then call End or Forget
	Repeated            // respond as to the first one
	Reused              // the key was used for another request
	InProgress          // the first one is being handled
	Interrupted         // the server was stopped while it handled the first one
	TooMany             // the actor has used too many keys
)

// Begin says how a request of an actor with a key is to be handled. The parts of the request are
// all that must be equal in a repetition. For Repeated, it returns the response.
func (r *Requests) Begin(ctx context.Context, now time.Time, actor, key string, request ...string) (o Outcome, id [sha256.Size]byte, response []byte, err error) {
	rec := Record{ID: r.hash("key", actor, key), Actor: r.hash("actor", actor), Fingerprint: r.hash("request", request...), At: now, Process: r.process}
	old, began, err := r.store.BeginRequest(ctx, rec, now.Add(-Lasts), MaxRequests)
	switch {
	case err != nil:
		return Fault, rec.ID, nil, fmt.Errorf("look up the Idempotency-Key: %w", err)
	case began:
		return Begun, rec.ID, nil, nil
	case old.ID != rec.ID:
		return TooMany, rec.ID, nil, nil
	case !hmac.Equal(old.Fingerprint[:], rec.Fingerprint[:]):
		return Reused, rec.ID, nil, nil
	case old.Response == nil && old.Process != r.process:
		return Interrupted, rec.ID, nil, nil
	case old.Response == nil:
		return InProgress, rec.ID, nil, nil
	}
	response, err = r.seal.Open(nil, nil, old.Response, rec.ID[:])
	if err != nil {
		return Fault, rec.ID, nil, fmt.Errorf("decrypt a stored response: %w", err)
	}
	return Repeated, rec.ID, response, nil
}

// End stores the response to a request that was begun. A response that is too large is not stored:
// then the request can't be repeated.
func (r *Requests) End(ctx context.Context, id [sha256.Size]byte, response []byte) error {
	if len(response) > MaxResponse {
		return r.Forget(ctx, id)
	}
	return r.store.EndRequest(ctx, id, r.seal.Seal(nil, nil, response, id[:]))
}

// Forget removes a request that was begun, as if it had not been sent: nothing was done.
func (r *Requests) Forget(ctx context.Context, id [sha256.Size]byte) error {
	return r.store.ForgetRequest(ctx, id)
}

// Check returns an error if a stored response can't be decrypted.
func (r *Requests) Check(id [sha256.Size]byte, response []byte) error {
	_, err := r.seal.Open(nil, nil, response, id[:])
	return err
}

// hash hashes texts, each with its length, so that none can be moved into another.
func (r *Requests) hash(what string, texts ...string) (sum [sha256.Size]byte) {
	h := hmac.New(sha256.New, r.mac)
	for _, text := range append([]string{what}, texts...) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(text)))
		h.Write(n[:])
		h.Write([]byte(text))
	}
	h.Sum(sum[:0])
	return sum
}
