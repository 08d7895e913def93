package bearer

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Signer makes RFC 9068 access tokens. All its fields must be set.
type Signer struct {
	Keys     *Keys
	Issuer   string
	Audience string
}

// NewJTI is a name for a token that no other has: 128 random bits.
func NewJTI() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// Sign makes a token of c's Subject, Client, Tenant, Scope and Expires. A JTI that is
// empty is drawn, and an IssuedAt that is zero is now; c's Issuer and ID are
// not read. A token that [Verifier] would refuse for its length is an error.
func (s *Signer) Sign(c Claims, now time.Time) (string, error) {
	if c.JTI == "" {
		c.JTI = NewJTI()
	}
	if c.IssuedAt.IsZero() {
		c.IssuedAt = now
	}
	switch {
	case s.Issuer == "" || s.Audience == "":
		return "", errors.New("sign token: the signer has no issuer or no audience")
	case c.Subject == "" || c.Client == "" || !c.Expires.After(c.IssuedAt):
		return "", errors.New("sign token: it needs a subject, a client and a lifetime")
	}
	token, err := s.sign(c)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	if len(token) > MaxLength {
		return "", errors.New("sign token: longer than 4 KiB")
	}
	return token, nil
}

func (s *Signer) sign(c Claims) (string, error) {
	key := s.Keys.set.Load().keys[0]
	payload, err := json.Marshal(struct {
		Issuer   string `json:"iss"`
		Audience string `json:"aud"`
		Subject  string `json:"sub"`
		Client   string `json:"client_id"`
		Tenant   uint32 `json:"tenant,omitempty"` // a private claim (RFC 7519 §4.3)
		JTI      string `json:"jti"`
		IssuedAt int64  `json:"iat"`
		Expires  int64  `json:"exp"`
		Scope    string `json:"scope,omitempty"`
	}{s.Issuer, s.Audience, c.Subject, c.Client, c.Tenant, c.JTI, c.IssuedAt.Unix(), c.Expires.Unix(), c.Scope})
	if err != nil {
		return "", err
	}
	signed := key.header + "." + base64.RawURLEncoding.EncodeToString(payload)
	signature, err := key.method.Sign(signed, key.private)
	if err != nil {
		return "", err
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
