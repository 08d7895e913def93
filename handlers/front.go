package handlers

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/handlers/connections"
	"stile.example/stile/handlers/transport"
)

// Header values of [API.front]. All responses share them, so nothing may append to them. Together
// with those of transport they save 0.9 µs and 7 allocations, 2 % of a call.
var (
	nosniff    = []string{"nosniff"}
	noReferrer = []string{"no-referrer"}
	closing    = []string{"close"}
	noContent  = []string{"default-src 'none'; frame-ancestors 'none'"}
	hsts       = []string{"max-age=31536000"}
	allMethods = []string{"OPTIONS, GET, HEAD, POST"}
)

// front handles every request first. It sets the headers that forbid a browser everything that a
// response with data does not need; pages replace the policy by their own. It refuses a request
// whose end is ambiguous.
func (a *API) front(next http.Handler) http.Handler {
	streams := make(chan struct{}, connections.Max) // handled at the same time, as in HTTP/1.1
	return http.HandlerFunc(func(w http.ResponseWriter, h *http.Request) {
		head := w.Header()
		forbid(head)
		if h.TLS != nil && hasName(h.Host) {
			head["Strict-Transport-Security"] = hsts
		}
		switch {
		case h.Method == http.MethodOptions && h.URL.Path == "*":
			head["Allow"] = allMethods
			w.WriteHeader(http.StatusNoContent)
			return
		case h.ProtoMajor == 2:
			a.stream(w, h, streams, next)
			return
		case len(h.TransferEncoding) > 0:
			head["Connection"] = closing
			a.refuseUnread(w, h, codes.Malformed("the body must have a Content-Length; Transfer-Encoding is not supported"))
			return
		case !h.ProtoAtLeast(1, 1):
			// net/http ignores a Transfer-Encoding here, and hides it. The bytes that follow may
			// belong to the body (RFC 9112 §6.1).
			head["Connection"] = closing
		}
		next.ServeHTTP(w, h)
	})
}

// forbid sets the headers of every response.
func forbid(head http.Header) {
	head["X-Content-Type-Options"] = nosniff
	head["Referrer-Policy"] = noReferrer
	head["Content-Security-Policy"] = noContent
}

// stream handles a request over HTTP/2. slots bounds how many are handled at the same time, over
// all connections. A request occupies its slot until its response is delivered, which is when
// net/http ends its context: an unread response takes 20 KB.
func (a *API) stream(w http.ResponseWriter, h *http.Request, slots chan struct{}, next http.Handler) {
	connections.StreamStarted(h.Context(), time.Now())
	select {
	case slots <- struct{}{}:
		context.AfterFunc(h.Context(), func() { <-slots })
		next.ServeHTTP(w, h)
	default:
		a.refuseUnread(w, h, &codes.Refusal{Code: codes.Overloaded, Retry: codes.RetryDelay()})
	}
}

// refuseUnread refuses a request, as JSON, before its parameters are read: it may not be a
// script's.
func (a *API) refuseUnread(w http.ResponseWriter, h *http.Request, why error) {
	r := a.acquireRequest(w, h, "")
	defer r.releaseRequest()
	r.Transport, r.Callback = transport.JSON, ""
	a.fail(r, why)
}

// hasName reports whether a host can be pinned to HTTPS. Browsers do not pin IP addresses, and
// other ports of localhost belong to other programs that use plain HTTP.
func hasName(host string) bool {
	name := hostOf(host)
	_, err := netip.ParseAddr(name)
	return err != nil && !isLocalhost(name)
}

// isLocalhost reports whether a name always means this machine (RFC 6761 §6.3).
func isLocalhost(name string) bool {
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// hostOf returns the name in a Host header, in lower case, without the port, the brackets of an
// IPv6 address and the trailing dot of a name. It returns a malformed value unchanged.
func hostOf(host string) string {
	if strings.HasPrefix(host, "[") {
		name, rest, ok := strings.Cut(host[1:], "]")
		if !ok || rest != "" && rest[0] != ':' {
			return host
		}
		return name
	}
	name, _, _ := strings.Cut(host, ":")
	if name == "" {
		return host
	}
	return strings.ToLower(strings.TrimSuffix(name, "."))
}
