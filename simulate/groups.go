package simulate

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// kind is a group of people, or of scrapers.
type kind struct {
	name     string
	what     string
	scrapers bool
	make     func(w *world) []agent
}

var (
	atHome    = [24]float64{2, 1, 1, 1, 1, 1, 2, 4, 5, 5, 5, 5, 6, 6, 5, 5, 6, 7, 9, 11, 12, 11, 8, 4}
	atWork    = [24]float64{7: 2, 8: 8, 9: 12, 10: 12, 11: 11, 12: 6, 13: 9, 14: 11, 15: 10, 16: 8, 17: 4, 18: 1}
	onTheMove = [24]float64{1, 1, 1, 1, 1, 2, 5, 10, 9, 6, 5, 5, 8, 7, 5, 5, 7, 10, 10, 8, 7, 6, 4, 2}
)

// kinds are all groups. Their people come to the pages of one tenant, but for
// those of the office.
func kinds() []kind {
	return []kind{
		{"home", "5,000 people at home, 1 to 4 behind an address", false, home},
		{"office", "5,000 people behind one address, in working hours, on the pages of three tenants", false, func(w *world) []agent {
			return ofTenants(3, people(w, 5000, habit{more: 0.6, hours: atWork, pages: 7, pause: keyboardKey}, sameAddress))
		}},
		{"phones", "2,000 phones that change their address every 20 minutes, within 64 that they share", false, phones},
		{"class", "30 pupils behind one address who begin within a minute", false, func(w *world) []agent {
			return people(w, 30, habit{at: 10 * time.Hour, pages: 20, pause: keyboardKey}, sameAddress)
		}},
		{"one", "a scraper with one address that stays under the spike and solves nothing", true, scrapers(1, trade{pace: second, page: 2 * second, patient: true, solves: idle})},
		{"fifty", "the same with 50 addresses, which share the corpus out", true, scrapers(50, trade{pace: second, page: 2 * second, patient: true, solves: idle})},
		{"five-hundred", "the same with 500 addresses", true, scrapers(500, trade{pace: second, page: 2 * second, patient: true, solves: idle})},
		{"tokens", "one address; ignores challenges and takes a new token every 10 s instead", true, scrapers(1, trade{pace: second, page: 10 * second, solves: idle})},
		{"work", "one address; solves work on one core, a new token for every 2 calls", true, scrapers(1, trade{pace: second, page: 2 * second, hop: 2, solves: worker})},
		{"pictures", "one address; solves work, and half of the pictures; 5 calls a second", true, scrapers(1, trade{pace: second / 5, page: 2 * second, solves: reader})},
		{"titles", "one address; takes titles from suggestions, solves nothing", true, scrapers(1, trade{pace: second / 2, page: 2 * second, patient: true, solves: idle, suggests: true})},
		{"network", "a scraper with a /48, which uses each token in another /64; solves nothing", true, scrapers(1, trade{pace: second, page: 2 * second, hop: 8, patient: true, solves: idle, where: subnet})},
		{"hostile", "400 people at home; pages of a hostile tenant bind 45 of its tokens an hour there", false, bystanders(400, 2)},
		{"weapon", "the same, with tokens of the tenant that they visit, in browsers that hide what loads them", false, bystanders(400, 1)},
		{"proofs", "64 addresses, each with one key and one token after another, that make as many proofs as they can", true, flooders(64)},
	}
}

const second = time.Second

// choose finds groups by their names; none are all.
func choose(names []string) (found []kind, err error) {
	all := kinds()
	if len(names) == 0 {
		return all, nil
	}
	for _, name := range names {
		n := slices.IndexFunc(all, func(k kind) bool { return k.name == name })
		if n < 0 {
			return nil, fmt.Errorf("no group is named %q, only %s", name, strings.Join(Groups(), ", "))
		}
		found = append(found, all[n])
	}
	return found, nil
}

// Groups are the names of all groups.
func Groups() (names []string) {
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

func sameAddress(int) netip.Addr { return address(1) }

// ofTenants lets people visit the pages of n tenants in turn.
func ofTenants(n int, all []agent) []agent {
	for i, a := range all {
		a.(*person).tenant = uint32(1 + i%n)
	}
	return all
}

// people are n persons of a habit, where n is all of them.
func people(w *world, n int, h habit, at func(n int) netip.Addr) (all []agent) {
	for n := range max(n*w.Scale/100, min(n, 60)) {
		all = append(all, &person{visitor: visitor{who: n, from: at(n), solver: human}, habit: h})
	}
	return all
}

func home(w *world) []agent {
	var addresses []netip.Addr
	for house := 0; len(addresses) < 5000; house++ {
		for range 1 + w.IntN(4) {
			addresses = append(addresses, address(house))
		}
	}
	return people(w, 5000, habit{more: 0.5, hours: atHome, pages: 8, pause: keyboardKey}, func(n int) netip.Addr { return addresses[n] })
}

func phones(w *world) []agent {
	cell := func(w *world) netip.Addr { return address(1000 + w.IntN(64)) }
	return people(w, 2000, habit{more: 1, hours: onTheMove, pages: 6, pause: phoneKey, roams: 20 * time.Minute, where: cell},
		func(n int) netip.Addr { return address(n) })
}

// scrapers are n of a trade, each with an address of its own, who never fetch
// what another has.
func scrapers(n int, t trade) func(*world) []agent {
	return func(*world) (all []agent) {
		goal := new(int)
		for n := range n {
			all = append(all, &scraper{visitor: visitor{who: n, from: address(n), solver: t.solves}, trade: t, goal: goal})
		}
		return all
	}
}
