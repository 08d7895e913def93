package bearer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/tokens"
	"stile.example/stile/tokens/signing"
)

const tokenEndpoint = issuer + "/oauth/token"

func testAssertions(t testing.TB) *Assertions {
	t.Helper()
	a, err := NewAssertions(time.Time{}, issuer, tokenEndpoint, issuer+"/oauth/introspect")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func clientKey(t testing.TB, alg string) (k *signing.Key, jwks string) {
	t.Helper()
	keys := testKeys(t)
	if _, err := keys.Rotate(noon, alg, 0); err != nil {
		t.Fatal(err)
	}
	return keys.Set().Signing(), string(keys.JWKS(noon.Add(time.Hour))) // without the first key
}

// only returns the keys of one client.
func only(client, jwks string) func(string) string {
	return func(c string) string {
		if c == client {
			return jwks
		}
		return ""
	}
}

func goodAssertion() fields {
	return fields{"iss": "acme", "sub": "acme", "aud": tokenEndpoint, "jti": "a1",
		"iat": noon.Unix(), "exp": noon.Add(time.Minute).Unix()}
}

func TestAssertion(t *testing.T) {
	for _, alg := range signing.Algorithms() {
		k, jwks := clientKey(t, alg)
		h, c := goodHeader(k).with("typ", nil), goodAssertion()
		for name, token := range map[string]string{
			"plain":            forge(t, k, h.String(), c.String()),
			"typ JWT":          forge(t, k, h.with("typ", "JWT").String(), c.String()),
			"typ of its own":   forge(t, k, h.with("typ", "client-authentication+jwt").String(), c.String()),
			"no kid":           forge(t, k, h.with("kid", nil).String(), c.String()),
			"aud the issuer":   forge(t, k, h.String(), c.with("aud", issuer).String()),
			"aud both":         forge(t, k, h.String(), c.with("aud", []string{issuer, tokenEndpoint}).String()),
			"no iat":           forge(t, k, h.String(), c.with("iat", nil).String()),
			"aud an endpoint":  forge(t, k, h.String(), c.with("aud", issuer+"/oauth/introspect").String()),
			"no jti":           forge(t, k, h.String(), c.with("jti", nil).String()),
			"nbf for iat":      forge(t, k, h.String(), c.with("iat", nil).with("nbf", noon.Unix()).with("exp", noon.Add(10*time.Minute).Unix()).String()),
			"an hour to live":  forge(t, k, h.String(), c.with("exp", noon.Add(time.Hour).Unix()).String()),
			"a clock too fast": forge(t, k, h.String(), c.with("iat", noon.Add(leeway).Unix()).with("exp", noon.Add(time.Hour+leeway).Unix()).String()),
			"too fast, no iat": forge(t, k, h.String(), c.with("iat", nil).with("exp", noon.Add(assertionUsable+leeway).Unix()).String()),
		} {
			if got, err := testAssertions(t).Verify(t.Context(), token, only("acme", jwks), noon); err != nil || got != "acme" {
				t.Errorf("%s, %s: %q, %v", alg, name, got, err)
			}
		}
	}
}

// TestAssertionEd25519 checks that the name of RFC 9864 is accepted for an Ed25519 key only.
func TestAssertionEd25519(t *testing.T) {
	for _, alg := range signing.Algorithms() {
		k, jwks := clientKey(t, alg)
		token := forge(t, k, goodHeader(k).with("typ", nil).with("alg", "Ed25519").String(), goodAssertion().String())
		if _, err := testAssertions(t).Verify(t.Context(), token, only("acme", jwks), noon); (err == nil) != (alg == signing.EdDSA) {
			t.Errorf("a key for %s: %v", alg, err)
		}
	}
}

// TestS5_Assertions tries the attacks on tokens on the token endpoint.
func TestS5_Assertions(t *testing.T) {
	k, jwks := clientKey(t, signing.EdDSA)
	other, _ := clientKey(t, signing.EdDSA)
	h, c := goodHeader(k).with("typ", "JWT"), goodAssertion()
	good := forge(t, k, h.String(), c.String())
	claim := func(name string, value any) string { return forge(t, k, h.String(), c.with(name, value).String()) }
	head := func(name string, value any) string { return forge(t, k, h.with(name, value).String(), c.String()) }
	for name, token := range map[string]string{
		"nothing":                       "",
		"line feed":                     good + "\n",
		"other spare bits":              good[:len(good)-1] + nextChar(good[len(good)-1]),
		"another client":                forge(t, k, h.String(), c.with("iss", "other").with("sub", "other").String()),
		"another key":                   forge(t, other, h.String(), c.String()),
		"another key, named":            forge(t, other, h.with("kid", other.KID()).String(), c.String()),
		"an access token":               head("typ", "at+jwt"),
		"a proof":                       head("typ", "dpop+jwt"),
		"another kid":                   head("kid", "other"),
		"another algorithm":             head("alg", signing.ES256),
		"alg none":                      head("alg", "none"),
		"HS256 with the public key":     hs256(h.with("alg", "HS256").String(), c.String(), der(t, publicOf(t, jwks))),
		"crit":                          head("crit", []string{"x"}),
		"iss is not sub":                claim("iss", "other"),
		"sub is not iss":                claim("sub", "other"),
		"no iss":                        claim("iss", nil),
		"no sub":                        claim("sub", nil),
		"a jti of another type":         claim("jti", 1),
		"a jti with a zero byte":        claim("jti", "\x00a"),
		"a jti with a line break":       claim("jti", "a\n"),
		"no aud":                        claim("aud", nil),
		"another server":                claim("aud", "https://other.example"),
		"another server too":            claim("aud", []string{tokenEndpoint, "https://other.example"}),
		"an empty aud too":              claim("aud", []string{tokenEndpoint, ""}),
		"no exp":                        claim("exp", nil),
		"an hour and a second to live":  claim("exp", noon.Add(time.Hour+time.Second).Unix()),
		"ten minutes, without iat":      forge(t, k, h.String(), c.with("iat", nil).with("exp", noon.Add(10*time.Minute).Unix()).String()),
		"exp 1e30":                      claim("exp", 1e30),
		"nbf in the future":             claim("nbf", noon.Add(time.Hour).Unix()),
		"iat in the future":             claim("iat", noon.Add(time.Hour).Unix()),
		"a claim twice":                 forge(t, k, h.String(), strings.TrimSuffix(c.String(), "}")+`,"sub":"acme"}`),
		"claims that are not an object": forge(t, k, h.String(), `[]`),
	} {
		if got, err := testAssertions(t).Verify(t.Context(), token, only("acme", jwks), noon); !errors.Is(err, ErrInvalid) || got != "" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := testAssertions(t).Verify(t.Context(), good, only("acme", jwks), noon.Add(time.Minute)); !errors.Is(err, ErrInvalid) {
		t.Errorf("at its end: %v", err)
	}
	if _, err := testAssertions(t).Verify(t.Context(), good, only("acme", ""), noon); !errors.Is(err, ErrInvalid) {
		t.Errorf("a client without keys: %v", err)
	}
}

// TestAssertionOnce checks that one of 64 simultaneous uses is accepted, and that a refused
// assertion is not spent.
func TestAssertionOnce(t *testing.T) {
	k, jwks := clientKey(t, signing.EdDSA)
	other, _ := clientKey(t, signing.EdDSA)
	a, keys := testAssertions(t), only("acme", jwks)
	h := goodHeader(k).with("typ", "JWT")
	if _, err := a.Verify(t.Context(), forge(t, other, h.String(), goodAssertion().String()), keys, noon); err == nil {
		t.Fatal("another key is accepted")
	}
	token := forge(t, k, h.String(), goodAssertion().String())
	var passed atomic.Int32
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			if _, err := a.Verify(t.Context(), token, keys, noon); err == nil {
				passed.Add(1)
			}
		})
	}
	wg.Wait()
	if passed.Load() != 1 {
		t.Errorf("%d of 64 passed", passed.Load())
	}
	if _, err := a.Verify(t.Context(), forge(t, k, h.String(), goodAssertion().with("jti", "a2").String()), keys, noon); err != nil {
		t.Errorf("the next one: %v", err)
	}
}

// TestLongAssertionOnce checks that an assertion of an hour is accepted for 5 minutes only, and
// once.
func TestLongAssertionOnce(t *testing.T) {
	k, jwks := clientKey(t, signing.RS256)
	keys := only("acme", jwks)
	sign := func(jti any) string {
		return forge(t, k, goodHeader(k).with("typ", "JWT").String(), goodAssertion().with("jti", jti).with("exp", noon.Add(time.Hour).Unix()).String())
	}
	for _, jti := range []any{"a", nil} {
		a := testAssertions(t)
		if _, err := a.Verify(t.Context(), sign(jti), keys, noon.Add(assertionUsable)); err == nil || !strings.Contains(err.Error(), "too old") {
			t.Errorf("jti %v, after 5 minutes: %v", jti, err)
		}
		for n := range 5 {
			_, err := a.Verify(t.Context(), sign(jti), keys, noon.Add(time.Duration(n)*time.Minute))
			if n == 0 && err != nil || n > 0 && (err == nil || !strings.Contains(err.Error(), "used before")) {
				t.Errorf("jti %v, use %d: %v", jti, n+1, err)
			}
		}
	}
}

// TestAssertionAfterRestart checks that a restart does not make an assertion valid again, and that
// new ones are accepted. One of the second of the start may be from before it, since an iat is a
// whole second.
func TestAssertionAfterRestart(t *testing.T) {
	k, jwks := clientKey(t, signing.EdDSA)
	keys, c := only("acme", jwks), goodAssertion()
	start := noon.Add(500 * time.Millisecond)
	restarted := func() *Assertions {
		a, err := NewAssertions(start, issuer, tokenEndpoint)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	noIssue := c.with("iat", nil)
	for name, r := range map[string]struct {
		claims fields
		want   string
	}{
		"before":                 {c.with("iat", noon.Add(-time.Second).Unix()), "issued before the server started"},
		"in the same second":     {c, "issued before the server started"},
		"before, of an hour":     {c.with("exp", noon.Add(time.Hour).Unix()), "issued before the server started"},
		"before, by nbf":         {noIssue.with("nbf", noon.Unix()), "issued before the server started"},
		"before, without jti":    {c.with("jti", nil), "issued before the server started"},
		"no iat, any time":       {noIssue, "it has no iat"},
		"no iat, accepted then":  {noIssue.with("exp", noon.Add(leeway+assertionUsable).Unix()), "it has no iat"},
		"no iat, too new then":   {noIssue.with("exp", noon.Add(leeway+assertionUsable+time.Second).Unix()), ""},
		"after":                  {c.with("iat", noon.Add(time.Second).Unix()), ""},
		"after, with an old nbf": {c.with("iat", noon.Add(time.Second).Unix()).with("nbf", noon.Add(-time.Minute).Unix()), ""},
	} {
		client, err := restarted().Verify(t.Context(), forge(t, k, goodHeader(k).with("typ", "JWT").String(), r.claims.String()), keys, start.Add(time.Second))
		var why *AssertionError
		switch {
		case r.want == "" && (err != nil || client != "acme"):
			t.Errorf("%s: %v", name, err)
		case r.want != "" && (!errors.As(err, &why) || !why.Signed || !strings.Contains(why.Reason, r.want)):
			t.Errorf("%s: %v, want %s", name, err, r.want)
		}
	}
}

// TestAssertionAlgorithms checks the algorithms of each kind of key, and that alg in the JWK Set
// allows one only.
func TestAssertionAlgorithms(t *testing.T) {
	for _, alg := range AssertionAlgorithms() {
		private := keyOf(t, "client", alg)
		public := jwkOf(private.Public(), "k")
		o := outsider{alg: alg, private: private}
		token := o.sign(t, fields{"alg": alg, "kid": "k"}, goodAssertion())
		for set, want := range map[string]bool{
			fields{"keys": []any{public}}.String():                                      true,
			fields{"keys": []any{public.with("alg", alg)}}.String():                     true,
			fields{"keys": []any{public.with("kid", "l")}}.String():                     false,
			fields{"keys": []any{jwkOf(keyOf(t, "other", alg).Public(), "k")}}.String(): false,
		} {
			if _, err := testAssertions(t).Verify(t.Context(), token, only("acme", set), noon); (err == nil) != want {
				t.Errorf("%s, %s: %v", alg, set, err)
			}
		}
	}
	private := keyOf(t, "client", "PS256")
	o := outsider{alg: "PS256", private: private}
	set := fields{"keys": []any{jwkOf(private.Public(), "k").with("alg", "RS256")}}.String()
	if _, err := testAssertions(t).Verify(t.Context(), o.sign(t, fields{"alg": "PS256", "kid": "k"}, goodAssertion()), only("acme", set), noon); err == nil {
		t.Error("PS256 by a key for RS256")
	}
}

// TestAssertionReasons checks that a client is informed of what is wrong with its assertion, and
// that another sender is not informed of anything about the client.
func TestAssertionReasons(t *testing.T) {
	k, jwks := clientKey(t, signing.EdDSA)
	other, _ := clientKey(t, signing.EdDSA)
	h, c := goodHeader(k).with("typ", "JWT"), goodAssertion()
	for name, r := range map[string]struct {
		claims fields
		want   string
	}{
		"lives too long": {c.with("exp", noon.Add(2*time.Hour).Unix()), "lives too long: exp must be at most an hour after iat"},
		"expired":        {c.with("iat", noon.Add(-time.Hour).Unix()).with("exp", noon.Unix()), "expired"},
		"a fast clock":   {c.with("iat", noon.Add(2*time.Minute).Unix()).with("exp", noon.Add(time.Hour).Unix()), "more than 60 s ahead"},
		"another server": {c.with("aud", "https://other.example"), "aud must be " + issuer + " or " + tokenEndpoint},
		"no exp":         {c.with("exp", nil), "exp is missing"},
		"milliseconds":   {c.with("exp", noon.UnixMilli()), "is not a time in seconds"},
	} {
		_, err := testAssertions(t).Verify(t.Context(), forge(t, k, h.String(), r.claims.String()), only("acme", jwks), noon)
		var why *AssertionError
		if !errors.As(err, &why) || !why.Signed || !strings.Contains(why.Reason, r.want) {
			t.Errorf("%s: %v", name, err)
		}
		_, unknown := testAssertions(t).Verify(t.Context(), forge(t, other, h.String(), r.claims.String()), only("other", jwks), noon)
		_, forged := testAssertions(t).Verify(t.Context(), forge(t, other, h.String(), r.claims.String()), only("acme", jwks), noon)
		if !errors.As(forged, &why) || why.Signed || unknown.Error() != forged.Error() {
			t.Errorf("%s: another key: %v, another client: %v", name, forged, unknown)
		}
	}
}

// TestUsedIsBounded checks that expired assertions make space for new ones, that others are never
// dropped, and that a full cache is an internal error and accepts nothing.
func TestUsedIsBounded(t *testing.T) {
	var u replayCache
	id := func(i int) tokens.ID { return tokens.NewID("acme", fmt.Sprint(i)) }
	now := noon
	for i := range 10_000 {
		now = now.Add(time.Second)
		if fresh, err := u.spend(id(i), now.Add(assertionUsable), now); err != nil || !fresh {
			t.Fatal(err)
		}
	}
	if len(u.expires) > 2<<10 {
		t.Errorf("%d remembered where about 300 are alive", len(u.expires))
	}
	u = replayCache{}
	if fresh, err := u.spend(id(-1), now.Add(assertionUsable), now); err != nil || !fresh {
		t.Error(err)
	}
	for i := 0; len(u.expires) < maxReplays; i++ {
		u.expires[tokens.ID{0, byte(i), byte(i >> 8), byte(i >> 16)}] = now.Add(assertionUsable).Unix()
	}
	if _, err := u.spend(id(-2), now.Add(assertionUsable), now); err == nil || errors.Is(err, ErrInvalid) {
		t.Errorf("when full: %v", err)
	}
	if fresh, err := u.spend(id(-1), now.Add(assertionUsable), now); err != nil || fresh {
		t.Errorf("a used one, when full: %v", err)
	}
	now = now.Add(assertionUsable)
	if fresh, err := u.spend(id(-1), now.Add(assertionUsable), now); err != nil || !fresh {
		t.Errorf("when all have expired: %v", err)
	}
}

func TestNewAssertionsNeedsAudience(t *testing.T) {
	for _, bad := range [][]string{nil, {""}, {issuer, ""}} {
		if _, err := NewAssertions(noon, bad...); err == nil {
			t.Errorf("%q makes one", bad)
		}
	}
}

// TestSharedAssertions checks that servers that share their used assertions accept one once, and
// that an error of what they share is not one of the client.
func TestSharedAssertions(t *testing.T) {
	k, jwks := clientKey(t, signing.EdDSA)
	used := map[tokens.ID]bool{}
	var fault error
	server := func() *Assertions {
		a := testAssertions(t)
		a.Shared = func(_ context.Context, id tokens.ID, made, expires time.Time) (bool, error) {
			if !made.Equal(noon) || !expires.After(noon) {
				t.Errorf("made %v, expires %v", made, expires)
			}
			fresh := !used[id]
			used[id] = true
			return fresh, fault
		}
		return a
	}
	h := goodHeader(k).with("typ", "JWT")
	text := forge(t, k, h.String(), goodAssertion().String())
	if _, err := server().Verify(t.Context(), text, only("acme", jwks), noon); err != nil {
		t.Fatal(err)
	}
	if _, err := server().Verify(t.Context(), text, only("acme", jwks), noon); !errors.Is(err, ErrInvalid) {
		t.Errorf("another server accepted it too: %v", err)
	}
	fault = errors.New("gone")
	text = forge(t, k, h.String(), goodAssertion().with("jti", "other").String())
	if _, err := server().Verify(t.Context(), text, only("acme", jwks), noon); !errors.Is(err, fault) || errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v", err)
	}
}
