package accounts

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"time"

	"stile.example/stile/admins"
	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
)

// This file has the previews of changes, and what the versions of an account are computed from.

// Planned is a new account that was not added, or a new token that was not made: who would have it,
// and what it may do.
type Planned struct {
	Admin     string      `json:"admin"`
	Name      string      `json:"name,omitempty"` // of the token
	Role      admins.Role `json:"role"`
	ExpiresAt time.Time   `json:"expires_at,omitzero"` // of the token
}

// WouldAdd is the preview of [Add].
func WouldAdd(ctx context.Context, d *datadir.Dir, _ By, in Addition) (any, error) {
	role, err := in.check()
	if err != nil {
		return nil, err
	}
	all, err := d.Admins.List(ctx)
	if err != nil {
		return nil, err
	}
	taken := func(a admins.Admin) bool { return strings.EqualFold(a.Name, in.Name) }
	switch {
	case slices.ContainsFunc(all, taken):
		return nil, errExists(in.Name)
	case len(all) >= admins.MaxAdmins:
		return nil, errTooMany
	}
	return Planned{Admin: in.Name, Role: role}, nil
}

// WouldSet is the preview of [Set].
func WouldSet(ctx context.Context, d *datadir.Dir, by By, in Change) (any, error) {
	a, role, err := in.check(ctx, d)
	if err != nil {
		return nil, err
	}
	if a.Role == admins.Owner && role != admins.Owner {
		if err := checkOwners(ctx, d, a); err != nil {
			return nil, err
		}
	}
	signsOut := in.ResetPassword || endsSessions(by, a, role)
	a.Role, a.MustChange = role, a.MustChange || in.ResetPassword
	v, err := view(ctx, d, a)
	if in.RemovePasskeys {
		v.Passkeys = 0
	}
	if in.RemoveTokens {
		v.Tokens = 0
	}
	if signsOut {
		v.Sessions = 0
	}
	return v, err
}

// checkOwners returns an error if an owner is the last one.
func checkOwners(ctx context.Context, d *datadir.Dir, a admins.Admin) error {
	all, err := d.Admins.List(ctx)
	isOther := func(b admins.Admin) bool { return b.Role == admins.Owner && b.Number != a.Number }
	if err == nil && a.Role == admins.Owner && !slices.ContainsFunc(all, isOther) {
		err = explain(a, admins.ErrLastOwner)
	}
	return err
}

// WouldRemove is the preview of [Remove].
func WouldRemove(ctx context.Context, d *datadir.Dir, _ By, n Name) (any, error) {
	a, err := find(ctx, d, n.Name)
	if err != nil {
		return nil, err
	}
	return nil, checkOwners(ctx, d, a)
}

// WouldSetPassword is the preview of [SetPassword]. A wrong current password counts as a guess.
func WouldSetPassword(ctx context.Context, d *datadir.Dir, by By, in PasswordChange) (any, error) {
	a, err := in.check(ctx, d, by)
	if err != nil {
		return nil, err
	}
	if a.Issuer != "" {
		return nil, explain(a, admins.ErrIssuer)
	}
	a.MustChange = false
	v, err := view(ctx, d, a)
	v.Sessions = min(v.Sessions, 1)
	if in.Session == 0 {
		v.Sessions = 0
	}
	return v, err
}

// WouldAddToken is the preview of [AddToken].
func WouldAddToken(ctx context.Context, d *datadir.Dir, by By, in TokenAddition) (any, error) {
	a, role, lifetime, err := in.check(ctx, d, by)
	if err != nil {
		return nil, err
	}
	tokens, err := d.Admins.Tokens(ctx, a.Number)
	if err == nil && len(tokens) >= admins.MaxTokens {
		err = errTooManyTokens(a)
	}
	return Planned{Admin: a.Name, Name: in.Name, Role: role, ExpiresAt: d.Now().Add(lifetime).UTC().Truncate(time.Second)}, err
}

// WouldRemoveToken is the preview of [RemoveToken].
func WouldRemoveToken(ctx context.Context, d *datadir.Dir, by By, in Credential) (any, error) {
	return remove(ctx, d, by, in, "token", exists(d.Admins.Tokens, func(t admins.Token) int64 { return t.ID }))
}

// WouldRemovePasskey is the preview of [RemovePasskey].
func WouldRemovePasskey(ctx context.Context, d *datadir.Dir, by By, in Credential) (any, error) {
	return remove(ctx, d, by, in, "passkey", exists(d.Admins.Passkeys, func(p admins.Passkey) int64 { return p.ID }))
}

// WouldRevokeSessions is the preview of [RevokeSessions].
func WouldRevokeSessions(ctx context.Context, d *datadir.Dir, by By, in SessionNames) (any, error) {
	if in.ID == 0 {
		a, err := own(ctx, d, by, in.Admin)
		return Removed{"sessions of " + a.Name}, err
	}
	return remove(ctx, d, by, Credential{in.Admin, in.ID}, "session", exists(liveSessions(d), func(s admins.Session) int64 { return s.ID }))
}

// exists returns a function that, instead of removing one of what an account has, checks that it is
// there.
func exists[T any](list func(context.Context, int64) ([]T, error), id func(T) int64) func(ctx context.Context, admin, want int64) error {
	return func(ctx context.Context, admin, want int64) error {
		all, err := list(ctx, admin)
		if err == nil && !slices.ContainsFunc(all, func(t T) bool { return id(t) == want }) {
			err = admins.ErrNotFound
		}
		return err
	}
}

// Version returns what the version of an account is computed from, nil if it does not exist: its
// role, its password, and which passkeys and tokens it has. For an empty name, it is about all
// accounts.
func Version(ctx context.Context, d *datadir.Dir, by By, name string) (any, error) {
	return versions(ctx, d, by, name, func(a admins.Admin) (any, error) {
		keys, err := d.Admins.Passkeys(ctx, a.Number)
		if err != nil {
			return nil, err
		}
		tokens, err := d.Admins.Tokens(ctx, a.Number)
		state := struct {
			Number           int64
			Role             admins.Role
			Password         [sha256.Size]byte
			MustChange       bool
			Passkeys, Tokens []int64
		}{Number: a.Number, Role: a.Role, Password: sha256.Sum256([]byte(a.Password)), MustChange: a.MustChange}
		for _, k := range keys {
			state.Passkeys = append(state.Passkeys, k.ID)
		}
		for _, t := range tokens {
			state.Tokens = append(state.Tokens, t.ID)
		}
		return state, err
	})
}

// SessionVersion is [Version] for the sessions of an account.
func SessionVersion(ctx context.Context, d *datadir.Dir, by By, name string) (any, error) {
	return versions(ctx, d, by, name, func(a admins.Admin) (any, error) {
		ids := []int64{}
		sessions, err := d.Admins.Sessions(ctx, a.Number, d.Now())
		for _, s := range sessions {
			ids = append(ids, s.ID)
		}
		return ids, err
	})
}

// versions returns a state of an account or, for an empty name, those of all accounts.
func versions(ctx context.Context, d *datadir.Dir, by By, name string, state func(admins.Admin) (any, error)) (any, error) {
	if name != "" || !by.Role.Includes(admins.Owner) {
		a, err := own(ctx, d, by, name)
		if failure.KindOf(err) == failure.NotFound {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return state(a)
	}
	all, err := d.Admins.List(ctx)
	states := make([]any, len(all))
	for i, a := range all {
		s, failed := state(a)
		states[i], err = s, errors.Join(err, failed)
	}
	return states, err
}
