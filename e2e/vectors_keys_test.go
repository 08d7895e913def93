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

// otherCases are the cases of the list that a token alone can't test.
var otherCases = map[string]func(*testing.T){
	"ES256 twin (r, n-s)": testSignatureTwin,
	"WithIssuer(\"\") / WithAudience() from an empty config": testEmptyIssuer,
	"jku, x5u, jwk, x5c in the header":                       testKeysInHeader,
	"RSA 1024":                                               testWeakRSA,
	"ES256 with P-224 key":                                   testP224,
}

// testSignatureTwin: for each ECDSA signature (r, s) there is a twin (r, n-s), which is valid too.
// Both are the same token, with one count.
func testSignatureTwin(t *testing.T) {
	s := newServer(t, "")
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
		t.Errorf("the twin has a count of its own: %+v", a)
	}
}

// testEmptyIssuer: an empty public_url means the default, so there is always an issuer and an
// audience to compare with. A token with an empty one is not valid.
func testEmptyIssuer(t *testing.T) {
	s := newServer(t, `public_url: ""`)
	m := newTokenMaker(s)
	if m.claims["iss"] == "" || m.claims["aud"] == "" {
		t.Fatalf("the server's own tokens: %v", m.claims)
	}
	for _, change := range []map[string]any{{"iss": ""}, {"aud": ""}, {"aud": []string{}}, {"iss": nil, "aud": nil}} {
		if a := s.mustGet("/v1/items/i1", m.withClaims(change), ""); a.Status != 401 {
			t.Errorf("%v: %d", change, a.Status)
		}
	}
}

// testKeysInHeader: a key in the header, or the URL of one, does not change which key verifies the
// token. The server does not request the URL.
func testKeysInHeader(t *testing.T) {
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
	s := newServer(t, "")
	m, url := newTokenMaker(s), "http://"+l.Addr().String()+"/jwks.json"
	for _, kid := range []any{m.header["kid"], "unknown", nil} {
		for name, value := range map[string]any{"jku": url, "x5u": url, "jwk": map[string]string{"kty": "OKP", "crv": "Ed25519", "x": "AA"}, "x5c": []string{"AA"}} {
			a := s.mustGet("/v1/items/i1", m.withHeader(map[string]any{"kid": kid, name: value}), "")
			if a.Status != 401 && kid != m.header["kid"] {
				t.Errorf("%s with kid %v: %d", name, kid, a.Status)
			}
		}
	}
	if len(called) > 0 {
		t.Error("the server requested a key URL from a token")
	}
}

func testWeakRSA(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	checkKeyRefused(t, "RS256", key)
}

func testP224(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	checkKeyRefused(t, "ES256", key)
}

// checkKeyRefused replaces the server's key. With that key, the server must not start.
func checkKeyRefused(t *testing.T, alg string, key any) {
	t.Helper()
	s := newServer(t, "")
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
		t.Errorf("the error does not name keys.json: %v", err)
	}
}

// hmacToken returns a token signed with HS256 and a public key.
func hmacToken(m *tokenMaker, key []byte) string {
	token := m.withHeader(map[string]any{"alg": "HS256"})
	text := token[:strings.LastIndexByte(token, '.')]
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func publicPEM(m *tokenMaker) []byte {
	der, err := x509.MarshalPKIXPublicKey(m.key.Public())
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func rawPublic(m *tokenMaker) []byte {
	block, _ := pem.Decode(publicPEM(m))
	return block.Bytes
}
