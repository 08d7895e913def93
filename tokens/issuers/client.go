package issuers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"stile.example/stile/outbound"
)

const (
	within  = 5 * time.Second // for one question, all of it
	maxBody = 1 << 20
)

// client goes out to one issuer, as far as that is allowed.
type client struct{ http http.Client }

// newClient is a client for the addresses that the operator named.
func newClient(allowPrivate bool, named ...string) *client {
	own := namesLoopback(named)
	return &client{http.Client{
		Timeout: within,
		Transport: &transport{
			secure: newTransport(func(a netip.Addr) bool { return outbound.Reachable(a, allowPrivate, own) }),
			plain:  newTransport(func(a netip.Addr) bool { return !outbound.Public(a) && outbound.Reachable(a, allowPrivate, own) }),
		},
		// Where the issuer is has been said; it sends us nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// namesLoopback says that an operator has named this machine itself.
func namesLoopback(addresses []string) bool {
	for _, address := range addresses {
		u, err := url.Parse(address)
		if err != nil {
			continue
		}
		ip, _ := netip.ParseAddr(u.Hostname())
		if u.Hostname() == "localhost" || ip.Unmap().IsLoopback() {
			return true
		}
	}
	return false
}

// transport speaks plain HTTP by a door of its own, which leads to private
// addresses only: over the internet it is TLS.
type transport struct{ secure, plain http.RoundTripper }

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	switch {
	case r.URL.User != nil:
		return nil, errors.New("an address with a password in it")
	case r.URL.Scheme == "https":
		return t.secure.RoundTrip(r)
	case r.URL.Scheme == "http":
		return t.plain.RoundTrip(r)
	}
	return nil, fmt.Errorf("the scheme %q is not https", r.URL.Scheme)
}

// newTransport asks may of each address that a name has been resolved to, at
// the moment of the connection: what the name was before does not count, and
// it cannot change between. Proxies of the environment are not used, for they
// would resolve names themselves.
func newTransport(may func(netip.Addr) bool) *http.Transport {
	dialer := net.Dialer{Timeout: within, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !may(at.Addr()) {
			return fmt.Errorf("%w: %s", errForbidden, address)
		}
		return nil
	}}
	return &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: within, ResponseHeaderTimeout: within,
		MaxResponseHeaderBytes: 64 << 10, MaxConnsPerHost: 16, IdleConnTimeout: time.Minute,
		DisableCompression: true, ForceAttemptHTTP2: true,
	}
}

var errForbidden = errors.New("not an address of the public internet, and neither named nor allowed")

// get is the body at an address.
func (c *client) get(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return c.do(req)
}

// do is the body of an answer with status 200.
func (c *client) do(req *http.Request) ([]byte, error) {
	req.Header.Set("Accept", "application/json, application/jwk-set+json")
	req.Header.Set("User-Agent", "stile")
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, statusError{res.StatusCode, fmt.Sprintf("%s answers %s, where 200 is wanted", strings.SplitN(req.URL.Redacted(), "?", 2)[0], res.Status)}
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = errors.New("an answer of more than 1 MiB")
	}
	return body, err
}

// statusError is an answer with another status than 200.
type statusError struct {
	code int
	text string
}

func (s statusError) Error() string { return s.text }
