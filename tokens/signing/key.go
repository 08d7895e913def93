package signing

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"stile.example/stile/tokens/jwk"
)

// Key is one of the server's own keys.
type Key struct {
	kid     string
	created time.Time
	until   time.Time // when it stops verifying; zero while it signs
	private crypto.Signer
	public  crypto.PublicKey
	method  jwt.SigningMethod
	header  string // of the tokens that it signs, encoded
}

func newKey(alg string, now time.Time) (*Key, error) {
	private, err := generate(alg)
	if err != nil {
		return nil, err
	}
	return ownKey(private, now.UTC().Truncate(time.Second), time.Time{})
}

// ownKey checks a private key and derives the rest of a key from it. The kid is a digest of the
// public key, so two keys can't have the same one.
func ownKey(private crypto.Signer, created, until time.Time) (*Key, error) {
	public := private.Public()
	method, err := MethodFor(public)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("encode public key: %w", err)
	}
	sum := sha256.Sum256(der)
	k := &Key{kid: base64.RawURLEncoding.EncodeToString(sum[:12]), created: created, until: until,
		private: private, public: public, method: method}
	k.header, err = encodeHeader(method.Alg(), k.kid)
	return k, err
}

// encodeHeader returns the header of an RFC 9068 token.
func encodeHeader(alg, kid string) (string, error) {
	h, err := json.Marshal(struct {
		Typ string `json:"typ"`
		Alg string `json:"alg"`
		KID string `json:"kid"`
	}{"at+jwt", alg, kid})
	if err != nil {
		return "", fmt.Errorf("encode header: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(h), nil
}

// KID returns the name of the key.
func (k *Key) KID() string { return k.kid }

// Alg returns the one algorithm that the key is for.
func (k *Key) Alg() string { return k.method.Alg() }

// Header returns the header of the tokens that the key signs, encoded.
func (k *Key) Header() string { return k.header }

// Sign returns the signature of a text.
func (k *Key) Sign(text string) ([]byte, error) { return k.method.Sign(text, k.private) }

// Verify returns an error if a signature of a text was not made by the key.
func (k *Key) Verify(text string, signature []byte) error {
	return k.method.Verify(text, signature, k.public)
}

// VerifiesAt reports whether the key verifies tokens at a time.
func (k *Key) VerifiesAt(now time.Time) bool { return k.until.IsZero() || now.Before(k.until) }

func (k *Key) jwk() jwk.Key {
	j := jwk.Of(k.public)
	j.KID, j.Alg, j.Use = k.kid, k.method.Alg(), "sig"
	return j
}
