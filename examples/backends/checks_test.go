package backends

import (
	"io"
	"net/http"
	"net/url"
	"strings"
)

// givesFreshTokens: each page gets a token of its own, and it is good.
func (b *backend) givesFreshTokens() {
	b.Helper()
	seen := map[string]bool{}
	for name, header := range map[string]map[string]string{
		"same origin":                ownPage,
		"again":                      ownPage,
		"same origin, with its name": {"Sec-Fetch-Site": "same-origin", "Origin": b.program.URL},
		"an older browser":           {"Origin": b.program.URL},
		"behind a proxy with TLS":    {"Origin": strings.Replace(b.program.URL, "http:", "https:", 1)},
	} {
		g := b.ask("POST", header)
		if g.Status != 200 || g.Token == "" || g.Error != "" || g.CacheControl != "no-store" {
			b.Fatalf("%s: %+v\n%s", name, g, b.program.Output())
		}
		if seen[g.Token] {
			b.Errorf("%s: the token of another page", name)
		}
		seen[g.Token] = true
		b.isAccepted(name, g.Token)
	}
}

// isAccepted calls the content API as the page would.
func (b *backend) isAccepted(name, token string) {
	b.Helper()
	res, err := http.PostForm(b.stile.URL+"/v1/items", url.Values{"client_id": {b.client}, "access_token": {token}})
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != 200 || !strings.Contains(string(body), `"id":"one"`) {
		b.Errorf("%s: the content API: %s %s", name, res.Status, body)
	}
}

// refusesOtherSites: whoever is not a page of this very origin gets 403.
func (b *backend) refusesOtherSites() {
	b.Helper()
	own := b.program.URL
	for name, header := range map[string]map[string]string{
		"another site":                 {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
		"another site, as this origin": {"Sec-Fetch-Site": "cross-site", "Origin": own},
		"a sibling":                    {"Sec-Fetch-Site": "same-site", "Origin": own},
		"typed by the visitor":         {"Sec-Fetch-Site": "none"},
		"another site, older browser":  {"Origin": "https://evil.example"},
		"another port":                 {"Origin": own + "0"},
		"this origin as a user":        {"Origin": own + "@evil.example"},
		"this origin as a path":        {"Origin": "https://evil.example/" + own},
		"this origin, and more":        {"Origin": own + ".evil.example"},
		"a sandboxed frame":            {"Origin": "null"},
		"no page":                      {},
	} {
		if g := b.ask("POST", header); g.Status != 403 || g.Token != "" || g.Error == "" || g.CacheControl != "no-store" {
			b.Errorf("%s: %+v", name, g)
		}
	}
}

// refusesOtherRequests: a link or a picture can't ask for a token.
func (b *backend) refusesOtherRequests() {
	b.Helper()
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		if g := b.ask(method, ownPage); g.Status < 400 || g.Status > 499 || g.Token != "" {
			b.Errorf("%s: %+v", method, g)
		}
	}
}

// saysThatItGetsNone: whatever is wrong at the publisher's is 502, with words,
// and when it is over, tokens come again.
func (b *backend) saysThatItGetsNone() {
	b.Helper()
	for _, mode := range []string{"hang", "garbage"} {
		b.middle.mode.Store(mode)
		b.getsNone(mode)
	}
	b.middle.mode.Store("through")
	if g := b.ask("POST", ownPage); g.Status != 200 || g.Token == "" {
		b.Errorf("after it was over: %+v", g)
	}
	b.must(b.stile.Command("tenant", "rotate-secret", b.client))
	b.getsNone("a secret that is good no more")
	b.middle.Close()
	b.getsNone("nobody there")
}

func (b *backend) getsNone(why string) {
	b.Helper()
	if g := b.ask("POST", ownPage); g.Status != 502 || g.Token != "" || len(strings.Fields(g.Error)) < 3 || g.CacheControl != "no-store" {
		b.Errorf("%s: %+v\n%s", why, g, b.program.Output())
	}
}

// keepsItsSecret: neither its answers nor its log have the secret or a token,
// but the log says why there was none.
func (b *backend) keepsItsSecret() {
	b.Helper()
	log := b.program.Output()
	for _, text := range []string{log, b.said.String()} {
		if strings.Contains(text, b.secret) || strings.Contains(text, "eyJ") {
			b.Errorf("a secret is in %q", text)
		}
	}
	if !strings.Contains(log, "invalid_client") && !strings.Contains(log, "401") {
		b.Errorf("the log does not say why there was no token: %q", log)
	}
}
