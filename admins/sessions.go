package admins

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"time"
	"unicode"
)

// Session is a browser that has signed in.
type Session struct {
	ID         int64
	Admin      int64
	Hash       [sha256.Size]byte // of the cookie
	Credential string            // password, passkey, password and passkey, oidc
	Address    string            // from which it signed in
	Browser    string            // its User-Agent
	CreatedAt  time.Time
	SeenAt     time.Time // to the minute
}

// When a session ends.
const (
	SessionLifetime = 12 * time.Hour
	SessionIdle     = 30 * time.Minute
)

// maxBrowser is how many bytes of a User-Agent are stored.
const maxBrowser = 200

// IsOver reports whether a session has ended. A clock that went back ends none.
func (s Session) IsOver(now time.Time) bool {
	return now.Sub(s.CreatedAt) >= SessionLifetime || now.Sub(s.SeenAt) >= SessionIdle
}

// SessionStore stores sessions.
type SessionStore interface {
	// AddSession adds a session and returns it with its id. It removes sessions of the same account,
	// the oldest first, until there are most, and all sessions that isOver.
	AddSession(ctx context.Context, s Session, most int, isOver func(Session) bool) (Session, error)
	// Sessions returns the sessions of an account, the newest first.
	Sessions(ctx context.Context, admin int64) ([]Session, error)
	// FindSession returns a session and its account, or [ErrNotFound].
	FindSession(ctx context.Context, hash [sha256.Size]byte) (Session, Admin, error)
	// SeeSession stores when a session was last seen.
	SeeSession(ctx context.Context, id int64, at time.Time) error
	// RemoveSession removes a session of an account, or returns [ErrNotFound].
	RemoveSession(ctx context.Context, admin, id int64) error
	// RemoveSessions removes all sessions of an account but one; 0: all.
	RemoveSessions(ctx context.Context, admin, but int64) error
}

// SignIn starts a session and returns its cookie. It also stores when the account signed in.
func (d *Directory) SignIn(ctx context.Context, a Admin, credential, address, browser string, now time.Time) (s Session, cookie string, err error) {
	cookie, now = random(), inMillis(now)
	s, err = d.store.AddSession(ctx, Session{Admin: a.Number, Hash: d.hash("session", cookie), Credential: credential, Address: address,
		Browser: shortened(browser), CreatedAt: now, SeenAt: now}, MaxSessions, func(s Session) bool { return s.IsOver(now) })
	if err != nil {
		return s, "", err
	}
	_, err = d.store.UpdateAdmin(ctx, a.Number, func(a *Admin, _ int) error {
		a.LastSignIn = now
		return nil
	})
	return s, cookie, err
}

// shortened returns a User-Agent as it is stored: short, and without what can't be seen.
func shortened(browser string) string {
	browser = strings.ToValidUTF8(browser[:min(len(browser), maxBrowser)], "")
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, browser)
}

// CheckSession returns a session that has not ended, and its account, or [ErrNotFound]. isUse says
// that a person makes the request: others, such as live updates, don't keep the session alive.
func (d *Directory) CheckSession(ctx context.Context, cookie string, now time.Time, isUse bool) (Session, Admin, error) {
	if len(cookie) != 43 {
		return Session{}, Admin{}, ErrNotFound
	}
	s, a, err := d.store.FindSession(ctx, d.hash("session", cookie))
	if err != nil {
		return Session{}, Admin{}, err
	}
	if s.IsOver(now) {
		if err := d.store.RemoveSession(ctx, s.Admin, s.ID); err != nil && !errors.Is(err, ErrNotFound) {
			return Session{}, Admin{}, err
		}
		return Session{}, Admin{}, ErrNotFound
	}
	if isUse && now.Sub(s.SeenAt) >= seenEvery {
		if err := d.store.SeeSession(ctx, s.ID, inMillis(now)); err != nil {
			return Session{}, Admin{}, err
		}
	}
	return s, a, nil
}

// Sessions returns the sessions of an account that have not ended, the newest first.
func (d *Directory) Sessions(ctx context.Context, admin int64, now time.Time) (live []Session, err error) {
	all, err := d.store.Sessions(ctx, admin)
	for _, s := range all {
		if !s.IsOver(now) {
			live = append(live, s)
		}
	}
	return live, err
}

// EndSession ends a session of an account, or returns [ErrNotFound].
func (d *Directory) EndSession(ctx context.Context, admin, id int64) error {
	return d.store.RemoveSession(ctx, admin, id)
}

// EndSessions ends all sessions of an account but one; 0: all.
func (d *Directory) EndSessions(ctx context.Context, admin, but int64) error {
	return d.store.RemoveSessions(ctx, admin, but)
}
