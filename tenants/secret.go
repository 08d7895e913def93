package tenants

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

// ErrCredentials says that the client or its secret is unknown, without saying which of the two.
var ErrCredentials = errors.New("client_id or secret is wrong")

// Why credentials are wrong, for the log only. Each is an [ErrCredentials].
var (
	ErrUnknownClient = fmt.Errorf("%w: unknown client", ErrCredentials)
	ErrWrongSecret   = fmt.Errorf("%w: wrong secret", ErrCredentials)
	ErrOldSecret     = fmt.Errorf("%w: a secret that was replaced, and whose overlap has ended", ErrCredentials)
)

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

// derivedFor separates derived secrets from all other values that are derived from the key.
const derivedFor = "stile client secret of "

// UseDerivedSecret makes the only secret of a tenant one that follows from the server's key and the
// client_id, and returns it. It is the same each time, so it can be shown again. That is for the
// demo: whoever reads the key knows it.
func (d *Directory) UseDerivedSecret(ctx context.Context, clientID string) (plain string, err error) {
	b, err := hkdf.Key(sha256.New, d.key, nil, derivedFor+clientID, 32)
	if err != nil {
		return "", fmt.Errorf("derive the secret of %s: %w", clientID, err)
	}
	plain = secretPrefix + base64.RawURLEncoding.EncodeToString(b)
	_, err = d.Update(ctx, clientID, func(t *Tenant) error {
		t.Secrets = []Secret{{Hash: hash(d.key, plain)}}
		return nil
	})
	return plain, err
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
		if s.validAt(now) && len(kept) < MaxSecrets {
			kept = append(kept, s)
		}
	}
	t.Secrets = kept
}

// ValidSecrets returns how many secrets of the tenant are valid.
func (t *Tenant) ValidSecrets(now time.Time) (n int) {
	for _, s := range t.Secrets {
		if s.validAt(now) {
			n++
		}
	}
	return n
}

func (s Secret) validAt(now time.Time) bool { return s.Until.IsZero() || now.Before(s.Until) }

// Authenticate returns the tenant of that client_id if secret is valid at now. Otherwise the error
// is [ErrCredentials], which takes the same time for known and unknown clients. It is
// [ErrSuspended] for a suspended tenant with a valid secret.
func (d *Directory) Authenticate(clientID, secret string, now time.Time) (*Tenant, error) {
	t, known := d.Find(clientID)
	if !known {
		t = &d.nobody
	}
	valid, old := t.knows(hash(d.key, secret), now)
	switch {
	case !valid && !known:
		return nil, ErrUnknownClient
	case !valid && old:
		return nil, ErrOldSecret
	case !valid:
		return nil, ErrWrongSecret
	case t.Status != Active:
		return nil, ErrSuspended
	}
	return t, nil
}

// knows reports whether sum is that of a valid secret, or of an old one. It compares it with as
// many secrets as a tenant can have, so that the time does not depend on their number.
func (t *Tenant) knows(sum [32]byte, now time.Time) (valid, old bool) {
	found, ended := 0, 0
	for i := range MaxSecrets {
		s, good, over := Secret{}, 0, 0
		if i < len(t.Secrets) {
			s = t.Secrets[i]
			if good = 1; !s.validAt(now) {
				good, over = 0, 1
			}
		}
		same := subtle.ConstantTimeCompare(sum[:], s.Hash[:])
		found |= same & good
		ended |= same & over
	}
	return found == 1, ended == 1
}

// AssertionKeys returns the JWK Set for a client's assertions (RFC 7523). It is "" for a client
// that is unknown, suspended or without keys.
func (d *Directory) AssertionKeys(clientID string) string {
	if t, ok := d.Find(clientID); ok && t.Status == Active {
		return t.Keys
	}
	return ""
}
