package doctor

import (
	"strings"

	"stile.example/stile/snippet"
)

// Backend is what a tenant's token endpoint must contain in one language, so that each browser gets
// a token of its own. Each line is in the example of examples/backends.
type Backend struct {
	Language string
	Example  string // the file, below examples/backends
	NoStore  string // so that nothing stores the response
	Fresh    string // requests a new token
	Not      string // what caches tokens in this language
}

// Backends has the languages of the examples.
var Backends = []Backend{
	{"Go", "go/main.go", `w.Header().Set("Cache-Control", "no-store")`, `publisher.Token(ctx)`,
		"Config.TokenSource and Config.Client"},
	{"Node.js", "node/server.js", `'Cache-Control': 'no-store'`, `await client.clientCredentialsGrant(publisher)`,
		"a variable outside the handler"},
	{"Python", "python/app.py", `response.headers["Cache-Control"] = "no-store"`, `with OAuth2Session(*CLIENT) as publisher:`,
		"a session that requests share"},
	{"PHP", "php/token.php", `header('Cache-Control: no-store');`, `curl_init(getenv('STILE_API') . '/oauth/token')`,
		"APCu and files"},
	{"Java", "java/src/main/java/example/TenantBackend.java", `.cacheControl(CacheControl.noStore())`, `client.getTokenResponse(new OAuth2ClientCredentialsGrantRequest(publisher))`,
		"OAuth2AuthorizedClientManager"},
}

// noCache is the fix of a back-end that caches tokens.
var noCache = func() string {
	var b strings.Builder
	b.WriteString("Request a new token for each browser, and let nothing store the response of the token route: no variable, no shared OAuth session, no framework cache, no CDN (exclude the route from its rules). Send this header with it:\n")
	b.WriteString("  Cache-Control: no-store")
	for _, l := range Backends {
		b.WriteString("\nIn " + l.Language + ", not with " + l.Not + ":\n  " + l.NoStore + "\n  " + l.Fresh)
	}
	return b.String()
}()

// oneToken is the fix of a page that gets more tokens than it needs.
const oneToken = `Don't request a token for each page view: let the widget layer do it. It requests one when the first call needs it, and keeps it for all page views of a tab. Give the script tag these attributes, remove code that calls the token route itself, and don't write tokens into the HTML:
  data-token-url="/stile/token" data-token-store="session"`

// renew is the fix of a page that doesn't renew its tokens.
func renew(api, clientID string) string {
	return "Let the widget layer renew tokens: give it the token route of your site.\n  " + snippet.Script(api, clientID) +
		"\nIn code of your own: when the error of a response has \"renewable\": true, request a new token from your server, then repeat the call once with it. Don't repeat it with the old token."
}
