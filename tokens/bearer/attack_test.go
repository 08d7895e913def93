package bearer

import (
	"crypto"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"stile.example/stile/tokens/signing"
)

// TestS5_Tokens checks that Verify refuses the known manipulations of a JWT, with a valid signature
// where possible. golang-jwt's own parser accepts most of them.
func TestS5_Tokens(t *testing.T) {
	keys := testKeys(t)
	k := keys.Set().Signing()
	h, c, public := goodHeader(k), goodClaims(), publicOf(t, string(keys.JWKS(noon)))
	good := forge(t, k, h.String(), c.String())
	if _, err := testVerifier(t, keys).Verify(good, noon); err != nil {
		t.Fatalf("the good token: %v", err)
	}
	claim := func(name string, value any) string { return forge(t, k, h.String(), c.with(name, value).String()) }
	head := func(name string, value any) string { return forge(t, k, h.with(name, value).String(), c.String()) }
	raw := func(claims string) string { return forge(t, k, h.String(), claims) }
	more := func(members string) string { return raw(strings.TrimSuffix(c.String(), "}") + "," + members + "}") }

	for name, token := range map[string]string{
		"nothing":                          "",
		"line feed in the signature":       good[:len(good)-4] + "\n" + good[len(good)-4:],
		"carriage return at the end":       good + "\r",
		"space before":                     " " + good,
		"padding":                          good + "==",
		"standard base64":                  strings.NewReplacer("-", "+", "_", "/").Replace(good) + "+",
		"other spare bits":                 good[:len(good)-1] + nextChar(good[len(good)-1]),
		"a fourth part":                    good + ".",
		"two parts":                        good[:strings.LastIndex(good, ".")],
		"an empty signature":               good[:strings.LastIndex(good, ".")+1],
		"an empty payload":                 "e30..e30",
		"another payload":                  swapPayload(good, c.with("client_id", "other").String()),
		"over 4 KiB":                       claim("sub", strings.Repeat("x", MaxLength)),
		"8 MB of claims":                   "e30." + strings.Repeat("A", 8<<20) + ".AA",
		"no exp":                           claim("exp", nil),
		"exp as text":                      claim("exp", "2000000000"),
		"exp null":                         more(`"exp":null`),
		"exp 1e30":                         claim("exp", 1e30),
		"exp -1":                           claim("exp", -1),
		"exp before iat":                   claim("exp", noon.Unix()-10),
		"nbf 1e30":                         claim("nbf", 1e30),
		"nbf 1e999":                        more(`"nbf":1e999`),
		"nbf as text":                      claim("nbf", "0"),
		"nbf in the future":                claim("nbf", noon.Add(2*time.Minute).Unix()),
		"no iat":                           claim("iat", nil),
		"iat in the future":                claim("iat", noon.Add(2*time.Minute).Unix()),
		"ten years to live":                claim("exp", noon.AddDate(10, 0, 0).Unix()),
		"a second more than may be":        claim("exp", noon.Add(lifetime+time.Second).Unix()),
		"no aud":                           claim("aud", nil),
		"an empty aud":                     claim("aud", ""),
		"an empty list of aud":             claim("aud", []string{}),
		"an empty aud and ours":            claim("aud", []string{"", issuer}),
		"aud that begins like ours":        claim("aud", issuer+".evil.example"),
		"aud in other case":                claim("aud", strings.ToUpper(issuer)),
		"aud as an object":                 claim("aud", fields{"x": issuer}),
		"aud with a number":                claim("aud", []any{issuer, 1}),
		"no iss":                           claim("iss", nil),
		"iss with a slash":                 claim("iss", issuer+"/"),
		"iss as a list":                    claim("iss", []string{issuer}),
		"no client_id":                     claim("client_id", nil),
		"client_id as a list":              claim("client_id", []string{"acme"}),
		"client_id null":                   raw(strings.Replace(c.String(), `"acme"`, `null`, 1)),
		"no jti":                           claim("jti", nil),
		"an empty jti":                     claim("jti", ""),
		"no sub":                           claim("sub", nil),
		"scope as a list":                  claim("scope", []string{"read"}),
		"EXP for exp":                      raw(strings.Replace(c.String(), `"exp"`, `"EXP"`, 1)),
		"Client_ID for client_id":          raw(strings.Replace(c.String(), `"client_id"`, `"Client_ID"`, 1)),
		"a claim twice":                    more(`"client_id":"other"`),
		"a claim twice, once escaped":      more(`"\u0065xp":9999999999`),
		"a claim nobody knows, twice":      more(`"x":1,"x":2`),
		"something after the claims":       raw(c.String() + " {}"),
		"claims that are not an object":    raw(`["` + issuer + `"]`),
		"claims cut short":                 raw(strings.TrimSuffix(c.String(), "}")),
		"claims that are not UTF-8":        raw(strings.Replace(c.String(), "visitor", "\xff", 1)),
		"a name twice in the header":       forge(t, k, strings.TrimSuffix(h.String(), "}")+`,"alg":"none"}`, c.String()),
		"something after the header":       forge(t, k, h.String()+"x", c.String()),
		"no typ":                           head("typ", nil),
		"typ dpop+jwt":                     head("typ", "dpop+jwt"),
		"typ logout+jwt":                   head("typ", "logout+jwt"),
		"typ secevent+jwt":                 head("typ", "secevent+jwt"),
		"an ID token":                      head("typ", "JWT"),
		"crit with an unknown name":        head("crit", []string{"exp2"}),
		"crit of RFC 7797":                 forge(t, k, h.with("crit", []string{"b64"}).with("b64", false).String(), c.String()),
		"b64 alone":                        head("b64", false),
		"an empty crit":                    head("crit", []string{}),
		"alg none":                         head("alg", "none"),
		"alg None":                         head("alg", "None"),
		"alg nOnE":                         head("alg", "nOnE"),
		"alg NONE, unsigned":               unsigned(h.with("alg", "NONE").String(), c.String()),
		"alg missing":                      head("alg", nil),
		"alg a number":                     head("alg", 1),
		"alg of another key kind":          head("alg", signing.ES256),
		"HS256 with an empty key":          hs256(h.with("alg", "HS256").String(), c.String(), nil),
		"HS256 with the public key":        hs256(h.with("alg", "HS256").String(), c.String(), der(t, public)),
		"HS256 with the public key as PEM": hs256(h.with("alg", "HS256").String(), c.String(), pemOf(t, public)),
		"no kid":                           head("kid", nil),
		"an empty kid":                     head("kid", ""),
		"kid a path":                       head("kid", "../../../dev/null"),
		"kid SQL":                          head("kid", "' OR 1=1 --"),
		"kid of 10 kB":                     head("kid", strings.Repeat("k", 10<<10)),
		"kid a number":                     head("kid", 7),
		"kid a list":                       head("kid", []string{k.KID()}),
		"a key of its own in the header":   ownKeyInHeader(t, h, c),
	} {
		t.Run(name, func(t *testing.T) {
			v := testVerifier(t, keys)
			for range 2 { // a refusal must not be cached as a success
				got, err := v.Verify(token, noon)
				if !errors.Is(err, ErrInvalid) || got != (Claims{}) {
					t.Fatalf("got %+v, %v; want nothing and ErrInvalid", got, err)
				}
			}
		})
	}
}

// TestS5_HeaderKeysAreNotRead checks that a token can't say where its key is.
func TestS5_HeaderKeysAreNotRead(t *testing.T) {
	keys := testKeys(t)
	k := keys.Set().Signing()
	h := goodHeader(k).with("jku", "http://127.0.0.1:1/jwks").with("x5u", "file:///dev/null").
		with("jwk", fields{"kty": "oct", "k": ""}).with("x5c", []string{"AA"})
	if _, err := testVerifier(t, keys).Verify(forge(t, k, h.String(), goodClaims().String()), noon); err != nil {
		t.Errorf("a genuine token with members that nobody reads: %v", err)
	}
}

// TestS5_Good checks that Verify accepts what the standards allow.
func TestS5_Good(t *testing.T) {
	keys := testKeys(t)
	k := keys.Set().Signing()
	h, c := goodHeader(k), goodClaims()
	for name, token := range map[string]string{
		"typ in other case":       forge(t, k, h.with("typ", "AT+JWT").String(), c.String()),
		"typ in full":             forge(t, k, h.with("typ", "application/at+jwt").String(), c.String()),
		"aud in a list":           forge(t, k, h.String(), c.with("aud", []string{"https://other.example", issuer}).String()),
		"fractions of a second":   forge(t, k, h.String(), c.with("iat", float64(noon.Unix())+0.5).String()),
		"issued by a fast clock":  forge(t, k, h.String(), c.with("iat", noon.Add(leeway).Unix()).String()),
		"nbf now":                 forge(t, k, h.String(), c.with("nbf", noon.Unix()).String()),
		"no scope":                forge(t, k, h.String(), c.with("scope", nil).String()),
		"the maximum lifetime":    forge(t, k, h.String(), c.with("exp", noon.Add(lifetime).Unix()).String()),
		"claims of somebody else": forge(t, k, h.String(), c.with("roles", []any{"a", fields{"b": 1}}).String()),
	} {
		if got, err := testVerifier(t, keys).Verify(token, noon); err != nil || got.Client != "acme" || got.JTI != "j1" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestS5_Twin checks that the second valid signature of every ES256 signature is accepted, and
// belongs to the same token.
func TestS5_Twin(t *testing.T) {
	keys := testKeys(t)
	if _, err := keys.Rotate(noon, signing.ES256, lifetime); err != nil {
		t.Fatal(err)
	}
	k := keys.Set().Signing()
	token := forge(t, k, goodHeader(k).String(), goodClaims().String())
	i := strings.LastIndex(token, ".") + 1
	sig, err := base64.RawURLEncoding.DecodeString(token[i:])
	if err != nil {
		t.Fatal(err)
	}
	s := new(big.Int).SetBytes(sig[32:])
	s.Sub(elliptic.P256().Params().N, s).FillBytes(sig[32:])
	twin := token[:i] + base64.RawURLEncoding.EncodeToString(sig)
	v := testVerifier(t, keys)
	a, errA := v.Verify(token, noon)
	b, errB := v.Verify(twin, noon)
	if errA != nil || errB != nil || a.ID != b.ID || twin == token {
		t.Errorf("token: %v %v, twin: %v %v", a.ID, errA, b.ID, errB)
	}
}

func TestNewVerifierNeedsAll(t *testing.T) {
	keys := testKeys(t)
	for _, bad := range []struct {
		keys             *signing.Keys
		issuer, audience string
		lifetime         time.Duration
	}{{nil, "i", "a", 1}, {keys, "", "a", 1}, {keys, "i", "", 1}, {keys, "i", "a", 0}} {
		if _, err := NewVerifier(bad.keys, bad.issuer, bad.audience, bad.lifetime); err == nil {
			t.Errorf("%+v makes a verifier", bad)
		}
	}
}

// nextChar returns the base64url character after c. After the last one of an Ed25519 signature,
// that changes only unused bits.
func nextChar(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)+1:][:1]
}

func swapPayload(token, payload string) string {
	p := strings.Split(token, ".")
	return p[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + "." + p[2]
}

func unsigned(header, payload string) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(header)) + "." + enc([]byte(payload)) + "."
}

func hs256(header, payload string, secret []byte) string {
	signed := strings.TrimSuffix(unsigned(header, payload), ".")
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func der(t *testing.T, public crypto.PublicKey) []byte {
	t.Helper()
	b, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func pemOf(t *testing.T, public crypto.PublicKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der(t, public)})
}

// ownKeyInHeader returns a token that contains the key that verifies it.
func ownKeyInHeader(t *testing.T, h, c fields) string {
	t.Helper()
	mine, jwks := clientKey(t, signing.EdDSA)
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal([]byte(jwks), &set); err != nil {
		t.Fatal(err)
	}
	return forge(t, mine, h.with("jwk", set.Keys[0]).String(), c.String())
}
