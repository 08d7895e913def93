package bearer

import (
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"stile.example/stile/tokens"
)

const idp = "https://id.example/"

// TestS6_Issuers checks six issuers with six algorithms, whose keys all have the same name. Only an
// issuer's own key verifies its tokens, with its own algorithm.
func TestS6_Issuers(t *testing.T) {
	var all []*outsider
	for _, alg := range []string{"RS256", "PS384", "ES256", "ES384", "ES512", "EdDSA"} {
		all = append(all, newOutsider(t, "https://"+strings.ToLower(alg)+".example", alg))
	}
	v := trusting(t, all...)
	passed := 0
	for _, named := range all {
		for _, signs := range all {
			for _, alg := range append(ExternalAlgorithms(), "none", "HS256", "") {
				token := signs.sign(t, named.header().with("alg", alg), named.claims())
				_, err := v.Verify(token, noon)
				if diagonal := named == signs && alg == named.alg; diagonal && err == nil {
					passed++
				} else if diagonal || !errors.Is(err, ErrInvalid) {
					t.Errorf("of %s, signed by the key of %s, alg %q: %v", named.Name, signs.Name, alg, err)
				}
			}
		}
	}
	if passed != 6 {
		t.Errorf("%d passed, want 6", passed)
	}
	own := v.keys.Set().Signing()
	for _, o := range all { // our keys do not sign for them, nor theirs for us
		forged := forge(t, own, goodHeader(own).with("kid", "k1").String(), o.claims().String())
		stolen := o.sign(t, goodHeader(own).with("alg", o.alg), goodClaims())
		for _, token := range []string{forged, stolen, o.sign(t, o.header(), goodClaims())} {
			if _, err := v.Verify(token, noon); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s: %v", o.Name, err)
			}
		}
		if o.ring.renewed > 0 {
			t.Errorf("%s was asked for keys %d times", o.Name, o.ring.renewed)
		}
	}
	good := forge(t, own, goodHeader(own).String(), goodClaims().String())
	if c, err := v.Verify(good, noon); err != nil || c.Issuer != issuer {
		t.Errorf("our own: %+v, %v", c, err)
	}
}

// TestS5_External checks tokens that must be refused whoever signed them, without fetching keys.
func TestS5_External(t *testing.T) {
	o := newOutsider(t, idp, "ES256")
	v := trusting(t, o)
	h, c := o.header(), o.claims()
	if _, err := v.Verify(o.sign(t, h, c), noon); err != nil {
		t.Fatal(err)
	}
	for what, token := range map[string]string{
		"crit":              o.sign(t, h.with("crit", []string{"exp"}), c),
		"b64":               o.sign(t, h.with("b64", false), c),
		"alg none":          unsigned(h.with("alg", "none").String(), c.String()),
		"HMAC":              hs256(h.with("alg", "HS256").String(), c.String(), []byte("k1")),
		"typ of a proof":    o.sign(t, h.with("typ", "dpop+jwt"), c),
		"typ of a logout":   o.sign(t, h.with("typ", "logout+jwt"), c),
		"kid with a path":   o.sign(t, h.with("kid", "../../dev/null"), c),
		"kid with a quote":  o.sign(t, h.with("kid", "' OR 1=1 --"), c),
		"long kid":          o.sign(t, h.with("kid", strings.Repeat("k", 257)), c),
		"kid of a number":   o.sign(t, h.with("kid", 1), c),
		"unknown issuer":    o.sign(t, h.with("kid", "k2"), c.with("iss", "https://evil.example/")),
		"issuer in capital": o.sign(t, h, c.with("iss", "https://ID.example/")),
		"issuer, a list":    o.sign(t, h, c.with("iss", []string{idp})),
		"ISS for iss":       o.sign(t, h, c.with("iss", nil).with("ISS", idp)),
		"audience":          o.sign(t, h, c.with("aud", "other")),
		"no audience":       o.sign(t, h, c.with("aud", nil)),
		"empty audience":    o.sign(t, h, c.with("aud", []string{"", "stile"})),
		"no client":         o.sign(t, h, c.with("azp", nil)),
		"two clients":       o.sign(t, h, c.with("client_id", "other")),
		"client, a list":    o.sign(t, h, c.with("azp", []string{"app"})),
		"Azp for azp":       o.sign(t, h, c.with("azp", nil).with("Azp", "app")),
		"sub alone":         o.sign(t, h, c.with("azp", nil).with("sub", "app")),
		"sub, a number":     o.sign(t, h, c.with("sub", 1)),
		"empty jti":         o.sign(t, h, c.with("jti", "")),
		"jti, a number":     o.sign(t, h, c.with("jti", 1)),
		"jti, a zero byte":  o.sign(t, h, c.with("jti", "\x00"+strings.Repeat("0", 64))),
		"jti, a control":    o.sign(t, h, c.with("jti", "a\u0085")),
		"no exp":            o.sign(t, h, c.with("exp", nil)),
		"EXP for exp":       o.sign(t, h, c.with("exp", nil).with("EXP", hours(1))),
		"exp as text":       o.sign(t, h, c.with("exp", fmt.Sprint(hours(1)))),
		"no iat":            o.sign(t, h, c.with("iat", nil)),
		"iat ahead":         o.sign(t, h, c.with("iat", noon.Add(2*time.Minute).Unix())),
		"nbf ahead":         o.sign(t, h, c.with("nbf", noon.Add(2*time.Minute).Unix())),
		"nbf 1e30":          o.sign(t, h, c.with("nbf", 1e30)),
		"exp before iat":    o.sign(t, h, c.with("exp", noon.Unix())),
		"ID token":          o.sign(t, h, c.with("at_hash", "x")),
		"Keycloak's ID":     o.sign(t, h, c.with("typ", "ID")),
		"its refresh token": o.sign(t, h, c.with("typ", "Refresh")),
		"Cognito's ID":      o.sign(t, h, c.with("token_use", "id")),
		"logout token":      o.sign(t, h, c.with("events", fields{})),
		"bound to a key":    o.sign(t, h, c.with("cnf", fields{"jkt": "x"})),
		"a name twice":      o.sign(t, h, text(strings.TrimSuffix(c.String(), "}")+`,"azp":"app"}`)),
		"a line break":      o.sign(t, h, c)[:40] + "\n" + o.sign(t, h, c)[40:],
		"padding":           o.sign(t, h, c) + "=",
		"DER signature":     o.sign(t, h, c) + "AAAA",
	} {
		if _, err := v.Verify(token, noon); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if o.ring.renewed > 0 {
		t.Errorf("garbage asked for keys %d times", o.ring.renewed)
	}
}

type text string

func (s text) String() string { return string(s) }

// TestS1_ExternalSpellings checks that a token without a jti is the same token with the second
// signature of ES256, and that two such tokens are different.
func TestS1_ExternalSpellings(t *testing.T) {
	o := newOutsider(t, idp, "ES256")
	v := trusting(t, o)
	id := func(token string) tokens.ID {
		t.Helper()
		c, err := v.Verify(token, noon)
		if err != nil {
			t.Fatal(err)
		}
		return c.ID
	}
	bare := o.claims().with("jti", nil)
	token := o.sign(t, o.header(), bare)
	dot := strings.LastIndexByte(token, '.') + 1
	sig, err := base64.RawURLEncoding.DecodeString(token[dot:])
	if err != nil {
		t.Fatal(err)
	}
	n := new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(sig[32:]))
	n.FillBytes(sig[32:])
	if id(token) != id(token[:dot]+base64.RawURLEncoding.EncodeToString(sig)) {
		t.Error("the twin is another token")
	}
	if id(token) == id(o.sign(t, o.header(), bare.with("sub", "other"))) {
		t.Error("two tokens are one")
	}
	if id(o.sign(t, o.header(), o.claims())) != tokens.NewID(idp, "j") {
		t.Error("a jti is not the token's name")
	}
	if id(o.sign(t, o.header(), o.claims())) != id(o.sign(t, o.header().with("x", 1), o.claims())) {
		t.Error("one jti is two tokens")
	}
}

// TestExternalLife checks that a token whose lifetime is a month is valid for as long as our own
// tokens may be.
func TestExternalLife(t *testing.T) {
	o := newOutsider(t, idp, "EdDSA")
	v := trusting(t, o)
	token := o.sign(t, o.header(), o.claims().with("exp", hours(24*30)))
	c, err := v.Verify(token, noon)
	if err != nil || !c.Expires.Equal(noon.Add(lifetime)) {
		t.Errorf("%v, %v", c.Expires, err)
	}
	if _, err := v.Verify(token, noon.Add(lifetime-1)); err != nil {
		t.Errorf("in its last moment: %v", err)
	}
	if _, err := v.Verify(token, noon.Add(lifetime)); !errors.Is(err, ErrExpired) {
		t.Errorf("after a day: %v", err)
	}
	if _, err := v.Verify(o.sign(t, o.header(), o.claims().with("iat", hours(-30))), noon); !errors.Is(err, ErrExpired) {
		t.Errorf("issued more than a day ago, seen for the first time: %v", err)
	}
}

// TestExternalMemory checks that a cached token is verified again when the keys change, and refused
// when they can't be fetched.
func TestExternalMemory(t *testing.T) {
	o := newOutsider(t, idp, "EdDSA")
	v := trusting(t, o)
	token := o.sign(t, o.header(), o.claims())
	if _, err := v.Verify(token, noon); err != nil {
		t.Fatal(err)
	}
	good := o.ring.keys
	// The generation stays the same by mistake.
	o.ring.keys = parsed(t, jwkOf(keyOf(t, "other", "EdDSA").Public(), "k1"))
	if c, err := v.Verify(token, noon); err != nil || c.Client != "acme" || c.JTI != "j" || c.Issuer != idp {
		t.Errorf("remembered: %+v, %v", c, err)
	}
	o.ring.keys.Generation++
	if _, err := v.Verify(token, noon); !errors.Is(err, ErrInvalid) {
		t.Errorf("under other keys: %v", err)
	}
	o.ring.keys, o.ring.fault = good, errAway
	if _, err := v.Verify(token, noon); !errors.Is(err, errAway) {
		t.Errorf("without keys: %v", err)
	}
	o.ring.fault = nil
	if _, err := v.Verify(token, noon.Add(time.Hour)); !errors.Is(err, ErrExpired) {
		t.Errorf("remembered, and expired: %v", err)
	}
}

// TestExternalKeys checks that an unknown kid fetches the keys once, and a kid with another
// algorithm does not. A token without a kid is valid if exactly one key fits.
func TestExternalKeys(t *testing.T) {
	o := newOutsider(t, idp, "EdDSA")
	v := trusting(t, o)
	bare := o.sign(t, o.header().with("kid", nil), o.claims())
	if _, err := v.Verify(bare, noon); err != nil || o.ring.renewed != 0 {
		t.Errorf("no kid, one key: %v, asked %d times", err, o.ring.renewed)
	}
	if _, err := v.Verify(o.sign(t, o.header().with("kid", "k9"), o.claims()), noon); !errors.Is(err, ErrInvalid) || o.ring.renewed != 1 {
		t.Errorf("unknown kid: %v, asked %d times", err, o.ring.renewed)
	}
	o.ring.keys = parsed(t, jwkOf(keyOf(t, "other", "EdDSA").Public(), "k2"), jwkOf(o.private.Public(), "k1"))
	o.ring.keys.Generation = 2
	if _, err := v.Verify(bare, noon); !errors.Is(err, ErrInvalid) {
		t.Errorf("no kid, two keys: %v", err)
	}
	if _, err := v.Verify(o.sign(t, o.header().with("alg", "Ed25519"), o.claims()), noon); err != nil {
		t.Errorf("EdDSA by its newer name: %v", err)
	}
	o.ring.keys = parsed(t, jwkOf(o.private.Public(), "k1").with("alg", "ES256"), jwkOf(o.private.Public(), "k2").with("alg", "EdDSA"))
	o.ring.keys.Generation = 3
	if _, err := v.Verify(o.sign(t, o.header(), o.claims()), noon); !errors.Is(err, ErrInvalid) || o.ring.renewed != 2 {
		t.Errorf("a key that says another alg is left out: %v, asked %d times", err, o.ring.renewed)
	}
}

// TestTrust checks that issuers which can't be distinguished, or are incomplete, are refused.
func TestTrust(t *testing.T) {
	a, b := newOutsider(t, idp, "EdDSA"), newOutsider(t, "https://b.example", "EdDSA")
	a.Opaque, b.Opaque = asks(nil), asks(nil)
	own, twin, bare := newOutsider(t, issuer, "EdDSA"), newOutsider(t, idp, "EdDSA"), newOutsider(t, "https://c.example", "EdDSA")
	bare.Audiences = nil
	for _, list := range [][]*Issuer{{&own.Issuer}, {&a.Issuer, &twin.Issuer}, {&a.Issuer, &b.Issuer}, {&bare.Issuer}} {
		if err := testVerifier(t, testKeys(t)).Trust(list); err == nil {
			t.Errorf("%d issuers were trusted", len(list))
		}
	}
}

// asks is an Introspector.
type asks func(token string) ([]byte, error)

func (a asks) Introspect(token string, _ Source, _ time.Time) (Introspection, error) {
	text, err := a(token)
	return Introspection{text, noon}, err
}

// TestIntrospection checks that the issuer decides about a token that is not a JWT.
func TestIntrospection(t *testing.T) {
	o := newOutsider(t, idp, "EdDSA")
	answer := ""
	asked := 0
	o.Opaque = asks(func(string) ([]byte, error) { asked++; return []byte(answer), nil })
	v := trusting(t, o)
	good := fields{"active": true, "client_id": "app", "aud": "stile", "sub": "u", "jti": "j", "iat": noon.Unix(), "exp": hours(1), "token_type": "Bearer"}
	answer = good.with("iss", idp).String()
	if c, err := v.Verify("opaque", noon); err != nil || c.Client != "acme" || c.ID != tokens.NewID(idp, "j") {
		t.Errorf("%+v, %v", c, err)
	}
	for what, f := range map[string]fields{
		"not active": {"active": false}, "active as text": good.with("active", "true"), "nothing": {},
		"audience": good.with("aud", "x"), "issuer": good.with("iss", "https://x"),
		"jti of another type": good.with("jti", 5), "no exp": good.with("exp", nil), "two clients": good.with("azp", "x"), "bound": good.with("cnf", fields{}),
		"a type of token": good.with("token_type", "refresh_token"), "another scheme": good.with("token_type", "mac"), "a list of types": good.with("token_type", []string{"Bearer"}),
		"jti, a zero byte": good.with("jti", "\x00a"), "a refresh token": good.with("token_use", "refresh_token"), "Active": good.with("active", nil).with("Active", true),
	} {
		answer = f.String()
		if _, err := v.Verify("opaque", noon); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if answer = good.String(); true {
		if _, err := v.Verify("opaque", noon.Add(time.Hour)); !errors.Is(err, ErrExpired) {
			t.Errorf("expired: %v", err)
		}
	}
	for _, typ := range []any{"bearer", "DPOP", "access_token", nil} {
		answer = good.with("token_type", typ).String()
		if _, err := v.Verify("opaque", noon); err != nil {
			t.Errorf("token_type %v: %v", typ, err)
		}
	}
	answer = "<html>"
	if _, err := v.Verify("opaque", noon); err == nil || errors.Is(err, ErrInvalid) {
		t.Errorf("an answer that is missing: %v", err)
	}
	asked = 0
	for _, token := range []string{"a b", strings.Repeat("x", MaxLength+1), "a.b.c", "..", "a..c", o.sign(t, o.header(), o.claims().with("aud", "x"))} {
		if _, err := v.Verify(token, noon); !errors.Is(err, ErrInvalid) || asked > 0 {
			t.Errorf("%.20s: %v, asked %d times", token, err, asked)
		}
	}
}

// TestIntrospectionShapes checks the responses of servers that leave out what RFC 7662 does not
// require: of oidc-provider, of django-oauth-toolkit, and of Ory Hydra as its documentation shows
// it.
func TestIntrospectionShapes(t *testing.T) {
	o := newOutsider(t, idp, "EdDSA")
	var answer string
	o.Opaque = asks(func(string) ([]byte, error) { return []byte(answer), nil })
	v := trusting(t, o)
	exp := noon.Add(10 * time.Minute).Unix()
	for name, text := range map[string]string{
		"oidc-provider":        fmt.Sprintf(`{"active":true,"client_id":"app","exp":%d,"iat":%d,"iss":%q,"scope":"content","token_type":"Bearer","aud":"stile"}`, exp, noon.Unix(), idp),
		"without a resource":   fmt.Sprintf(`{"active":true,"client_id":"app","exp":%d,"iat":%d,"iss":%q,"sub":"ann","token_type":"Bearer"}`, exp, noon.Unix(), idp),
		"a person's":           fmt.Sprintf(`{"active":true,"client_id":"app","exp":%d,"iat":%d,"iss":%q,"sub":"ann","username":"ann","token_type":"Bearer"}`, exp, noon.Unix(), idp),
		"a service account's":  fmt.Sprintf(`{"active":true,"client_id":"app","exp":%d,"iat":%d,"iss":%q,"sub":"5f3a","username":"service-account-app"}`, exp, noon.Unix(), idp),
		"a client's name":      fmt.Sprintf(`{"active":true,"client_id":"app","exp":%d,"iat":%d,"iss":%q,"sub":"5f3a","username":"App"}`, exp, noon.Unix(), idp),
		"django-oauth-toolkit": fmt.Sprintf(`{"active":true,"scope":"read","exp":%d,"client_id":"app","username":"ann"}`, exp),
		"Hydra": fmt.Sprintf(`{"active":true,"scope":"content","client_id":"app","sub":"ann","exp":%d,"iat":%d,"nbf":%[2]d,"aud":[],"iss":%[3]q,"token_type":"Bearer","token_use":"access_token"}`,
			exp, noon.Unix(), idp),
		"with nulls": fmt.Sprintf(`{"active":true,"client_id":"app","exp":%d,"iat":null,"jti":null,"aud":null,"sub":null,"nbf":null,"cnf":null}`, exp),
	} {
		answer = text
		c, err := v.Verify("One.Token-of-"+strings.NewReplacer(" ", "", "'", "").Replace(name), noon.Add(time.Minute))
		if err != nil || c.Client != "acme" || !c.IssuedAt.Equal(noon) || !c.Expires.Equal(noon.Add(10*time.Minute)) || c.JTI == "" {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
		if (c.Person != [16]byte{}) != (name == "a person's") {
			t.Errorf("%s: the person: %x", name, c.Person)
		}
		o.RequireAudience = true
		if _, err := v.Verify("another", noon); errors.Is(err, ErrInvalid) != (name != "oidc-provider") {
			t.Errorf("%s, and the audience is required: %v", name, err)
		}
		o.RequireAudience = false
	}
	answer = fmt.Sprintf(`{"active":true,"client_id":"app","exp":%d}`, noon.Add(30*24*time.Hour).Unix())
	if _, err := v.Verify("long-lived", noon.Add(24*time.Hour)); !errors.Is(err, ErrExpired) {
		t.Errorf("a day after the first response: %v", err)
	}
	names := map[tokens.ID]string{}
	for _, token := range []string{"ory_at_AbCdEf.GhIjKl", "ory_at_AbCdEg.GhIjKl", "ORY-AT_abcdef.ghijkk", "ory_at_AbCdEfGhIjKl", "ory_at_AbXdEf.GhIjKl"} {
		c, err := v.Verify(token, noon)
		if err != nil {
			t.Fatal(err)
		}
		names[c.ID] += token + " "
	}
	if len(names) != 3 {
		t.Errorf("spellings of one token: %v", names)
	}
}

// TestVerifySubject checks which tokens can be exchanged, and which authenticate a client.
func TestVerifySubject(t *testing.T) {
	calls, exchange := newOutsider(t, idp, "EdDSA"), newOutsider(t, "https://x.example", "EdDSA")
	exchange.ForExchange = true
	v := trusting(t, calls, exchange)
	for o, want := range map[*outsider]bool{calls: false, exchange: true} {
		token := o.sign(t, o.header(), o.claims())
		for range 2 {
			if c, alone, err := v.VerifySubject(token, Source{}, noon); err != nil || alone != want || c.Client != "acme" {
				t.Errorf("%s: %+v, %v, %v", o.Name, c, alone, err)
			}
			if _, err := v.Verify(token, noon); (err == nil) == want {
				t.Errorf("%s: a call: %v", o.Name, err)
			}
		}
	}
	k := v.keys.Set().Signing()
	if _, _, err := v.VerifySubject(forge(t, k, goodHeader(k).String(), goodClaims().String()), Source{}, noon); !errors.Is(err, ErrInvalid) {
		t.Errorf("our own: %v", err)
	}
}

// TestExternalBoundToKey checks that a token which its issuer has bound to a key names the key each
// time it is verified, and can't be exchanged.
func TestExternalBoundToKey(t *testing.T) {
	o := newOutsider(t, idp, "ES256")
	v := trusting(t, o)
	thumbprint := sha256.Sum256([]byte("a key"))
	token := o.sign(t, o.header(), o.claims().with("cnf", fields{"jkt": base64.RawURLEncoding.EncodeToString(thumbprint[:])}))
	for range 2 { // the second one is cached
		if c, err := v.Verify(token, noon); err != nil || c.Confirmation != thumbprint {
			t.Errorf("%x, %v, want %x", c.Confirmation, err, thumbprint)
		}
	}
	if _, _, err := v.VerifySubject(token, Source{}, noon); !errors.Is(err, ErrInvalid) {
		t.Errorf("exchanged: %v", err)
	}
	if _, err := v.Verify(o.sign(t, o.header(), o.claims().with("cnf", fields{"x5t#S256": "AQ"})), noon); !errors.Is(err, ErrInvalid) {
		t.Errorf("bound to a certificate: %v", err)
	}
}
