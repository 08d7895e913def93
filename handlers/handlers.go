// Package handlers speaks HTTP: it turns requests into events and questions,
// and what comes of them into JSON or JSONP. It decides nothing about tokens.
//
// A call to the content API is taken apart (request.go, query.go), found out
// about (guard.go, source.go, page.go), let through (call.go) and answered
// (answer.go); a refusal or a fault on the way goes through fail (fail.go) and
// the one table of codes (codes.go). A handler never writes bytes itself, so
// that "a script always has status 200" cannot be missed.
//
// The token endpoint and its kin (oauth*.go) speak RFC 6749's own language of
// errors. Echo finds the route, and stays inside this package.
package handlers

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"

	"stile.example/stile/challenge"
	"stile.example/stile/handlers/files"
	"stile.example/stile/handlers/items"
	"stile.example/stile/handlers/metrics"
	"stile.example/stile/handlers/oauth"
	"stile.example/stile/handlers/queue"
	"stile.example/stile/refusals"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/bearer"
	"stile.example/stile/tokens/proof"
	"stile.example/stile/usage"
)

// API is everything that the handlers need. All fields are required but
// Assertions, Subjects, Static and Widgets.
type API struct {
	Log            *slog.Logger
	Now            func() time.Time
	PublicURL      string // without a slash at its end; it is the issuer of our tokens
	TrustedProxies []netip.Prefix
	Verifier       interface {
		Verify(token string, now time.Time) (bearer.Claims, error)
		VerifyFrom(token string, from bearer.Source, now time.Time) (bearer.Claims, error)
	}
	Subjects oauth.Subjects // nil: no token of another issuer can be exchanged
	Signer   interface {
		Sign(c bearer.Claims, now time.Time) (string, error)
	}
	Assertions *bearer.Assertions // nil: no private_key_jwt
	JWKS       func(now time.Time) []byte
	Gate       *tokens.Gate
	Proofs     *proof.Checker
	Tenants    *tenants.Directory
	Meter      *usage.Meter
	Addresses  interface {
		// BlockedByOperator and BlockedByRule report until when (Unix seconds,
		// addresses.Forever) an address is blocked: for everything, and for new
		// tokens of a tenant. They are asked at each call, so they must be cheap.
		BlockedByOperator(a netip.Addr, now time.Time) (until int64, blocked bool)
		BlockedByRule(a netip.Addr, tenant uint32, now time.Time) (until int64, blocked bool)
		// Bindings returns an address's budget of tokens and the usual one; 0 if
		// it is exempt.
		Bindings(a netip.Addr, now time.Time) (allowed, usual uint16)
	}
	Challenges Challenges
	Refusals   interface {
		Note(f refusals.Refusal, lasting bool) // must not wait
		Log(at time.Time, l refusals.Line)     // writes what may come in floods
	}
	ShowAddress func(netip.Addr) string // as it may stand in logs and explanations
	Content     items.Content
	PolicyOf    func(*tenants.Tenant) Policy // the tenant's own, the server's for nil; asked at each call, so it must be cheap
	Ready       func(context.Context) error  // see [API.Admin]
	Static      fs.FS                        // demo/media/… is served; nil: nothing
	Widgets     *files.Widgets               // nil: nothing
	AdminHosts  []string                     // names of the admin listener; see [AdminHosts]
	Metrics     *metrics.Metrics

	questions queue.Queue // under way
}

// Challenges are made, known again and drawn: see [challenge.Maker].
type Challenges interface {
	Make(a challenge.Spec) (challenge.Challenge, error)
	Open(id string) (challenge.Spec, bool)
	IsCorrect(id, answer string) bool
	Picture(ctx context.Context, id string, now time.Time, allow func() error) ([]byte, error)
	Sound(ctx context.Context, id, lang string, now time.Time, allow func() error) ([]byte, error)
}

// Policy is what one tenant is allowed.
type Policy struct {
	Token       tokens.Policy
	Lifetime    time.Duration // of a new token, at most 24 h
	Site        string        // SiteIfSent, else a call needs an Origin or a Referer
	QueryTokens string        // QueryTokensYes or QueryTokensProof, else no token may stand in a URL
	JSONP       string        // JSONPYes, else no request is answered as a script
	Callbacks   []string      // prefixes of dotted callbacks

	ObserveClient bool // client_mismatch is told, and not enforced
}

// Words of a Policy. Any other word, and none, is the stricter rule.
const (
	SiteIfSent       = "if-sent"
	QueryTokensYes   = "yes"
	QueryTokensProof = "with-proof" // beside a good proof
	JSONPYes         = "yes"
)

// Routes is the public listener's handler. Every public route is here.
func (a *API) Routes() http.Handler {
	e := echo.New()
	e.HTTPErrorHandler = a.handleRouterError

	read := &items.Reader{Content: a.Content, Metrics: a.Metrics}
	v1 := map[string]echo.HandlerFunc{
		"/v1/items":             a.counted(tokens.Items, pageful, read.Search),
		"/v1/items/:id":         a.counted(tokens.Item, one, read.Item),
		"/v1/items/:id/related": a.counted(tokens.Related, pageful, read.Related),
		"/v1/collections":       a.counted(tokens.Collections, none, read.Collections),
		"/v1/suggest":           a.uncounted(read.Suggest),
		"/v1/token":             a.contentRoute(a.token),

		"/v1/challenges/:id/answer": a.contentRoute(a.answer),
		"/v1/challenges/:id/reload": a.contentRoute(a.reload),
	}
	for path, h := range v1 {
		e.GET(path, h)
		e.POST(path, h)
		e.OPTIONS(path, preflight)
	}

	file := func(path string, h echo.HandlerFunc) {
		e.GET(path, h)
		e.HEAD(path, h)
	}
	file("/v1/challenges/:id"+pictureFile, a.mediaRoute(typePNG, a.picture))
	file("/v1/challenges/:id"+soundFile, a.mediaRoute(typeWAV, a.sound))

	clients := a.oauth()
	e.POST("/oauth/token", clients.Token)
	e.POST("/oauth/introspect", clients.Introspect)
	e.POST("/oauth/revoke", clients.Revoke)
	e.GET("/.well-known/oauth-authorization-server", clients.Metadata())
	e.GET("/.well-known/jwks.json", clients.Keys)

	problem := files.Problems()
	file("/problems", problem)
	file("/problems/", problem)
	file("/problems/:code", problem)
	if a.Static != nil {
		file("/demo/media/*", files.Media(a.Static))
	}
	if w := a.Widgets; w != nil {
		file(files.WidgetsPath+files.ManifestFile, w.Serve(files.ForFiveMinutes))
		file(files.WidgetsPath+"v1/:file", w.Serve(files.ForFiveMinutes))
		file(files.WidgetsPath+w.Version+"/:file", w.Serve(files.ForAYear))
	}
	a.health(e)
	return a.recoverPanics(a.front(e))
}

// Admin is the admin listener's handler: health and metrics, for requests to a
// host that it has. The health of the public listener is for any host: a load
// balancer may ask by any, and the response says what every caller may know.
func (a *API) Admin() http.Handler {
	e := echo.New()
	e.HTTPErrorHandler = a.handleRouterError
	a.health(e)
	e.GET("/metrics", echo.WrapHandler(a.Metrics.Handler()))
	return a.recoverPanics(a.front(a.knownHosts(a.AdminHosts, e)))
}

// oauth is what answers tenants' servers.
func (a *API) oauth() *oauth.Server {
	return &oauth.Server{
		Log: a.requestLog(), Now: a.Now, Timeout: requestTimeout, PublicURL: a.PublicURL, TrustedProxies: a.TrustedProxies,
		Verifier: a.Verifier, Subjects: a.Subjects, Signer: a.Signer, Assertions: a.Assertions, JWKS: a.JWKS,
		Gate: a.Gate, Tenants: a.Tenants,
		PolicyOf: func(t *tenants.Tenant) oauth.Policy {
			p := a.PolicyOf(t)
			return oauth.Policy{Token: p.Token, Lifetime: p.Lifetime}
		},
	}
}
