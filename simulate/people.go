package simulate

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"stile.example/stile/tokens"
)

// person visits a tenant's pages once or several times a day, searches and reads.
type person struct {
	visitor
	habit
	due   []time.Duration // starts of the next visits
	left  int             // pages left in this visit
	todo  []step          // requests left on the open page
	moves time.Duration   // time of the phone's next address
}

// step is a request that a page makes, after a pause.
type step struct {
	request
	after time.Duration
}

// habit describes the people of a group.
type habit struct {
	more  float64                   // visits a day, on average, in addition to the first
	hours [24]float64               // weights of the hours at which visits start
	pages float64                   // pages in a visit, on average
	pause float64                   // seconds between two keys
	roams time.Duration             // time between address changes, on average; 0: never
	where func(w *world) netip.Addr // returns the next address of a phone
	at    time.Duration             // all visits start within a minute of it; 0: by the hours
}

// The shapes are from the literature. The numbers are our estimates, rounded towards people who
// make more requests.
const (
	// Pages in a visit follow an inverse Gaussian (Huberman, Pirolli, Pitkow,
	// Lukose: Strong Regularities in World Wide Web Surfing, Science 280, 1998).
	pagesShape = 8
	// The time on a page follows a Weibull distribution with a shape below 1: the longer people
	// have stayed, the longer they will stay (Liu, White, Dumais: Understanding Web Browsing
	// Behaviors through Weibull Analysis of Dwell Time, SIGIR 2010).
	dwellShape, dwellScale = 0.8, 45 // seconds
	// A search has 2 to 3 words (Jansen, Spink: How Are We Searching the World Wide Web?, 2006),
	// and most people read the first page of its results only.
	queryKeys, nextPage = 14, 0.25
	// People type 52 words a minute at a keyboard (Dhakal, Feit, Kristensson,
	// Oulasvirta: Observations on Typing from 136 Million Keystrokes, 2018), and
	// 36 on a phone (Palin and others: How Do People Type on Mobile Devices?, 2019).
	keyboardKey, phoneKey = 0.24, 0.33 // seconds
	// Some people open an item in a new tab, which has a token of its own.
	newTab = 0.15
)

// act makes the next request of the visit, or ends the visit.
func (p *person) act(w *world, now time.Duration) time.Duration {
	if p.due == nil {
		p.plan(w)
		return p.leave(w)
	}
	p.roam(w, now)
	if len(p.todo) == 0 {
		p.open(w)
	}
	f, next := p.do(w, now, p.todo[0].request)
	if f == working {
		return next
	}
	if f != admitted {
		return p.leave(w)
	}
	w.browse(now, p.todo[0].records)
	if p.todo = p.todo[1:]; len(p.todo) > 0 {
		return now + p.todo[0].after
	}
	if p.left--; p.left <= 0 {
		return p.leave(w)
	}
	return now + seconds(w.weibull(dwellShape, dwellScale))
}

// plan sets the times of all visits: at least one a day, because people without a visit are not
// part of the day's population.
func (p *person) plan(w *world) {
	p.due = []time.Duration{}
	for day := range w.Days {
		midnight := time.Duration(day) * 24 * time.Hour
		if p.at > 0 {
			p.due = append(p.due, midnight+p.at+seconds(60*w.Float64()))
			continue
		}
		for range 1 + w.poisson(p.more) {
			p.due = append(p.due, midnight+w.hour(&p.hours))
		}
	}
	slices.Sort(p.due)
}

// leave ends a visit. The next one starts in a new tab.
func (p *person) leave(w *world) time.Duration {
	p.drop(w)
	p.todo = nil
	if len(p.due) == 0 {
		return never
	}
	at := p.due[0]
	p.due, p.left = p.due[1:], int(math.Ceil(w.inverseGaussian(p.pages, pagesShape)))
	return at
}

// open sets the requests of the next page.
func (p *person) open(w *world) {
	list := step{request{route: tokens.Items, records: 20}, 0}
	switch x := w.Float64(); {
	case x < 0.35: // a search: suggestions key by key, then results, which may be few
		for key := range 2 + w.IntN(2*queryKeys-4) {
			p.todo = append(p.todo, step{request{suggest: true, titles: newTitles(key)}, seconds(p.pause * w.logNormal(0.4))})
		}
		list.most = 20
		if list.after = seconds(0.5); w.Float64() < 0.4 {
			list.records = uint32(w.IntN(20))
		}
		p.todo = append(p.todo, list)
		if w.Float64() < nextPage {
			list.after = seconds(w.weibull(dwellShape, dwellScale))
			p.todo = append(p.todo, list)
		}
	case x < 0.5: // a list of a collection or tag
		p.todo = append(p.todo, list)
	default: // an item, and related items
		if w.Float64() < newTab {
			p.drop(w)
		}
		p.todo = append(p.todo, step{request{route: tokens.Item, records: 1}, 0},
			step{request{route: tokens.Related, records: 6}, seconds(0.1)})
	}
}

// newTitles returns how many of the suggestions after a key (from 0) were not shown after the keys
// before it. The first key has no suggestions. The suggestions for two letters are mostly different
// from those for three; with each further letter there are fewer. A second word starts after seven
// keys. The numbers are our estimates.
func newTitles(key int) uint32 {
	shown := [...]uint32{0, 8, 8, 6, 4, 2, 1, 0, 2, 1}
	if key >= len(shown) {
		return 0
	}
	return shown[key]
}

// roam gives a phone another address when it is due. Its token is then used from outside its
// binding.
func (p *person) roam(w *world, now time.Duration) {
	if p.roams == 0 || now < p.moves {
		return
	}
	p.from, p.moves = p.where(w), now+seconds(p.roams.Seconds()*w.ExpFloat64())
}

// seconds returns a duration of s seconds.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// human solves all work, and nine of ten pictures at the first try.
func human(w *world, c tokens.Challenge) (takes, cpu time.Duration, correct, tries bool) {
	if c.Kind == tokens.Picture {
		return seconds(10 * w.logNormal(0.4)), 0, w.Float64() < 0.9, true
	}
	// Between a fast computer, with a sixth of a slow phone's time, and a slow phone.
	takes = time.Duration(float64(w.Work[c.Level]) * (1 + 5*w.Float64()) / 6)
	return takes, takes, true, true
}
