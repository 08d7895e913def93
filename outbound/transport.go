package outbound

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Dialer returns a dialer that calls may for each address that a name resolves to, at the moment of
// the connection. An earlier address of the name does not count, and it can't change in between.
func Dialer(timeout time.Duration, may func(netip.AddrPort) error) *net.Dialer {
	return &net.Dialer{Timeout: timeout, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		return may(at)
	}}
}

// Transport makes requests to allowed addresses. Fewer are allowed for plain HTTP than for TLS, so
// each has connections of its own.
type Transport struct{ secure, plain *http.Transport }

// NewTransport returns a transport whose connections may admits, as for [Dialer]. Proxies of the
// environment are not used, because they would resolve names themselves.
func NewTransport(timeout time.Duration, may func(at netip.AddrPort, encrypted bool) error) *Transport {
	one := func(encrypted bool) *http.Transport {
		return &http.Transport{
			DialContext:         Dialer(timeout, func(at netip.AddrPort) error { return may(at, encrypted) }).DialContext,
			TLSHandshakeTimeout: timeout, ResponseHeaderTimeout: timeout,
			MaxResponseHeaderBytes: 64 << 10, MaxConnsPerHost: 16, IdleConnTimeout: time.Minute,
			DisableCompression: true, ForceAttemptHTTP2: true,
		}
	}
	return &Transport{secure: one(true), plain: one(false)}
}

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	switch {
	case r.URL.User != nil:
		return nil, errors.New("the URL must not contain a password")
	case r.URL.Scheme == "https":
		return t.secure.RoundTrip(r)
	case r.URL.Scheme == "http":
		return t.plain.RoundTrip(r)
	}
	return nil, fmt.Errorf("the scheme must be https, not %q", r.URL.Scheme)
}

// CloseIdleConnections implements what [http.Client.CloseIdleConnections] calls.
func (t *Transport) CloseIdleConnections() {
	t.secure.CloseIdleConnections()
	t.plain.CloseIdleConnections()
}
