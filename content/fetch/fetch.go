// Package fetch gets a file from a URL that the operator chose, within limits of size and time, and
// never from an address that only a redirect chose.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	"stile.example/stile/outbound"
)

// The limits of a fetch.
const (
	maxFetch     = 32 << 20
	fetchTime    = time.Minute
	maxRedirects = 3
)

// File is a fetched file. It must be closed.
type File struct {
	io.ReadCloser
	URL  string // after redirects
	Size int64  // 0 if it is unknown
}

// Get fetches a file over http or https. At most 32 MiB can be read, within a minute.
func Get(ctx context.Context, address string) (File, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	res, err := fetch(ctx, address)
	if err != nil {
		cancel()
		return File{}, err
	}
	body := &fetched{io.LimitedReader{R: res.Body, N: maxFetch}, func() error { cancel(); return res.Body.Close() }}
	return File{body, res.Request.URL.String(), max(res.ContentLength, 0)}, nil
}

func fetch(ctx context.Context, address string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	req.Header.Set("User-Agent", "stile (+import)")
	req.Header.Set("Accept", "application/feed+json, application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.5")
	res, err := newFetcher().Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w; check the URL, and whether this machine can reach it%s", Redacted(address), outbound.Reason(err), unused(req))
	}
	if res.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("fetch %s: the response is %s instead of 200", Redacted(address), res.Status), res.Body.Close())
	}
	return res, nil
}

// unused says that a proxy of the environment was not used, if there is one for a request.
func unused(req *http.Request) string {
	if u, err := http.ProxyFromEnvironment(req); err != nil || u == nil {
		return ""
	}
	return " without the proxy of HTTP_PROXY and HTTPS_PROXY, which is not used; or save the file and import that"
}

// newFetcher returns a client for one fetch, which checks each connection.
func newFetcher() *http.Client {
	g := &guard{}
	dialer := outbound.Dialer(fetchTime, func(at netip.AddrPort) error {
		if !g.allows(at.Addr()) {
			return fmt.Errorf("%w: %s", errForbidden, at)
		}
		return nil
	})
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext, transport.DisableKeepAlives = dialer.DialContext, true
	// A proxy would connect to the target, and the guard would only check the proxy.
	transport.Proxy = nil
	return &http.Client{Transport: transport, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if g.redirected.Store(true); len(via) > maxRedirects {
			return fmt.Errorf("more than %d redirects", maxRedirects)
		}
		return nil
	}}
}

// guard decides which addresses one fetch may connect to. The operator chose the URL, so it may be
// in a private network. Its server chooses the redirects: from the internet, they must not lead
// into a private network or to this machine. Link-local and metadata addresses are never allowed.
type guard struct{ redirected, private atomic.Bool }

func (g *guard) allows(a netip.Addr) bool {
	switch {
	case outbound.Never(a):
		return false
	case outbound.Public(a):
		return true
	case !g.redirected.Load():
		g.private.Store(true)
	}
	return g.private.Load()
}

var errForbidden = errors.New("this address is not allowed, or not after a redirect from the internet")

// Redacted returns a URL for messages, without its password.
func Redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the URL"
	}
	return u.Redacted()
}

// fetched is a body whose length is limited to maxFetch.
type fetched struct {
	io.LimitedReader
	close func() error
}

func (f *fetched) Read(p []byte) (int, error) {
	if f.N <= 0 {
		return 0, fmt.Errorf("larger than %d MiB; save it to a file and import that", maxFetch>>20)
	}
	return f.LimitedReader.Read(p)
}

func (f *fetched) Close() error { return f.close() }
