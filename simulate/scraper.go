package simulate

import (
	"net/netip"
	"time"

	"stile.example/stile/tokens"
)

// scraper fetches a part of the corpus from one address. It knows the rules: it requests 50 items
// in each call, and continues from cursor to cursor with any token.
type scraper struct {
	visitor
	strategy
	goal  *int   // the next item that no scraper of its group has
	calls int    // admitted calls with this token
	moves int    // changes of address so far
	limit uint32 // items in a call; 0: it has not started
}

// strategy describes the scrapers of a group.
type strategy struct {
	pace    time.Duration // between two calls; one a second stays just under the spike limit
	page    time.Duration // time to load the tenant's page, which has a new token
	hop     int           // calls after which it gets a new token in any case; 0: never
	patient bool          // when challenged, it requests fewer items, and then waits
	solves  solver

	suggests bool                 // it collects titles from suggestions instead of items
	where    func(int) netip.Addr // returns the address for the n-th token; nil: all tokens at one
}

const (
	most     = 50        // maximum number of items in a call
	patience = time.Hour // pause of a patient scraper before it tries again
)

// act makes the next call.
func (s *scraper) act(w *world, now time.Duration) time.Duration {
	if s.limit == 0 {
		s.limit = most
		return time.Duration(w.Int64N(int64(time.Minute)))
	}
	if *s.goal >= w.Corpus { // it has everything
		return never
	}
	n := min(int(s.limit), w.Corpus-*s.goal)
	r := request{route: tokens.Items, records: uint32(n)}
	if s.suggests {
		n = min(n, maxTitles)
		r = request{suggest: true, titles: uint32(n)}
	}
	f, next := s.do(w, now, r)
	switch f {
	case working, blocked:
		return next
	case admitted:
		w.take(now, *s.goal, n)
		*s.goal += n
		return s.afterAdmitted(w, now)
	}
	return s.afterChallenge(w, now)
}

// afterAdmitted returns when to continue after an admitted call.
func (s *scraper) afterAdmitted(w *world, now time.Duration) time.Duration {
	if s.calls++; s.hop > 0 && s.calls >= s.hop {
		return s.renew(w, now)
	}
	return now + s.pace
}

// renew gets a new token from the tenant's page.
func (s *scraper) renew(w *world, now time.Duration) time.Duration {
	s.drop(w)
	s.calls = 0
	if s.where != nil {
		s.moves++
		s.from = s.where(s.moves)
	}
	return now + s.page
}

// afterChallenge returns when to continue after a challenge that it does not solve. It always gets
// a new token. A patient scraper also halves the number of items, which may still fit into the
// address's budget, and finally waits.
func (s *scraper) afterChallenge(w *world, now time.Duration) time.Duration {
	next := s.renew(w, now)
	if !s.patient {
		return next
	}
	if s.limit /= 2; s.limit > 0 {
		return next
	}
	s.limit = most
	return now + patience
}

// idle solves nothing.
func idle(*world, tokens.Challenge) (takes, cpu time.Duration, correct, tries bool) { return }

// nativeShare is the share of a slow phone's time that a scraper's processor needs for the same
// work. Native code needs 0.2 to 0.6 s for each second that the work takes in a browser.
const nativeShare = 0.4

// worker solves work on one core, and no pictures.
func worker(w *world, c tokens.Challenge) (takes, cpu time.Duration, correct, tries bool) {
	if c.Kind == tokens.Picture {
		return
	}
	cpu = time.Duration(nativeShare * float64(w.Work[c.Level]))
	return cpu, cpu, true, true
}

// reader solves work, and pictures half of the time.
func reader(w *world, c tokens.Challenge) (takes, cpu time.Duration, correct, tries bool) {
	if c.Kind == tokens.Picture {
		return 10 * time.Millisecond, 10 * time.Millisecond, w.Float64() < 0.5, true
	}
	return worker(w, c)
}
