package bearer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"stile.example/stile/tokens/signing"
)

// TestS5_ExternalWeakKeys checks that a key verifies nothing if it is too short, on another curve,
// made by faulty chips, or for something else.
func TestS5_ExternalWeakKeys(t *testing.T) {
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	enc := base64.RawURLEncoding.EncodeToString
	good := jwkOf(keyOf(t, "good", "RS256").Public(), "k1")
	for what, f := range map[string]fields{
		"RSA 1024":       jwkOf(&short.PublicKey, "k1"),
		"RSA 16384":      good.with("n", enc(new(big.Int).SetBit(big.NewInt(1), 16383, 1).Bytes())),
		"e of 1":         good.with("e", "AQ"),
		"an even e":      good.with("e", "AQAA"),
		"ROCA":           good.with("n", enc(rocaNumber().Bytes())),
		"for encryption": good.with("use", "enc"),
		"to sign":        good.with("key_ops", []string{"sign"}),
		"by HMAC":        good.with("alg", "HS256"),
		"to unwrap":      good.with("alg", "RSA-OAEP"),
		"P-224":          {"kty": "EC", "kid": "k1", "crv": "P-224", "x": enc(make([]byte, 28)), "y": enc(make([]byte, 28))},
		"no point":       {"kty": "EC", "kid": "k1", "crv": "P-256", "x": enc(make([]byte, 32)), "y": enc(make([]byte, 32))},
		"Ed25519, short": {"kty": "OKP", "kid": "k1", "crv": "Ed25519", "x": "AAAA"},
		"X25519":         {"kty": "OKP", "kid": "k1", "crv": "X25519", "x": enc(make([]byte, 32))},
		"symmetric":      {"kty": "oct", "kid": "k1", "k": "AAAA"},
		"kid of a path":  good.with("kid", "../x"),
	} {
		if keys, err := ParseIssuerKeys([]byte(`{"keys":[` + f.String() + `]}`)); err == nil {
			t.Errorf("%s: %+v", what, keys)
		}
	}
	if keys := parsed(t, good, good.with("kid", "k2").with("use", "enc"), fields{"kty": "new"}); keys.Len() != 1 {
		t.Errorf("%d keys of one good one and others", keys.Len())
	}
	if _, err := signing.MethodFor(&rsa.PublicKey{N: rocaNumber(), E: 65537}); err == nil {
		t.Error("a tenant's key may be ROCA's")
	}
}

// rocaNumber returns a number like those of ROCA's chips: a power of 65537 modulo the product of
// the first primes.
func rocaNumber() *big.Int {
	m := big.NewInt(1)
	for p := int64(2); p <= 701; p++ {
		if big.NewInt(p).ProbablyPrime(20) {
			m.Mul(m, big.NewInt(p))
		}
	}
	r := new(big.Int).Exp(big.NewInt(65537), big.NewInt(123456789), m)
	k := new(big.Int).Lsh(big.NewInt(1), uint(2048-m.BitLen()))
	return r.Add(r, k.Mul(k, m))
}

// TestS6_KeyFits checks that each kind of key is for its own algorithms.
func TestS6_KeyFits(t *testing.T) {
	for alg, want := range map[string]string{
		"RS256": "RS256 RS384 RS512 PS256 PS384 PS512", "ES256": "ES256", "ES384": "ES384", "ES512": "ES512", "EdDSA": "EdDSA",
	} {
		k, fits := issuerKey{public: keyOf(t, "fits", alg).Public()}, []string{}
		for _, a := range ExternalAlgorithms() {
			if k.fits(a) {
				fits = append(fits, a)
			}
		}
		if got := strings.Join(fits, " "); got != want {
			t.Errorf("a key for %s: %s", alg, got)
		}
	}
}

// TestS5_Salt checks that a PS signature has a salt as long as its hash (RFC 7518 §3.5).
func TestS5_Salt(t *testing.T) {
	o := newOutsider(t, idp, "PS256")
	v := trusting(t, o)
	good := o.sign(t, o.header(), o.claims())
	signed := good[:strings.LastIndexByte(good, '.')]
	sum := crypto.SHA256.New()
	sum.Write([]byte(signed))
	for _, length := range []int{32, 1, 20, 64} {
		sig, err := rsa.SignPSS(rand.Reader, o.private.(*rsa.PrivateKey), crypto.SHA256, sum.Sum(nil), &rsa.PSSOptions{SaltLength: length})
		if err != nil {
			t.Fatal(err)
		}
		_, err = v.Verify(signed+"."+base64.RawURLEncoding.EncodeToString(sig), noon)
		if (length == 32) != (err == nil) {
			t.Errorf("a salt of %d bytes: %v", length, err)
		}
	}
}

// TestCurveIsTheKeys checks that the x and y of a key are invalid on another curve.
func TestCurveIsTheKeys(t *testing.T) {
	k, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseIssuerKeys([]byte(`{"keys":[` + jwkOf(&k.PublicKey, "k").with("crv", "P-256").String() + `]}`)); err == nil {
		t.Error("a P-384 key under the name of P-256")
	}
}

// TestIssuerKeysSame checks that sets are the same if their keys are.
func TestIssuerKeysSame(t *testing.T) {
	a, b := jwkOf(keyOf(t, "a", "ES256").Public(), "a"), jwkOf(keyOf(t, "b", "ES256").Public(), "b")
	one := parsed(t, a, b)
	for _, c := range []struct {
		keys *IssuerKeys
		same bool
	}{{parsed(t, a, b), true}, {parsed(t, a), false}, {parsed(t, a, b.with("kid", "c")), false}, {parsed(t, a, b.with("x", a["x"]).with("y", a["y"])), false}, {parsed(t, a, b.with("alg", "ES256")), false}} {
		if one.Same(c.keys) != c.same {
			t.Errorf("%+v", c.keys)
		}
	}
}

// TestIssuerKeysBeyondTheMaximum checks that a set is refused if it is too large.
func TestIssuerKeysBeyondTheMaximum(t *testing.T) {
	k := jwkOf(keyOf(t, "a", "ES256").Public(), "a")
	for n, ok := range map[int]bool{100: true, 101: false} {
		var list []string
		for i := range n {
			list = append(list, k.with("kid", fmt.Sprint(i)).String())
		}
		if _, err := ParseIssuerKeys([]byte(`{"keys":[` + strings.Join(list, ",") + `]}`)); (err == nil) != ok {
			t.Errorf("%d keys: %v", n, err)
		}
	}
}

// TestOddEntriesOfAKeySet checks that an odd entry is left out and named, and that it does not
// prevent the use of the other keys. Entries for another purpose are not odd.
func TestOddEntriesOfAKeySet(t *testing.T) {
	good := jwkOf(keyOf(t, "a", "ES256").Public(), "k1")
	for what, c := range map[string]struct{ entry, want string }{
		"a private key":    {good.with("d", "AAAA").String(), "secret member d"},
		"a symmetric key":  {`{"kty":"oct","kid":"s","k":"AAAA"}`, "kid s: has the secret member k"},
		"an unknown kty":   {`{"kty":"AKP","kid":"q","alg":"ML-DSA-44","pub":"AAAA"}`, `kid q: kty "AKP"`},
		"no y":             {good.with("y", nil).String(), "missing or not base64url"},
		"base64 of a kind": {good.with("x", "+/=").String(), "missing or not base64url"},
		"a number as kid":  {good.with("kid", 1).String(), "wrong type"},
		"not an object":    {`[]`, "not a JSON object"},
		"null":             {`null`, "not a JSON object"},
		"another alg":      {good.with("alg", "HS256").String(), "its alg HS256"},
		"for encryption":   {good.with("use", "enc").String(), ""},
		"to sign only":     {good.with("key_ops", []string{"sign"}).String(), ""},
	} {
		set, err := ParseIssuerKeys([]byte(`{"keys":[` + c.entry + `,` + good.String() + `]}`))
		if err != nil || set.Len() != 1 {
			t.Errorf("%s: %d keys, %v", what, set.Len(), err)
		}
		if odd := strings.Join(set.Odd, "; "); c.want == "" && odd != "" || !strings.Contains(odd, c.want) || strings.Contains(odd, "AAAA") {
			t.Errorf("%s: %q, want %q", what, odd, c.want)
		}
	}
	if _, err := ParseIssuerKeys([]byte(`{"keys":[` + good.with("d", "AAAA").String() + `]}`)); err == nil || !strings.Contains(err.Error(), "secret member d") {
		t.Errorf("only a private key: %v", err)
	}
}

// TestSameKID checks that all keys of one kid verify the tokens that name it: keys of two kinds
// (RFC 7517 §4.5), and two of one kind.
func TestSameKID(t *testing.T) {
	ec, rsa, next := newOutsider(t, idp, "ES256"), newOutsider(t, idp, "RS256"), newOutsider(t, idp, "ES256")
	next.private = keyOf(t, "next", "ES256")
	all := parsed(t, jwkOf(ec.private.Public(), "k1"), jwkOf(rsa.private.Public(), "k1"), jwkOf(next.private.Public(), "k1"))
	ec.ring.keys, ec.Algorithms = all, []string{"ES256", "RS256", "EdDSA"}
	v := trusting(t, ec)
	for n, o := range []*outsider{ec, rsa, next} {
		if _, err := v.Verify(o.sign(t, o.header(), o.claims()), noon); err != nil {
			t.Errorf("key %d: %v", n+1, err)
		}
	}
	other := newOutsider(t, "https://other.example", "ES256")
	if _, err := v.Verify(other.sign(t, ec.header(), ec.claims()), noon); !errors.Is(err, ErrInvalid) {
		t.Errorf("a key that is not in the set: %v", err)
	}
	other = newOutsider(t, idp, "EdDSA")
	if _, err := v.Verify(other.sign(t, other.header(), other.claims()), noon); !errors.Is(err, ErrInvalid) || ec.ring.renewed != 0 {
		t.Errorf("a known kid with an alg that fits none of its keys: %v, requested the keys %d times", err, ec.ring.renewed)
	}
}

// FuzzParseIssuerKeys checks that no text causes a panic, and that each accepted key fits an
// algorithm.
func FuzzParseIssuerKeys(f *testing.F) {
	for _, alg := range []string{"RS256", "ES256", "ES384", "EdDSA"} {
		f.Add(`{"keys":[` + jwkOf(keyOf(f, "f", alg).Public(), "k").String() + `]}`)
	}
	f.Add(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"oct"},[],null]}`)
	f.Fuzz(func(t *testing.T, data string) {
		set, err := ParseIssuerKeys([]byte(data))
		if (err == nil) != (set.Len() > 0) {
			t.Errorf("%q: %d keys, %v", data, set.Len(), err)
		}
		for _, k := range set.keys {
			if !k.fitsAny() || methods["ES256"].Verify("x", make([]byte, 64), k.public) == nil {
				t.Errorf("%q: a key that fits nothing, or verifies everything", data)
			}
		}
	})
}

// FuzzOutside checks that Verify neither panics nor returns an internal error, whatever an issuer
// signs or responds, and that accepted claims are complete.
func FuzzOutside(f *testing.F) {
	o := newOutsider(f, idp, "EdDSA")
	answer := ""
	o.Opaque = asks(func(string) ([]byte, error) { return []byte(answer), nil })
	v := trusting(f, o)
	f.Add(o.header().String(), o.claims().String())
	f.Add(o.header().with("kid", "k9").String(), o.claims().with("azp", "other").String())
	f.Add(o.header().with("typ", "x").String(), o.claims().with("cnf", fields{"jkt": "x"}).String())
	f.Add(`{"alg":"EdDSA"}`, goodClaims().String())
	f.Add(`{"alg":"EdDSA"}`, o.claims().with("jti", nil).with("exp", hours(999)).String())
	f.Add(`{"alg":"EdDSA"}`, "")
	f.Add(`{"alg":"Ed25519","kid":"k1"}`, `{"active":true,"exp":1e999,"exp":"\ud800"}`)
	f.Fuzz(func(t *testing.T, header, claims string) {
		for _, token := range []string{o.sign(t, text(header), text(claims)), "opaque"} {
			answer = claims
			c, err := v.Verify(token, noon)
			failed := slices.ContainsFunc(v.Examine(token, noon), func(s Step) bool { return s.Result == Failed })
			switch {
			case failed == (err == nil && c.Client != ""):
				t.Errorf("%s %s: Verify says %+v, %v; Examine %+v", header, claims, c, err, v.Examine(token, noon))
			case err == nil && (c.Issuer != idp || c.Client != "acme" && c.Client != "" || !noon.Before(c.Expires) || c.Expires.Sub(c.IssuedAt) > lifetime || c.IssuedAt.After(noon.Add(time.Minute))):
				t.Errorf("accepted %s %s as %+v", header, claims, c)
			case err != nil && token != "opaque" && !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrExpired):
				t.Errorf("%s %s is our fault: %v", header, claims, err)
			}
		}
	})
}
