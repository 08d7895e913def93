package demo

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	tokensPerMinute   = 30 // for each address: a person who clicks as fast as they can
	troublesPerMinute = 60
	maxAddresses      = 10_000 // in a minute; more are refused
	maxForm           = 16 << 10
)

// ownHosts refuses requests by any other name than the site's: who is led here
// by a name of somebody else's (DNS rebinding) gets no token.
func (s *Site) ownHosts(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, origin := range s.Origins {
			if strings.HasSuffix(origin, "://"+r.Host) {
				next.ServeHTTP(w, r)
				return
			}
		}
		http.Error(w, "This is stile's demo, for the machine that it runs on: open "+s.Origins[0]+" there.", http.StatusMisdirectedRequest)
	})
}

// ownPages lets through what the site's own pages ask for, as often as b
// allows. A browser says truly where a request comes from, and a request that
// says nothing is none of a page's.
func (s *Site) ownPages(b *bound, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !s.fromOwnPage(r.Header):
			answer(w, http.StatusForbidden, problem{"only pages of this site may ask for that"})
		case !b.allows(r.RemoteAddr, s.Now()):
			w.Header().Set("Retry-After", "60")
			answer(w, http.StatusTooManyRequests, problem{"that was asked too often; wait a minute"})
		default:
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			next(w, r)
		}
	})
}

func (s *Site) fromOwnPage(h http.Header) bool {
	if !slices.Contains(s.Origins, h.Get("Origin")) {
		return false
	}
	site := h.Get("Sec-Fetch-Site") // older browsers don't send it
	return site == "" || site == "same-origin"
}

// bound lets each address do something so often in a minute of the clock.
type bound struct {
	perMinute int

	mu     sync.Mutex
	minute int64
	done   map[netip.Addr]int
}

func (b *bound) allows(remote string, now time.Time) bool {
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if minute := now.Unix() / 60; minute != b.minute || b.done == nil {
		b.minute, b.done = minute, map[netip.Addr]int{}
	}
	from := peer.Addr()
	if _, known := b.done[from]; !known && len(b.done) >= maxAddresses || b.done[from] >= b.perMinute {
		return false
	}
	b.done[from]++
	return true
}
