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

// read is what a JWT says, and how.
func read(t *testing.T, token string) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWT: %q", token)
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

// restart starts the provider, again if it runs.
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

// kids are the names of the keys that the provider shows, found by discovery.
func kids(t *testing.T, p *Provider) (all []string) {
	t.Helper()
	var about struct {
		JWKS string `json:"jwks_uri"`
	}
	var set struct{ Keys []struct{ Kid string } }
	getJSON(t, p.URL+"/.well-known/openid-configuration", &about)
	getJSON(t, about.JWKS, &set)
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

// TestProvider: what other tests rely on: JWTs of RFC 9068, keys that rotate on
// the same port, and opaque tokens that can be asked about.
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
			rotates(t, p, header["kid"].(string))
			givesOpaque(t, p)
		})
	}
}

// rotates goes through the rotations; first is the key that signs now.
func rotates(t *testing.T, p *Provider, first string) {
	t.Helper()
	for _, c := range []struct {
		rotation Rotation
		shown    int
		same     bool
	}{{KeepKeys, 1, true}, {AddKey, 2, false}, {ReplaceKeys, 1, false}} {
		address := p.URL
		restart(t, p, c.rotation)
		header, _ := read(t, token(t, p, resource))
		if got := kids(t, p); p.URL != address || len(got) != c.shown || got[0] != header["kid"] || (header["kid"] == first) != c.same {
			t.Errorf("%q: signs with %v, shows %v, was %s", c.rotation, header["kid"], got, first)
		}
		first = header["kid"].(string)
	}
}

func givesOpaque(t *testing.T, p *Provider) {
	t.Helper()
	text := token(t, p, "urn:opaque:stile")
	var answer struct {
		Active bool
		Client string `json:"client_id"`
		Aud    string
	}
	err := postForm(t.Context(), p.URL+"/token/introspection", "stile", p.Clients["stile"], url.Values{"token": {text}}, &answer)
	if err != nil || strings.Contains(text, ".") || !answer.Active || answer.Client != "web-app" || answer.Aud != "urn:opaque:stile" {
		t.Errorf("%q: %+v %v", text, answer, err)
	}
}
