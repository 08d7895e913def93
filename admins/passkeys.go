package admins

import (
	"context"
	"time"
)

// Passkey is a WebAuthn credential of an account.
type Passkey struct {
	ID         int64
	Admin      int64
	Name       string
	Host       string // where it can be used: WebAuthn's RP ID
	Credential []byte // WebAuthn's id of it
	Record     []byte // JSON of the library, with the public key and the counter
	CreatedAt  time.Time
	LastUsed   time.Time // zero: never
}

// PasskeyStore stores passkeys.
type PasskeyStore interface {
	// AddPasskey adds a passkey and returns it with its id. It returns [ErrTooMany] if its owner has
	// most, and [ErrExists] if the credential is stored already.
	AddPasskey(ctx context.Context, p Passkey, most int) (Passkey, error)
	// Passkeys returns the passkeys of an account, the oldest first.
	Passkeys(ctx context.Context, admin int64) ([]Passkey, error)
	// UsePasskey stores the record of a passkey, and when it was used.
	UsePasskey(ctx context.Context, id int64, record []byte, at time.Time) error
	// RemovePasskey removes a passkey of an account, or returns [ErrNotFound].
	RemovePasskey(ctx context.Context, admin, id int64) error
	// RemovePasskeys removes all passkeys of an account.
	RemovePasskeys(ctx context.Context, admin int64) error
}

// AddPasskey adds a passkey to its account. An account of an issuer is [ErrIssuer]: it signs in
// there, where its role comes from and can be taken away.
func (d *Directory) AddPasskey(ctx context.Context, p Passkey, now time.Time) (Passkey, error) {
	if err := CheckLabel(p.Name); err != nil {
		return p, err
	}
	a, err := d.store.FindAdmin(ctx, Lookup{Number: p.Admin})
	if err != nil {
		return p, err
	}
	if a.Issuer != "" {
		return p, ErrIssuer
	}
	p.CreatedAt = inMillis(now)
	return d.store.AddPasskey(ctx, p, MaxPasskeys)
}

// Passkeys returns the passkeys of an account, the oldest first.
func (d *Directory) Passkeys(ctx context.Context, admin int64) ([]Passkey, error) {
	return d.store.Passkeys(ctx, admin)
}

// UsePasskey stores what a use changed in a passkey's record.
func (d *Directory) UsePasskey(ctx context.Context, id int64, record []byte, now time.Time) error {
	return d.store.UsePasskey(ctx, id, record, inMillis(now))
}

// RemovePasskey removes a passkey of an account, or returns [ErrNotFound].
func (d *Directory) RemovePasskey(ctx context.Context, admin, id int64) error {
	return d.store.RemovePasskey(ctx, admin, id)
}

// RemovePasskeys removes all passkeys of an account.
func (d *Directory) RemovePasskeys(ctx context.Context, admin int64) error {
	return d.store.RemovePasskeys(ctx, admin)
}
