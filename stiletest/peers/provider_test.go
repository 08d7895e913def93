package peers

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const resource = "https://stile.example"

// read returns the header and the claims of a JWT.
func read(t *testing.T, token string) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("not a JWT: %q", token)
	}
	for i, into := range []*map[string]any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

func newProvider(t *testing.T, alg string) *Provider {
	t.Helper()
	p, err := InstallProvider(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p.Alg, p.Clients = alg, map[string]string{"web-app": strings.Repeat("s", 40), "stile": strings.Repeat("r", 40)}
	restart(t, p, KeepKeys)
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// restart starts the provider. If it runs, restart stops it first.
func restart(t *testing.T, p *Provider, rotation Rotation) {
	t.Helper()
	if p.Program != nil {
		if err := p.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Start(rotation); err != nil {
		t.Fatal(err)
	}
}

func token(t *testing.T, p *Provider, resource string) string {
	t.Helper()
	token, err := p.Token(t.Context(), "web-app", resource)
	if err != nil {
		t.Fatalf("%v\n%s", err, p.Output())
	}
	return token
}

// kids returns the ids of the keys that the provider publishes, found by discovery.
func kids(t *testing.T, p *Provider) (all []string) {
	t.Helper()
	var metadata struct {
		JWKS string `json:"jwks_uri"`
	}
	var set struct{ Keys []struct{ Kid string } }
	getJSON(t, p.URL+"/.well-known/openid-configuration", &metadata)
	getJSON(t, metadata.JWKS, &set)
	for _, k := range set.Keys {
		all = append(all, k.Kid)
	}
	return all
}

func getJSON(t *testing.T, address string, into any) {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil || res.StatusCode != 200 {
		t.Fatalf("%s: %s %v", address, res.Status, err)
	}
}

// TestProvider checks what other tests rely on: JWTs of RFC 9068, keys that rotate while the port
// stays the same, and introspection of opaque tokens.
func TestProvider(t *testing.T) {
	for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, alg)
			header, claims := read(t, token(t, p, resource))
			if header["typ"] != "at+jwt" || header["alg"] != alg || claims["iss"] != p.URL || claims["aud"] != resource ||
				claims["client_id"] != "web-app" || claims["jti"] == nil {
				t.Fatalf("%v %v", header, claims)
			}
			checkRotations(t, p, header["kid"].(string))
			checkOpaque(t, p)
		})
	}
}

// checkRotations checks each rotation. The first key is the one that signs now.
func checkRotations(t *testing.T, p *Provider, first string) {
	t.Helper()
	for _, c := range []struct {
		rotation  Rotation
		published int
		same      bool
	}{{KeepKeys, 1, true}, {AddKey, 2, false}, {ReplaceKeys, 1, false}} {
		address := p.URL
		restart(t, p, c.rotation)
		header, _ := read(t, token(t, p, resource))
		if got := kids(t, p); p.URL != address || len(got) != c.published || got[0] != header["kid"] || (header["kid"] == first) != c.same {
			t.Errorf("%q: signs with %v, publishes %v, the key before was %s", c.rotation, header["kid"], got, first)
		}
		first = header["kid"].(string)
	}
}

// checkOpaque checks an opaque token and its introspection.
func checkOpaque(t *testing.T, p *Provider) {
	t.Helper()
	text := token(t, p, "urn:opaque:stile")
	var response struct {
		Active bool
		Client string `json:"client_id"`
		Aud    string
	}
	err := postForm(t.Context(), p.URL+"/token/introspection", "stile", p.Clients["stile"], url.Values{"token": {text}}, &response)
	if err != nil || strings.Contains(text, ".") || !response.Active || response.Client != "web-app" || response.Aud != "urn:opaque:stile" {
		t.Errorf("%q: %+v %v", text, response, err)
	}
}
