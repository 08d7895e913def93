package tenants

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"time"
)

// ErrCredentials says that the client or its secret is unknown, without saying which of the two.
var ErrCredentials = errors.New("client_id or secret is wrong")

// ErrSuspended says that the credentials are valid, but the tenant is suspended.
var ErrSuspended = errors.New("the tenant is suspended")

// MaxSecrets is the maximum number of valid secrets of a tenant: the latest one, and those in an
// overlap.
const MaxSecrets = 4

// secretPrefix makes a secret recognisable where it should not be, in a repository or a log.
const secretPrefix = "stile_"

// NewSecret generates a client secret of 256 bits. plain is for the tenant and is not stored. s is
// its stored form, a hash with the server's own key.
func NewSecret(key []byte) (plain string, s Secret) {
	b := make([]byte, 32)
	rand.Read(b) // can't fail: crypto/rand ends the program instead
	plain = secretPrefix + base64.RawURLEncoding.EncodeToString(b)
	return plain, Secret{Hash: hash(key, plain)}
}

func hash(key []byte, plain string) (sum [32]byte) {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(plain))
	mac.Sum(sum[:0])
	return sum
}

// Rotate adds fresh to the tenant's secrets. The others stay valid for overlap, or less if they end
// earlier.
func (t *Tenant) Rotate(fresh Secret, now time.Time, overlap time.Duration) {
	until := now.Add(overlap).UTC().Truncate(time.Second)
	kept := []Secret{fresh}
	for _, s := range t.Secrets {
		if s.Until.IsZero() || s.Until.After(until) {
			s.Until = until
		}
		if now.Before(s.Until) && len(kept) < MaxSecrets {
			kept = append(kept, s)
		}
	}
	t.Secrets = kept
}

// ValidSecrets returns how many secrets of the tenant are valid.
func (t *Tenant) ValidSecrets(now time.Time) (n int) {
	for _, s := range t.Secrets {
		if s.Until.IsZero() || now.Before(s.Until) {
			n++
		}
	}
	return n
}

// Authenticate returns the tenant of that client_id if secret is valid at now. Otherwise the error
// is [ErrCredentials], which takes the same time for known and unknown clients. It is
// [ErrSuspended] for a suspended tenant with a valid secret.
func (d *Directory) Authenticate(clientID, secret string, now time.Time) (*Tenant, error) {
	t, known := d.Find(clientID)
	if !known {
		t = &d.nobody
	}
	switch {
	case !t.knows(hash(d.key, secret), now):
		return nil, ErrCredentials
	case t.Status != Active:
		return nil, ErrSuspended
	}
	return t, nil
}

// knows compares sum with as many secrets as a tenant can have, so that the time does not depend on
// their number.
func (t *Tenant) knows(sum [32]byte, now time.Time) bool {
	found := 0
	for i := range MaxSecrets {
		s, good := Secret{}, 0
		if i < len(t.Secrets) {
			s = t.Secrets[i]
			good = 1
			if !s.Until.IsZero() && !now.Before(s.Until) {
				good = 0
			}
		}
		found |= subtle.ConstantTimeCompare(sum[:], s.Hash[:]) & good
	}
	return found == 1
}

// AssertionKeys returns the JWK Set for a client's assertions (RFC 7523). It is "" for a client
// that is unknown, suspended or without keys.
func (d *Directory) AssertionKeys(clientID string) string {
	if t, ok := d.Find(clientID); ok && t.Status == Active {
		return t.Keys
	}
	return ""
}
