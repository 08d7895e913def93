package operations

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"

	"stile.example/stile/datadir"
	"stile.example/stile/operations/accounts"
	"stile.example/stile/operations/failure"
)

// accountOps are the operations about admins. Those with the role of a viewer are for everybody's
// own account; package accounts checks that.
var accountOps = []Operation{
	onAccount(acted("admin add", Owner, "add an admin and print the one-time password and a token", `{"name":"alice","role":"operator"}`, accounts.Add),
		"added an admin", func(in accounts.Addition) string { return in.Name }).
		at("POST /admins").creates().previewed(actedOn(accounts.WouldAdd)).versioned(accountVersion),
	acted("admin list", Owner, "list the admins", `{}`, accounts.List).at("GET /admins").keyed("name").versioned(accountVersion),
	acted("admin show", Viewer, "show one admin", `{"name":"alice"}`, accounts.Show).at("GET /admins/{name}").versioned(accountVersion),
	onAccount(acted("admin set", Owner, "change an admin's role, or reset the password", `{"name":"alice","role":"owner","reset_password":true}`, accounts.Set),
		"changed an admin", func(in accounts.Change) string { return in.Name }).
		at("PATCH /admins/{name}").previewed(actedOn(accounts.WouldSet)).versioned(accountVersion),
	onAccount(acted("admin remove", Owner, "remove an admin", `{"name":"alice"}`, accounts.Remove),
		"removed an admin", func(in accounts.Name) string { return in.Name }).
		at("DELETE /admins/{name}").previewed(actedOn(accounts.WouldRemove)).versioned(accountVersion),
	onAccount(acted("admin password", Viewer, "set the password of an admin", `{"name":"alice","password":"many a slip twixt","current":"cup and lip","session":7}`, accounts.SetPassword),
		"set a password", func(in accounts.PasswordChange) string { return in.Name }).
		at("PUT /admins/{name}/password").previewed(actedOn(accounts.WouldSetPassword)).versioned(accountVersion),
	onAccount(acted("admin token add", Viewer, "add an admin token and print it", `{"admin":"alice","name":"backup script","role":"viewer","for":"90d"}`, accounts.AddToken),
		"added an admin token", func(in accounts.TokenAddition) string { return in.Admin }).
		at("POST /admins/{admin}/tokens").creates().previewed(actedOn(accounts.WouldAddToken)).versioned(accountVersion),
	acted("admin token list", Viewer, "list admin tokens", `{"name":"alice"}`, accounts.ListTokens).at("GET /admin-tokens").keyed("admin", "id").versioned(accountVersion),
	onAccount(acted("admin token remove", Viewer, "end an admin token", `{"admin":"alice","id":3}`, accounts.RemoveToken),
		"ended an admin token", func(in accounts.Credential) string { return in.Admin }).
		at("DELETE /admins/{admin}/tokens/{id}").previewed(actedOn(accounts.WouldRemoveToken)).versioned(accountVersion),
	acted("admin session list", Viewer, "list the sessions of admins", `{"name":"alice"}`, accounts.ListSessions).at("GET /sessions").keyed("admin", "id").versioned(sessionVersion),
	onAccount(acted("admin session revoke", Viewer, "end sessions of an admin", `{"admin":"alice","id":7}`, accounts.RevokeSessions),
		"ended sessions of an admin", func(in accounts.SessionNames) string { return in.Admin }).
		at("POST /admins/{admin}/sessions/revoke").previewed(actedOn(accounts.WouldRevokeSessions)).versioned(sessionVersion),
	acted("admin passkey list", Viewer, "list passkeys", `{"name":"alice"}`, accounts.ListPasskeys).at("GET /passkeys").keyed("admin", "id").versioned(accountVersion),
	onAccount(acted("admin passkey remove", Viewer, "remove a passkey of an admin", `{"admin":"alice","id":1}`, accounts.RemovePasskey),
		"removed a passkey", func(in accounts.Credential) string { return in.Admin }).
		at("DELETE /admins/{admin}/passkeys/{id}").previewed(actedOn(accounts.WouldRemovePasskey)).versioned(accountVersion),
}

// acted returns an operation that depends on who performs it.
func acted[I, O any](name string, role Role, summary, example string, fn func(context.Context, *datadir.Dir, accounts.By, I) (O, error)) Operation {
	return define(name, role, summary, example, NoStream, func(ctx context.Context, d *datadir.Dir, in I, c Call) (O, error) {
		return fn(ctx, d, c.Actor.by(), in)
	})
}

// onAccount records the changes of an account.
func onAccount[I any](o Operation, text string, name func(I) string) Operation {
	return changes(o, text, name, accountState(name))
}

func accountState[I any](name func(I) string) func(context.Context, *datadir.Dir, I) (any, error) {
	return func(ctx context.Context, d *datadir.Dir, in I) (any, error) {
		return accounts.State(ctx, d, name(in))
	}
}

// actedOn is [of] for a preview that depends on who asks.
func actedOn[I any](fn func(context.Context, *datadir.Dir, accounts.By, I) (any, error)) reading {
	return func(ctx context.Context, d *datadir.Dir, c Call) (any, error) {
		in, err := decode[I](c.Input)
		if err != nil {
			return nil, err
		}
		return fn(ctx, d, c.Actor.by(), in)
	}
}

// Versions of an account, and of its sessions.
var accountVersion, sessionVersion = versionOfAccount(accounts.Version), versionOfAccount(accounts.SessionVersion)

func versionOfAccount(fn func(context.Context, *datadir.Dir, accounts.By, string) (any, error)) reading {
	return func(ctx context.Context, d *datadir.Dir, c Call) (any, error) {
		var in struct{ Admin, Name string } // in the input of a token, Name is the token's
		if err := json.Unmarshal(c.Input, &in); err != nil {
			return nil, failure.Of(failure.Invalid, err)
		}
		return fn(ctx, d, c.Actor.by(), cmp.Or(in.Admin, in.Name))
	}
}

// commandLine is the credential of a user of the operating system.
const commandLine = "command line"

func (a Actor) by() accounts.By {
	isToken := strings.HasPrefix(a.Credential, "token ")
	return accounts.By{Name: a.Name, Role: a.Role, InSession: !isToken && a.Credential != "" && a.Credential != commandLine, CommandLine: a.Credential == commandLine}
}
