package proof

import (
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"stile.example/stile/stiletest"
)

var (
	noon  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	asked = Request{Method: "GET", URL: "https://api.example/v1/items", Token: "a.good.token"}
)

// checker returns a Checker that has been running for an hour.
func checker() *Checker { return NewChecker(noon.Add(-time.Hour)) }

// use checks a proof and spends it, without a limit of the token.
func use(c *Checker, text string, r Request, now time.Time) (Thumbprint, error) {
	p, err := c.Check(text, r, now)
	if err != nil {
		return p.Thumbprint, err
	}
	return p.Thumbprint, c.Spend(p, math.MaxInt, now)
}

// tokenMark returns the digest of the token in asked.
func tokenMark() digest { sum := sha256.Sum256([]byte(asked.Token)); return digest(sum[:]) }

// TestGood checks that a proof of either algorithm is accepted once, and names its key.
func TestGood(t *testing.T) {
	for _, k := range []stiletest.Key{stiletest.NewKey(), stiletest.NewEdwardsKey()} {
		c := checker()
		text := k.Proof("GET", asked.URL, asked.Token, noon)
		got, err := use(c, text, asked, noon)
		if err != nil || got.String() != k.Thumbprint() {
			t.Fatalf("%v, %v, want %s", got, err, k.Thumbprint())
		}
		if _, err := use(c, text, asked, noon); err != invalid("it was used before") {
			t.Errorf("the second time: %v", err)
		}
		if c.keys.get(tokenMark(), text[:strings.IndexByte(text, '.')]) == nil {
			t.Error("the key is not remembered")
		}
		if again, err := use(c, k.Proof("GET", asked.URL, asked.Token, noon), asked, noon); err != nil || again != got {
			t.Errorf("another proof by the same key: %v, %v", again, err)
		}
	}
}

// TestKeyThatComesAgain checks that a key is cached, and that signatures by other keys are still
// refused.
func TestKeyThatComesAgain(t *testing.T) {
	c, k, other := checker(), stiletest.NewKey(), stiletest.NewKey()
	proof := func(signer stiletest.Key) string {
		return signer.Sign(k.Header(), stiletest.Claims("GET", asked.URL, asked.Token, noon))
	}
	for n := range 4 {
		if _, err := use(c, proof(k), asked, noon); err != nil {
			t.Fatalf("proof %d: %v", n+1, err)
		}
		if _, err := use(c, proof(other), asked, noon); err != invalid("the signature is not the key's") {
			t.Errorf("after %d proofs, one that another key has signed: %v", n+1, err)
		}
		header, _, _ := strings.Cut(proof(k), ".")
		if known := c.keys.get(tokenMark(), header); known == nil {
			t.Errorf("after %d proofs: the key is not cached", n+1)
		}
	}
}

// TestBad checks that each proof with one defect is refused with that reason, and is not spent.
func TestBad(t *testing.T) {
	k, ed, other := stiletest.NewKey(), stiletest.NewEdwardsKey(), stiletest.NewKey()
	header := func(name string, v any) string { return with(k, k.Header(), name, v) }
	jwk := func(name string, v any) string { return header("jwk", merge(k.JWK(), name, v)) }
	claim := func(name string, v any) string {
		return k.Sign(k.Header(), merge(stiletest.Claims("GET", asked.URL, asked.Token, noon), name, v))
	}
	good := k.Proof("GET", asked.URL, asked.Token, noon)
	parts := strings.Split(good, ".")
	for why, texts := range map[string][]string{
		"it is longer than 2 KiB":                         {claim("x", strings.Repeat("x", 2<<10))},
		"it has a character that is not allowed in a JWT": {good + "\n", parts[0] + "." + parts[1] + "." + parts[2] + "=", good + " ", "a b.c.d"},
		"it is not a JWT of three parts":                  {"", "a", "a.b", good + ".x", parts[0] + "." + parts[1] + ".", "." + parts[1] + "." + parts[2]},
		"its header is not a JSON object, or has a duplicate name": {k.SignText(`[]`, `{}`), k.SignText(`{"typ":"dpop+jwt","typ":"x"}`, `{}`), k.SignText(`{} {}`, `{}`),
			k.SignText("{\"typ\":\"\xff\"}", `{}`), "a.b.c"},
		"typ is not dpop+jwt":                                        {header("typ", "at+jwt"), header("typ", "JWT"), header("typ", nil), header("typ", 1), header("typ", "DPOP+JWT")},
		"its header requires an extension":                           {header("crit", []string{"b64"}), header("b64", false)},
		"alg is neither ES256 nor EdDSA":                             {header("alg", "none"), header("alg", "HS256"), header("alg", "RS256"), header("alg", "ES384"), header("alg", nil)},
		"jwk is missing, or not a JSON object":                       {header("jwk", nil), header("jwk", "x"), header("jwk", []string{})},
		"jwk has a private part":                                     {jwk("d", "AQ"), jwk("k", "AQ")},
		"jwk is not a key of alg's kind":                             {header("alg", "EdDSA"), header("jwk", ed.JWK()), jwk("crv", "P-384"), jwk("kty", "RSA"), jwk("kty", "oct"), with(ed, ed.Header(), "alg", "ES256")},
		"x and y of jwk are not 32 bytes each":                       {jwk("x", "AQ"), jwk("y", nil), jwk("x", k.JWK()["x"].(string)+"AA"), jwk("x", k.JWK()["x"].(string)+"=")},
		"x and y of jwk are not a point of P-256":                    {jwk("x", other.JWK()["x"])},
		"x of jwk is not 32 bytes":                                   {with(ed, ed.Header(), "jwk", merge(ed.JWK(), "x", "AQ"))},
		"its claims are not a JSON object, or have a duplicate name": {k.SignText(text(k.Header()), `{"jti":"a","jti":"b"}`), k.SignText(text(k.Header()), `"x"`), k.SignText(text(k.Header()), `{"jti":`)},
		"jti, htm, htu or ath is missing, or not a string":           {claim("jti", nil), claim("jti", ""), claim("jti", 1), claim("htm", nil), claim("htu", nil), claim("ath", nil), claim("ath", []string{})},
		"jti is longer than 128 bytes":                               {claim("jti", strings.Repeat("x", 129))},
		"iat is missing, or not a time":                              {claim("iat", nil), claim("iat", "1772366400"), claim("iat", -1), claim("iat", 1e30)},
		"htm is not the request's method":                            {claim("htm", "POST"), claim("htm", "get")},
		"iat is more than 60 seconds ago":                            {claim("iat", noon.Unix()-61), claim("iat", 0)},
		"iat is in the future":                                       {claim("iat", noon.Unix()+3), claim("iat", noon.Unix()+1e6)},
		"ath is not the token's":                                     {claim("ath", "x"), k.Proof("GET", asked.URL, "another.good.token", noon)},
		"htu is not the request's URL":                               {claim("htu", "https://api.example/v1/token"), claim("htu", "http://api.example/v1/items"), claim("htu", "/v1/items")},
		"the signature is not the key's": {parts[0] + "." + parts[1] + "." + flip(parts[2]), with(other, k.Header(), "kid", "x"), parts[0] + "." + parts[1] + ".AQ",
			parts[0] + "." + strings.Split(claim("x", 1), ".")[1] + "." + parts[2]},
	} {
		for n, text := range texts {
			c := checker()
			if got, err := use(c, text, asked, noon); !errors.Is(err, ErrInvalid) || err.Error() != why || got != (Thumbprint{}) {
				t.Errorf("%s, %d: %v, %v", why, n, got, err)
			}
			if c.keys.keys.Len() != 0 || c.used.size() != 0 {
				t.Errorf("%s, %d: it left a trace", why, n)
			}
		}
	}
	if _, err := use(checker(), good, asked, noon); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

// TestNewName checks that EdDSA's new name is accepted too.
func TestNewName(t *testing.T) {
	ed := stiletest.NewEdwardsKey()
	if _, err := use(checker(), with(ed, ed.Header(), "alg", "Ed25519"), asked, noon); err != nil {
		t.Error(err)
	}
	p256 := stiletest.NewKey()
	if _, err := use(checker(), with(p256, p256.Header(), "alg", "Ed25519"), asked, noon); err != invalid("jwk is not a key of alg's kind") {
		t.Error(err)
	}
}

// TestAge checks that a proof is valid from 2 s before its iat until 60 s after it, and that an iat
// may have a fraction.
func TestAge(t *testing.T) {
	k, c := stiletest.NewKey(), checker()
	for _, made := range []any{noon.Unix() - 60, noon.Unix() + 2, float64(noon.Unix()) - 0.5} {
		text := k.Sign(k.Header(), merge(stiletest.Claims("GET", asked.URL, asked.Token, noon), "iat", made))
		if _, err := use(c, text, asked, noon); err != nil {
			t.Errorf("iat %v: %v", made, err)
		}
	}
}

// TestTwin checks that the second spelling of an ES256 signature, which verifies, is the same
// proof.
func TestTwin(t *testing.T) {
	k, c := stiletest.NewKey(), checker()
	text := k.Proof("GET", asked.URL, asked.Token, noon)
	dot := strings.LastIndexByte(text, '.')
	signature, _ := base64.RawURLEncoding.DecodeString(text[dot+1:])
	s := new(big.Int).SetBytes(signature[32:])
	s.Sub(elliptic.P256().Params().N, s).FillBytes(signature[32:])
	twin := text[:dot+1] + base64.RawURLEncoding.EncodeToString(signature)
	if _, err := use(checker(), twin, asked, noon); err != nil {
		t.Fatalf("the twin alone: %v", err)
	}
	if _, err := use(c, text, asked, noon); err != nil {
		t.Fatal(err)
	}
	if _, err := use(c, twin, asked, noon); err != invalid("it was used before") {
		t.Errorf("the twin of a used proof: %v", err)
	}
}

// The example of RFC 9449 §7.1.
const rfcProof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"

var (
	rfcTime    = time.Unix(1562262618, 0)
	rfcRequest = Request{"GET", "https://resource.example.org/protectedresource", "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"}
)

func TestRFC(t *testing.T) {
	got, err := use(NewChecker(rfcTime.Add(-time.Hour)), rfcProof, rfcRequest, rfcTime)
	if err != nil || got.String() != "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" {
		t.Errorf("%s, %v", got, err)
	}
}

// size returns the number of stored proofs.
func (u *replayCache) size() (n int) {
	for i := range u.shards {
		n += len(u.shards[i].newer.proofs) + len(u.shards[i].older.proofs)
	}
	return n
}

func merge(m map[string]any, name string, v any) map[string]any {
	m = maps.Clone(m)
	if m[name] = v; v == nil {
		delete(m, name)
	}
	return m
}

// with returns a proof whose header differs in one member.
func with(k stiletest.Key, header map[string]any, name string, v any) string {
	return k.Sign(merge(header, name, v), stiletest.Claims("GET", asked.URL, asked.Token, noon))
}

// flip changes a bit in the middle of a part.
func flip(part string) string {
	b, _ := base64.RawURLEncoding.DecodeString(part)
	b[len(b)/2] ^= 1
	return base64.RawURLEncoding.EncodeToString(b)
}

func text(m map[string]any) string {
	var pairs []string
	for name, v := range m {
		if inner, ok := v.(map[string]any); ok {
			pairs = append(pairs, fmt.Sprintf("%q:%s", name, text(inner)))
		} else {
			pairs = append(pairs, fmt.Sprintf("%q:%q", name, v))
		}
	}
	return "{" + strings.Join(pairs, ",") + "}"
}
