// Package transport reads requests and writes responses: parameters, the
// source address, JSON and JSONP. It knows nothing of tokens.
package transport

import (
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/tenants"
)

// Transport is how a request is sent and answered.
type Transport uint8

// The three ways of the content API. The zero way is what a fault found
// before the way is known is answered in.
const (
	JSON  Transport = iota // GET, answered as JSON
	JSONP                  // GET with a callback, answered as a script with status 200
	Form                   // POST, answered as JSON
)

// Request is one request, taken apart, and its response.
type Request struct {
	HTTP    *http.Request
	W       http.ResponseWriter
	ID      string // made here, never believed from outside
	Route   string // as registered, so that it can be logged and counted; "" if there is none
	PathID  string // the id of an item or a challenge, not checked
	Started time.Time

	Transport Transport
	Callback  string // checked; "" unless JSONP
	Params    []Param
	Fault     error // what is wrong with the parameters, found while the way was

	At     time.Time       // when it came, by the API's clock
	From   netip.Addr      // the zero address until it was looked for
	Tenant *tenants.Tenant // nil until the request has named one that exists

	paramBuf [8]Param // for Params, mostly enough
	body     []byte   // of the answer
}

// Open makes r the request of what Echo found, and reads the parameters of its
// URL. What is wrong with them is in Fault, once it is known how to answer.
func (r *Request) Open(w http.ResponseWriter, h *http.Request, route string) {
	r.HTTP, r.W, r.Route, r.Started = h, w, route, time.Now()
	r.ID = strconv.FormatUint(rand.Uint64()|1<<63, 36)
	r.Params, r.Fault = parseParams(h.URL.RawQuery, r.paramBuf[:0])
	if h.Method == http.MethodPost {
		r.Transport = Form
	}
}

// Clear makes r ready for another request. It keeps the memory of the body,
// unless that is large.
func (r *Request) Clear() {
	body := r.body[:0]
	if cap(body) > 256<<10 {
		body = nil
	}
	*r = Request{body: body}
}

// Lookup is the first value of a parameter, and how many there are.
func (r *Request) Lookup(name string) (value string, n int) {
	for i := range r.Params {
		if r.Params[i].Name == name {
			if n++; n == 1 {
				value = r.Params[i].Value
			}
		}
	}
	return value, n
}

// Single is the value of a parameter that may be given once; "" if it is not.
func (r *Request) Single(name string) (string, error) {
	value, n := r.Lookup(name)
	if n > 1 {
		return "", codes.Malformed(name + " is given more than once")
	}
	return value, nil
}

// Bounded is the value of a parameter that has a length.
func (r *Request) Bounded(name string, most int) (string, error) {
	value, err := r.Single(name)
	if err == nil && len(value) > most {
		return "", codes.Malformed(name + " is longer than " + strconv.Itoa(most) + " bytes")
	}
	return value, err
}

// TenantName is the tenant's client_id for logs and metrics: only a tenant
// that exists has one.
func (r *Request) TenantName() string {
	if r.Tenant == nil {
		return ""
	}
	return r.Tenant.ClientID
}

// PathParam returns a parameter of the path, decoded once; "" if it can't be
// decoded. Echo matches the path as it was sent where net/url keeps that
// (RawPath), else the decoded one.
func PathParam(c echo.Context, name string) string {
	value := c.Param(name)
	if c.Request().URL.RawPath == "" {
		return value
	}
	value, _ = url.PathUnescape(value)
	return value
}
