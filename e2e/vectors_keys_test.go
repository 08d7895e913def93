//go:build vectors

package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// otherCases are those of the list that no single token tries.
var otherCases = map[string]func(*testing.T){
	"ES256 twin (r, n-s)": tryTwin,
	"WithIssuer(\"\") / WithAudience() from an empty config": tryNoIssuer,
	"jku, x5u, jwk, x5c in the header":                       tryKeyURLs,
	"RSA 1024":                                               tryWeakRSA,
	"ES256 with P-224 key":                                   tryP224,
}

// tryTwin: of an ECDSA signature (r, s) there is a twin (r, n-s) that verifies
// as well. Both are one token, with one count.
func tryTwin(t *testing.T) {
	s := newSite(t, "")
	s.command("key", "rotate", "--alg", "ES256")
	token := s.tokens(1)[0]
	dot := strings.LastIndexByte(token, '.')
	sig, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
	s.must(err)
	other := new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(sig[32:]))
	other.FillBytes(sig[32:])
	twin := token[:dot+1] + base64.RawURLEncoding.EncodeToString(sig)
	if a := s.mustGet("/v1/items/i1", token, ""); a.Meta.Token.Calls != 1 {
		t.Fatalf("the first call: %+v", a)
	}
	if a := s.mustGet("/v1/items/i1", twin, ""); a.Status != 401 && a.Meta.Token.Calls != 2 {
		t.Errorf("the twin has a state of its own: %+v", a)
	}
}

// tryNoIssuer: an empty public_url is the default one, so that there is always
// an issuer and an audience to compare with: a token with empty ones is none.
func tryNoIssuer(t *testing.T) {
	s := newSite(t, `public_url: ""`)
	f := newForge(s)
	if f.claims["iss"] == "" || f.claims["aud"] == "" {
		t.Fatalf("the server's own tokens: %v", f.claims)
	}
	for _, change := range []map[string]any{{"iss": ""}, {"aud": ""}, {"aud": []string{}}, {"iss": nil, "aud": nil}} {
		if a := s.mustGet("/v1/items/i1", f.with(change), ""); a.Status != 401 {
			t.Errorf("%v: %d", change, a.Status)
		}
	}
}

// tryKeyURLs: a header that brings a key, or says where one is, has no say in
// which key verifies, and makes nobody fetch anything.
func tryKeyURLs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	called := make(chan struct{}, 100)
	go func() {
		for {
			if _, err := l.Accept(); err != nil {
				return
			}
			called <- struct{}{}
		}
	}()
	s := newSite(t, "")
	f, url := newForge(s), "http://"+l.Addr().String()+"/jwks.json"
	for _, kid := range []any{f.header["kid"], "unknown", nil} {
		for name, value := range map[string]any{"jku": url, "x5u": url, "jwk": map[string]string{"kty": "OKP", "crv": "Ed25519", "x": "AA"}, "x5c": []string{"AA"}} {
			a := s.mustGet("/v1/items/i1", f.headed(map[string]any{"kid": kid, name: value}), "")
			if a.Status != 401 && kid != f.header["kid"] {
				t.Errorf("%s with kid %v: %d", name, kid, a.Status)
			}
		}
	}
	if len(called) > 0 {
		t.Error("the server fetched a key that a token named")
	}
}

func tryWeakRSA(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	refusesKey(t, "RS256", key)
}

func tryP224(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	refusesKey(t, "ES256", key)
}

// refusesKey puts a key in place of the server's own: it does not start.
func refusesKey(t *testing.T, alg string, key any) {
	t.Helper()
	s := newSite(t, "")
	s.must(s.Stop())
	der, err := x509.MarshalPKCS8PrivateKey(key)
	s.must(err)
	file := filepath.Join(s.Dir, "data", "keys.json")
	text, err := os.ReadFile(file)
	s.must(err)
	var all map[string]any
	s.must(json.NewDecoder(bytes.NewReader(text)).Decode(&all))
	first := all["keys"].([]any)[0].(map[string]any)
	first["alg"], first["private"] = alg, der
	text, err = json.Marshal(all)
	s.must(err)
	s.must(os.WriteFile(file, text, 0o600))
	if err := s.Start(); err == nil {
		t.Error("the server started with a key that is too weak")
	} else if !strings.Contains(err.Error(), "keys.json") {
		t.Errorf("the error does not name the file: %v", err)
	}
}

// hmacToken is a token signed by HS256 with a key that everybody knows.
func hmacToken(f *forge, key []byte) string {
	token := f.headed(map[string]any{"alg": "HS256"})
	text := token[:strings.LastIndexByte(token, '.')]
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func publicPEM(f *forge) []byte {
	der, err := x509.MarshalPKIXPublicKey(f.key.Public())
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func rawPublic(f *forge) []byte {
	block, _ := pem.Decode(publicPEM(f))
	return block.Bytes
}
