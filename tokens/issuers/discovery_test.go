package issuers

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestWellKnown checks the URLs of RFC 8414 §3.1 and OpenID Connect Discovery §4.
func TestWellKnown(t *testing.T) {
	for issuer, want := range map[string][2]string{
		"https://a.example":           {"https://a.example/.well-known/oauth-authorization-server", "https://a.example/.well-known/openid-configuration"},
		"https://a.example/":          {"https://a.example/.well-known/oauth-authorization-server", "https://a.example/.well-known/openid-configuration"},
		"https://a.example/realms/r":  {"https://a.example/.well-known/oauth-authorization-server/realms/r", "https://a.example/realms/r/.well-known/openid-configuration"},
		"https://a.example:8/oauth2/": {"https://a.example:8/.well-known/oauth-authorization-server/oauth2", "https://a.example:8/oauth2/.well-known/openid-configuration"},
	} {
		if got := wellKnown(issuer); got[0] != want[0] || got[1] != want[1] {
			t.Errorf("%s: %v", issuer, got)
		}
	}
}

// TestDiscovery checks that the first document that names exactly the issuer has the URL of the
// keys.
func TestDiscovery(t *testing.T) {
	meta := func(issuer, keys string) string { return fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, issuer, keys) }
	const oauth, openid = "/.well-known/oauth-authorization-server/r", "/r/.well-known/openid-configuration"
	for what, c := range map[string]struct {
		oauth, openid func(issuer string) string
		want          string // the path of the keys; "" for an error
		err           string
	}{
		"RFC 8414 first":   {func(i string) string { return meta(i, "/1") }, func(i string) string { return meta(i, "/2") }, "/1", ""},
		"OpenID":           {nil, func(i string) string { return meta(i, "/2") }, "/2", ""},
		"another's, then":  {func(i string) string { return meta(i+"/", "/1") }, func(i string) string { return meta(i, "/2") }, "/2", ""},
		"only with slash":  {nil, func(i string) string { return meta(i+"/", "/2") }, "", "must be exactly"},
		"in capitals":      {nil, func(i string) string { return meta(strings.ToUpper(i), "/2") }, "", "must be exactly"},
		"Issuer of a kind": {nil, func(i string) string { return fmt.Sprintf(`{"Issuer":%q,"jwks_uri":"/2"}`, i) }, "", "not the metadata"},
		"no jwks_uri":      {nil, func(i string) string { return fmt.Sprintf(`{"issuer":%q}`, i) }, "", "has no jwks_uri"},
		"HTML":             {nil, func(string) string { return "<html>" }, "", "not the metadata"},
		"nothing":          {nil, nil, "", "404"},
	} {
		i := newIDP(t)
		issuer := i.URL + "/r"
		for path, text := range map[string]func(string) string{oauth: c.oauth, openid: c.openid} {
			if text != nil {
				i.says(path, text(issuer))
			}
		}
		got, err := newClient(false, issuer).discover(t.Context(), issuer)
		if got != c.want || (err == nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %q, %v", what, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more than one line: %q", what, err)
		}
	}
}

// TestMoved checks that the URL of the keys is discovered again when the keys are no longer there.
func TestMoved(t *testing.T) {
	i := newIDP(t)
	const openid = "/.well-known/openid-configuration"
	i.says(openid, fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, i.URL, i.URL+"/1"))
	i.says("/1", jwks("a"))
	r := NewKeyCache(Endpoint{Issuer: i.URL}, time.Now, quiet)
	keys, err := r.Keys(noon)
	has(t, keys, err, 1)
	ask(r, noon.Add(2*time.Hour))
	if n := i.count(openid); n != 1 {
		t.Errorf("the metadata was read %d times", n)
	}
	i.serve("/1", nil)
	i.says("/2", jwks("ab"))
	i.says(openid, fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, i.URL, i.URL+"/2"))
	ask(r, noon.Add(4*time.Hour))
	ask(r, noon.Add(4*time.Hour+time.Minute))
	keys, err = r.Keys(noon.Add(4*time.Hour + time.Minute))
	has(t, keys, err, 2)
}
