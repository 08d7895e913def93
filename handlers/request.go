package handlers

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// way is how a request is answered.
type way uint8

// The three ways of the content API. The zero way is what a fault found
// before the way is known is answered in.
const (
	plain way = iota // GET, answered as JSON
	jsonp            // GET with a callback, answered as a script with status 200
	form             // POST, answered as JSON
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

	way      way
	callback string // checked; "" unless jsonp
	params   []param
	fault    error // what is wrong with the parameters, found while the way was

	caller

	room [8]param // for params, mostly enough
	body []byte   // of the answer
}

var requests = sync.Pool{New: func() any { return new(request) }}

// take makes a request of what Echo found, and reads its parameters.
// A fault in them is returned, once it is known how to answer.
func (a *API) take(w http.ResponseWriter, h *http.Request, route string) *request {
	r := requests.Get().(*request)
	r.http, r.w, r.route, r.started = h, w, route, time.Now()
	r.id = strconv.FormatUint(rand.Uint64()|1<<63, 36)
	r.params, r.fault = cut(h.URL.RawQuery, r.room[:0])
	switch h.Method {
	case http.MethodPost:
		r.way = form
	case http.MethodGet:
		if err := a.findCallback(r); err != nil {
			r.fault = err
		}
	}
	return r
}

// release gives the request back. A large body is left to the collector.
func (r *request) release() {
	body := r.body[:0]
	if cap(body) > 256<<10 {
		body = nil
	}
	*r = request{body: body}
	requests.Put(r)
}

// findCallback decides whether a GET is answered as a script. It looks at
// nothing else, so that whatever else is wrong is told to the script too.
func (a *API) findCallback(r *request) error {
	name, n := r.find("callback")
	if n == 0 {
		return nil
	}
	if n > 1 || !callback(name, a.prefixes(r)) {
		return refuse(BadCallback)
	}
	r.way, r.callback = jsonp, name
	return nil
}

// prefixes are those that the tenant which the request names has allowed for
// dotted callbacks. The name is not proven yet; it need not be, since it only
// chooses among what this publisher's tenants allow.
func (a *API) prefixes(r *request) []string {
	client, n := r.find("client_id")
	if n != 1 {
		return nil
	}
	t, ok := a.Tenants.Find(client)
	if !ok {
		return nil
	}
	return a.PolicyOf(t).Callbacks
}

// find is the first value of a parameter, and how many there are.
func (r *request) find(name string) (value string, n int) {
	for i := range r.params {
		if r.params[i].name == name {
			if n++; n == 1 {
				value = r.params[i].value
			}
		}
	}
	return value, n
}

// one is the value of a parameter that may be given once; "" if it is not.
func (r *request) one(name string) (string, error) {
	value, n := r.find(name)
	if n > 1 {
		return "", badRequest(name + " is given more than once")
	}
	return value, nil
}

// content makes an Echo handler of one for the content API: it takes the
// request apart, and sees to it that a refusal is answered. The context ends
// with our patience, and not when the visitor leaves: a call that is counted
// must not be given back to the meter.
func (a *API) content(handle func(context.Context, *request) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := a.take(c.Response().Writer, c.Request(), c.Path())
		defer r.release()
		r.item = pathParam(c, "id")
		err := r.check()
		if err == nil {
			ctx := &patient{end: r.started.Add(patience)}
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
	if r.way == form {
		return r.readForm()
	}
	return r.fault
}
