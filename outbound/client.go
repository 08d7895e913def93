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

// Dialer returns a dialer that connects only to addresses that may allows. It calls may for each
// address that a name resolves to, at the moment of the connection, with the zero Addr for what is
// not an address. forbidden returns the error for an address and its port.
func Dialer(timeout time.Duration, may func(netip.Addr) bool, forbidden func(address string) error) *net.Dialer {
	return &net.Dialer{Timeout: timeout, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !may(at.Addr()) {
			return forbidden(address)
		}
		return nil
	}}
}

// Transport returns a transport that connects by a [Dialer]. Proxies of the environment are not
// used, because they would resolve names themselves.
func Transport(timeout time.Duration, may func(netip.Addr) bool, forbidden func(address string) error) *http.Transport {
	return &http.Transport{
		DialContext: Dialer(timeout, may, forbidden).DialContext, TLSHandshakeTimeout: timeout, ResponseHeaderTimeout: timeout,
		MaxResponseHeaderBytes: 64 << 10, MaxConnsPerHost: 16, IdleConnTimeout: time.Minute,
		DisableCompression: true, ForceAttemptHTTP2: true,
	}
}

// Client returns a client for a URL that the operator has set: a redirect does not change it.
// secure is for https and plain for http.
func Client(timeout time.Duration, secure, plain *http.Transport) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		Transport:     &byScheme{secure, plain},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// byScheme uses a separate transport for plain HTTP, which may connect to fewer addresses.
type byScheme struct{ secure, plain *http.Transport }

// RoundTrip implements [http.RoundTripper].
func (t *byScheme) RoundTrip(r *http.Request) (*http.Response, error) {
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
func (t *byScheme) CloseIdleConnections() {
	t.secure.CloseIdleConnections()
	t.plain.CloseIdleConnections()
}
