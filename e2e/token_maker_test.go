//go:build vectors

package e2e

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// tokenMaker signs any header and claims with the server's own key. Such tokens differ from valid
// ones only in their content.
type tokenMaker struct {
	key    crypto.Signer
	header map[string]any // of a token that the server made
	claims map[string]any
}

// newTokenMaker reads the server's key, and the header and claims of a valid token.
func newTokenMaker(s *server) *tokenMaker {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.Dir, "data", "keys.json"))
	s.must(err)
	var file struct{ Keys []struct{ Private []byte } }
	s.must(json.Unmarshal(text, &file))
	key, err := x509.ParsePKCS8PrivateKey(file.Keys[0].Private)
	s.must(err)
	m := &tokenMaker{key: key.(crypto.Signer)}
	parts := strings.Split(s.tokens(1)[0], ".")
	for i, into := range []*map[string]any{&m.header, &m.claims} {
		part, err := base64.RawURLEncoding.DecodeString(parts[i])
		s.must(err)
		s.must(json.Unmarshal(part, into))
	}
	for _, name := range []string{"iat", "exp"} { // as integers again
		m.claims[name] = int64(m.claims[name].(float64))
	}
	return m
}

// signed returns a token of any two texts, signed.
func (m *tokenMaker) signed(header, claims string) string {
	enc := base64.RawURLEncoding
	text := enc.EncodeToString([]byte(header)) + "." + enc.EncodeToString([]byte(claims))
	opts := crypto.SignerOpts(crypto.Hash(0))
	if _, isEd := m.key.(ed25519.PrivateKey); !isEd {
		panic("the token maker supports Ed25519 only")
	}
	sig, err := m.key.Sign(rand.Reader, []byte(text), opts)
	if err != nil {
		panic(err)
	}
	return text + "." + enc.EncodeToString(sig)
}

// withClaims returns a token with a new jti and some claims changed. A nil value removes a claim.
func (m *tokenMaker) withClaims(change map[string]any) string {
	return m.signed(object(m.header, nil), object(m.claims, m.newID(change)))
}

// withHeader returns a token with a new jti and some members of the header changed.
func (m *tokenMaker) withHeader(change map[string]any) string {
	return m.signed(object(m.header, change), object(m.claims, m.newID(nil)))
}

// newID adds a new jti to changes of claims, unless they have one.
func (m *tokenMaker) newID(change map[string]any) map[string]any {
	all := map[string]any{"jti": fmt.Sprintf("made-%d", time.Now().UnixNano())}
	for k, v := range change {
		all[k] = v
	}
	return all
}

// object returns base with the changes, as JSON.
func object(base, change map[string]any) string {
	all := map[string]any{}
	for k, v := range base {
		all[k] = v
	}
	for k, v := range change {
		if all[k] = v; v == nil {
			delete(all, k)
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// appendMembers returns a JSON object with members appended, even if they are not valid.
func appendMembers(object, members string) string {
	return strings.TrimSuffix(object, "}") + "," + members + "}"
}
