package simulate

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"stile.example/stile/tokens"
)

// person is someone who visits a tenant's pages a few times a day, and does
// there what people do.
type person struct {
	visitor
	habit
	due   []time.Duration // when the next visits begin
	left  int             // pages to see in this visit
	todo  []step          // what the page that is open still asks for
	moves time.Duration   // when the phone gets another address
}

// step is a request that a page makes, after a pause.
type step struct {
	request
	after time.Duration
}

// habit is how a group of people lives.
type habit struct {
	more  float64                   // visits a day, beside the one that they come for
	hours [24]float64               // when they come: weights of the hours
	pages float64                   // seen in a visit, in the mean
	pause float64                   // seconds between two keys
	roams time.Duration             // how long a phone keeps its address, in the mean; 0: for good
	where func(w *world) netip.Addr // an address for the phone that moves
	at    time.Duration             // everybody comes within a minute of that time; 0: by the hours
}

// Shapes from the literature. The numbers are ours, rounded towards people who
// ask for more.
const (
	// Pages in a visit follow an inverse Gaussian (Huberman, Pirolli, Pitkow,
	// Lukose: Strong Regularities in World Wide Web Surfing, Science 280, 1998).
	pagesShape = 8
	// The time on a page follows a Weibull with a shape below 1: who has stayed
	// stays (Liu, White, Dumais: Understanding Web Browsing Behaviors through
	// Weibull Analysis of Dwell Time, SIGIR 2010).
	dwellShape, dwellScale = 0.8, 45 // seconds
	// A search is 2 to 3 words (Jansen, Spink: How Are We Searching the World
	// Wide Web?, 2006), and most look at the first page of its results only.
	queryKeys, nextPage = 14, 0.25
	// People type 52 words a minute at a keyboard (Dhakal, Feit, Kristensson,
	// Oulasvirta: Observations on Typing from 136 Million Keystrokes, 2018), and
	// 36 on a phone (Palin and others: How Do People Type on Mobile Devices?, 2019).
	keyboardKey, phoneKey = 0.24, 0.33 // seconds
	// Some open what they found in a tab of its own, which has a token of its own.
	newTab = 0.15
)

func (p *person) act(w *world, now time.Duration) time.Duration {
	if p.due == nil {
		p.plan(w)
		return p.leave(w)
	}
	p.roam(w, now)
	if len(p.todo) == 0 {
		p.open(w)
	}
	f, next := p.ask(w, now, p.todo[0].request)
	if f == working {
		return next
	}
	if f != answered {
		return p.leave(w) // disappointed
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

// plan draws the times of all visits: one a day at least, since who does not
// come is not counted among the people of the day.
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

// leave ends a visit; the next one begins in a tab of its own.
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

// open draws what the next page asks for.
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
	default: // an item, and those like it
		if w.Float64() < newTab {
			p.drop(w)
		}
		p.todo = append(p.todo, step{request{route: tokens.Item, records: 1}, 0},
			step{request{route: tokens.Related, records: 6}, seconds(0.1)})
	}
}

// newTitles is how many of the suggestions after the n-th key (from 0) were not
// shown after the keys before it. One key shows none. The first titles that
// begin with two letters are mostly others than those that begin with three; the
// more is typed, the fewer are left. A second word begins after seven keys. The
// numbers are ours.
func newTitles(key int) uint32 {
	shown := [...]uint32{0, 8, 8, 6, 4, 2, 1, 0, 2, 1}
	if key >= len(shown) {
		return 0
	}
	return shown[key]
}

// roam gives a phone another address, and its token is then used from outside
// its binding.
func (p *person) roam(w *world, now time.Duration) {
	if p.roams == 0 || now < p.moves {
		return
	}
	p.from, p.moves = p.where(w), now+seconds(p.roams.Seconds()*w.ExpFloat64())
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// human solves all work, and nine pictures of ten at the first try.
func human(w *world, c tokens.Challenge) (takes, cpu time.Duration, right, tries bool) {
	if c.Kind == tokens.Picture {
		return seconds(10 * w.logNormal(0.4)), 0, w.Float64() < 0.9, true
	}
	// From a fast computer, a sixth of a slow phone's time, to a slow phone.
	takes = time.Duration(float64(w.Work[c.Level]) * (1 + 5*w.Float64()) / 6)
	return takes, takes, true, true
}
