package issuers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"stile.example/stile/outbound"
)

const (
	within  = 5 * time.Second // for one request, including its response
	maxBody = 1 << 20
)

// client makes requests to one issuer, at the addresses that are allowed.
type client struct{ http http.Client }

// newClient returns a client for the URLs that the operator has set.
func newClient(allowPrivate bool, named ...string) *client {
	own := namesLoopback(named)
	return &client{http.Client{
		Timeout: within,
		// Over the internet, TLS is required.
		Transport: outbound.NewTransport(within, func(at netip.AddrPort, encrypted bool) error {
			if a := at.Addr(); !outbound.Reachable(a, allowPrivate, own) || !encrypted && outbound.Public(a) {
				return fmt.Errorf("%w: %s", errForbidden, at)
			}
			return nil
		}),
		// The operator has set the issuer's URL; a redirect must not change it.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// namesLoopback reports whether the operator has set a URL of this machine.
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

var errForbidden = errors.New("not a public address, and neither set by the operator nor allowed by allow_private")

// get returns the body of the response to a GET.
func (c *client) get(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return c.do(req)
}

// shownURL returns a URL for people: without a password, and without its query, which may be a
// secret.
func shownURL(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "its URL"
	}
	u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = "", false, "", ""
	return u.Redacted()
}

// do returns the body of a response with status 200. Its errors say which URL they are about.
func (c *client) do(req *http.Request) ([]byte, error) {
	req.Header.Set("Accept", "application/json, application/jwk-set+json")
	req.Header.Set("User-Agent", "stile")
	res, err := c.http.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok { // its text has the whole URL
			err = fmt.Errorf("%s: %w", shownURL(e.URL), outbound.Reason(e.Err))
		}
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, statusError{res.StatusCode, fmt.Sprintf("%s responded with %s instead of 200", shownURL(req.URL.String()), res.Status)}
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = errors.New("the response is larger than 1 MiB")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shownURL(req.URL.String()), err)
	}
	return body, nil
}

// statusError is a response with a status other than 200.
type statusError struct {
	code int
	text string
}

func (s statusError) Error() string { return s.text }
