package accounts

import (
	"context"
	"errors"
	"strconv"
	"time"

	"stile.example/stile/admins"
	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/settings"
)

// TokenAddition describes a new admin token.
type TokenAddition struct {
	Admin string `json:"admin"`
	Name  string `json:"name"`           // what it is for
	Role  string `json:"role,omitempty"` // at most the admin's; "": the admin's
	For   string `json:"for,omitempty"`  // how long it is valid, such as 90d; "": 90 days
}

// NewToken is an admin token. Token is shown once.
type NewToken struct {
	TokenView
	Token string `json:"token"`
}

// TokenView is what --json prints of an admin token.
type TokenView struct {
	ID        int64       `json:"id"`
	Admin     string      `json:"admin"`
	Name      string      `json:"name"`
	Role      admins.Role `json:"role"`
	LastFour  string      `json:"last_four"`
	CreatedAt time.Time   `json:"created_at"`
	ExpiresAt time.Time   `json:"expires_at"`
	LastUsed  time.Time   `json:"last_used,omitzero"` // to the minute
}

// SessionView is what --json prints of a session.
type SessionView struct {
	ID         int64     `json:"id"`
	Admin      string    `json:"admin"`
	Credential string    `json:"credential"` // with which it signed in
	Address    string    `json:"address"`
	Browser    string    `json:"browser"`
	CreatedAt  time.Time `json:"created_at"`
	SeenAt     time.Time `json:"seen_at"` // to the minute
}

// PasskeyView is what --json prints of a passkey.
type PasskeyView struct {
	ID        int64     `json:"id"`
	Admin     string    `json:"admin"`
	Name      string    `json:"name"`
	Host      string    `json:"host"` // of the console, where it can be used
	CreatedAt time.Time `json:"created_at"`
	LastUsed  time.Time `json:"last_used,omitzero"`
}

// Credential names a token, session or passkey of an account.
type Credential struct {
	Admin string `json:"admin"`
	ID    int64  `json:"id"`
}

// SessionNames names a session of an account, or all of them.
type SessionNames struct {
	Admin string `json:"admin"`
	ID    int64  `json:"id,omitempty"` // 0: all, except Not
	Not   int64  `json:"not,omitempty"`
}

func tokenView(a admins.Admin, t admins.Token) TokenView {
	return TokenView{t.ID, a.Name, t.Name, t.Role.AtMost(a.Role), t.LastFour, t.CreatedAt, t.ExpiresAt, t.LastUsed}
}

// AddToken adds an admin token.
func AddToken(ctx context.Context, d *datadir.Dir, by By, in TokenAddition) (NewToken, error) {
	a, role, lifetime, err := in.check(ctx, d, by)
	if err != nil {
		return NewToken{}, err
	}
	t, plain, err := d.Admins.AddToken(ctx, a, in.Name, role, lifetime, d.Now())
	if errors.Is(err, admins.ErrTooMany) {
		return NewToken{}, errTooManyTokens(a)
	}
	if err != nil {
		return NewToken{}, invalidUnless(err)
	}
	return NewToken{tokenView(a, t), plain}, nil
}

// check returns the account that gets the token, its role, and how long it is valid.
func (in TokenAddition) check(ctx context.Context, d *datadir.Dir, by By) (a admins.Admin, role admins.Role, lifetime time.Duration, err error) {
	if a, err = own(ctx, d, by, in.Admin); err != nil {
		return a, "", 0, err
	}
	role, lifetime = a.Role, admins.DefaultTokenLifetime
	if in.Role != "" {
		if role, err = admins.ParseRole(in.Role); err != nil {
			return a, "", 0, failure.Of(failure.Invalid, err)
		}
	}
	if !a.Role.Includes(role) {
		return a, "", 0, failure.New(failure.Invalid, "role %s: must not be above that of %s, which is %s", role, a.Name, a.Role)
	}
	if in.For != "" {
		if lifetime, err = settings.ParseDuration(in.For); err != nil {
			return a, "", 0, failure.New(failure.Invalid, "for %.20q: must be a duration, such as 24h or 90d", in.For)
		}
	}
	return a, role, lifetime, invalidUnless(admins.CheckToken(in.Name, lifetime))
}

func errTooManyTokens(a admins.Admin) error {
	return failure.New(failure.Conflict, "%s has %d tokens, which is the maximum; remove one first", a.Name, admins.MaxTokens)
}

// invalidUnless says that the input is the cause of an error, unless the error has a kind.
func invalidUnless(err error) error {
	if errors.Is(err, admins.ErrNotFound) {
		return failure.Of(failure.NotFound, err)
	}
	if _, ok := errors.AsType[*admins.InputError](err); ok {
		return failure.Of(failure.Invalid, err)
	}
	return err
}

// ListTokens lists the admin tokens of an account, or of all accounts.
func ListTokens(ctx context.Context, d *datadir.Dir, by By, n Name) ([]TokenView, error) {
	return each(ctx, d, by, n, d.Admins.Tokens, tokenView)
}

// each lists what belongs to an account, or to all accounts for an empty name.
func each[T, V any](ctx context.Context, d *datadir.Dir, by By, n Name, list func(context.Context, int64) ([]T, error), show func(admins.Admin, T) V) ([]V, error) {
	all := []V{}
	some, err := d.Admins.List(ctx)
	if err != nil {
		return nil, err
	}
	if n.Name != "" || !by.Role.Includes(admins.Owner) {
		a, err := own(ctx, d, by, n.Name)
		if err != nil {
			return nil, err
		}
		some = []admins.Admin{a}
	}
	for _, a := range some {
		found, err := list(ctx, a.Number)
		if err != nil {
			return nil, err
		}
		for _, v := range found {
			all = append(all, show(a, v))
		}
	}
	return all, nil
}

// RemoveToken ends an admin token.
func RemoveToken(ctx context.Context, d *datadir.Dir, by By, in Credential) (Removed, error) {
	return remove(ctx, d, by, in, "token", d.Admins.RemoveToken)
}

// remove removes what belongs to an account.
func remove(ctx context.Context, d *datadir.Dir, by By, in Credential, what string, fn func(ctx context.Context, admin, id int64) error) (Removed, error) {
	a, err := own(ctx, d, by, in.Admin)
	if err != nil {
		return Removed{}, err
	}
	name := strconv.FormatInt(in.ID, 10)
	if err := fn(ctx, a.Number, in.ID); errors.Is(err, admins.ErrNotFound) {
		return Removed{}, failure.New(failure.NotFound, "%s has no %s %s; `stile admin %s list %s` lists them", a.Name, what, name, what, a.Name)
	} else if err != nil {
		return Removed{}, err
	}
	return Removed{what + " " + name + " of " + a.Name}, nil
}

// liveSessions returns a function that returns the sessions of an account that have not ended.
func liveSessions(d *datadir.Dir) func(ctx context.Context, admin int64) ([]admins.Session, error) {
	return func(ctx context.Context, admin int64) ([]admins.Session, error) {
		return d.Admins.Sessions(ctx, admin, d.Now())
	}
}

// ListSessions lists the sessions of an account, or of all accounts.
func ListSessions(ctx context.Context, d *datadir.Dir, by By, n Name) ([]SessionView, error) {
	return each(ctx, d, by, n, liveSessions(d), func(a admins.Admin, s admins.Session) SessionView {
		return SessionView{s.ID, a.Name, s.Credential, s.Address, s.Browser, s.CreatedAt, s.SeenAt}
	})
}

// RevokeSessions ends a session of an account, or all of them.
func RevokeSessions(ctx context.Context, d *datadir.Dir, by By, in SessionNames) (Removed, error) {
	if in.ID != 0 {
		return remove(ctx, d, by, Credential{in.Admin, in.ID}, "session", d.Admins.EndSession)
	}
	a, err := own(ctx, d, by, in.Admin)
	if err != nil {
		return Removed{}, err
	}
	return Removed{"sessions of " + a.Name}, d.Admins.EndSessions(ctx, a.Number, in.Not)
}

// ListPasskeys lists the passkeys of an account, or of all accounts.
func ListPasskeys(ctx context.Context, d *datadir.Dir, by By, n Name) ([]PasskeyView, error) {
	return each(ctx, d, by, n, d.Admins.Passkeys, func(a admins.Admin, p admins.Passkey) PasskeyView {
		return PasskeyView{p.ID, a.Name, p.Name, p.Host, p.CreatedAt, p.LastUsed}
	})
}

// RemovePasskey removes a passkey of an account.
func RemovePasskey(ctx context.Context, d *datadir.Dir, by By, in Credential) (Removed, error) {
	return remove(ctx, d, by, in, "passkey", d.Admins.RemovePasskey)
}

// State returns an account as the audit log records it; nil if it does not exist.
func State(ctx context.Context, d *datadir.Dir, name string) (any, error) {
	a, err := d.Admins.Find(ctx, name)
	if errors.Is(err, admins.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	v, err := view(ctx, d, a)
	if err != nil {
		return nil, err
	}
	tokens, err := d.Admins.Tokens(ctx, a.Number)
	if err != nil {
		return nil, err
	}
	labels := []string{}
	for _, t := range tokens {
		labels = append(labels, string(t.Role)+": "+t.Name+" …"+t.LastFour)
	}
	return struct {
		Role     admins.Role `json:"role"`
		OneTime  bool        `json:"one_time_password"`
		Passkeys int         `json:"passkeys"`
		Sessions int         `json:"sessions"`
		Tokens   []string    `json:"tokens"`
	}{v.Role, v.OneTime, v.Passkeys, v.Sessions, labels}, nil
}
