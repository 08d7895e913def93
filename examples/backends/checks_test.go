package backends

import (
	"io"
	"net/http"
	"net/url"
	"strings"
)

// checkNewTokens checks that each page gets a token of its own, and that stile admits it.
func (b *backend) checkNewTokens() {
	b.Helper()
	seen := map[string]bool{}
	for name, header := range map[string]map[string]string{
		"same origin":                ownPage,
		"again":                      ownPage,
		"same origin, with its name": {"Sec-Fetch-Site": "same-origin", "Origin": b.program.URL},
		"an older browser":           {"Origin": b.program.URL},
		"behind a proxy with TLS":    {"Origin": strings.Replace(b.program.URL, "http:", "https:", 1)},
	} {
		g := b.send("POST", header)
		if g.Status != 200 || g.Token == "" || g.Error != "" || g.CacheControl != "no-store" {
			b.Fatalf("%s: %+v\n%s", name, g, b.program.Output())
		}
		if seen[g.Token] {
			b.Errorf("%s: another page got the same token", name)
		}
		seen[g.Token] = true
		b.checkToken(name, g.Token)
	}
}

// checkToken makes a call with a token, as the page would.
func (b *backend) checkToken(name, token string) {
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

// checkOtherSites checks that only pages of this origin get a token. Others get 403.
func (b *backend) checkOtherSites() {
	b.Helper()
	own := b.program.URL
	for name, header := range map[string]map[string]string{
		"another site":                 {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
		"another site, as this origin": {"Sec-Fetch-Site": "cross-site", "Origin": own},
		"another subdomain":            {"Sec-Fetch-Site": "same-site", "Origin": own},
		"typed by the visitor":         {"Sec-Fetch-Site": "none"},
		"another site, older browser":  {"Origin": "https://evil.example"},
		"another port":                 {"Origin": own + "0"},
		"this origin as a user":        {"Origin": own + "@evil.example"},
		"this origin as a path":        {"Origin": "https://evil.example/" + own},
		"this origin, and more":        {"Origin": own + ".evil.example"},
		"a sandboxed frame":            {"Origin": "null"},
		"no page":                      {},
	} {
		if g := b.send("POST", header); g.Status != 403 || g.Token != "" || g.Error == "" || g.CacheControl != "no-store" {
			b.Errorf("%s: %+v", name, g)
		}
	}
}

// checkOtherMethods checks that a request other than POST, such as that of a link or an image, gets
// no token.
func (b *backend) checkOtherMethods() {
	b.Helper()
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		if g := b.send(method, ownPage); g.Status < 400 || g.Status > 499 || g.Token != "" {
			b.Errorf("%s: %+v", method, g)
		}
	}
}

// checkOutages checks that every failure of the publisher results in 502 with a message, and that
// tokens are available again after it.
func (b *backend) checkOutages() {
	b.Helper()
	for _, mode := range []string{"hang", "not JSON"} {
		b.proxy.mode.Store(mode)
		b.checkBadGateway(mode)
	}
	b.proxy.mode.Store("forward")
	if g := b.send("POST", ownPage); g.Status != 200 || g.Token == "" {
		b.Errorf("after the outage: %+v", g)
	}
	b.must(b.stile.Command("tenant", "rotate-secret", b.client))
	b.checkBadGateway("invalid secret")
	b.proxy.Close()
	b.checkBadGateway("connection refused")
}

// checkBadGateway checks that there is no token, but a message of at least three words.
func (b *backend) checkBadGateway(why string) {
	b.Helper()
	if g := b.send("POST", ownPage); g.Status != 502 || g.Token != "" || len(strings.Fields(g.Error)) < 3 || g.CacheControl != "no-store" {
		b.Errorf("%s: %+v\n%s", why, g, b.program.Output())
	}
}

// checkSecrets checks that neither the responses nor the log contain the secret or a token. The log
// must say why there was no token.
func (b *backend) checkSecrets() {
	b.Helper()
	log := b.program.Output()
	for _, text := range []string{log, b.bodies.String()} {
		if strings.Contains(text, b.secret) || strings.Contains(text, "eyJ") {
			b.Errorf("secret or token in %q", text)
		}
	}
	if !strings.Contains(log, "invalid_client") && !strings.Contains(log, "401") {
		b.Errorf("the log does not say why there was no token: %q", log)
	}
}
