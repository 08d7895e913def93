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

// forge signs whatever it is told with the server's own key: tokens that only
// their text tells from good ones.
type forge struct {
	key    crypto.Signer
	header map[string]any // of a token that the server made
	claims map[string]any
}

// newForge reads the server's key, and a good token to begin from.
func newForge(s *site) *forge {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.Dir, "data", "keys.json"))
	s.must(err)
	var file struct{ Keys []struct{ Private []byte } }
	s.must(json.Unmarshal(text, &file))
	key, err := x509.ParsePKCS8PrivateKey(file.Keys[0].Private)
	s.must(err)
	f := &forge{key: key.(crypto.Signer)}
	parts := strings.Split(s.tokens(1)[0], ".")
	for i, into := range []*map[string]any{&f.header, &f.claims} {
		part, err := base64.RawURLEncoding.DecodeString(parts[i])
		s.must(err)
		s.must(json.Unmarshal(part, into))
	}
	for _, name := range []string{"iat", "exp"} { // as integers again
		f.claims[name] = int64(f.claims[name].(float64))
	}
	return f
}

// signed is a token of the header's and the claims' texts as they are.
func (f *forge) signed(header, claims string) string {
	enc := base64.RawURLEncoding
	text := enc.EncodeToString([]byte(header)) + "." + enc.EncodeToString([]byte(claims))
	opts := crypto.SignerOpts(crypto.Hash(0))
	if _, isEd := f.key.(ed25519.PrivateKey); !isEd {
		panic("the forge signs by Ed25519 only")
	}
	sig, err := f.key.Sign(rand.Reader, []byte(text), opts)
	if err != nil {
		panic(err)
	}
	return text + "." + enc.EncodeToString(sig)
}

// with is a token with claims of its own: a jti that is new, and what change
// says; a nil value takes a claim away.
func (f *forge) with(change map[string]any) string {
	return f.signed(object(f.header, nil), object(f.claims, f.fresh(change)))
}

// headed is a token with a header of its own.
func (f *forge) headed(change map[string]any) string {
	return f.signed(object(f.header, change), object(f.claims, f.fresh(nil)))
}

func (f *forge) fresh(change map[string]any) map[string]any {
	all := map[string]any{"jti": fmt.Sprintf("forged-%d", time.Now().UnixNano())}
	for k, v := range change {
		all[k] = v
	}
	return all
}

// object is base with the changes, as JSON.
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

// more is a JSON object with further members written before its end, whatever
// they are.
func more(object, members string) string {
	return strings.TrimSuffix(object, "}") + "," + members + "}"
}
