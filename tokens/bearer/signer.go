package bearer

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"stile.example/stile/tokens/signing"
)

// Signer signs RFC 9068 access tokens. All its fields but After must be set.
type Signer struct {
	Keys     *signing.Keys
	Issuer   string
	Audience string
	// After returns a time, in Unix seconds. Tokens that were issued until then may be refused, so new
	// ones are dated after it if that is in the next seconds. Nil: there is no such time.
	After func() int64
}

// maxAhead is how far in the future a token may be dated. It is less than the leeway of verifiers.
const maxAhead = 40 * time.Second

// NewJTI returns a unique name for a token: 128 random bits, of which the first 6 are never those
// of a hyphen. A command line would read such a name as a flag.
func NewJTI() string {
	b := make([]byte, 16)
	for {
		rand.Read(b) // can't fail: crypto/rand ends the program instead
		if jti := base64.RawURLEncoding.EncodeToString(b); jti[0] != '-' {
			return jti
		}
	}
}

// Sign returns a token with c's Subject, Client, Tenant, Scope and Expires. An empty JTI is
// generated, and a zero IssuedAt is now. The Issuer and ID of c are ignored. It returns an error
// for a token that [Verifier] would refuse for its length.
func (s *Signer) Sign(c Claims, now time.Time) (string, error) {
	if c.JTI == "" {
		c.JTI = NewJTI()
	}
	if c.IssuedAt.IsZero() {
		c.IssuedAt = now
	}
	if s.After != nil {
		first := time.Unix(s.After()+1, 0)
		if c.IssuedAt.Before(first) && now.Sub(c.IssuedAt) < maxAhead && first.Sub(now) <= maxAhead {
			c.IssuedAt = first
		}
	}
	switch {
	case s.Issuer == "" || s.Audience == "":
		return "", errors.New("sign token: the signer has no issuer or no audience")
	case c.Subject == "" || c.Client == "" || !c.Expires.After(c.IssuedAt):
		return "", errors.New("sign token: the subject, the client or the lifetime is missing")
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
	key := s.Keys.Set().Signing()
	payload, err := json.Marshal(struct {
		Issuer   string `json:"iss"`
		Audience string `json:"aud"`
		Subject  string `json:"sub"`
		Client   string `json:"client_id"`
		Tenant   uint32 `json:"tenant,omitempty"` // a private claim (RFC 7519 §4.3), as the next
		MaxCalls uint32 `json:"calls,omitempty"`
		JTI      string `json:"jti"`
		IssuedAt int64  `json:"iat"`
		Expires  int64  `json:"exp"`
		Scope    string `json:"scope,omitempty"`
	}{s.Issuer, s.Audience, c.Subject, c.Client, c.Tenant, c.MaxCalls, c.JTI, c.IssuedAt.Unix(), c.Expires.Unix(), c.Scope})
	if err != nil {
		return "", err
	}
	signed := key.Header() + "." + base64.RawURLEncoding.EncodeToString(payload)
	signature, err := key.Sign(signed)
	if err != nil {
		return "", err
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
