package signing

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"time"
)

// This file has what keys need that several nodes share. They are stored encrypted in a database.
// A rotation has two steps, so that no node refuses a token because it does not know its key yet:
// Announce adds a key that only verifies, and once all nodes know it, Promote makes it sign.

// NewSet generates the keys of a new installation, as [OpenKeys] does for a new file.
func NewSet(now time.Time) (*Set, error) { return firstKeys(now) }

// Shared returns the keys that nodes share. isNew says that they were generated just now.
func Shared(set *Set, isNew bool) *Keys {
	k := newKeys("", set)
	k.new = isNew
	return k
}

// DigestKey returns a key for digests that are stored in the database, which is the same on all
// nodes, also while the key that encrypts the database is changed. It is secret: otherwise whoever
// reads the database could find what was digested by trying.
func (k *Keys) DigestKey() ([]byte, error) {
	return hkdf.Key(sha256.New, k.SecretKey(), nil, "stile: digests in a database, 2", 32)
}

// Use replaces keys that nodes share by the newest ones.
func (k *Keys) Use(set *Set) {
	k.mu.Lock()
	defer k.mu.Unlock()
	next := *set
	next.Generation = k.set.Load().Generation + 1
	k.set.Store(&next)
}

// Seal encrypts the keys. They can be read again by [Unseal].
func (s *Set) Seal(b *Box) ([]byte, error) {
	data, err := s.encode()
	if err != nil {
		return nil, err
	}
	return b.Seal(keysContext, data), nil
}

// keysContext is bound to the encrypted keys, so that no other sealed value can be put in their
// place.
const keysContext = "keys"

// Unseal decrypts keys. It returns [ErrBox] if they were encrypted with another key. Those that
// verify no token at now are left out.
func Unseal(b *Box, sealed []byte, now time.Time) (*Set, error) {
	data, err := b.Open(keysContext, sealed)
	if err != nil {
		return nil, err
	}
	set, err := decodeKeys(data)
	if err != nil {
		return nil, fmt.Errorf("keys in the database: %w", err)
	}
	set.keys = set.alive(now)
	return set, nil
}

// Announced returns the name of the key that is to sign next, "" if there is none.
func (s *Set) Announced() string {
	for _, k := range s.keys[1:] {
		if k.until.IsZero() {
			return k.kid
		}
	}
	return ""
}

// Announce returns the keys with a new one, which verifies but does not sign yet. A key that was
// announced before, and never promoted, is replaced.
func (s *Set) Announce(alg string, now time.Time) (*Set, KeyInfo, error) {
	if err := s.mayRotate(now); err != nil {
		return nil, KeyInfo{}, fmt.Errorf("rotate keys: %w", err)
	}
	fresh, err := newKey(alg, now)
	if err != nil {
		return nil, KeyInfo{}, fmt.Errorf("rotate keys: %w", err)
	}
	next := &Set{secret: s.secret, keys: []*Key{s.keys[0], fresh}}
	for _, k := range s.keys[1:] {
		if !k.until.IsZero() {
			next.keys = append(next.keys, k)
		}
	}
	return next, next.info(1), nil
}

// Promote returns the keys with the announced one signing. The previous one continues to verify
// until its last token has expired: lifetime is the maximum lifetime of its tokens. ok reports
// whether a key of that name was announced.
func (s *Set) Promote(kid string, now time.Time, lifetime time.Duration) (next *Set, k KeyInfo, ok bool) {
	if kid == "" || s.Announced() != kid {
		return s, k, false
	}
	rest := &Set{secret: s.secret, keys: []*Key{s.keys[0]}}
	var fresh *Key
	for _, k := range s.keys[1:] {
		if k.kid == kid {
			fresh = k
		} else {
			rest.keys = append(rest.keys, k)
		}
	}
	next = rest.rotated(fresh, now, now.Add(lifetime+rotationSlack))
	return next, next.info(0), true
}
