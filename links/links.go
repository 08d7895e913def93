// Package links has the links that the publisher gives to a tenant's developers, so that they see
// their own tenant: usage, findings, refusals, a token to try out.
//
// A link contains 256 random bits, and only a keyed hash of them is stored. A link has a name, ends
// after at most 30 days, and can be removed. It opens a session for a few hours, which ends with
// the link: [Book.Open] and [Book.Resume]. It gives access to one tenant only. Package
// operations ensures that.
package links

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Errors about links.
var (
	ErrNotFound = errors.New("no such link") // or it has ended
	ErrTooMany  = errors.New("the tenant has too many links")
	ErrInput    = errors.New("invalid name or duration")
)

// Bounds of a tenant's links.
const (
	DefaultLife = 7 * 24 * time.Hour
	MaxLife     = 30 * 24 * time.Hour
	MaxLinks    = 20 // of a tenant
	maxName     = 64 // bytes
)

// SessionLife is how long a session lasts, unless its link ends before.
const SessionLife = 12 * time.Hour

// Prefix makes the secret part of a link recognisable where it should not be.
const Prefix = "stile_dev_"

// keepEnded is how long a link is listed after its end.
const keepEnded = 7 * 24 * time.Hour

// usedEvery is how exactly the last use is known.
const usedEvery = time.Minute

// Link is a link, without what opens it.
type Link struct {
	ID        string // names it for operators
	Tenant    uint32 // number
	Name      string // of those who have it
	By        string // who made it
	CreatedAt time.Time
	Expires   time.Time
	LastUsed  time.Time // zero: never
	Hash      [sha256.Size]byte
}

// Store stores links. Implementations must be safe for concurrent use.
type Store interface {
	// AddLink adds a link, unless its tenant has most links that expire after l.CreatedAt already:
	// [ErrTooMany].
	AddLink(ctx context.Context, l Link, most int) error
	// Links returns the links of a tenant, the oldest first.
	Links(ctx context.Context, tenant uint32) ([]Link, error)
	// LinkOfHash and LinkOfID return a link, or [ErrNotFound].
	LinkOfHash(ctx context.Context, hash [sha256.Size]byte) (Link, error)
	LinkOfID(ctx context.Context, id string) (Link, error)
	// UseLink sets a link's last use.
	UseLink(ctx context.Context, id string, at time.Time) error
	// RemoveLink removes a link of a tenant, or returns [ErrNotFound].
	RemoveLink(ctx context.Context, tenant uint32, id string) error
	// PruneLinks removes the links that expired before a time.
	PruneLinks(ctx context.Context, before time.Time) error
}

// Book has the links in a store.
type Book struct {
	store            Store
	hashKey, sealKey []byte
}

// NewBook returns a Book. secretKey is the server's own key.
func NewBook(store Store, secretKey []byte) (*Book, error) {
	b := &Book{store: store}
	for _, k := range []struct {
		key  *[]byte
		info string
	}{{&b.hashKey, "stile: hash of a tenant's link, 1"}, {&b.sealKey, "stile: session of a tenant's link, 1"}} {
		var err error
		if *k.key, err = hkdf.Key(sha256.New, secretKey, nil, k.info, 32); err != nil {
			return nil, fmt.Errorf("derive the keys of links: %w", err)
		}
	}
	return b, nil
}

// input is an [ErrInput] that says what is wrong.
type input string

func (i input) Error() string { return string(i) }

func (i input) Is(target error) bool { return target == ErrInput }

// CheckName returns what is wrong with a link's name.
func CheckName(name string) error {
	if name == "" || len(name) > maxName || strings.TrimSpace(name) != name || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) || r == unicode.ReplacementChar }) {
		return input(fmt.Sprintf("name %.70q: must have 1 to %d printable characters, such as agency", name, maxName))
	}
	return nil
}

// Check returns what is wrong with a link's name, or with how long it lasts.
func Check(name string, life time.Duration) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if life < time.Minute || life > MaxLife {
		return input(fmt.Sprintf("for: must be from 1m to %dd", MaxLife/(24*time.Hour)))
	}
	return nil
}

// Add adds a link of a tenant, and returns it with what opens it, which is not stored.
func (b *Book) Add(ctx context.Context, tenant uint32, name, by string, life time.Duration, now time.Time) (plain string, l Link, err error) {
	if err := Check(name, life); err != nil {
		return "", l, err
	}
	if err := b.store.PruneLinks(ctx, now.Add(-keepEnded)); err != nil {
		return "", l, err
	}
	random := make([]byte, 32+5)
	rand.Read(random) // can't fail: crypto/rand ends the program instead
	plain = Prefix + base64.RawURLEncoding.EncodeToString(random[:32])
	now = now.UTC().Truncate(time.Second)
	l = Link{ID: strings.ToLower(base32.StdEncoding.EncodeToString(random[32:])), Tenant: tenant, Name: name, By: by,
		CreatedAt: now, Expires: now.Add(life), Hash: b.hash(plain)}
	if err := b.store.AddLink(ctx, l, MaxLinks); err != nil {
		return "", Link{}, err
	}
	return plain, l, nil
}

func (b *Book) hash(plain string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, b.hashKey)
	mac.Write([]byte(plain))
	mac.Sum(sum[:0])
	return sum
}

// List returns the links of a tenant, the oldest first.
func (b *Book) List(ctx context.Context, tenant uint32) ([]Link, error) {
	return b.store.Links(ctx, tenant)
}

// Remove removes a link of a tenant, and so ends its sessions.
func (b *Book) Remove(ctx context.Context, tenant uint32, id string) error {
	return b.store.RemoveLink(ctx, tenant, id)
}

// Open returns the link that plain opens, and the session of whoever opened it. A wrong plain and
// an ended link are both [ErrNotFound].
func (b *Book) Open(ctx context.Context, plain string, now time.Time) (l Link, session string, until time.Time, err error) {
	if !strings.HasPrefix(plain, Prefix) || len(plain) > 100 {
		return l, "", until, ErrNotFound
	}
	l, err = b.store.LinkOfHash(ctx, b.hash(plain))
	if err == nil {
		err = b.use(ctx, l, now)
	}
	if err != nil {
		return Link{}, "", until, err
	}
	until = now.Add(SessionLife).UTC().Truncate(time.Second)
	if until.After(l.Expires) {
		until = l.Expires
	}
	return l, b.seal(l.ID, until), until, nil
}

// use checks that a link has not ended, and notes its use.
func (b *Book) use(ctx context.Context, l Link, now time.Time) error {
	if !now.Before(l.Expires) {
		return ErrNotFound
	}
	if now.Sub(l.LastUsed) < usedEvery {
		return nil
	}
	return b.store.UseLink(ctx, l.ID, now.UTC().Truncate(time.Second))
}

// seal returns a session: the link's ID and the end, signed with the server's key. Nothing else is
// stored about it.
func (b *Book) seal(id string, until time.Time) string {
	text := binary.BigEndian.AppendUint64(nil, uint64(until.Unix()))
	text = append(text, id...)
	return base64.RawURLEncoding.EncodeToString(append(b.sign(text), text...))
}

func (b *Book) sign(text []byte) []byte {
	mac := hmac.New(sha256.New, b.sealKey)
	mac.Write(text)
	return mac.Sum(nil)
}

// Resume returns the link of a session, or [ErrNotFound] if the session or the link has ended.
func (b *Book) Resume(ctx context.Context, session string, now time.Time) (Link, error) {
	if len(session) > 200 {
		return Link{}, ErrNotFound
	}
	sealed, err := base64.RawURLEncoding.DecodeString(session)
	if err != nil || len(sealed) < sha256.Size+8 {
		return Link{}, ErrNotFound
	}
	signature, text := sealed[:sha256.Size], sealed[sha256.Size:]
	if !hmac.Equal(signature, b.sign(text)) || now.Unix() >= int64(binary.BigEndian.Uint64(text)) {
		return Link{}, ErrNotFound
	}
	l, err := b.store.LinkOfID(ctx, string(text[8:]))
	if err == nil {
		err = b.use(ctx, l, now)
	}
	if err != nil {
		return Link{}, err
	}
	return l, nil
}

// Token returns a value that belongs to a session, for the hidden field of its forms.
func (b *Book) Token(session string) string {
	return base64.RawURLEncoding.EncodeToString(b.sign([]byte("form\x00" + session))[:18])
}
