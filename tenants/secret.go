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

// ErrCredentials says that the client or its secret is not known. Which of the
// two is not said.
var ErrCredentials = errors.New("client_id or secret is wrong")

// ErrSuspended says that the credentials are good and the tenant is suspended.
var ErrSuspended = errors.New("the tenant is suspended")

// maxSecrets is how many secrets a tenant can have at once: one, and those
// that an overlap keeps good.
const maxSecrets = 4

// secretPrefix lets a secret be recognised where it should not be, in a
// repository or a log.
const secretPrefix = "stile_"

// NewSecret draws a client secret of 256 bits. plain is for the tenant and is
// kept nowhere; s is how it is kept, under the server's own key.
func NewSecret(key []byte) (plain string, s Secret) {
	b := make([]byte, 32)
	rand.Read(b) // never fails: crypto/rand ends the program instead
	plain = secretPrefix + base64.RawURLEncoding.EncodeToString(b)
	return plain, Secret{Hash: hash(key, plain)}
}

func hash(key []byte, plain string) (sum [32]byte) {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(plain))
	mac.Sum(sum[:0])
	return sum
}

// Rotate makes fresh the tenant's secret. Those it had stay good for overlap,
// but none longer than it would have.
func (t *Tenant) Rotate(fresh Secret, now time.Time, overlap time.Duration) {
	until := now.Add(overlap).UTC().Truncate(time.Second)
	kept := []Secret{fresh}
	for _, s := range t.Secrets {
		if s.Until.IsZero() || s.Until.After(until) {
			s.Until = until
		}
		if now.Before(s.Until) && len(kept) < maxSecrets {
			kept = append(kept, s)
		}
	}
	t.Secrets = kept
}

// Authenticate is the tenant of that client_id, if secret is good for it at
// now: else [ErrCredentials], after the same work for a client that is known
// and one that is not; or [ErrSuspended], told only to whom the secret is good.
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

// knows compares sum with as many secrets as a tenant can have, whether it has
// them or not.
func (t *Tenant) knows(sum [32]byte, now time.Time) bool {
	found := 0
	for i := range maxSecrets {
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

// AssertionKeys is the JWK Set by which a client's assertions (RFC 7523) are
// checked, "" for one that has none, is not known or is suspended.
func (d *Directory) AssertionKeys(clientID string) string {
	if t, ok := d.Find(clientID); ok && t.Status == Active {
		return t.Keys
	}
	return ""
}
