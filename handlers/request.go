package handlers

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/handlers/files"
	"stile.example/stile/handlers/transport"
	"stile.example/stile/tenants/callback"
	"stile.example/stile/tracing"
)

// request is one request and its caller. It is reused for another once it is answered.
type request struct {
	transport.Request
	caller
	stepped     time.Time  // when the token's step was durable
	refusedWith codes.Code // "" unless it was refused
}

// requests holds requests for reuse, with their buffers. Without it each call allocates 3.7 KB more
// and takes 2 µs longer, 9 % of a call on 2 cores.
var requests = sync.Pool{New: func() any { return new(request) }}

// acquireRequest returns a request with the parameters of its URL read. An error in them is in
// Fault, and is reported once the transport is known.
func (a *API) acquireRequest(w http.ResponseWriter, h *http.Request, route string) *request {
	r := requests.Get().(*request)
	r.Open(w, h, route)
	if h.Method == http.MethodGet || h.Method == http.MethodHead {
		if err := a.findCallback(r); err != nil {
			r.Fault = err
		}
	}
	return r
}

// releaseRequest makes the request available for reuse.
func (r *request) releaseRequest() {
	r.Clear()
	*r = request{Request: r.Request}
	requests.Put(r)
}

// errNoJSONP refuses a request for a script where the setting jsonp is no. The response has the
// code's own status and a body in JSON, since a script would call a function of the page.
var errNoJSONP error = &codes.Refusal{Code: codes.NotFound,
	Detail: "JSONP is switched off by the setting jsonp: send the parameters as a form in a POST, or a GET without callback"}

// errDotted refuses a callback with dots that no setting lists. The name is not repeated: it is
// valid, but not the page's until a setting says so.
var errDotted error = &codes.Refusal{Code: codes.BadCallback,
	Detail: "The setting callbacks of the tenant that client_id names does not list this dotted name. Ask the publisher to add its prefix (angular.callbacks) or pattern (__gwt_jsonp__.*.onSuccess)."}

// findCallback decides whether the response to a GET, or to its HEAD, is a script. It checks
// nothing else, so that scripts receive every other error too.
func (a *API) findCallback(r *request) error {
	name, n := r.Lookup("callback")
	if n == 0 || strings.HasPrefix(r.HTTP.URL.Path, files.WidgetsPath) {
		return nil
	}
	p := a.namedPolicy(r)
	if p.JSONP != JSONPYes {
		return errNoJSONP
	}
	switch {
	case n == 1 && callback.IsValid(name, p.Callbacks):
	case n == 1 && callback.IsDotted(name):
		return errDotted
	default:
		return codes.Refuse(codes.BadCallback)
	}
	r.Transport, r.Callback = transport.JSONP, name
	return nil
}

// namedPolicy returns the policy of the tenant that the request names. If it does not name an
// existing one, that is the server's policy without dotted callbacks. The name is not verified yet.
// It does not have to be, since it only selects among policies of this publisher's tenants.
func (a *API) namedPolicy(r *request) Policy {
	if client, n := r.Lookup("client_id"); n == 1 {
		if t, ok := a.Tenants.Find(client); ok {
			return a.PolicyOf(t)
		}
	}
	p := a.PolicyOf(nil)
	p.Callbacks = nil
	return p
}

// callbackFault returns what is wrong with the parameter callback, if anything is. A request that
// no handler of a route reads is refused for that first, as one to a route is.
func (r *request) callbackFault() error {
	if r.Fault != nil && (errors.Is(r.Fault, errNoJSONP) || refusalOf(r.Fault).Code == codes.BadCallback) {
		return r.Fault
	}
	return nil
}

// contentRoute returns an Echo handler for a handler of the content API: it reads the request, and
// responds to a refusal. The visitor may leave meanwhile: a call that is counted must not be
// released to the quota.
func (a *API) contentRoute(handle func(context.Context, *request) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := a.acquireRequest(c.Response().Writer, c.Request(), c.Path())
		defer func() { a.Sessions.End(r.use); r.releaseRequest() }()
		r.PathID = transport.PathParam(c, "id")
		err := r.check()
		if err == nil {
			err = a.checkKnown()
		}
		if err == nil {
			err = handle(a.contextOf(r), r)
		}
		if err != nil {
			a.fail(r, err)
		}
		if a.Traces != nil {
			a.describe(r)
		}
		return nil
	}
}

// contextOf returns the context of a request, which ends after requestTimeout.
func (a *API) contextOf(r *request) context.Context {
	return a.contextUntil(r, r.Started.Add(requestTimeout))
}

// contextUntil returns a context of a request, which ends at a time, and not when the visitor
// leaves. Many requests share it, unless it has a span.
func (a *API) contextUntil(r *request, end time.Time) context.Context {
	ctx := a.deadlines.Until(end)
	if a.Traces != nil {
		return tracing.Carry(ctx, r.HTTP.Context())
	}
	return ctx
}

// checkKnown refuses everything if this server may not know who is blocked, and who is a tenant.
func (a *API) checkKnown() error {
	if a.Outdated != nil {
		if err := a.Outdated(); err != nil {
			return codes.Unavailable(err)
		}
	}
	return nil
}

// check returns what is wrong with the request, whatever its route.
func (r *request) check() error {
	if r.Transport == transport.Form {
		return r.ReadForm()
	}
	return r.Fault
}
