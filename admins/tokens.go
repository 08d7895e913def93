package admins

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Token is an admin token: what a program authenticates with at the admin API.
type Token struct {
	ID        int64
	Admin     int64 // the number of its owner
	Name      string
	Role      Role // at most its owner's, at any time
	Hash      [sha256.Size]byte
	LastFour  string // its last characters, to recognise it
	CreatedAt time.Time
	ExpiresAt time.Time
	LastUsed  time.Time // to the minute; zero: never
}

// TokenPrefix begins each admin token, so that it is recognised where it should not be.
const TokenPrefix = "stile_adm_"

// The lifetimes of an admin token.
const (
	DefaultTokenLifetime = 90 * 24 * time.Hour
	MaxTokenLifetime     = 366 * 24 * time.Hour
)

// seenEvery is how exactly the last use of a token or session is stored. It limits the writes.
const seenEvery = time.Minute

// TokenStore stores admin tokens.
type TokenStore interface {
	// AddToken adds a token and returns it with its id, or [ErrTooMany] if its owner has most.
	AddToken(ctx context.Context, t Token, most int) (Token, error)
	// Tokens returns the tokens of an account, the newest first.
	Tokens(ctx context.Context, admin int64) ([]Token, error)
	// FindToken returns a token and its owner, or [ErrNotFound].
	FindToken(ctx context.Context, hash [sha256.Size]byte) (Token, Admin, error)
	// UseToken stores when a token was used.
	UseToken(ctx context.Context, id int64, at time.Time) error
	// RemoveToken removes a token of an account, or returns [ErrNotFound].
	RemoveToken(ctx context.Context, admin, id int64) error
	// RemoveTokens removes all tokens of an account.
	RemoveTokens(ctx context.Context, admin int64) error
}

// AddToken adds a token and returns it in plain; it can't be shown again. role is lowered to its
// owner's.
func (d *Directory) AddToken(ctx context.Context, owner Admin, name string, role Role, lifetime time.Duration, now time.Time) (t Token, plain string, err error) {
	if err := CheckToken(name, lifetime); err != nil {
		return t, "", err
	}
	plain = TokenPrefix + random()
	t, err = d.store.AddToken(ctx, Token{Admin: owner.Number, Name: name, Role: role.AtMost(owner.Role), Hash: d.hash("token", plain),
		LastFour: plain[len(plain)-4:], CreatedAt: inMillis(now), ExpiresAt: inMillis(now.Add(lifetime))}, MaxTokens)
	return t, plain, err
}

// CheckToken returns an error unless a token may have a name and a lifetime.
func CheckToken(name string, lifetime time.Duration) error {
	if err := CheckLabel(name); err != nil {
		return err
	}
	if lifetime < time.Minute || lifetime > MaxTokenLifetime {
		return invalid("for: must be from 1m to %dd", MaxTokenLifetime/(24*time.Hour))
	}
	return nil
}

// random returns 256 random bits as text.
func random() string {
	b := make([]byte, 32)
	rand.Read(b) // can't fail: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// CheckLabel returns an error unless a text can name a token or a passkey.
func CheckLabel(name string) error {
	visible := strings.TrimFunc(name, unicode.IsSpace) == name && !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) })
	if n := utf8.RuneCountInString(name); n < 1 || n > MaxName || !utf8.ValidString(name) || !visible {
		return invalid("name %q: must have 1 to %d visible characters, and no space at the ends", name, MaxName)
	}
	return nil
}

// Tokens returns the tokens of an account, the newest first, also those that have expired.
func (d *Directory) Tokens(ctx context.Context, admin int64) ([]Token, error) {
	return d.store.Tokens(ctx, admin)
}

// RemoveToken ends a token of an account, or returns [ErrNotFound].
func (d *Directory) RemoveToken(ctx context.Context, admin, id int64) error {
	return d.store.RemoveToken(ctx, admin, id)
}

// CheckToken returns a valid token and its owner, or [ErrNotFound]. The token's role is lowered to
// its owner's.
func (d *Directory) CheckToken(ctx context.Context, plain string, now time.Time) (Token, Admin, error) {
	if !strings.HasPrefix(plain, TokenPrefix) || len(plain) != len(TokenPrefix)+43 {
		return Token{}, Admin{}, ErrNotFound
	}
	t, a, err := d.store.FindToken(ctx, d.hash("token", plain))
	if err != nil {
		return Token{}, Admin{}, err
	}
	if !now.Before(t.ExpiresAt) {
		return Token{}, Admin{}, ErrNotFound
	}
	t.Role = t.Role.AtMost(a.Role)
	if now.Sub(t.LastUsed) >= seenEvery {
		if err := d.store.UseToken(ctx, t.ID, inMillis(now)); err != nil && !errors.Is(err, ErrNotFound) {
			return Token{}, Admin{}, err
		}
	}
	return t, a, nil
}

// RemoveTokens removes all tokens of an account.
func (d *Directory) RemoveTokens(ctx context.Context, admin int64) error {
	return d.store.RemoveTokens(ctx, admin)
}
