package signin

import (
	"crypto/sha256"
	"net/netip"
	"strings"
	"sync"
	"time"

	"stile.example/stile/recent"
)

// throttle limits the guesses of passwords. Each guess takes one from three budgets:
//
//   - that of the name at the address: the tenth guess and the following ones wait a minute each;
//   - that of the address, for all names: the same;
//   - that of the name, for all addresses: when it is used up, an address has three guesses of the
//     name instead of nine.
//
// A sign-in that succeeds gives back what it took. The third budget refuses nobody by itself, so an
// attacker can't keep a person out who comes from another address. A session needs no guess.
type throttle struct {
	mu      sync.Mutex
	budgets recent.Map[[sha256.Size]byte, budget]
}

// budget is what is left of the guesses, at a time.
type budget struct {
	left float64
	at   time.Time
}

const (
	guesses       = 9 // the tenth is slowed
	fewGuesses    = 3 // of a name that many addresses guess at
	nameGuesses   = 100
	guessEvery    = time.Minute
	nameEvery     = 36 * time.Second // 100 an hour
	maxBudgets    = 50_000           // about 5 MB
	maxThrottleIn = time.Hour
)

func newThrottle() *throttle {
	return &throttle{budgets: recent.New[[sha256.Size]byte, budget](maxBudgets)}
}

// attempt is a guess that was taken from the budgets.
type attempt struct {
	t              *throttle
	pair, by, name [sha256.Size]byte
}

// take takes a guess. If there is none left, it takes nothing and returns how long to wait.
func (t *throttle) take(name string, from netip.Addr, now time.Time) (a attempt, wait time.Duration) {
	name = strings.ToLower(name)
	a = attempt{t, key("pair", name, from.String()), key("address", "", from.String()), key("name", name, "")}
	t.mu.Lock()
	defer t.mu.Unlock()
	byName := t.now(a.name, nameGuesses, nameEvery, now)
	spent := 0.0 // of the pair's guesses, if the name has few
	if byName.left < 1 {
		spent = guesses - fewGuesses
	}
	pair, by := t.now(a.pair, guesses, guessEvery, now), t.now(a.by, guesses, guessEvery, now)
	if lacks := max(1-(pair.left-spent), 1-by.left); lacks > 0 {
		return a, min(time.Duration(lacks*float64(guessEvery)), maxThrottleIn)
	}
	pair.left, by.left, byName.left = pair.left-1, by.left-1, max(byName.left-1, 0)
	t.budgets.Put(a.pair, pair)
	t.budgets.Put(a.by, by)
	t.budgets.Put(a.name, byName)
	return a, 0
}

// now returns what a budget is at a time. A clock that goes back adds nothing.
func (t *throttle) now(key [sha256.Size]byte, most float64, every time.Duration, now time.Time) budget {
	b, known := t.budgets.Use(key)
	if !known {
		return budget{most, now}
	}
	if passed := now.Sub(b.at); passed > 0 {
		b.left, b.at = min(most, b.left+float64(passed)/float64(every)), now
	}
	return b
}

// giveBack returns a guess that was right. The name's guesses from the address start again.
func (a attempt) giveBack() {
	a.undo()
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	a.t.budgets.Delete(a.pair)
}

// undo returns a guess that was not checked.
func (a attempt) undo() {
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	for key, most := range map[[sha256.Size]byte]float64{a.pair: guesses, a.by: guesses, a.name: nameGuesses} {
		if b, known := a.t.budgets.Get(key); known {
			b.left = min(most, b.left+1)
			a.t.budgets.Put(key, b)
		}
	}
}

func key(kind, name, address string) [sha256.Size]byte {
	return sha256.Sum256([]byte(kind + "\x00" + name + "\x00" + address))
}
