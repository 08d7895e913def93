// Package transport reads requests and writes responses: parameters in a URL or a form, the source
// address, JSON and JSONP. It does not know tokens.
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

// The transports of the content API. An error that is found before the transport is known is sent
// as JSON.
const (
	JSON  Transport = iota // GET or HEAD; the response is JSON
	JSONP                  // GET or HEAD with a callback; the response is a script with status 200
	Form                   // POST; the response is JSON
)

// Request is a request, with its parameters parsed, and its response.
type Request struct {
	HTTP    *http.Request
	W       http.ResponseWriter
	ID      string // generated here, never read from the request
	Route   string // as registered, so that it can be logged and counted; "" if there is none
	PathID  string // the id of an item or a challenge, unchecked
	Started time.Time

	Transport Transport
	Callback  string // checked; "" unless JSONP
	Params    []Param
	Fault     error // what is wrong with the parameters or the callback; nil: nothing

	At     time.Time       // when it arrived, by the API's clock
	From   netip.Addr      // the source address; zero until it is found
	Tenant *tenants.Tenant // nil until an existing one is identified

	paramBuf [8]Param // memory for Params, usually sufficient
	body     []byte   // of the response
}

// Open fills in a zero or cleared Request, and parses the parameters of the URL. It stores an error
// in Fault, to be reported once the transport is known.
func (r *Request) Open(w http.ResponseWriter, h *http.Request, route string) {
	r.HTTP, r.W, r.Route, r.Started = h, w, route, time.Now()
	r.ID = strconv.FormatUint(rand.Uint64()|1<<63, 36)
	r.Params, r.Fault = parseParams(h.URL.RawQuery, r.paramBuf[:0])
	if h.Method == http.MethodPost {
		r.Transport = Form
	}
}

// Clear makes r ready for another request. It retains the memory of the body up to 256 KiB.
func (r *Request) Clear() {
	body := r.body[:0]
	if cap(body) > 256<<10 {
		body = nil
	}
	*r = Request{body: body}
}

// Lookup returns the first value of a parameter, and how many there are.
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

// Single returns the value of a parameter that may be sent once, or "" if it is not sent.
func (r *Request) Single(name string) (string, error) {
	value, n := r.Lookup(name)
	if n > 1 {
		return "", codes.Malformed(name + " is given more than once")
	}
	return value, nil
}

// Bounded is Single for a value of at most so many bytes.
func (r *Request) Bounded(name string, most int) (string, error) {
	value, err := r.Single(name)
	if err == nil && len(value) > most {
		return "", codes.Malformed(name + " is longer than " + strconv.Itoa(most) + " bytes")
	}
	return value, err
}

// TenantName returns the tenant's client_id for logs and metrics, or "" while no existing tenant is
// identified.
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
