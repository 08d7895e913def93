package handlers

import (
	"encoding/json"
	"html"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"stile.example/stile/snippet"
)

// TestSnippetPage checks the page that writes the snippet: what it contains, how it may be cached,
// and that it forbids inline scripts.
func TestSnippetPage(t *testing.T) {
	s := layer(t)
	rec := s.do(ask{path: "/snippet?client_id=acme"})
	body := html.UnescapeString(rec.Body.String())
	for _, want := range []string{
		`<script async src="https://api.example/widgets/v1/stile.js" data-client-id="acme" data-token-url="/stile/token"></script>`,
		`<stile-search for="r" label="Search" link="/recipes/{id}"></stile-search>`,
		`<stile-results id="r" facets="tag" link="/recipes/{id}">`,
		`Content-Security-Policy: default-src 'none'; script-src https://api.example/widgets/; connect-src 'self' https://api.example;`,
		`fetch('https://api.example/oauth/token'`, `'acme:' + process.env.STILE_SECRET`, "examples/backends", "/problems/client_mismatch",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
	policy := rec.Header().Get("Content-Security-Policy")
	if rec.Code != 200 || rec.Header().Get("Cache-Control") != "public, max-age=300" || strings.Contains(policy, "unsafe") || !strings.Contains(policy, "script-src https://api.example/snippet/page.js https://api.example/widgets/;") {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
	for path, mime := range map[string]string{"/snippet/page.js": "text/javascript; charset=utf-8", "/snippet/plum-cake.svg": "image/svg+xml", "/snippet/code": "application/json"} {
		if rec := s.do(ask{path: path}); rec.Code != 200 || rec.Header().Get("Content-Type") != mime || !strings.HasPrefix(rec.Header().Get("Cache-Control"), "public, ") {
			t.Errorf("%s: %d %v", path, rec.Code, rec.Header())
		}
	}
	for _, path := range []string{"/snippet/none.svg", "/snippet/plum-cake", "/snippet/x/y"} {
		if rec := s.do(ask{path: path}); rec.Code != 404 {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
	if body := newSite(t).do(ask{path: "/snippet"}).Body.String(); strings.Contains(body, `id="preview"`) {
		t.Error("there is a preview without widgets")
	}
}

// TestSnippetKnowsNoTenants checks that the page for an existing tenant differs from one that does
// not exist in the typed name alone, and that it has nothing of the tenant's.
func TestSnippetKnowsNoTenants(t *testing.T) {
	s := layer(t)
	s.tenant("secretive", "https://hidden.example")
	for _, path := range []string{"/snippet", "/snippet/code"} {
		known, unknown := s.do(ask{path: path + "?client_id=secretive"}), s.do(ask{path: path + "?client_id=nobodyxx1"})
		same := strings.ReplaceAll(known.Body.String(), "secretive", "nobodyxx1") == unknown.Body.String()
		if !same || strings.Contains(known.Body.String(), "hidden.example") || known.Code != unknown.Code {
			t.Errorf("%s shows whether a client_id exists", path)
		}
	}
}

// TestSnippetEscapes sends input that attacks the page, the snippet and the route.
func TestSnippetEscapes(t *testing.T) {
	s := layer(t)
	attacks := []string{
		`"><script>alert(1)</script>`, "</code></pre><img src=x onerror=alert(1)>", "javascript:alert(1)", "{{7*7}}", "\u202e", "\x00", "\xff",
		`x" onload="alert(1)`, "//evil.example/{id}", "data:text/html,{id}", strings.Repeat("a", 300), strings.Repeat("a", 8<<10), `/x\{id}`, "`${1}`", "</script>",
	}
	for _, name := range strings.Fields("client_id token_url show framework label facets collection layout link item deep_link theme lang other") {
		for _, attack := range attacks {
			for _, more := range []string{"", "&framework=react", "&framework=vue", "&show=item", "&show=list"} {
				q := url.Values{name: {attack}}.Encode() + more
				rec := s.do(ask{path: "/snippet?" + q})
				body := rec.Body.String()
				if rec.Code != 200 || len(body) > 32<<10 || strings.Contains(body, "<script>") || strings.Contains(body, "<img") || strings.Contains(body, `" onload="`) || strings.ContainsAny(body, "\u202e\x00") || !utf8.ValidString(body) {
					t.Errorf("%s=%.60q%s: %d, %d bytes", name, attack, more, rec.Code, len(body))
				}
				var got struct{ Code, Route string }
				rec = s.do(ask{path: "/snippet/code?" + q})
				s.must(json.Unmarshal(rec.Body.Bytes(), &got))
				if strings.Contains(got.Code, "<script>") || strings.Contains(got.Code, `" onload="`) || strings.Contains(got.Code, "<img") || strings.Contains(got.Code, "javascript:") && name == "link" || strings.Contains(got.Route, "evil") {
					t.Errorf("%s=%.60q%s:\n%s\n%s", name, attack, more, got.Code, got.Route)
				}
			}
		}
	}
}

// TestSnippetOptions checks each option in the snippet, and what is said about invalid ones.
func TestSnippetOptions(t *testing.T) {
	s := layer(t)
	for query, want := range map[string]string{
		"":                                   `data-client-id="YOUR_CLIENT_ID"`,
		"layout=grid&deep_link=query":        `<stile-results id="r" facets="tag" layout="grid" link="/recipes/{id}" deep-link="query">`,
		"layout=carousel":                    `layout="grid"`,
		"facets=course,tag&collection=soups": `collection="soups" facets="course,tag"`,
		"facets=&link=":                      `<stile-results id="r">`,
		"show=list&layout=carousel":          `<stile-list layout="carousel" link="/recipes/{id}">`,
		"show=item":                          `<stile-item item-from="url" link="/recipes/{id}" related>`,
		"show=item&item=plum":                `<stile-item item="plum"`,
		"theme=dark&lang=de":                 `data-theme="dark" data-lang="de"`,
		"token_url=https://a.example/t":      `data-token-url="https://a.example/t"`,
		"label=Rezept+%22x%22":               `label="Rezept &#34;x&#34;"`,
		"framework=react":                    `data-token-url="/stile/token" />`,
		"framework=vue":                      `isCustomElement: tag => tag.startsWith('stile-')`,
		"link=https://a.example/{collection}/{id}?x=1": `link="https://a.example/{collection}/{id}?x=1"`,
	} {
		o, faults := snippet.Parse(query)
		if code := o.Code(publicURL); !strings.Contains(code, want) || len(faults) > 0 {
			t.Errorf("%s: %v\n%s", query, faults, code)
		}
	}
	for query, field := range map[string]string{
		"client_id=a+b": "client_id", "client_id=" + strings.Repeat("a", 65): "client_id", "token_url=stile": "token_url", "token_url=//evil.example": "token_url",
		"token_url=": "token_url", "link=/recipes": "link", "link=javascript:{id}": "link", "theme=pink": "theme", "show=nothing": "show", "framework=": "framework", "layout=x": "layout", "deep_link=x": "deep_link", "lang=xx": "lang", "show=list%": "client_id", "label=a%0Ab": "label", "facets=" + strings.Repeat("a", 201): "facets",
	} {
		o, faults := snippet.Parse(query)
		if faults[field] == "" || len(faults) != 1 || !strings.Contains(o.Code(publicURL), "stile-results") {
			t.Errorf("%s: %v", query, faults)
		}
		if page := s.do(ask{path: "/snippet?" + query}).Body.String(); !strings.Contains(page, "<strong>"+faults[field]+"</strong>") {
			t.Errorf("%s: the page does not say %q", query, faults[field])
		}
	}
}
