package bearer

import (
	"encoding/base64"
	"errors"
	"testing"
	"time"
)

// dialect describes a product's tokens, as it makes them by default.
type dialect struct {
	name     string
	issuer   string // with or without a slash at its end, as that product writes it
	audience string
	alg      string
	client   string
	claim    string // that names the client; "" for auto
	id       string // the claim that distinguishes tokens; "" for jti
	header   fields
	claims   fields
}

func hours(n int) int64 { return noon.Add(time.Duration(n) * time.Hour).Unix() }

var dialects = []dialect{
	{"Keycloak, user", "https://id.example/realms/demo", "stile", "RS256", "web", "", "",
		fields{"alg": "RS256", "typ": "JWT", "kid": "k1"},
		fields{"exp": noon.Add(5 * time.Minute).Unix(), "iat": noon.Unix(), "auth_time": noon.Unix(), "jti": "onrtac:3ba6bc6e-6a3c-4d8a-9a05-2c0c4c6a7a51",
			"iss": "https://id.example/realms/demo", "aud": []string{"stile", "account"}, "sub": "5f3a4bd5-2f22-4c3a-8b53-5d9f13e0c011", "typ": "Bearer",
			"azp": "web", "sid": "c6a1", "acr": "1", "allowed-origins": []string{"https://www.acme.example"},
			"realm_access": map[string]any{"roles": []string{"offline_access"}}, "scope": "openid profile email", "preferred_username": "ann"}},
	{"Keycloak, service account", "https://id.example/realms/demo", "stile", "RS256", "backend", "", "",
		fields{"alg": "RS256", "typ": "JWT", "kid": "k1"},
		fields{"exp": noon.Add(5 * time.Minute).Unix(), "iat": noon.Unix(), "jti": "trrtcc:7d1f", "iss": "https://id.example/realms/demo",
			"aud": []string{"stile", "account"}, "sub": "0f1e", "typ": "Bearer", "azp": "backend", "acr": "1", "scope": "profile email",
			"clientHost": "172.18.0.1", "clientAddress": "172.18.0.1", "client_id": "backend", "preferred_username": "service-account-backend"}},
	{"Auth0, RFC 9068", "https://t.eu.auth0.com/", "https://api.example", "RS256", "Gx9", "", "",
		fields{"alg": "RS256", "typ": "at+jwt", "kid": "k1"},
		fields{"iss": "https://t.eu.auth0.com/", "sub": "auth0|5f7c", "aud": []string{"https://api.example", "https://t.eu.auth0.com/userinfo"},
			"iat": noon.Unix(), "exp": hours(2), "scope": "openid", "jti": "Zz1", "client_id": "Gx9"}},
	{"Okta", "https://dev-1.okta.com/oauth2/default", "api://default", "RS256", "0oa1", "", "",
		fields{"kid": "k1", "alg": "RS256"},
		fields{"ver": 1, "jti": "AT.Vw1", "iss": "https://dev-1.okta.com/oauth2/default", "aud": "api://default", "iat": noon.Unix(), "exp": hours(1),
			"cid": "0oa1", "uid": "00u1", "scp": []string{"openid"}, "auth_time": noon.Unix(), "sub": "ann@example.com"}},
	{"Okta, service", "https://dev-1.okta.com/oauth2/default", "api://default", "RS256", "0oa2", "", "",
		fields{"kid": "k1", "alg": "RS256"},
		fields{"ver": 1, "jti": "AT.oMX4", "iss": "https://dev-1.okta.com/oauth2/default", "aud": "api://default", "iat": noon.Unix(), "exp": hours(1),
			"cid": "0oa2", "scp": []string{"content"}, "sub": "0oa2"}},
	{"Keycloak, bound by DPoP", "https://id.example/realms/demo", "stile", "RS256", "web", "", "",
		fields{"alg": "RS256", "typ": "at+jwt", "kid": "k1"},
		fields{"exp": noon.Add(5 * time.Minute).Unix(), "iat": noon.Unix(), "jti": "trrtcc:7d20", "iss": "https://id.example/realms/demo", "aud": "stile",
			"sub": "5f3a", "typ": "DPoP", "azp": "web", "scope": "", "cnf": fields{"jkt": base64.RawURLEncoding.EncodeToString(make([]byte, 32))}}},
	{"Dex", "https://dex.example", "web", "RS256", "web", "aud", "at_hash",
		fields{"alg": "RS256", "kid": "k1"},
		fields{"iss": "https://dex.example", "sub": "CgNhbm4SBWxvY2Fs", "aud": "web", "exp": hours(24), "iat": noon.Unix(),
			"at_hash": "9cqmtb0nFRYVRVCpbNKlXw", "email": "ann@example.com", "email_verified": true}},
	{"Entra ID", "https://sts.windows.net/t/", "api://stile", "RS256", "6e74", "appid", "uti",
		fields{"typ": "JWT", "alg": "RS256", "x5t": "k1", "kid": "k1"},
		fields{"iss": "https://sts.windows.net/t/", "aud": "api://stile", "iat": noon.Unix(), "nbf": noon.Unix(), "exp": hours(1), "appid": "6e74",
			"appidacr": "1", "sub": "f1", "uti": "xmLzF4JhF0q", "ver": "1.0"}},
	{"Spring Authorization Server", "http://auth-server:9000", "messaging-client", "RS256", "messaging-client", "sub", "",
		fields{"kid": "k1", "alg": "RS256"},
		fields{"sub": "messaging-client", "aud": "messaging-client", "nbf": noon.Unix(), "scope": []string{"message.read"}, "iss": "http://auth-server:9000",
			"exp": noon.Add(5 * time.Minute).Unix(), "iat": noon.Unix(), "jti": "a0c1"}},
	{"Ory Hydra", "https://hydra.example", "https://api.example", "RS256", "6b0d", "", "",
		fields{"alg": "RS256", "kid": "k1", "typ": "JWT"},
		fields{"aud": []string{"https://api.example"}, "client_id": "6b0d", "exp": hours(1), "ext": map[string]any{}, "iat": noon.Unix(),
			"iss": "https://hydra.example", "jti": "3c1f", "nbf": noon.Unix(), "scp": []string{"openid"}, "sub": "6b0d"}},
}

// speaking returns the issuer of a dialect with the settings that docs/issuers.md gives for it.
func (d dialect) speaking(t *testing.T) *outsider {
	o := newOutsider(t, d.issuer, d.alg)
	o.Audiences, o.ClientClaim, o.IDClaim, o.Clients = []string{d.audience}, d.claim, d.id, map[string]string{d.client: "acme"}
	return o
}

// TestDialects checks that the tokens of each product are valid with its settings, and invalid if
// one thing differs.
func TestDialects(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			o := d.speaking(t)
			token := o.sign(t, d.header, d.claims)
			for range 2 { // verified, then cached
				c, err := trusting(t, o).Verify(token, noon)
				if err != nil || c.Client != "acme" || c.Issuer != d.issuer || c.Subject != d.claims["sub"] || c.IssuedAt != noon {
					t.Fatalf("%+v, %v", c, err)
				}
			}
			for what, change := range map[string]func(*outsider){
				"audience":           func(o *outsider) { o.Audiences = []string{"another"} },
				"slash":              func(o *outsider) { o.Name = otherSlash(o.Name) },
				"algorithm":          func(o *outsider) { o.Algorithms = []string{"ES256"} },
				"another RSA one":    func(o *outsider) { o.Algorithms = []string{"PS256"} },
				"key":                func(o *outsider) { o.ring.keys = parsed(t, jwkOf(keyOf(t, "other", "RS256").Public(), "k1")) },
				"type":               func(o *outsider) { o.Types = []string{"at+xml"} },
				"claim":              func(o *outsider) { o.ClientClaim = "nobody" },
				"accept: exchange":   func(o *outsider) { o.ForExchange = true },
				"secret of another":  func(o *outsider) { o.private = keyOf(t, "other", "RS256") },
				"key of another use": func(o *outsider) { o.ring.keys = withOps(t, o) },
			} {
				o := d.speaking(t)
				change(o)
				if _, err := trusting(t, o).Verify(o.sign(t, d.header, d.claims), noon); !errors.Is(err, ErrInvalid) {
					t.Errorf("wrong %s: %v", what, err)
				}
			}
			o.Clients = map[string]string{"somebody": "acme"}
			if c, err := trusting(t, o).Verify(token, noon); err != nil || c.Client != "" {
				t.Errorf("a client that is not a tenant's: %+v, %v", c, err)
			}
			if _, err := trusting(t, o).Verify(token, noon.Add(24*time.Hour)); !errors.Is(err, ErrExpired) {
				t.Errorf("a day later: %v", err)
			}
		})
	}
}

func otherSlash(issuer string) string {
	if n := len(issuer) - 1; issuer[n] == '/' {
		return issuer[:n]
	}
	return issuer + "/"
}

// withOps returns a set with the right key, which is for encryption, and another key.
func withOps(t *testing.T, o *outsider) *IssuerKeys {
	j := jwkOf(o.private.Public(), "k1")
	j["use"] = "enc"
	return parsed(t, j, jwkOf(keyOf(t, "other", "RS256").Public(), "k2"))
}
