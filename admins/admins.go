// Package admins holds the accounts of those who administer the server for the publisher: their
// names and roles, and what they sign in with.
//
// An account has a password, passkeys, or belongs to an issuer of OpenID Connect. Programs use
// admin tokens, which have a role of their own. A browser that has signed in has a session.
// Passwords are stored as argon2id hashes; tokens and sessions are 256 random bits, and stored as
// keyed hashes.
//
// Package console/signin checks what a request sends. This package decides which of it is valid.
package admins

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// The limits of an installation and of an account.
const (
	MaxAdmins   = 1000
	MaxTokens   = 50 // of one admin
	MaxSessions = 20 // of one admin; one more ends the oldest
	MaxPasskeys = 10 // of one admin
	MaxName     = 64 // characters of a name
)

// PasskeyWithin is how long after signing in a passkey can be added: somebody who finds a browser
// that was left signed in must not be able to add one.
const PasskeyWithin = 15 * time.Minute

// What a caller must distinguish.
var (
	ErrNotFound  = errors.New("does not exist")
	ErrExists    = errors.New("exists already")
	ErrLastOwner = errors.New("is the last owner")
	ErrTooMany   = errors.New("there are too many")
)

// InputError is an error in what a person typed.
type InputError struct{ text string }

func (e *InputError) Error() string { return e.text }

func invalid(format string, args ...any) error { return &InputError{fmt.Sprintf(format, args...)} }

// Admin is an account.
type Admin struct {
	Number     int64 // of the store; never used again
	Name       string
	Role       Role
	Password   string // its hash; "" if there is none
	MustChange bool   // the password is one-time
	Handle     []byte // by which a passkey names the account: random
	Issuer     string // of OpenID Connect; "" if the account belongs to this server
	Subject    string // the issuer's name for it
	CreatedAt  time.Time
	LastSignIn time.Time // zero: never
}

// Role is what an admin may do. Each role includes the ones before it.
type Role string

// The roles.
const (
	Viewer   Role = "viewer"   // reads
	Operator Role = "operator" // changes tenants, content, tokens and addresses
	Owner    Role = "owner"    // changes admins and signing keys, and copies all data
)

// ranks has the roles by what they may do, the least first.
var ranks = map[Role]int{Viewer: 1, Operator: 2, Owner: 3}

// Includes reports whether a role may do what another may. A role that is not an admin's includes
// only itself.
func (r Role) Includes(other Role) bool {
	if ranks[other] == 0 {
		return r == other && r != ""
	}
	return ranks[r] >= ranks[other]
}

// AtMost returns the lower one of two roles.
func (r Role) AtMost(other Role) Role {
	if r.Includes(other) {
		return other
	}
	return r
}

// ParseRole checks the name of a role.
func ParseRole(text string) (Role, error) {
	if ranks[Role(text)] == 0 {
		return "", invalid("role %q: must be viewer, operator or owner", text)
	}
	return Role(text), nil
}

// names are those that are easy to type, and that can't be mistaken in a log or a URL.
var names = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$`)

// CheckName returns an error unless a name can be an admin's.
func CheckName(name string) error {
	if !names.MatchString(name) {
		return invalid("name %q: must have 1 to %d letters, digits, and . _ @ + -, and begin with a letter or digit", name, MaxName)
	}
	return nil
}

// Store stores accounts. Names are compared without case. Implementations must be safe for
// concurrent use, and each method is one transaction.
type Store interface {
	// Admins returns all accounts, in the order of their names.
	Admins(ctx context.Context) ([]Admin, error)
	// FindAdmin returns an account, or [ErrNotFound].
	FindAdmin(ctx context.Context, by Lookup) (Admin, error)
	// AddAdmin adds an account and returns it with its number. It returns [ErrExists] if its name,
	// or its issuer and subject, is taken, and [ErrTooMany] if there are most.
	AddAdmin(ctx context.Context, a Admin, most int) (Admin, error)
	// UpdateAdmin stores what fn changes. owners is the number of other accounts that are owners.
	UpdateAdmin(ctx context.Context, number int64, fn func(a *Admin, owners int) error) (Admin, error)
	// RemoveAdmin removes an account, with all that belongs to it, unless check returns an error.
	RemoveAdmin(ctx context.Context, number int64, check func(a Admin, owners int) error) error

	TokenStore
	SessionStore
	PasskeyStore
}

// Lookup is what an account is found by: one of its fields is set, or Issuer and Subject.
type Lookup struct {
	Number          int64
	Name            string
	Handle          []byte
	Issuer, Subject string
}

// Directory decides about the accounts in a store.
type Directory struct {
	store   Store
	key     []byte // of the hashes of tokens and sessions
	hasher  *hasher
	guesses *guesses
}

// NewDirectory returns the accounts in a store. secret is the server's secret key.
func NewDirectory(store Store, secret []byte) (*Directory, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "stile: hashes of admin tokens and sessions, 1", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("make the key of admin tokens: %w", err)
	}
	return &Directory{store, key, newHasher(), newGuesses()}, nil
}

// hash returns the stored form of a token or a session's cookie.
func (d *Directory) hash(kind, plain string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, d.key)
	mac.Write([]byte(kind + "\x00" + plain))
	mac.Sum(sum[:0])
	return sum
}

// List returns all accounts, in the order of their names.
func (d *Directory) List(ctx context.Context) ([]Admin, error) { return d.store.Admins(ctx) }

// Find returns the account of a name, or [ErrNotFound].
func (d *Directory) Find(ctx context.Context, name string) (Admin, error) {
	if CheckName(name) != nil {
		return Admin{}, ErrNotFound
	}
	return d.store.FindAdmin(ctx, Lookup{Name: name})
}

// ByNumber returns the account of a number, or [ErrNotFound].
func (d *Directory) ByNumber(ctx context.Context, number int64) (Admin, error) {
	return d.store.FindAdmin(ctx, Lookup{Number: number})
}

// ByHandle returns the account that a passkey names, or [ErrNotFound].
func (d *Directory) ByHandle(ctx context.Context, handle []byte) (Admin, error) {
	if len(handle) != handleSize {
		return Admin{}, ErrNotFound
	}
	return d.store.FindAdmin(ctx, Lookup{Handle: handle})
}

const handleSize = 32

// Add adds an account, and returns its one-time password.
func (d *Directory) Add(ctx context.Context, name string, role Role, now time.Time) (a Admin, password string, err error) {
	if err := CheckName(name); err != nil {
		return a, "", err
	}
	password = NewPassword()
	hash, err := d.hasher.hash(ctx, password)
	if err != nil {
		return a, "", err
	}
	a, err = d.store.AddAdmin(ctx, Admin{Name: name, Role: role, Password: hash, MustChange: true, Handle: newHandle(), CreatedAt: inMillis(now)}, MaxAdmins)
	return a, password, err
}

func newHandle() []byte {
	b := make([]byte, handleSize)
	rand.Read(b) // can't fail: crypto/rand ends the program instead
	return b
}

// inMillis returns a time as it is stored.
func inMillis(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// FirstOwner adds the owner `owner` if nobody is an owner, and returns its name and one-time
// password; "" if it added nothing. If the name is taken, it takes the next free one.
func (d *Directory) FirstOwner(ctx context.Context, now time.Time) (name, password string, err error) {
	all, err := d.store.Admins(ctx)
	if err != nil {
		return "", "", err
	}
	for _, a := range all {
		if a.Role == Owner {
			return "", "", nil
		}
	}
	for n := 1; ; n++ {
		name = string(Owner)
		if n > 1 {
			name = fmt.Sprintf("%s%d", Owner, n)
		}
		_, password, err = d.Add(ctx, name, Owner, now)
		if !errors.Is(err, ErrExists) {
			return name, password, err
		}
	}
}

// SetRole gives an account another role. The last owner stays one. The role of an account of an
// issuer comes from its claim, so it can't be set.
func (d *Directory) SetRole(ctx context.Context, number int64, role Role) (Admin, error) {
	return d.store.UpdateAdmin(ctx, number, func(a *Admin, owners int) error {
		if a.Issuer != "" {
			return ErrIssuer
		}
		if a.Role == Owner && role != Owner && owners == 0 {
			return ErrLastOwner
		}
		a.Role = role
		return nil
	})
}

// Remove removes an account, unless it is the last owner.
func (d *Directory) Remove(ctx context.Context, number int64) error {
	return d.store.RemoveAdmin(ctx, number, func(a Admin, owners int) error {
		if a.Role == Owner && owners == 0 {
			return ErrLastOwner
		}
		return nil
	})
}

// EndAccess ends the sessions and tokens of a subject of an issuer that gives it no role any more.
// The account stays, in case the issuer gives it a role again.
func (d *Directory) EndAccess(ctx context.Context, issuer, subject string) error {
	a, err := d.store.FindAdmin(ctx, Lookup{Issuer: issuer, Subject: subject})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := d.RemoveTokens(ctx, a.Number); err != nil {
		return err
	}
	return d.store.RemoveSessions(ctx, a.Number, 0)
}

// FromIssuer returns the account of a subject of an issuer, with the role that its claim gives. It
// adds the account at the first sign-in. A name that is another account's is [ErrExists]: an issuer
// must not take over an account.
func (d *Directory) FromIssuer(ctx context.Context, issuer, subject, name string, role Role, now time.Time) (Admin, error) {
	a, err := d.store.FindAdmin(ctx, Lookup{Issuer: issuer, Subject: subject})
	if errors.Is(err, ErrNotFound) {
		if err := CheckName(name); err != nil {
			return a, err
		}
		return d.store.AddAdmin(ctx, Admin{Name: name, Role: role, Handle: newHandle(), Issuer: issuer, Subject: subject, CreatedAt: inMillis(now)}, MaxAdmins)
	}
	if err != nil || a.Role == role {
		return a, err
	}
	return d.store.UpdateAdmin(ctx, a.Number, func(a *Admin, owners int) error {
		if a.Role == Owner && owners == 0 {
			return ErrLastOwner
		}
		a.Role = role
		return nil
	})
}
