package admins

import (
	"context"
	"errors"
	"sync"
	"time"

	"stile.example/stile/recent"
)

// ErrGuesses says that the current password of an account was wrong too often.
var ErrGuesses = errors.New("the current password was wrong too often; wait a minute, and try again")

// guesses counts wrong current passwords, by account: somebody who uses a browser that was left
// signed in must not be able to guess the password there.
type guesses struct {
	mu    sync.Mutex
	spent recent.Map[int64, spent]
}

// newGuesses returns guesses that drop none of an account while there are at most MaxAdmins.
func newGuesses() *guesses {
	return &guesses{spent: recent.New[int64, spent](2 * MaxAdmins)}
}

// spent is how many guesses were made, less one for each guessEvery, at a time.
type spent struct {
	n  float64
	at time.Time
}

const (
	maxGuesses = 9 // the tenth must wait
	guessEvery = time.Minute
)

// now returns what an account has spent at a time. A clock that goes back gives nothing back.
func (g *guesses) now(number int64, now time.Time) spent {
	s, known := g.spent.Get(number)
	if !known {
		return spent{at: now}
	}
	if passed := now.Sub(s.at); passed > 0 {
		s.n, s.at = max(0, s.n-float64(passed)/float64(guessEvery)), now
	}
	return s
}

// take takes a guess, and reports whether there was one.
func (g *guesses) take(number int64, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.now(number, now)
	if s.n+1 > maxGuesses {
		return false
	}
	s.n++
	g.spent.Put(number, s)
	return true
}

func (g *guesses) giveBack(number int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, _ := g.spent.Get(number)
	s.n = max(0, s.n-1)
	g.spent.Put(number, s)
}

// CheckCurrent checks the password of somebody who is signed in. It returns [ErrNotFound] if it is
// wrong, and [ErrGuesses] if it was wrong too often.
func (d *Directory) CheckCurrent(ctx context.Context, a Admin, password string, now time.Time) error {
	if !d.guesses.take(a.Number, now) {
		return ErrGuesses
	}
	_, err := d.CheckPassword(ctx, a.Name, password)
	if !errors.Is(err, ErrNotFound) { // it is right, or was not checked
		d.guesses.giveBack(a.Number)
	}
	return err
}
