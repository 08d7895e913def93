package peers

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// The clients are openid-client and jose for Node.js, and Authlib and PyJWT for Python. Their
// scripts are in testdata.

// clientsTimeout limits the time to download the packages of a client and to run it. It is
// generous: several tests download at the same time, on a machine that may be slow.
const clientsTimeout = 8 * time.Minute

// report is the output of a client's script.
type report struct {
	Issuer           string
	Basic, Form, Key lifecycle // by how the client authenticates
	RS256, PS256     lifecycle // by an RSA key, as the library does it by default
	Header           struct{ Alg, Typ, Kid string }
	Claims           map[string]any

	Forged, OtherAudience, WrongSecret, Scope string // how the library names the error
}

// lifecycle is what a client sees of a token: its issue, and its introspection before and after its
// revocation.
type lifecycle struct {
	TokenType     string `json:"token_type"`
	ExpiresIn     int    `json:"expires_in"`
	Scope         string
	Before, After struct {
		Active               bool
		Reason, Sub, Binding string
		ClientID             string `json:"client_id"`
	}
}

// TestClients checks that third-party libraries interoperate with stile as an authorization server.
// They find its endpoints by its metadata, obtain tokens with each of the three methods of
// authentication, verify them with its keys for each algorithm, introspect and revoke them, and
// report errors correctly.
func TestClients(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(context.Context, string) (*exec.Cmd, error)
		errors  map[string]string // how this library names each error
	}{
		"node": {func(ctx context.Context, dir string) (*exec.Cmd, error) {
			return exec.CommandContext(ctx, "node", "clients.mjs"), NPM(ctx, dir)
		}, map[string]string{"forged": "ERR_JWS_SIGNATURE_VERIFICATION_FAILED", "audience": "ERR_JWT_CLAIM_VALIDATION_FAILED",
			"secret": "OAUTH_WWW_AUTHENTICATE_CHALLENGE 401", "scope": "OAUTH_RESPONSE_BODY_ERROR 400"}},
		"python": {func(ctx context.Context, dir string) (*exec.Cmd, error) {
			python, err := sharedVenv()
			return exec.CommandContext(ctx, python, "clients.py"), err
		}, map[string]string{"forged": "InvalidSignatureError", "audience": "InvalidAudienceError",
			"secret": "invalid_client", "scope": "invalid_scope"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), clientsTimeout)
			defer cancel()
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("testdata/"+name)); err != nil {
				t.Fatal(err)
			}
			s := newIssuer(t)
			script, err := c.prepare(ctx, dir)
			if err != nil {
				t.Fatal(err)
			}
			for i, alg := range []string{"EdDSA", "ES256", "RS256"} {
				s.signWith(alg)
				run := exec.CommandContext(ctx, script.Args[0], script.Args[1:]...)
				run.Dir = dir
				s.check(s.run(run, i%2 == 0), alg, c.errors)
			}
		})
	}
}

// issuer is stile as an authorization server with two tenants: acme has a secret, and keyed has
// keys.
type issuer struct {
	*site
	secret string
	jwks   [2]json.RawMessage // private keys of keyed: P-256, Ed25519
	rsa    json.RawMessage    // another one: RSA
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	s := &issuer{site: newSite(t)}
	s.start("")
	var err error
	s.secret, err = s.Tenant("acme")
	s.must(err)
	_, err = s.Tenant("keyed", "--keys", s.writeKeys())
	s.must(err)
	return s
}

// writeKeys creates the keys of keyed, and writes the public ones to a file.
func (s *issuer) writeKeys() (file string) {
	s.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	s.must(err)
	point, err := ec.PublicKey.Bytes() // 4, x, y
	s.must(err)
	d, err := ec.Bytes()
	s.must(err)
	public, seed, err := ed25519.GenerateKey(rand.Reader)
	s.must(err)
	enc := base64.RawURLEncoding.EncodeToString
	p256 := fmt.Sprintf(`"kid":"p","kty":"EC","crv":"P-256","x":%q,"y":%q`, enc(point[1:33]), enc(point[33:]))
	okp := fmt.Sprintf(`"kid":"e","kty":"OKP","crv":"Ed25519","x":%q`, enc(public))
	s.jwks = [2]json.RawMessage{
		fmt.Appendf(nil, `{%s,"d":%q}`, p256, enc(d)),
		fmt.Appendf(nil, `{%s,"d":%q}`, okp, enc(seed.Seed())),
	}
	rsaPublic := s.makeRSA()
	return s.write("keyed.json", fmt.Sprintf(`{"keys":[{%s},{%s},{%s}]}`, p256, okp, rsaPublic))
}

// makeRSA creates the RSA key of keyed, and returns the members of the public one.
func (s *issuer) makeRSA() (public string) {
	s.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	s.must(err)
	enc := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }
	public = fmt.Sprintf(`"kid":"r","kty":"RSA","n":%q,"e":"AQAB"`, enc(k.N))
	s.rsa = fmt.Appendf(nil, `{%s,"d":%q,"p":%q,"q":%q,"dp":%q,"dq":%q,"qi":%q}`, public, enc(k.D), enc(k.Primes[0]), enc(k.Primes[1]),
		enc(k.Precomputed.Dp), enc(k.Precomputed.Dq), enc(k.Precomputed.Qinv))
	return public
}

// signWith sets the algorithm that signs new tokens.
func (s *issuer) signWith(alg string) {
	s.Helper()
	_, err := s.Command("key", "rotate", "--alg", alg)
	s.must(err)
}

// run runs a client's script, in which keyed authenticates with its Ed25519 or its P-256 key.
func (s *issuer) run(script *exec.Cmd, useEd25519 bool) (got report) {
	s.Helper()
	jwk := s.jwks[0]
	if useEd25519 {
		jwk = s.jwks[1]
	}
	input, err := json.Marshal(map[string]any{"issuer": s.URL, "client": "acme", "secret": s.secret, "keyClient": "keyed", "jwk": jwk, "rsa": s.rsa})
	s.must(err)
	var stderr strings.Builder
	script.Stdin, script.Stderr = bytes.NewReader(input), &stderr
	out, err := script.Output()
	if err != nil {
		s.Fatalf("%v: %v\n%s", script, err, &stderr)
	}
	if err := json.Unmarshal(out, &got); err != nil {
		s.Fatalf("%v: %s", err, out)
	}
	return got
}

// check checks a client's report.
func (s *issuer) check(got report, alg string, wantErrors map[string]string) {
	s.Helper()
	for _, c := range []struct {
		method, client string
		token          lifecycle
	}{{"Basic", "acme", got.Basic}, {"form", "acme", got.Form}, {"private_key_jwt", "keyed", got.Key},
		{"RS256", "keyed", got.RS256}, {"PS256", "keyed", got.PS256}} {
		l := c.token
		if !strings.EqualFold(l.TokenType, "Bearer") || l.ExpiresIn != 86400 || l.Scope != "content" ||
			!l.Before.Active || l.Before.ClientID != c.client || l.Before.Sub != "visitor-1" || l.Before.Binding != "none" ||
			l.After.Active || l.After.Reason != "token_revoked" {
			s.Errorf("%s, %s: %+v", alg, c.method, l)
		}
	}
	if got.Issuer != s.URL || got.Header.Alg != alg || got.Header.Typ != "at+jwt" || got.Header.Kid == "" ||
		got.Claims["client_id"] != "acme" || got.Claims["sub"] != "acme" || got.Claims["iss"] != s.URL {
		s.Errorf("%s: %+v", alg, got)
	}
	for name, found := range map[string]string{"forged": got.Forged, "audience": got.OtherAudience, "secret": got.WrongSecret, "scope": got.Scope} {
		if found != wantErrors[name] {
			s.Errorf("%s, %s: the library reports %q, want %q", alg, name, found, wantErrors[name])
		}
	}
}
