package simulate

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// group is a group of people, scrapers or attackers.
type group struct {
	name     string
	what     string
	scrapers bool
	make     func(w *world) []agent
}

// Weights of the hours of a day.
var (
	atHome    = [24]float64{2, 1, 1, 1, 1, 1, 2, 4, 5, 5, 5, 5, 6, 6, 5, 5, 6, 7, 9, 11, 12, 11, 8, 4}
	atWork    = [24]float64{7: 2, 8: 8, 9: 12, 10: 12, 11: 11, 12: 6, 13: 9, 14: 11, 15: 10, 16: 8, 17: 4, 18: 1}
	onTheMove = [24]float64{1, 1, 1, 1, 1, 2, 5, 10, 9, 6, 5, 5, 8, 7, 5, 5, 7, 10, 10, 8, 7, 6, 4, 2}
)

// groups returns all groups. The people of a group visit the pages of one tenant, except those of
// the office.
func groups() []group {
	return []group{
		{"home", "5,000 people at home, 1 to 4 behind an address", false, home},
		{"office", "5,000 people behind one address, in working hours, on the pages of three tenants", false, func(w *world) []agent {
			return ofTenants(3, people(w, 5000, habit{more: 0.6, hours: atWork, pages: 7, pause: keyboardKey}, sameAddress))
		}},
		{"phones", "2,000 phones that change their address every 20 minutes, within 64 that they share", false, phones},
		{"class", "30 pupils behind one address who all start within a minute", false, func(w *world) []agent {
			return people(w, 30, habit{at: 10 * time.Hour, pages: 20, pause: keyboardKey}, sameAddress)
		}},
		{"one", "a scraper with one address that stays under the spike and solves nothing", true, scrapers(1, strategy{pace: second, page: 2 * second, patient: true, solves: idle})},
		{"fifty", "the same with 50 addresses, which divide the corpus between them", true, scrapers(50, strategy{pace: second, page: 2 * second, patient: true, solves: idle})},
		{"five-hundred", "the same with 500 addresses", true, scrapers(500, strategy{pace: second, page: 2 * second, patient: true, solves: idle})},
		{"tokens", "one address; ignores challenges and gets a new token every 10 s instead", true, scrapers(1, strategy{pace: second, page: 10 * second, solves: idle})},
		{"work", "one address; solves work on one core, a new token for every 2 calls", true, scrapers(1, strategy{pace: second, page: 2 * second, hop: 2, solves: worker})},
		{"pictures", "one address; solves work, and half of the pictures; 5 calls a second", true, scrapers(1, strategy{pace: second / 5, page: 2 * second, solves: reader})},
		{"titles", "one address; collects titles from suggestions and solves nothing", true, scrapers(1, strategy{pace: second / 2, page: 2 * second, patient: true, solves: idle, suggests: true})},
		{"network", "a scraper with a /48, which uses each token in another /64; solves nothing", true, scrapers(1, strategy{pace: second, page: 2 * second, hop: 8, patient: true, solves: idle, where: subnet})},
		{"hostile", "400 people at home; pages of a hostile tenant bind 45 of its tokens an hour there", false, bystanders(400, 2)},
		{"weapon", "the same with tokens of the tenant that they visit, in browsers without fetch metadata", false, bystanders(400, 1)},
		{"proofs", "64 addresses, each with one key and one token after another, make as many proofs as they can", true, flooders(64)},
	}
}

const second = time.Second

// choose returns the groups with the given names, or all groups without names.
func choose(names []string) (found []group, err error) {
	all := groups()
	if len(names) == 0 {
		return all, nil
	}
	for _, name := range names {
		n := slices.IndexFunc(all, func(k group) bool { return k.name == name })
		if n < 0 {
			return nil, fmt.Errorf("unknown group %q; must be one of %s", name, strings.Join(Groups(), ", "))
		}
		found = append(found, all[n])
	}
	return found, nil
}

// Groups returns the names of all groups.
func Groups() (names []string) {
	for _, k := range groups() {
		names = append(names, k.name)
	}
	return names
}

func sameAddress(int) netip.Addr { return address(1) }

// ofTenants distributes people over the pages of n tenants.
func ofTenants(n int, all []agent) []agent {
	for i, a := range all {
		a.(*person).tenant = uint32(1 + i%n)
	}
	return all
}

// people returns persons with a habit: n at a Scale of 100.
func people(w *world, n int, h habit, at func(n int) netip.Addr) (all []agent) {
	for n := range max(n*w.Scale/100, min(n, 60)) {
		all = append(all, &person{visitor: visitor{who: n, from: at(n), solver: human}, habit: h})
	}
	return all
}

// home returns people at home. 1 to 4 of them share an address.
func home(w *world) []agent {
	var addresses []netip.Addr
	for house := 0; len(addresses) < 5000; house++ {
		for range 1 + w.IntN(4) {
			addresses = append(addresses, address(house))
		}
	}
	return people(w, 5000, habit{more: 0.5, hours: atHome, pages: 8, pause: keyboardKey}, func(n int) netip.Addr { return addresses[n] })
}

// phones returns people with phones, which move between 64 addresses.
func phones(w *world) []agent {
	cell := func(w *world) netip.Addr { return address(1000 + w.IntN(64)) }
	return people(w, 2000, habit{more: 1, hours: onTheMove, pages: 6, pause: phoneKey, roams: 20 * time.Minute, where: cell},
		func(n int) netip.Addr { return address(n) })
}

// scrapers returns n scrapers with a strategy, each with an address of its own. They share the
// work: none fetches an item that another one has.
func scrapers(n int, t strategy) func(*world) []agent {
	return func(*world) (all []agent) {
		goal := new(int)
		for n := range n {
			all = append(all, &scraper{visitor: visitor{who: n, from: address(n), solver: t.solves}, strategy: t, goal: goal})
		}
		return all
	}
}
