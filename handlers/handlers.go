// Package handlers serves the API over HTTP: it turns requests into events and queries, and their
// outcomes into responses. It decides nothing about tokens.
//
// A call to the content API is read (request.go, transport), identified (guard.go, sites,
// proof.go), checked (admit.go), run and counted (call.go), and answered by transport's Finish. A
// refusal or fault on the way goes through [API.fail] and the one table of codes (codes). A handler
// never writes bytes itself, so that "a script always has status 200" can't be missed.
//
// The token endpoint and its siblings (oauth) use RFC 6749's error format. Echo finds the route,
// and is used only in this package and those below it.
package handlers

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"

	"stile.example/stile/addresses"
	"stile.example/stile/challenge"
	"stile.example/stile/content"
	"stile.example/stile/deadlines"
	"stile.example/stile/evidence"
	"stile.example/stile/handlers/files"
	"stile.example/stile/handlers/items"
	"stile.example/stile/handlers/metrics"
	"stile.example/stile/handlers/oauth"
	"stile.example/stile/handlers/proofs"
	"stile.example/stile/handlers/queue"
	"stile.example/stile/handlers/snippet"
	"stile.example/stile/handlers/transport"
	"stile.example/stile/history"
	"stile.example/stile/refusals"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/bearer"
	"stile.example/stile/tokens/proof"
	"stile.example/stile/tracing"
	"stile.example/stile/usage"
)

// API holds everything that the handlers need. All fields are required except Assertions, Evidence,
// Subjects, Static, Start, Widgets, Developers, History, Traces and Console.
type API struct {
	Log            *slog.Logger
	Now            func() time.Time
	PublicURL      string // without a trailing slash; the issuer of stile's tokens
	TrustedProxies []netip.Prefix
	Verifier       interface {
		Verify(token string, now time.Time) (bearer.Claims, error)
		VerifyFrom(token string, from bearer.Source, now time.Time) (bearer.Claims, error)
	}
	Subjects oauth.Subjects // nil: no token of an external issuer can be exchanged
	Signer   interface {
		Sign(c bearer.Claims, now time.Time) (string, error)
	}
	Assertions *bearer.Assertions // nil: no private_key_jwt
	JWKS       func(now time.Time) []byte
	// StatementKeys returns the public keys of statements. Nil: they are not published.
	StatementKeys func(context.Context) ([]string, error)

	Gate      *tokens.Gate
	Proofs    *proof.Checker
	Sessions  proofs.Sessions
	Tenants   *tenants.Directory
	Meter     *usage.Meter
	Addresses interface {
		// BlockedByOperator and BlockedByRule report whether an address is blocked, for everything
		// and for new tokens of a tenant, and until when: Unix seconds or addresses.Forever. They
		// are called for each call, so they must be cheap.
		BlockedByOperator(a netip.Addr, now time.Time) (until int64, blocked bool)
		BlockedByRule(a netip.Addr, tenant uint32, now time.Time) (until int64, blocked bool)
		// CauseOfBlock returns what was counted when a rule blocked an address, if that is known.
		CauseOfBlock(a netip.Addr, tenant uint32) (c addresses.Cause, known bool)
		// Bindings returns how many tokens an address may bind, and how many are usual. The first
		// is 0 if the address is exempt.
		Bindings(a netip.Addr, now time.Time) (allowed, usual uint16)
	}
	Challenges Challenges
	Refusals   interface {
		Note(f refusals.Refusal, lasting bool) // must not block
		Keep(f refusals.Refusal)               // stores one that was noted; must not block
		Log(at time.Time, l refusals.Line)     // merges lines that may come in floods
	}
	Evidence interface { // for `stile doctor`; nil: nothing is collected
		// Note takes an observation about a tenant, and reports whether it is the first of its key
		// for a while. It must not block.
		Note(tenant uint32, o evidence.Observation) (first bool)
	}
	ShowAddress func(netip.Addr) string // the address as it may appear in logs and explanations
	Content     items.Content
	// PolicyOf returns a tenant's policy, and the server's for nil. It is called for each call, so
	// it must be cheap.
	PolicyOf func(*tenants.Tenant) Policy
	Ready    func(context.Context) error // see [API.Admin]
	// Degraded is as Ready, for parts without which calls can be served; it may be nil.
	Degraded func(context.Context) error
	// Outdated says why this server knows too little of what others changed; it may be nil.
	Outdated   func() error
	Static     fs.FS          // its demo/media/… is served; nil: nothing
	Start      *files.Start   // the page at /; nil: there is none
	Widgets    *files.Widgets // nil: nothing
	Developers http.Handler   // of the tenants' own views; nil: there are none
	AdminHosts []string       // names of the admin listener; see [AdminHosts]
	Metrics    *metrics.Metrics
	History    *history.Recorder // nil: nothing is counted over time
	Console    http.Handler      // what the admin listener does not serve itself; nil: nothing
	Traces     *tracing.Tracer   // nil: no traces

	questions queue.Queue   // those that are running
	deadlines deadlines.Set // of requests
}

// Challenges makes, recognises and renders challenges: see [challenge.Maker].
type Challenges interface {
	Make(a challenge.Spec) (challenge.Challenge, error)
	Open(id string) (challenge.Spec, bool)
	IsCorrect(id, answer string) bool
	Picture(ctx context.Context, id string, now time.Time, allow func() error) ([]byte, error)
	Sound(ctx context.Context, id, lang string, now time.Time, allow func() error) ([]byte, error)
}

// Policy holds the settings of one tenant that handlers apply.
type Policy struct {
	Token       tokens.Policy
	Lifetime    time.Duration // of a new token, at most 24 h
	Site        string        // SiteIfSent, else a call needs an Origin or a Referer
	QueryTokens string        // QueryTokensYes or QueryTokensProof, else no URL may contain a token
	JSONP       string        // JSONPYes, else no response is a script
	Callbacks   []string      // patterns of dotted callbacks

	ObserveClient bool // client_mismatch is recorded and not enforced
}

// Values of a Policy. Any other value, including "", is the stricter rule.
const (
	SiteIfSent       = "if-sent"
	QueryTokensYes   = "yes"
	QueryTokensProof = "with-proof" // with a valid proof
	JSONPYes         = "yes"
)

// Routes returns the handler of the public listener. Every public route is here.
func (a *API) Routes() http.Handler {
	e := echo.New()
	e.HTTPErrorHandler = a.handleRouterError

	if a.Traces != nil {
		e.Use(a.traced)
	}

	read := &items.Reader{Content: a.Content, Metrics: a.Metrics, Traces: a.Traces,
		CallerOf: func(r *transport.Request) content.Caller { return queue.CallerOf(a.Addresses, r) }}
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
		get(e, path, h)
		e.POST(path, h)
		e.OPTIONS(path, preflight)
	}

	file := func(path string, h echo.HandlerFunc) { get(e, path, h) }
	file("/v1/challenges/:id"+pictureFile, a.mediaRoute(typePNG, a.picture))
	file("/v1/challenges/:id"+soundFile, a.mediaRoute(typeWAV, a.sound))

	clients := a.oauth()
	e.POST("/oauth/token", clients.Token)
	e.POST("/oauth/introspect", clients.Introspect)
	e.POST("/oauth/revoke", clients.Revoke)
	file("/.well-known/oauth-authorization-server", clients.Metadata())
	file("/.well-known/jwks.json", clients.Keys)

	if a.StatementKeys != nil {
		file(files.StatementKeysPath, files.StatementKeys(a.StatementKeys))
	}
	problem := files.Problems()
	file("/problems", problem)
	file("/problems/", problem)
	file("/problems/:code", problem)
	page := snippet.New(a.PublicURL, a.Widgets != nil)
	file(snippet.Path, page.Serve)
	file(snippet.Path+"/code", page.Write)
	file(snippet.Path+"/page.js", page.Script)
	file(snippet.Path+"/:picture", page.Picture)
	if a.Static != nil {
		file("/demo/media/*", files.Media(a.Static))
	}
	if a.Start != nil {
		file("/", a.Start.Serve())
	}
	if a.Developers != nil {
		for _, path := range []string{"/developers", "/developers/*"} {
			get(e, path, echo.WrapHandler(a.Developers))
			e.POST(path, echo.WrapHandler(a.Developers))
		}
	}
	if w := a.Widgets; w != nil {
		file(files.WidgetsPath+files.ManifestFile, w.Serve(files.ForFiveMinutes))
		file(files.WidgetsPath+"v1/:file", w.Serve(files.ForFiveMinutes))
		file(files.WidgetsPath+w.Version+"/:file", w.Serve(files.ForAYear))
	}
	a.health(e)
	return a.recoverPanics(a.front(e))
}

// get adds a route for GET, and for HEAD (RFC 9110 §9.3.2). A HEAD is handled like the GET, counts
// and charges included, because its headers say whether an item exists and how long it is. net/http
// drops the body.
func get(e *echo.Echo, path string, h echo.HandlerFunc) {
	e.GET(path, h)
	e.HEAD(path, h)
}

// Admin returns the handler of the admin listener: health, metrics and the console, for requests to
// one of its hosts. The public listener answers health requests for any host: a load balancer may
// send any, and the response contains only what every caller may know.
func (a *API) Admin() http.Handler {
	e := echo.New()
	e.HTTPErrorHandler = a.handleRouterError
	a.health(e)
	get(e, "/metrics", echo.WrapHandler(a.Metrics.Handler()))
	if a.Console != nil {
		const everything = "/*"
		e.Any(everything, echo.WrapHandler(a.Console))
		e.HTTPErrorHandler = func(err error, c echo.Context) {
			if c.Path() != everything {
				a.handleRouterError(err, c)
				return
			}
			// A method that Any does not know, such as FOO. The console knows what the URL allows.
			c.Response().Header().Del("Allow")
			a.Console.ServeHTTP(c.Response(), c.Request())
		}
	}
	return a.recoverPanics(a.front(a.knownHosts(a.AdminHosts, e)))
}

// oauth returns the server of the routes for tenants' servers.
func (a *API) oauth() *oauth.Server {
	return &oauth.Server{
		Log: a.requestLog(), Now: a.Now, Timeout: requestTimeout, PublicURL: a.PublicURL, TrustedProxies: a.TrustedProxies,
		Verifier: a.Verifier, Subjects: a.Subjects, Signer: a.Signer, Assertions: a.Assertions, JWKS: a.JWKS,
		Gate: a.Gate, Tenants: a.Tenants, Evidence: a.Evidence, Traces: a.Traces,
		PolicyOf: func(t *tenants.Tenant) oauth.Policy {
			p := a.PolicyOf(t)
			return oauth.Policy{Token: p.Token, Lifetime: p.Lifetime}
		},
	}
}
