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
	tokensPerMinute   = 30 // for each address; a person can't click faster
	troublesPerMinute = 60
	maxAddresses      = 10_000 // in a minute; requests from further addresses are refused
	maxForm           = 16 << 10
)

// ownHosts refuses requests whose host is not the site's. A page that reaches the site under
// another name (DNS rebinding) can't get a token.
func (s *Site) ownHosts(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, origin := range s.Origins {
			if strings.HasSuffix(origin, "://"+r.Host) {
				next.ServeHTTP(w, r)
				return
			}
		}
		http.Error(w, "The demo of stile is available only on the machine that runs it: open "+s.Origins[0]+" there.", http.StatusMisdirectedRequest)
	})
}

// ownPages admits requests of the site's own pages, up to the limit. Browsers state the origin of
// a POST, and pages can't change it. A request without an origin does not come from a page.
func (s *Site) ownPages(limit *rateLimit, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !s.fromOwnPage(r.Header):
			respond(w, http.StatusForbidden, problem{"only pages of this site may send this request"})
		case !limit.allows(r.RemoteAddr, s.Now()):
			w.Header().Set("Retry-After", "60")
			respond(w, http.StatusTooManyRequests, problem{"too many requests; wait a minute"})
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

// rateLimit counts the requests of each address in the current minute of the clock.
type rateLimit struct {
	perMinute int

	mu     sync.Mutex
	minute int64
	done   map[netip.Addr]int
}

// allows counts a request of the address, and reports whether it is within the limit.
func (l *rateLimit) allows(remote string, now time.Time) bool {
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if minute := now.Unix() / 60; minute != l.minute || l.done == nil {
		l.minute, l.done = minute, map[netip.Addr]int{}
	}
	from := peer.Addr()
	if _, known := l.done[from]; !known && len(l.done) >= maxAddresses || l.done[from] >= l.perMinute {
		return false
	}
	l.done[from]++
	return true
}
