package issuers

import (
	"net/netip"
	"time"

	"stile.example/stile/recent"
	"stile.example/stile/tokens/bearer"
)

// Bounds of introspection requests for tokens that were never found active. An invented token costs
// its sender nothing. So inactive tokens are counted by source address, and also by /48 for IPv6,
// where many addresses are cheap.
const (
	ofAddress = 5           // inactive tokens in a window, after which the address gets no requests
	ofNetwork = 20          // the same for a /48
	ofClient  = 300         // the same for a tenant's server, which forwards its visitors' tokens
	window    = time.Minute // from the first inactive token
	kept      = maxAsking / 2

	// Requests a second by all suspects together, and by all other sources. Requests for tokens
	// that are active do not count.
	suspectRate, suspectBurst = 5, 10
	othersRate, othersBurst   = 100, 200

	// maxMissed bounds the counts in memory: 10 MB. Half of it is more than the rates above can
	// add in one window, a /48 included, so no count is dropped before its window ends.
	maxMissed = 1 << 15
)

// payer is what a request is counted for: a client by name, or an address or network.
type payer struct {
	client string
	prefix netip.Prefix
}

func payerOf(s bearer.Source) payer {
	if s.Client != "" {
		return payer{client: s.Client}
	}
	return payer{prefix: netip.PrefixFrom(s.Address, s.Address.BitLen())}
}

// networkOf returns the /48 of an IPv6 address, else the payer itself.
func networkOf(s bearer.Source) payer {
	if s.Client != "" || !s.Address.Is6() {
		return payerOf(s)
	}
	p, _ := s.Address.Prefix(48) // 48 is valid for IPv6
	return payer{prefix: p}
}

// budget decides which sources get introspection requests. An address is a suspect if one of its
// tokens was inactive in the last window, or five tokens of its /48. While the issuer's endpoint
// fails, every source is a suspect, so few requests reach the endpoint. The methods are not safe
// for concurrent use.
type budget struct {
	counts   recent.Map[payer, missed]
	suspects bucket
	others   bucket
	failing  bool // the last request had no usable response
}

func newBudget() budget {
	return budget{
		counts:   recent.New[payer, missed](maxMissed),
		suspects: bucket{rate: suspectRate, most: suspectBurst}, others: bucket{rate: othersRate, most: othersBurst},
	}
}

// missed counts the inactive tokens of a payer.
type missed struct {
	since, last time.Time
	n           int
}

// left returns how many more inactive tokens the source may have now, and reports whether it is a
// suspect.
func (b *budget) left(from bearer.Source, now time.Time) (n int, suspect bool) {
	own := b.missed(payerOf(from), now)
	if from.Client != "" {
		return max(ofClient-own.within(now), 0), b.failing
	}
	n, suspect = ofAddress-own.within(now), b.failing || own.n > 0 && now.Sub(own.last) < window
	if from.Address.Is6() {
		network := b.missed(networkOf(from), now).within(now)
		n, suspect = min(n, ofNetwork-network), suspect || network >= ofAddress
	}
	return max(n, 0), suspect
}

// rest returns the time until a source without inactive tokens left has some again.
func (b *budget) rest(from bearer.Source, now time.Time) time.Duration {
	until := b.missed(payerOf(from), now).since
	if network := b.missed(networkOf(from), now); network.within(now) >= ofNetwork && network.since.After(until) {
		until = network.since
	}
	return until.Add(window).Sub(now)
}

// within returns the count, or 0 if its window is over.
func (m missed) within(now time.Time) int {
	if now.Sub(m.since) >= window {
		return 0
	}
	return m.n
}

// take takes a request from its bucket, and reports whether there was one.
func (b *budget) take(suspect bool, now time.Time) bool { return b.bucket(suspect).take(now) }

func (b *budget) bucket(suspect bool) *bucket {
	if suspect {
		return &b.suspects
	}
	return &b.others
}

// miss counts an inactive token.
func (b *budget) miss(from bearer.Source, now time.Time) {
	b.count(payerOf(from), now)
	if network := networkOf(from); network != payerOf(from) {
		b.count(network, now)
	}
}

func (b *budget) count(who payer, now time.Time) {
	m := b.missed(who, now)
	if m.within(now) == 0 {
		m.since, m.n = now, 0
	}
	m.n, m.last = m.n+1, now
	b.counts.Put(who, m)
}

// missed returns the count of a payer. A count in the future is from before the clock was set back,
// and is ignored.
func (b *budget) missed(who payer, now time.Time) missed {
	m, _ := b.counts.Get(who)
	if m.last.Sub(now) > window {
		return missed{}
	}
	return m
}

// bucket is a token bucket. With a zero at, it is full.
type bucket struct {
	rate, most float64 // per second; maximum
	left       float64
	at         time.Time
}

func (b *bucket) take(now time.Time) bool { return b.takeAbove(0, now) }

// takeAbove takes one if at least kept remain.
func (b *bucket) takeAbove(kept float64, now time.Time) bool {
	b.fill(now)
	if b.left < 1+kept-rounding {
		return false
	}
	b.left--
	return true
}

// rounding is more than the rounding errors of what flows in.
const rounding = 1e-6

// wait returns the time until there is one.
func (b *bucket) wait(now time.Time) time.Duration {
	b.fill(now)
	return time.Duration(max(1-b.left, 0) / b.rate * float64(time.Second))
}

func (b *bucket) fill(now time.Time) {
	if past := now.Sub(b.at); past > 0 {
		b.left, b.at = min(b.most, b.left+past.Seconds()*b.rate), now
	} else if past < -time.Second { // the clock was set back
		b.at = now
	}
}

func (b *bucket) give() { b.left = min(b.most, b.left+1) }
