package bearer

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

// key is one of the server's own keys.
type key struct {
	kid     string
	created time.Time
	until   time.Time // when it stops verifying; zero while it signs
	private crypto.Signer
	public  crypto.PublicKey
	method  jwt.SigningMethod
	header  string // of the tokens that it signs, encoded
}

func newKey(alg string, now time.Time) (*key, error) {
	private, err := generate(alg)
	if err != nil {
		return nil, err
	}
	return ownKey(private, now.UTC().Truncate(time.Second), time.Time{})
}

// ownKey checks a private key and derives the rest of a key from it. The kid is a digest of the
// public key, so two keys can't have the same one.
func ownKey(private crypto.Signer, created, until time.Time) (*key, error) {
	public := private.Public()
	method, err := methodFor(public)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("encode public key: %w", err)
	}
	sum := sha256.Sum256(der)
	k := &key{kid: base64.RawURLEncoding.EncodeToString(sum[:12]), created: created, until: until,
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

func (k *key) alive(now time.Time) bool { return k.until.IsZero() || now.Before(k.until) }

func (k *key) jwk() jwk.Key {
	j := jwk.Of(k.public)
	j.KID, j.Alg, j.Use = k.kid, k.method.Alg(), "sig"
	return j
}
