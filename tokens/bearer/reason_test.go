package bearer

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestReasons checks that a refused token's reason names what is wrong, and its issuer if that is
// an external one that is trusted.
func TestReasons(t *testing.T) {
	o := newOutsider(t, idp, "RS256")
	o.Algorithms = []string{"RS256", "ES256"}
	v := trusting(t, o)
	h, c := o.header(), o.claims()
	forged := o.sign(t, h, c)
	forged = forged[:strings.LastIndexByte(forged, '.')] + "." + strings.Repeat("A", 342)
	own := v.keys.Set().Signing()
	signed := func(claims fields) string { return forge(t, own, goodHeader(own).String(), claims.String()) }
	for _, c := range []struct {
		token, issuer, want string
	}{
		{o.sign(t, h, c.with("aud", "account")), idp, "aud is account, want stile"},
		{o.sign(t, h, c.with("aud", []string{"a", "b c", "c", "d"})), idp, `aud is a, "b c", c, 1 more, want stile`},
		{o.sign(t, h, c.with("aud", nil)), idp, "aud is missing, want stile"},
		{o.sign(t, h, c.with("iat", hours(-2)).with("exp", noon.Add(-3*time.Minute).Unix())), idp, "expired by 3 min"},
		{o.sign(t, h, c.with("iat", hours(-26)).with("exp", hours(9))), idp, "issued 26 h ago: accepted for 24 h from iat"},
		{o.sign(t, h, c.with("iat", hours(1)).with("exp", hours(2))), idp, "iat is 60 min ahead of this server's clock"},
		{o.sign(t, h, c.with("iat", nil)), idp, "iat is missing, or not a time"},
		{o.sign(t, h.with("alg", "RS512"), c), idp, "alg is RS512, want RS256, ES256"},
		{o.sign(t, h.with("kid", "k9"), c), idp, "kid k9 is unknown: it is not among the issuer's 1 key"},
		{o.sign(t, h.with("alg", "ES256"), c), idp, "the key k1 is not for alg ES256"},
		{o.sign(t, h.with("typ", "dpop+jwt"), c), idp, "the header's typ is dpop+jwt, want at+jwt or jwt or none"},
		{forged, idp, "wrong signature"},
		{o.sign(t, h, c.with("azp", nil)), idp, "no claim names the client, want client_id, azp, cid, clientId"},
		{o.sign(t, h, c.with("cid", "other")), idp, "its claims name two clients: azp is app, and cid is other"},
		{o.sign(t, h, c.with("typ", "Refresh")), idp, "the claim typ is Refresh, want Bearer or DPoP"},
		{o.sign(t, h, c.with("at_hash", "x")), idp, "at_hash marks an ID token"},
		{o.sign(t, h, c.with("jti", nil)), idp, "no jti, and RS256 signs equal claims equally"},
		{o.sign(t, h, c.with("cnf", fields{"x5t#S256": "AQ"})), idp, "cnf binds it by x5t#S256, which can't be checked here"},
		{o.sign(t, h, c.with("iss", "https://evil.example")), "", "unknown issuer https://evil.example"},
		{o.sign(t, h, c.with("iss", otherSlash(idp))), "", "the slash at the end counts"},
		{o.sign(t, h, c.with("iss", "\x1b[31m"+strings.Repeat("x", 99))), "", `unknown issuer "\x1b[31mx`},
		{o.sign(t, h, c.with("iss", nil)), "", "iss is missing"},
		{signed(goodClaims().with("aud", "x")), "", "aud is x, want " + issuer},
		{signed(goodClaims().with("iat", hours(-1)).with("exp", noon.Unix())), "", "expired by less than 1 s"},
		{"x.y", "", "not three parts"},
	} {
		_, err := v.Verify(c.token, noon)
		if !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrExpired) {
			t.Errorf("%s: %v", c.want, err)
		}
		issuer, why := Reason(err)
		if issuer != c.issuer || !strings.Contains(why, c.want) || len(why) > 250 || strings.ContainsAny(why, "\x1b\n") {
			t.Errorf("%q of %q, want %q of %q", why, issuer, c.want, c.issuer)
		}
	}
	if issuer, why := Reason(errAway); issuer != "" || why != "" {
		t.Errorf("a fault: %q of %q", why, issuer)
	}
}

// TestOpaqueReasons checks the reasons of tokens that are not JWTs. One without iat that has
// expired before the first response is expired, not invalid.
func TestOpaqueReasons(t *testing.T) {
	o := newOutsider(t, idp, "RS256")
	var answer fields
	o.Opaque = asks(func(string) ([]byte, error) { return []byte(answer.String()), nil })
	v := trusting(t, o)
	good := fields{"active": true, "client_id": "app", "exp": hours(1)}
	for _, c := range []struct {
		answer fields
		want   string
		is     error
	}{
		{good.with("exp", noon.Add(-3*time.Minute).Unix()), "expired by 3 min", ErrExpired},
		{good.with("exp", noon.Unix()), "expired by less than 1 s", ErrExpired},
		{good.with("token_type", "refresh_token"), "the token_type refresh_token, want Bearer or DPoP", ErrInvalid},
		{good.with("jti", "\x00"), "jti contains a control character", ErrInvalid},
	} {
		answer = c.answer
		_, err := v.Verify("opaque", noon)
		if issuer, why := Reason(err); !errors.Is(err, c.is) || issuer != idp || !strings.Contains(why, c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// TestUnmappedClient checks that a valid token of a client without a tenant names that client, when
// it is verified and when it is cached.
func TestUnmappedClient(t *testing.T) {
	o := newOutsider(t, idp, "ES256")
	v := trusting(t, o)
	token := o.sign(t, o.header(), o.claims().with("azp", "other"))
	for range 2 {
		if c, err := v.Verify(token, noon); err != nil || c.Client != "" || c.Unmapped != "other" {
			t.Errorf("%+v, %v", c, err)
		}
	}
}

// TestNoJTI checks tokens without a jti, in the documented shape of Auth0's machine tokens: two of
// the same second are two tokens, or they are refused for calls.
func TestNoJTI(t *testing.T) {
	claims := fields{"iss": "https://t.eu.auth0.com/", "sub": "Gx9@clients", "aud": "stile", "iat": noon.Unix(), "exp": hours(24),
		"gty": "client-credentials", "azp": "app"}
	for _, alg := range ExternalAlgorithms() {
		o := newOutsider(t, "https://t.eu.auth0.com/", alg)
		v := trusting(t, o)
		one, err1 := v.Verify(o.sign(t, o.header(), claims), noon)
		two, err2 := v.Verify(o.sign(t, o.header(), claims), noon)
		if random := alg[:2] == "ES" || alg[:2] == "PS"; random {
			if err1 != nil || err2 != nil || one.ID == two.ID {
				t.Errorf("%s: %v, %v; the same ID: %v", alg, err1, err2, one.ID == two.ID)
			}
			continue
		}
		if !errors.Is(err1, ErrInvalid) || !errors.Is(err2, ErrInvalid) {
			t.Errorf("%s: %v, %v", alg, err1, err2)
		}
		o.ForExchange = true
		if c, alone, err := trusting(t, o).VerifySubject(o.sign(t, o.header(), claims), Source{}, noon); err != nil || !alone || c.Client != "acme" {
			t.Errorf("%s: exchanged: %+v, %v, %v", alg, c, alone, err)
		}
	}
}

// TestIDClaim checks that an issuer's own claim distinguishes its tokens, and is required then.
func TestIDClaim(t *testing.T) {
	o := newOutsider(t, idp, "RS256")
	o.IDClaim = "at_hash"
	v := trusting(t, o)
	bare := o.claims().with("jti", nil)
	one, err1 := v.Verify(o.sign(t, o.header(), bare.with("at_hash", "one")), noon)
	two, err2 := v.Verify(o.sign(t, o.header(), bare.with("at_hash", "two")), noon)
	if err1 != nil || err2 != nil || one.ID == two.ID || one.JTI != "one" {
		t.Errorf("%+v, %v, %+v, %v", one, err1, two, err2)
	}
	for what, c := range map[string]fields{"no at_hash": o.claims(), "c_hash": bare.with("at_hash", "x").with("c_hash", "x"), "a number": bare.with("at_hash", 1)} {
		if _, err := v.Verify(o.sign(t, o.header(), c), noon); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
