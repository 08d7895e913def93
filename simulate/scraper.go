package simulate

import (
	"net/netip"
	"time"

	"stile.example/stile/tokens"
)

// scraper crawls a part of the corpus from one address. It knows the rules: it
// asks for 50 items a call and goes on from cursor to cursor with whatever
// token it has.
type scraper struct {
	visitor
	trade
	goal  *int   // the next item that nobody of its group has
	calls int    // made with this token
	moves int    // from one address to the next
	limit uint32 // items that it asks for at a time; 0: it has not begun
}

// trade is how scrapers of a group work.
type trade struct {
	pace    time.Duration // between two calls: one a second is just no spike
	page    time.Duration // to load the tenant's page, which gives a new token
	hop     int           // calls after which it takes a new token though the old one is good; 0: never
	patient bool          // it asks for less when it is challenged, and then waits, rather than be blocked
	solves  solver

	suggests bool                 // it takes titles from suggestions, not items
	where    func(int) netip.Addr // each new token is used at the next address; nil: there is one
}

const (
	most     = 50        // items a call may ask for
	patience = time.Hour // before a patient scraper tries again
)

func (s *scraper) act(w *world, now time.Duration) time.Duration {
	if s.limit == 0 {
		s.limit = most
		return time.Duration(w.Int64N(int64(time.Minute)))
	}
	if *s.goal >= w.Corpus { // all is had
		return never
	}
	n := min(int(s.limit), w.Corpus-*s.goal)
	r := request{route: tokens.Items, records: uint32(n)}
	if s.suggests {
		n = min(n, maxTitles)
		r = request{suggest: true, titles: uint32(n)}
	}
	f, next := s.ask(w, now, r)
	switch f {
	case working, barred:
		return next
	case answered:
		w.take(now, *s.goal, n)
		*s.goal += n
		return s.went(w, now)
	}
	return s.stopped(w, now)
}

// went goes on after a call that was answered.
func (s *scraper) went(w *world, now time.Duration) time.Duration {
	if s.calls++; s.hop > 0 && s.calls >= s.hop {
		return s.renew(w, now)
	}
	return now + s.pace
}

// renew takes a new token from the tenant's page.
func (s *scraper) renew(w *world, now time.Duration) time.Duration {
	s.drop(w)
	s.calls = 0
	if s.where != nil {
		s.moves++
		s.from = s.where(s.moves)
	}
	return now + s.page
}

// stopped goes on after a challenge that it does not solve: with a new token
// at once, or patiently: with a new token for ever fewer items, which may
// still fit into the address's budget, and in the end after a pause.
func (s *scraper) stopped(w *world, now time.Duration) time.Duration {
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
func idle(*world, tokens.Challenge) (takes, cpu time.Duration, right, tries bool) { return }

// machine is how much of the time of a slow phone a scraper's processor needs
// for the same work: native code needs 0.2 to 0.6 s for each second that work
// costs a browser.
const machine = 0.4

// worker solves work, on one core, and no pictures.
func worker(w *world, c tokens.Challenge) (takes, cpu time.Duration, right, tries bool) {
	if c.Kind == tokens.Picture {
		return
	}
	cpu = time.Duration(machine * float64(w.Work[c.Level]))
	return cpu, cpu, true, true
}

// reader solves work, and pictures half of the time.
func reader(w *world, c tokens.Challenge) (takes, cpu time.Duration, right, tries bool) {
	if c.Kind == tokens.Picture {
		return 10 * time.Millisecond, 10 * time.Millisecond, w.Float64() < 0.5, true
	}
	return worker(w, c)
}
