// Package oauth implements the token endpoint and its siblings, for tenants' servers. It
// authenticates them, and issues, exchanges, introspects and revokes tokens. Its errors have the
// format of RFC 6749.
package oauth

import (
	"errors"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"stile.example/stile/evidence"
	"stile.example/stile/handlers/accesslog"
	"stile.example/stile/handlers/codes"
	"stile.example/stile/handlers/transport"
	"stile.example/stile/refusals"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/bearer"
	"stile.example/stile/tracing"
)

// Server answers the endpoints. All fields are required except Assertions, Evidence, Subjects and
// Traces.
type Server struct {
	Log            accesslog.Log
	Now            func() time.Time
	Timeout        time.Duration // how long a request may wait for the store
	PublicURL      string        // without a trailing slash; the issuer of stile's tokens
	TrustedProxies []netip.Prefix
	Verifier       interface {
		VerifyFrom(token string, from bearer.Source, now time.Time) (bearer.Claims, error)
	}
	Subjects Subjects // nil: no token of an external issuer can be exchanged
	Signer   interface {
		Sign(c bearer.Claims, now time.Time) (string, error)
	}
	Assertions *bearer.Assertions // nil: no private_key_jwt
	JWKS       func(now time.Time) []byte
	Gate       *tokens.Gate
	Tenants    *tenants.Directory
	Traces     *tracing.Tracer // nil: no traces
	PolicyOf   func(*tenants.Tenant) Policy
	Evidence   interface { // for `stile doctor`; nil: nothing is collected
		Note(tenant uint32, o evidence.Observation) (first bool)
	}

	attempts attempts // with wrong client credentials
}

// Subjects verifies tokens of external issuers that can be exchanged.
type Subjects interface {
	// VerifySubject verifies a token, and reports whether the token alone authenticates its client.
	VerifySubject(token string, from bearer.Source, now time.Time) (c bearer.Claims, alone bool, err error)
}

// Policy holds the settings of one tenant that apply to its tokens.
type Policy struct {
	Token    tokens.Policy
	Lifetime time.Duration // of a new token, at most 24 h
}

// Token answers the token endpoint.
func (srv *Server) Token(c echo.Context) error { return srv.answer(c, srv.client, srv.issue) }

// Introspect answers the introspection endpoint (RFC 7662).
func (srv *Server) Introspect(c echo.Context) error {
	return srv.answer(c, srv.authenticate, srv.introspect)
}

// Revoke answers the revocation endpoint (RFC 7009).
func (srv *Server) Revoke(c echo.Context) error { return srv.answer(c, srv.authenticate, srv.revoke) }

// failure is the error response of RFC 6749 §5.2.
type failure struct {
	status      int
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`
	cause       error  // for the log
}

func (e *failure) Error() string { return e.Code + ": " + e.Description }

func invalidRequest(what string) error {
	return &failure{http.StatusBadRequest, "invalid_request", what, nil}
}

func invalidClient(what string) error {
	return &failure{http.StatusUnauthorized, "invalid_client", what, nil}
}

// unavailable returns the error for a fault. RFC 6749 does not define a code for it at these
// endpoints. This is the one of §4.1.2.1, with the status of RFC 7009 §2.2.1.
func unavailable(err error) error {
	return &failure{http.StatusServiceUnavailable, "temporarily_unavailable", "try again in a moment", err}
}

// request is a request to one of the endpoints.
type request struct {
	transport.Request
	client string // that the request claims to be from; not verified
	wrong  string // why its credentials were refused, for the log; "" if they were not
	why    string // why the token of an external issuer is refused, for the log; "" if none is
	cause  error  // the error that why explains; nil: there is none
}

// open returns a request with the parameters of its URL parsed.
func open(c echo.Context) *request {
	r := new(request)
	r.Open(c.Response().Writer, c.Request(), c.Path())
	return r
}

// answer responds to a request. who authenticates the client; handle returns the body, which is
// encoded as JSON, or nil for an empty one.
func (srv *Server) answer(c echo.Context, who func(*request) (*tenants.Tenant, error), handle func(*request, *tenants.Tenant) (any, error)) error {
	r := open(c)
	t, err := srv.findClient(r, who)
	if err == nil {
		r.Tenant = t
		var body any
		if body, err = handle(r, t); err == nil {
			srv.Traces.Describe(r.HTTP.Context(), r.TenantName(), "", "")
			r.send(http.StatusOK, body)
			srv.Log.Answered(&r.Request, http.StatusOK)
			return nil
		}
	}
	srv.fail(r, err)
	return nil
}

// findClient finds the source address, which is that of the tenant's server, and then the client.
// Blocked addresses are not refused, since the client authenticates.
func (srv *Server) findClient(r *request, who func(*request) (*tenants.Tenant, error)) (_ *tenants.Tenant, err error) {
	r.At = srv.Now()
	if r.From, err = transport.Source(r.HTTP, srv.TrustedProxies); err != nil {
		return nil, err
	}
	return who(r)
}

// value returns a parameter, or "". An empty one counts as missing (RFC 6749 §3.2).
func (r *request) value(name string) string {
	v, _ := r.Lookup(name)
	return v
}

// fail responds with an error, and logs it.
func (srv *Server) fail(r *request, err error) {
	var e *failure
	if !errors.As(err, &e) {
		why := codes.RefusalOf(err)
		p := why.Problem()
		e = &failure{p.Status, "invalid_request", p.Detail, why.Cause}
		if p.Status >= http.StatusInternalServerError {
			e.Code = "server_error"
		}
	}
	if e.status == http.StatusUnauthorized {
		r.W.Header().Set("WWW-Authenticate", `Basic realm="stile", charset="UTF-8"`)
	}
	if e.status == http.StatusServiceUnavailable {
		r.W.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(codes.RetryAfter(e.cause).Seconds()))))
	}
	srv.report(r, e)
	srv.Traces.Describe(r.HTTP.Context(), r.TenantName(), "", e.Code)
	r.send(e.status, e)
}

// send writes a response that pages of other origins can't read.
func (r *request) send(status int, body any) {
	h := r.W.Header()
	h["X-Request-Id"] = []string{r.ID}
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	r.StartBody()
	if body != nil {
		h.Set("Content-Type", "application/json")
		r.AppendValue(body)
	}
	r.Write(status)
}

// report writes an error to the log. If credentials were refused, it says whose and why.
func (srv *Server) report(r *request, e *failure) {
	l := srv.Log.Line(&r.Request, "refused", e.Code)
	l.Attrs = append(l.Attrs, slog.Int("status", e.status))
	if l.Detail = r.wrong; r.wrong != "" {
		client := shownClient(r.client)
		if t, ok := srv.Tenants.Find(r.client); ok {
			l.Tenant, client = t.ClientID, t.ClientID
		}
		l.Attrs = append(l.Attrs, slog.String("client", client), slog.String("why", r.wrong))
	}
	if r.why != "" {
		l.Attrs = append(l.Attrs, slog.String("reason", r.why))
	}
	srv.Log.Write(l, e.cause)
}

// likeClient are the names that a client can have, and that are shorter than any secret.
var likeClient = regexp.MustCompile(`^[A-Za-z0-9._-]{1,40}$`)

// shownClient returns the name of a client that does not exist, as it may be logged. A text that
// may be a secret, sent in the wrong place, is not logged.
func shownClient(name string) string {
	switch {
	case name == "":
		return "(none)"
	case !likeClient.MatchString(name) || strings.HasPrefix(name, "stile_"):
		return unknownClient
	}
	return name
}

// issued logs that n tokens were issued. jti is that of the first.
func (srv *Server) issued(t *tenants.Tenant, jti string, n int) {
	srv.Log.Write(refusals.Line{
		Key: refusals.Key{Message: "issued", Tenant: t.ClientID}, Count: int64(n), Attrs: []slog.Attr{slog.String("jti", jti)},
	}, nil)
}
