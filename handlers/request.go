package handlers

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"stile.example/stile/handlers/codes"
)

// transport is how a request is answered.
type transport uint8

// The three ways of the content API. The zero way is what a fault found
// before the way is known is answered in.
const (
	jsonTransport  transport = iota // GET, answered as JSON
	jsonpTransport                  // GET with a callback, answered as a script with status 200
	formTransport                   // POST, answered as JSON
)

// request is one request, taken apart. It is used again for another when it
// has been answered.
type request struct {
	http    *http.Request
	w       http.ResponseWriter
	id      string // made here, never believed from outside
	route   string // as registered, so that it can be logged and counted; "" if there is none
	item    string // the id of an item or a challenge, not checked
	wrong   string // the client that wrong credentials were for, as it may be logged; "" if none were
	started time.Time
	stepped time.Time // when the token had been told, and that was durable

	transport transport
	callback  string // checked; "" unless jsonp
	params    []param
	fault     error // what is wrong with the parameters, found while the way was

	caller

	paramBuf [8]param // for params, mostly enough
	body     []byte   // of the answer
}

var requests = sync.Pool{New: func() any { return new(request) }}

// acquireRequest makes a request of what Echo found, and reads its parameters.
// A fault in them is returned, once it is known how to answer.
func (a *API) acquireRequest(w http.ResponseWriter, h *http.Request, route string) *request {
	r := requests.Get().(*request)
	r.http, r.w, r.route, r.started = h, w, route, time.Now()
	r.id = strconv.FormatUint(rand.Uint64()|1<<63, 36)
	r.params, r.fault = parseParams(h.URL.RawQuery, r.paramBuf[:0])
	switch h.Method {
	case http.MethodPost:
		r.transport = formTransport
	case http.MethodGet:
		if err := a.findCallback(r); err != nil {
			r.fault = err
		}
	}
	return r
}

// releaseRequest gives the request back. A large body is left to the collector.
func (r *request) releaseRequest() {
	body := r.body[:0]
	if cap(body) > 256<<10 {
		body = nil
	}
	*r = request{body: body}
	requests.Put(r)
}

// errNoJSONP refuses a request for a script where the setting jsonp is no. Its
// status is its own, and its body JSON: as a script it would call a function
// of the page.
var errNoJSONP error = &codes.Refusal{Code: codes.NotFound, Detail: "JSONP is switched off by the setting jsonp: send the parameters as a form in a POST, or a GET without callback"}

// findCallback decides whether a GET is answered as a script. It looks at
// nothing else, so that a script is given every other error too.
func (a *API) findCallback(r *request) error {
	name, n := r.lookup("callback")
	if n == 0 || strings.HasPrefix(r.http.URL.Path, widgetsPath) {
		return nil
	}
	p := a.namedPolicy(r)
	if p.JSONP != JSONPYes {
		return errNoJSONP
	}
	if n > 1 || !callback(name, p.Callbacks) {
		return codes.Refuse(codes.BadCallback)
	}
	r.transport, r.callback = jsonpTransport, name
	return nil
}

// namedPolicy returns the policy of the tenant that the request names. Where it
// names none, that is the server's own, without dotted callbacks. The name is
// not proven yet. It need not be, since it only chooses among what the tenants
// of this publisher allow.
func (a *API) namedPolicy(r *request) Policy {
	if client, n := r.lookup("client_id"); n == 1 {
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

// lookup is the first value of a parameter, and how many there are.
func (r *request) lookup(name string) (value string, n int) {
	for i := range r.params {
		if r.params[i].name == name {
			if n++; n == 1 {
				value = r.params[i].value
			}
		}
	}
	return value, n
}

// single is the value of a parameter that may be given once; "" if it is not.
func (r *request) single(name string) (string, error) {
	value, n := r.lookup(name)
	if n > 1 {
		return "", codes.Malformed(name + " is given more than once")
	}
	return value, nil
}

// contentRoute makes an Echo handler of one for the content API: it takes the
// request apart, and sees to it that a refusal is answered. The context ends
// with our patience, and not when the visitor leaves: a call that is counted
// must not be given back to the meter.
func (a *API) contentRoute(handle func(context.Context, *request) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := a.acquireRequest(c.Response().Writer, c.Request(), c.Path())
		defer r.releaseRequest()
		r.item = pathParam(c, "id")
		err := r.check()
		if err == nil {
			ctx := &deadlineContext{end: r.started.Add(requestTimeout)}
			defer ctx.release()
			err = handle(ctx, r)
		}
		if err != nil {
			a.fail(r, err)
		}
		return nil
	}
}

// pathParam returns a parameter of the path, decoded once; "" if it can't be
// decoded. Echo matches the path as it was sent where net/url keeps that
// (RawPath), else the decoded one.
func pathParam(c echo.Context, name string) string {
	value := c.Param(name)
	if c.Request().URL.RawPath == "" {
		return value
	}
	value, _ = url.PathUnescape(value)
	return value
}

// check reports what is wrong with the request whatever it asks for.
func (r *request) check() error {
	if r.transport == formTransport {
		return r.readForm()
	}
	return r.fault
}
