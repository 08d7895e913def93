// Package accounts has the operations about those who administer the server: their accounts, roles,
// passwords, passkeys, tokens and sessions.
//
// Owners manage all accounts. All others manage what is their own, in a session: a token that was
// copied must not be able to make another one, or to change a password.
package accounts

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"stile.example/stile/admins"
	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
)

// By is who performs an operation.
type By struct {
	Name        string
	Role        admins.Role
	InSession   bool // signed in at the console
	CommandLine bool // a user of the operating system who may open the data directory
}

// View is what --json prints of an account.
type View struct {
	Name       string      `json:"name"`
	Role       admins.Role `json:"role"`
	Issuer     string      `json:"issuer,omitempty"` // of OpenID Connect, by which it signs in
	OneTime    bool        `json:"one_time_password,omitempty"`
	Passkeys   int         `json:"passkeys"`
	Tokens     int         `json:"tokens"`   // that have not expired
	Sessions   int         `json:"sessions"` // that have not ended
	CreatedAt  time.Time   `json:"created_at"`
	LastSignIn time.Time   `json:"last_sign_in,omitzero"`
}

// Name names an account.
type Name struct {
	Name string `json:"name,omitempty"` // "" in a list: all accounts
}

// Addition describes a new account.
type Addition struct {
	Name string `json:"name"`
	Role string `json:"role,omitempty"` // viewer if it is empty
}

// Credentials are what a new account signs in with, and its first token. They are shown once.
type Credentials struct {
	Name     string      `json:"name"`
	Role     admins.Role `json:"role"`
	Password string      `json:"password"` // one-time
	Token    string      `json:"token"`
}

// Change says what to change of an account.
type Change struct {
	Name           string `json:"name"`
	Role           string `json:"role,omitempty"`
	ResetPassword  bool   `json:"reset_password,omitempty"`
	RemovePasskeys bool   `json:"remove_passkeys,omitempty"`
	RemoveTokens   bool   `json:"remove_tokens,omitempty"`
}

// Changed is the outcome of a change.
type Changed struct {
	View
	Password string `json:"password,omitempty"` // the new one-time password, shown once
}

// PasswordChange gives an account the password that its owner chose.
type PasswordChange struct {
	Name     string `json:"name"`
	Password string `json:"password"`
	Current  string `json:"current,omitempty"` // required from a session, unless it is one-time
	Session  int64  `json:"session,omitempty"` // that continues; all others end
}

// Removed is the outcome of a removal.
type Removed struct {
	Removed string `json:"removed"`
}

// find returns an account.
func find(ctx context.Context, d *datadir.Dir, name string) (admins.Admin, error) {
	a, err := d.Admins.Find(ctx, name)
	if errors.Is(err, admins.ErrNotFound) {
		return a, failure.New(failure.NotFound, "there is no admin %s; `stile admin list` lists the admins", name)
	}
	return a, err
}

// own returns an account that is the caller's own, or one that the caller may manage.
func own(ctx context.Context, d *datadir.Dir, by By, name string) (admins.Admin, error) {
	if !by.Role.Includes(admins.Owner) && (!by.InSession || !strings.EqualFold(by.Name, name)) {
		return admins.Admin{}, failure.New(failure.Forbidden, "only an owner may manage the account of another admin, and nobody but an owner may manage accounts with a token; ask an owner")
	}
	return find(ctx, d, name)
}

// view returns an account with the numbers of what belongs to it.
func view(ctx context.Context, d *datadir.Dir, a admins.Admin) (v View, err error) {
	v = View{Name: a.Name, Role: a.Role, Issuer: a.Issuer, OneTime: a.MustChange, CreatedAt: a.CreatedAt, LastSignIn: a.LastSignIn}
	keys, err := d.Admins.Passkeys(ctx, a.Number)
	if err != nil {
		return v, err
	}
	tokens, err := d.Admins.Tokens(ctx, a.Number)
	if err != nil {
		return v, err
	}
	sessions, err := d.Admins.Sessions(ctx, a.Number, d.Now())
	v.Passkeys, v.Sessions = len(keys), len(sessions)
	for _, t := range tokens {
		if d.Now().Before(t.ExpiresAt) {
			v.Tokens++
		}
	}
	return v, err
}

// All is the input of an operation on all accounts.
type All struct{}

// List lists all accounts.
func List(ctx context.Context, d *datadir.Dir, _ By, _ All) ([]View, error) {
	list, err := d.Admins.List(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]View, len(list))
	for i, a := range list {
		if all[i], err = view(ctx, d, a); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Show shows one account.
func Show(ctx context.Context, d *datadir.Dir, by By, n Name) (View, error) {
	a, err := own(ctx, d, by, n.Name)
	if err != nil {
		return View{}, err
	}
	return view(ctx, d, a)
}

// Add adds an account, with a first token that has the account's role.
func Add(ctx context.Context, d *datadir.Dir, _ By, in Addition) (Credentials, error) {
	role, err := in.check()
	if err != nil {
		return Credentials{}, err
	}
	a, password, err := d.Admins.Add(ctx, in.Name, role, d.Now())
	switch {
	case errors.Is(err, admins.ErrExists):
		return Credentials{}, errExists(in.Name)
	case errors.Is(err, admins.ErrTooMany):
		return Credentials{}, errTooMany
	case err != nil:
		return Credentials{}, err
	}
	_, token, err := d.Admins.AddToken(ctx, a, "first token", role, admins.DefaultTokenLifetime, d.Now())
	return Credentials{a.Name, role, password, token}, err
}

// check returns the role of the new account.
func (in Addition) check() (admins.Role, error) {
	role, err := admins.ParseRole(cmp.Or(in.Role, string(admins.Viewer)))
	if err == nil {
		err = admins.CheckName(in.Name)
	}
	return role, failure.Of(failure.Invalid, err)
}

func errExists(name string) error {
	return failure.New(failure.Conflict, "the admin %s exists already; to change it, use `stile admin set`", name)
}

var errTooMany = failure.New(failure.Conflict, "there are %d admins, which is the maximum; remove one first", admins.MaxAdmins)

// check returns the account, and the role that it would have.
func (in Change) check(ctx context.Context, d *datadir.Dir) (a admins.Admin, role admins.Role, err error) {
	if in == (Change{Name: in.Name}) {
		return a, "", failure.New(failure.Invalid, "nothing to change: give a role, a new password (`--reset-password`), `--remove-passkeys` or `--remove-tokens`")
	}
	if a, err = find(ctx, d, in.Name); err != nil {
		return a, "", err
	}
	role = a.Role
	if in.Role != "" {
		if role, err = admins.ParseRole(in.Role); err != nil {
			return a, "", failure.Of(failure.Invalid, err)
		}
		if a.Issuer != "" {
			return a, "", failure.New(failure.Conflict, "the role of %s comes from %s at each sign-in; change it there", a.Name, a.Issuer)
		}
	}
	if in.ResetPassword && a.Issuer != "" {
		return a, "", explain(a, admins.ErrIssuer)
	}
	return a, role, nil
}

// Set changes an account. A new password, or another role, ends its sessions, except for those of
// admins who change their own role. Its tokens stay, unless they are to be removed: programs use
// them, and a forgotten password is the usual reason for a new one. They have at most the role of
// their owner, at any time.
func Set(ctx context.Context, d *datadir.Dir, by By, in Change) (out Changed, err error) {
	a, role, err := in.check(ctx, d)
	if err != nil {
		return out, err
	}
	if in.Role != "" {
		if err := setRole(ctx, d, by, a, role); err != nil {
			return out, err
		}
	}
	if in.RemovePasskeys {
		if err := d.Admins.RemovePasskeys(ctx, a.Number); err != nil {
			return out, err
		}
	}
	if in.RemoveTokens {
		if err := d.Admins.RemoveTokens(ctx, a.Number); err != nil {
			return out, err
		}
	}
	if in.ResetPassword {
		if out.Password, err = d.Admins.ResetPassword(ctx, a.Number); err != nil {
			return out, explain(a, err)
		}
		if err := d.Admins.EndSessions(ctx, a.Number, 0); err != nil {
			return out, err
		}
	}
	if a, err = find(ctx, d, in.Name); err != nil {
		return out, err
	}
	out.View, err = view(ctx, d, a)
	return out, err
}

func setRole(ctx context.Context, d *datadir.Dir, by By, a admins.Admin, role admins.Role) error {
	if _, err := d.Admins.SetRole(ctx, a.Number, role); err != nil {
		return explain(a, err)
	}
	if !endsSessions(by, a, role) {
		return nil
	}
	return d.Admins.EndSessions(ctx, a.Number, 0)
}

// endsSessions reports whether a role ends the sessions of an account. Those of admins who change
// their own role stay.
func endsSessions(by By, a admins.Admin, role admins.Role) bool {
	return role != a.Role && !(by.InSession && strings.EqualFold(by.Name, a.Name))
}

// explain says why an account can't be changed.
func explain(a admins.Admin, err error) error {
	switch {
	case errors.Is(err, admins.ErrLastOwner):
		return failure.New(failure.Conflict, "%s is the last owner; make another admin an owner first", a.Name)
	case errors.Is(err, admins.ErrIssuer):
		return failure.New(failure.Conflict, "%s signs in by %s and has no password here", a.Name, a.Issuer)
	case errors.Is(err, admins.ErrNotFound):
		return failure.New(failure.NotFound, "there is no admin %s; `stile admin list` lists the admins", a.Name)
	}
	return err
}

// Remove removes an account. Its sessions and tokens end.
func Remove(ctx context.Context, d *datadir.Dir, _ By, n Name) (Removed, error) {
	a, err := find(ctx, d, n.Name)
	if err != nil {
		return Removed{}, err
	}
	if err := d.Admins.Remove(ctx, a.Number); err != nil {
		return Removed{}, explain(a, err)
	}
	return Removed{a.Name}, nil
}

// SetPassword gives an account the password that its owner chose, and ends its other sessions.
func SetPassword(ctx context.Context, d *datadir.Dir, by By, in PasswordChange) (View, error) {
	a, err := in.check(ctx, d, by)
	if err != nil {
		return View{}, err
	}
	if err := d.Admins.SetPassword(ctx, a.Number, in.Password); err != nil {
		return View{}, explain(a, err)
	}
	if err := d.Admins.EndSessions(ctx, a.Number, in.Session); err != nil {
		return View{}, err
	}
	if a, err = find(ctx, d, in.Name); err != nil {
		return View{}, err
	}
	return view(ctx, d, a)
}

// check returns the account whose password the caller may choose.
func (in PasswordChange) check(ctx context.Context, d *datadir.Dir, by By) (admins.Admin, error) {
	a, err := own(ctx, d, by, in.Name)
	if err != nil {
		return a, err
	}
	mine := by.InSession && strings.EqualFold(by.Name, a.Name)
	if !mine && !by.CommandLine {
		return a, failure.New(failure.Forbidden, "only %s may choose the password; give a new one-time password instead (`stile admin set %s --reset-password`)", a.Name, a.Name)
	}
	if err := admins.CheckPassword(a.Name, in.Password); err != nil {
		return a, failure.Of(failure.Invalid, err)
	}
	return a, checkCurrent(ctx, d, a, in, mine)
}

// checkCurrent returns an error unless a change from a session has the current password. A one-time
// password was just used to sign in, and must not become the chosen one.
func checkCurrent(ctx context.Context, d *datadir.Dir, a admins.Admin, in PasswordChange, inSession bool) error {
	check := in.Current
	if a.MustChange {
		check = in.Password
	}
	if !inSession {
		return nil
	}
	err := d.Admins.CheckCurrent(ctx, a, check, d.Now())
	switch {
	case err == nil && a.MustChange:
		return failure.New(failure.Invalid, "the one-time password can't be kept; choose another")
	case errors.Is(err, admins.ErrNotFound) && !a.MustChange:
		return failure.New(failure.Invalid, "the current password is wrong")
	case errors.Is(err, admins.ErrBusy), errors.Is(err, admins.ErrGuesses):
		return failure.Of(failure.Conflict, err)
	case err != nil && !errors.Is(err, admins.ErrNotFound):
		return err
	}
	return nil
}
