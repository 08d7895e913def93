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
)

// request is one request, and who makes it. It is used again for another when
// it has been answered.
type request struct {
	transport.Request
	caller
	stepped time.Time // when the token had been told, and that was durable
}

var requests = sync.Pool{New: func() any { return new(request) }}

// acquireRequest makes a request of what Echo found, and reads its parameters.
// A fault in them is returned, once it is known how to answer.
func (a *API) acquireRequest(w http.ResponseWriter, h *http.Request, route string) *request {
	r := requests.Get().(*request)
	r.Open(w, h, route)
	if h.Method == http.MethodGet {
		if err := a.findCallback(r); err != nil {
			r.Fault = err
		}
	}
	return r
}

// releaseRequest gives the request back. A large body is left to the collector.
func (r *request) releaseRequest() {
	r.Clear()
	*r = request{Request: r.Request}
	requests.Put(r)
}

// errNoJSONP refuses a request for a script where the setting jsonp is no. Its
// status is its own, and its body JSON: as a script it would call a function
// of the page.
var errNoJSONP error = &codes.Refusal{Code: codes.NotFound, Detail: "JSONP is switched off by the setting jsonp: send the parameters as a form in a POST, or a GET without callback"}

// findCallback decides whether a GET is answered as a script. It looks at
// nothing else, so that a script is given every other error too.
func (a *API) findCallback(r *request) error {
	name, n := r.Lookup("callback")
	if n == 0 || strings.HasPrefix(r.HTTP.URL.Path, files.WidgetsPath) {
		return nil
	}
	p := a.namedPolicy(r)
	if p.JSONP != JSONPYes {
		return errNoJSONP
	}
	if n > 1 || !transport.IsCallback(name, p.Callbacks) {
		return codes.Refuse(codes.BadCallback)
	}
	r.Transport, r.Callback = transport.JSONP, name
	return nil
}

// namedPolicy returns the policy of the tenant that the request names. Where it
// names none, that is the server's own, without dotted callbacks. The name is
// not proven yet. It need not be, since it only chooses among what the tenants
// of this publisher allow.
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

// aboutCallback reports whether err is about the parameter callback.
func aboutCallback(err error) bool {
	return err != nil && (errors.Is(err, errNoJSONP) || refusalOf(err).Code == codes.BadCallback)
}

// contentRoute makes an Echo handler of one for the content API: it takes the
// request apart, and sees to it that a refusal is answered. The context ends
// with our patience, and not when the visitor leaves: a call that is counted
// must not be given back to the meter.
func (a *API) contentRoute(handle func(context.Context, *request) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := a.acquireRequest(c.Response().Writer, c.Request(), c.Path())
		defer r.releaseRequest()
		r.PathID = transport.PathParam(c, "id")
		err := r.check()
		if err == nil {
			// A context that started a timer only when somebody waits for it was 0.5 µs faster: 2 %
			// of a call on 2 cores. That is too little for a context of our own.
			ctx, cancel := context.WithDeadline(context.WithoutCancel(r.HTTP.Context()), r.Started.Add(requestTimeout))
			defer cancel()
			err = handle(ctx, r)
		}
		if err != nil {
			a.fail(r, err)
		}
		return nil
	}
}

// check reports what is wrong with the request whatever it asks for.
func (r *request) check() error {
	if r.Transport == transport.Form {
		return r.ReadForm()
	}
	return r.Fault
}
