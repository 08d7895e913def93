package stiletest

import (
	"bytes"
	"context"
	"errors"
	"hash/fnv"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// balancer is a load balancer in front of nodes. It follows /readyz, and sends each request to any
// node that is ready. A request that did not reach its node is sent to another.
type balancer struct {
	affinity bool
	nodes    []*upstream
	server   *http.Server
	to       *http.Transport
	stop     context.CancelFunc
	done     sync.WaitGroup
}

// upstream is a node as the balancer knows it.
type upstream struct {
	host  string
	ready atomic.Bool
}

// checkEvery is how often the balancer reads /readyz of each node.
const checkEvery = 200 * time.Millisecond

func newBalancer(l net.Listener, n *Nodes) *balancer {
	// As each proxy must, it closes idle connections before the nodes do.
	b := &balancer{affinity: n.Affinity, to: &http.Transport{MaxIdleConnsPerHost: 1000, DisableCompression: true, IdleConnTimeout: 5 * time.Second}}
	for _, s := range n.list {
		u := &upstream{host: strings.TrimPrefix(s.URL, "http://")}
		u.ready.Store(true)
		b.nodes = append(b.nodes, u)
	}
	proxy := &httputil.ReverseProxy{Transport: b, Rewrite: forward, ErrorLog: log.New(io.Discard, "", 0),
		// A client must see that there is no response, as if it were connected to the node.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }}
	b.server = &http.Server{Handler: proxy, ErrorLog: log.New(io.Discard, "", 0)}
	ctx, stop := context.WithCancel(context.Background())
	b.stop = stop
	b.done.Go(func() { _ = b.server.Serve(l) })
	if n.Unwatched {
		return b
	}
	for _, u := range b.nodes {
		b.done.Go(func() { b.follow(ctx, u) })
	}
	return b
}

func (b *balancer) close() {
	b.stop()
	b.server.Close()
	b.done.Wait()
	b.to.CloseIdleConnections()
}

// forward keeps a request as it is, with the addresses that a test forges.
func forward(r *httputil.ProxyRequest) {
	r.Out.URL.Scheme, r.Out.URL.Host = "http", r.In.Host
	r.Out.URL.RawQuery = r.In.URL.RawQuery
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if values, ok := r.In.Header[name]; ok {
			r.Out.Header[name] = values
		}
	}
}

// follow reads /readyz of a node until ctx is done.
func (b *balancer) follow(ctx context.Context, u *upstream) {
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		req, err := http.NewRequestWithContext(ctx, "GET", "http://"+u.host+"/readyz", nil)
		if err != nil {
			return
		}
		res, err := client.Do(req)
		if err == nil {
			res.Body.Close()
		}
		u.ready.Store(err == nil && res.StatusCode == http.StatusOK)
	}
}

var errNoNode = errors.New("no node is ready")

// RoundTrip sends a request to a node. If it can't connect, it tries another one.
func (b *balancer) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		body, err = io.ReadAll(req.Body)
		req.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	for range 2 * len(b.nodes) {
		u := b.choose(req)
		if u == nil {
			break
		}
		again := req.Clone(req.Context())
		again.URL.Host = u.host
		if req.Body != nil {
			again.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
			again.Body, _ = again.GetBody()
		}
		res, err := b.to.RoundTrip(again)
		if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
			u.ready.Store(false)
			continue
		}
		return res, err
	}
	return nil, errNoNode
}

// choose returns the node for a request, nil if none is ready.
func (b *balancer) choose(req *http.Request) *upstream {
	var ready []*upstream
	for _, u := range b.nodes {
		if u.ready.Load() {
			ready = append(ready, u)
		}
	}
	token := tokenOf(req)
	if len(ready) == 0 {
		return nil
	}
	if !b.affinity || token == "" {
		return ready[rand.IntN(len(ready))]
	}
	best, most := ready[0], uint64(0)
	for _, u := range ready { // rendezvous hashing: a token moves only if its node is gone
		h := fnv.New64a()
		io.WriteString(h, token+"\x00"+u.host)
		if sum := h.Sum64(); sum > most {
			best, most = u, sum
		}
	}
	return best
}

// tokenOf returns the token of a request, from its header or query; "" if it has none there.
func tokenOf(req *http.Request) string {
	if _, token, ok := strings.Cut(req.Header.Get("Authorization"), " "); ok {
		return token
	}
	return req.URL.Query().Get("access_token")
}
