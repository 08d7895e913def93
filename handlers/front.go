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

// Header values of [API.front]. They are shared: nothing may append to them.
var (
	nosniff    = []string{"nosniff"}
	noReferrer = []string{"no-referrer"}
	closing    = []string{"close"}
	noContent  = []string{"default-src 'none'; frame-ancestors 'none'"}
	hsts       = []string{"max-age=31536000"}
)

// front is the first to see a request. It sets the headers that forbid a browser
// whatever a response of data does not need; our pages replace the policy by
// their own. It refuses a request whose end is ambiguous.
func (a *API) front(next http.Handler) http.Handler {
	streams := make(chan struct{}, connections.Max) // in work at once, as in HTTP/1.1
	return http.HandlerFunc(func(w http.ResponseWriter, h *http.Request) {
		head := w.Header()
		head["X-Content-Type-Options"] = nosniff
		head["Referrer-Policy"] = noReferrer
		head["Content-Security-Policy"] = noContent
		if h.TLS != nil && hasName(h.Host) {
			head["Strict-Transport-Security"] = hsts
		}
		switch {
		case h.ProtoMajor == 2:
			a.stream(w, h, streams, next)
			return
		case len(h.TransferEncoding) > 0:
			head["Connection"] = closing
			a.refuseUnread(w, h, codes.Malformed("the body must have a Content-Length; Transfer-Encoding is not supported"))
			return
		case !h.ProtoAtLeast(1, 1):
			// net/http ignores a Transfer-Encoding here, and hides it. What
			// follows may belong to the body (RFC 9112 §6.1).
			head["Connection"] = closing
		}
		next.ServeHTTP(w, h)
	})
}

// stream handles a request over HTTP/2. slots bounds how many there are at once,
// over all connections. A request has its slot until its response is delivered,
// which is when net/http ends its context: an unread response costs 20 KB.
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

// refuseUnread refuses a request before its parameters are looked at, as JSON:
// it need not be one that a script sends.
func (a *API) refuseUnread(w http.ResponseWriter, h *http.Request, why error) {
	r := a.acquireRequest(w, h, "")
	defer r.releaseRequest()
	r.Transport, r.Callback = transport.JSON, ""
	a.fail(r, why)
}

// hasName reports whether a host can be pinned to HTTPS: it is not an IP
// address, which browsers would not pin, and not localhost, whose other ports
// are other programs' plain HTTP.
func hasName(host string) bool {
	name := hostOf(host)
	_, err := netip.ParseAddr(name)
	return err != nil && !isLocalhost(name)
}

// isLocalhost reports whether a name always means this machine (RFC 6761 §6.3).
func isLocalhost(name string) bool {
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// hostOf returns the name in a Host header, in small letters, without the port,
// the brackets of an IPv6 address and the dot of a name's end. What is malformed
// stays as it is.
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
