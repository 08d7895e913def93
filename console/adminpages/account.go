package adminpages

import (
	"strconv"
	"time"

	"stile.example/stile/admins"
	"stile.example/stile/console/dist"
	"stile.example/stile/console/frame"
	"stile.example/stile/operations/accounts"
)

// account is what the pages of an account show.
type account struct {
	accounts.View
	Facts                      []frame.Item
	Passkeys, Sessions, Tokens frame.Table
	Actions                    []frame.Cell
	AddToken                   frame.Cell
	RevokeAll                  frame.Cell
	HasPassword                bool
	Script                     string    // URL
	AddUntil                   time.Time // a passkey can be added until then
	MayAdd                     bool      // that time is not over
	Again                      string    // URL for signing in again
}

func showAccount(r *frame.Request) (any, error) {
	a, err := load(r)
	a.Actions = []frame.Cell{r.Ask("/account/password", "Change the password", "")}
	if a.Issuer != "" {
		a.Actions = nil
	}
	a.HasPassword, a.Script = a.Issuer == "", dist.Load().URL("passkeys.js")
	a.AddUntil = r.Caller.SignedIn.Add(admins.PasskeyWithin)
	a.MayAdd = r.Now().Before(a.AddUntil)
	a.Again = frame.URL("/sign-in", "again", "yes", "next", "/account#passkeys")
	return a, err
}

// load returns the account of a request with all that belongs to it.
func load(r *frame.Request) (a account, err error) {
	n := accounts.Name{Name: nameOf(r)}
	if a.View, err = frame.Do[accounts.Name, accounts.View](r, "admin show", n); err != nil {
		return a, err
	}
	keys, err := frame.Do[accounts.Name, []accounts.PasskeyView](r, "admin passkey list", n)
	if err != nil {
		return a, err
	}
	sessions, err := frame.Do[accounts.Name, []accounts.SessionView](r, "admin session list", n)
	if err != nil {
		return a, err
	}
	tokens, err := frame.Do[accounts.Name, []accounts.TokenView](r, "admin token list", n)
	if err != nil {
		return a, err
	}
	a.Facts = facts(a.View)
	a.Passkeys, a.Sessions, a.Tokens = passkeyTable(r, keys), sessionTable(r, sessions), tokenTable(r, tokens)
	a.AddToken = r.Ask(pathOf(r, "/tokens/add"), "Add a token", "")
	if len(sessions) > 1 || len(sessions) == 1 && strconv.FormatInt(sessions[0].ID, 10) != r.Caller.Session {
		a.RevokeAll = r.Ask(pathOf(r, "/sessions/revoke"), "End all others", "")
		if r.PathValue("name") != "" {
			a.RevokeAll = r.Ask(pathOf(r, "/sessions/revoke"), "End all", "sessions of "+a.Name)
		}
	}
	return a, nil
}

func facts(a accounts.View) []frame.Item {
	signsIn := frame.Text("name and password")
	switch {
	case a.Issuer != "":
		signsIn = frame.Text("OpenID Connect: " + a.Issuer)
	case a.OneTime:
		signsIn = frame.Badge("warn", "one-time password")
	case a.Passkeys > 0:
		signsIn = frame.Text("passkey, or password and passkey")
	}
	return []frame.Item{
		{Term: "Name", Value: frame.Code(a.Name)},
		{Term: "Role", Value: frame.Text(string(a.Role)), Help: roleText[string(a.Role)]},
		{Term: "Signs in with", Value: signsIn},
		{Term: "Last sign-in", Value: frame.Time(a.LastSignIn)},
		{Term: "Added", Value: frame.Time(a.CreatedAt)},
	}
}

// roleText says what a role may do.
var roleText = map[string]string{
	"viewer":   "Sees everything, and changes nothing.",
	"operator": "Also changes tenants, content, tokens and addresses.",
	"owner":    "Also manages admins and signing keys, and makes backups.",
}

func passkeyTable(r *frame.Request, all []accounts.PasskeyView) frame.Table {
	t := frame.Table{Caption: "Passkeys", Quiet: true, Columns: frame.Columns("Name", "Host", "Added", "Last used", "-Action"),
		Empty: &frame.Empty{Title: "No passkeys", Text: "A passkey on this device, or on a key that you carry, signs in without a password. With one, the password alone is no longer enough."}}
	for _, p := range all {
		t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{frame.Text(p.Name), frame.Code(p.Host), frame.Time(p.CreatedAt), frame.Time(p.LastUsed),
			r.Ask(pathOf(r, "/passkeys/remove"), "Remove…", p.Name, "id", id(p.ID))}})
	}
	return t
}

func sessionTable(r *frame.Request, all []accounts.SessionView) frame.Table {
	t := frame.Table{Caption: "Sessions", Quiet: true, Columns: frame.Columns("Started", "Seen", "With", "From", "Browser", "-Action"),
		Empty: &frame.Empty{Title: "No sessions", Text: "Nobody is signed in with this account."}}
	for _, s := range all {
		action := r.Button(pathOf(r, "/sessions/revoke"), "End", "the session from "+s.Address, "id", id(s.ID))
		if id(s.ID) == r.Caller.Session {
			action = frame.Badge("info", "this browser")
		}
		t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{frame.Time(s.CreatedAt), frame.Time(s.SeenAt), frame.Text(s.Credential), frame.Code(s.Address), frame.Text(browser(s.Browser)).Hint(s.Browser), action}})
	}
	return t
}

func tokenTable(r *frame.Request, all []accounts.TokenView) frame.Table {
	t := frame.Table{Caption: "Admin tokens", Quiet: true, Columns: frame.Columns("Purpose", "Role", "Token", "Expires", "Last used", "-Action"),
		Empty: &frame.Empty{Title: "No admin tokens", Text: "A program sends an admin token to the admin API. It has a role of its own, at most that of its admin."}}
	for _, k := range all {
		expires := frame.Time(k.ExpiresAt)
		isOver := !r.Now().Before(k.ExpiresAt)
		if isOver {
			expires = frame.Badge("muted", "expired").And(expires)
		}
		t.Rows = append(t.Rows, frame.Row{Muted: isOver, Cells: []frame.Cell{frame.Text(k.Name), frame.Text(string(k.Role)), frame.Code("stile_adm_…" + k.LastFour), expires, frame.Time(k.LastUsed),
			r.Ask(pathOf(r, "/tokens/remove"), "Remove…", k.Name, "id", id(k.ID))}})
	}
	return t
}

func id(n int64) string { return strconv.FormatInt(n, 10) }
