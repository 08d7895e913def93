package adminpages

import (
	"fmt"
	"strconv"
	"strings"

	"stile.example/stile/admins"
	"stile.example/stile/console/frame"
	"stile.example/stile/operations/accounts"
	"stile.example/stile/operations/failure"
)

func roles(upTo admins.Role) (all []frame.Option) {
	for _, r := range []admins.Role{admins.Viewer, admins.Operator, admins.Owner} {
		if upTo.Includes(r) {
			all = append(all, frame.Option{Value: string(r), Text: string(r) + ": " + strings.ToLower(roleText[string(r)][:1]) + roleText[string(r)][1:]})
		}
	}
	return all
}

func passwordForm(*frame.Request) (frame.FormView, error) {
	return frame.FormView{Title: "Change your password", Button: "Change the password", Cancel: "/account",
		Text: []string{"Your other sessions end. Admin tokens and passkeys stay."},
		Fields: []frame.Field{
			{Name: "current", Label: "Current password", Kind: "password", Required: true, Complete: "current-password"},
			{Name: "password", Label: "New password", Kind: "password", Required: true, Complete: "new-password", Help: "At least " + strconv.Itoa(admins.MinPassword) + " characters. A few words are easy to remember."},
			{Name: "repeated", Label: "The same again", Kind: "password", Required: true, Complete: "new-password"},
		}}, nil
}

func setPassword(r *frame.Request, v frame.Values) (frame.Done, error) {
	if v.Get("password") != v.Get("repeated") {
		return frame.Done{}, frame.About("repeated", failure.New(failure.Invalid, "the two passwords are different"))
	}
	session, err := strconv.ParseInt(r.Caller.Session, 10, 64)
	if err != nil {
		return frame.Done{}, failure.New(failure.Invalid, "the session is unknown; sign in again")
	}
	_, err = frame.Do[accounts.PasswordChange, accounts.View](r, "admin password",
		accounts.PasswordChange{Name: r.Caller.Name, Password: v.Get("password"), Current: v.Get("current"), Session: session})
	switch {
	case err == nil:
		return frame.Done{To: "/account", Flash: "Your password is changed."}, nil
	case strings.Contains(err.Error(), "current password"):
		return frame.Done{}, frame.About("current", err)
	}
	return frame.Done{}, frame.About("password", err)
}

func addForm(*frame.Request) (frame.FormView, error) {
	return frame.FormView{Title: "Add an admin", Button: "Add the admin", Cancel: "/admins", Fields: []frame.Field{
		{Name: "name", Label: "Name", Required: true, Mono: true, Placeholder: "alice", Help: "1 to 64 letters, digits, and . _ @ + -. It is in the audit log, and can’t be changed."},
		{Name: "role", Label: "Role", Kind: "select", Value: string(admins.Viewer), Options: roles(admins.Owner)},
	}}, nil
}

func addAdmin(r *frame.Request, v frame.Values) (frame.Done, error) {
	made, err := frame.Do[accounts.Addition, accounts.Credentials](r, "admin add", accounts.Addition{Name: v.Text("name"), Role: v.Text("role")})
	if err != nil {
		return frame.Done{}, frame.About("name", err)
	}
	return shownOnce("Admin added", once{
		Text:     "Give these to " + made.Name + ". They are shown only now. The password signs in once, and must be changed then. The token is for programs: remove it if you don’t need it.",
		Snippets: []frame.Snippet{{Label: "Name", Code: made.Name}, {Label: "One-time password", Code: made.Password, Once: true}, {Label: "Admin token", Code: made.Token, Once: true}},
		To:       frame.Path("admins", made.Name), Next: "Continue to " + made.Name},
		frame.Crumb{Text: "Make a one-time password", Href: frame.Path("admins", made.Name, "reset")}), nil
}

// shownOnce returns a page with a secret. again is the form that makes another one.
func shownOnce(title string, page once, again frame.Crumb) frame.Done {
	return frame.Done{Title: title, Data: page, To: page.To, Again: again}
}

func find(r *frame.Request) (accounts.View, error) {
	return frame.Do[accounts.Name, accounts.View](r, "admin show", accounts.Name{Name: nameOf(r)})
}

func roleForm(r *frame.Request) (frame.FormView, error) {
	a, err := find(r)
	return frame.FormView{Title: "Role of " + a.Name, Button: "Save", Cancel: pathOf(r, ""), Text: []string{"The change has effect at once. The sessions of the admin end, except your own. A token never has a higher role than its admin."},
		Fields: []frame.Field{{Name: "role", Label: "Role", Kind: "select", Value: string(a.Role), Options: roles(admins.Owner)}}}, err
}

func setRole(r *frame.Request, v frame.Values) (frame.Done, error) {
	out, err := frame.Do[accounts.Change, accounts.Changed](r, "admin set", accounts.Change{Name: nameOf(r), Role: v.Text("role")})
	if err != nil {
		return frame.Done{}, err
	}
	if strings.EqualFold(out.Name, r.Caller.Name) && !out.Role.Includes(admins.Owner) {
		return frame.Done{To: "/account", Flash: "You are now " + string(out.Role) + "."}, nil
	}
	return frame.Done{To: pathOf(r, ""), Flash: out.Name + " is now " + string(out.Role) + "."}, nil
}

func resetForm(r *frame.Request) (frame.FormView, error) {
	a, err := find(r)
	view := frame.FormView{Title: "New one-time password for " + a.Name, Button: "Make a one-time password", Cancel: pathOf(r, ""),
		Text: []string{"The current password is then invalid, and all sessions of " + a.Name + " end. The one-time password is shown once."}}
	if a.Passkeys > 0 {
		view.Fields = []frame.Field{{Name: "passkeys", Label: "Also remove the passkeys", Kind: "checkbox", Help: "If they are lost: as long as there is a passkey, the password alone is not enough."}}
	}
	if a.Tokens > 0 {
		view.Fields = append(view.Fields, frame.Field{Name: "tokens", Label: fmt.Sprintf("Also remove the tokens (%d)", a.Tokens), Kind: "checkbox", Help: "Choose this if the account may be in the wrong hands. Programs that use the tokens are then refused; otherwise they continue."})
	}
	return view, err
}

func reset(r *frame.Request, v frame.Values) (frame.Done, error) {
	out, err := frame.Do[accounts.Change, accounts.Changed](r, "admin set", accounts.Change{Name: nameOf(r), ResetPassword: true, RemovePasskeys: v.Get("passkeys") != "", RemoveTokens: v.Get("tokens") != ""})
	if err != nil {
		return frame.Done{}, err
	}
	return shownOnce("One-time password", once{Text: "Give this to " + out.Name + ". It is shown only now, signs in once, and must be changed then.",
		Snippets: []frame.Snippet{{Label: "One-time password", Code: out.Password, Once: true}}, To: pathOf(r, ""), Next: "Continue to " + out.Name},
		frame.Crumb{Text: "Make a one-time password", Href: pathOf(r, "/reset")}), nil
}

func removeForm(r *frame.Request) (frame.FormView, error) {
	a, err := find(r)
	return frame.FormView{Title: "Remove " + a.Name + "?", Button: "Remove " + a.Name, Danger: true, Cancel: pathOf(r, ""),
		Text: []string{"All sessions of " + a.Name + " end at once, and programs with the tokens are refused. The audit log keeps what " + a.Name + " has changed."}}, err
}

func remove(r *frame.Request, _ frame.Values) (frame.Done, error) {
	gone, err := frame.Do[accounts.Name, accounts.Removed](r, "admin remove", accounts.Name{Name: nameOf(r)})
	return frame.Done{To: "/admins", Flash: gone.Removed + " is removed."}, err
}

func tokenForm(r *frame.Request) (frame.FormView, error) {
	a, err := find(r)
	return frame.FormView{Title: "Add an admin token", Button: "Add the token", Cancel: pathOf(r, ""), Fields: []frame.Field{
		{Name: "name", Label: "Purpose", Required: true, Placeholder: "backup script", Help: "To recognise it later."},
		{Name: "role", Label: "Role", Kind: "select", Value: string(admins.Viewer), Options: roles(a.Role)},
		{Name: "for", Label: "Valid for", Value: "90d", Required: true, Help: "Such as 24h or 90d, at most 366d."},
	}}, err
}

func addToken(r *frame.Request, v frame.Values) (frame.Done, error) {
	made, err := frame.Do[accounts.TokenAddition, accounts.NewToken](r, "admin token add", accounts.TokenAddition{Admin: nameOf(r), Name: v.Text("name"), Role: v.Text("role"), For: v.Text("for")})
	if err != nil {
		field := ""
		for word, name := range map[string]string{"name ": "name", "role ": "role", "for ": "for", "a token must be valid": "for"} {
			if strings.HasPrefix(err.Error(), word) {
				field = name
			}
		}
		return frame.Done{}, frame.About(field, err)
	}
	return shownOnce("Token added", once{Text: "The token is shown only now. A program sends it as Authorization: Bearer to the admin API.",
		Snippets: []frame.Snippet{{Label: "Admin token", Code: made.Token, Once: true}}, To: pathOf(r, ""), Next: "Continue"},
		frame.Crumb{Text: "Add a token", Href: pathOf(r, "/tokens/add")}), nil
}

// removal returns the form that removes one thing of an account.
func removal(r *frame.Request, what, text string) (frame.FormView, error) {
	return frame.FormView{Title: "Remove the " + what + "?", Button: "Remove the " + what, Danger: true, Cancel: pathOf(r, ""), Text: []string{text},
		Fields: []frame.Field{{Name: "id", Kind: "hidden", Value: r.Query("id")}}}, nil
}

// removeOne performs a removal.
func removeOne(r *frame.Request, v frame.Values, operation, said string) (frame.Done, error) {
	n, err := strconv.ParseInt(v.Text("id"), 10, 64)
	if err != nil {
		return frame.Done{}, failure.New(failure.Invalid, "the id is missing; start from the list again")
	}
	_, err = frame.Do[accounts.Credential, accounts.Removed](r, operation, accounts.Credential{Admin: nameOf(r), ID: n})
	return frame.Done{To: pathOf(r, ""), Flash: said}, err
}

func removeTokenForm(r *frame.Request) (frame.FormView, error) {
	return removal(r, "token", "Programs that use it are refused from the next request on.")
}

func removeToken(r *frame.Request, v frame.Values) (frame.Done, error) {
	return removeOne(r, v, "admin token remove", "The token is removed.")
}

func removePasskeyForm(r *frame.Request) (frame.FormView, error) {
	return removal(r, "passkey", "It can’t be used to sign in any more. Without any passkey, the password alone signs in.")
}

func removePasskey(r *frame.Request, v frame.Values) (frame.Done, error) {
	return removeOne(r, v, "admin passkey remove", "The passkey is removed.")
}

func revokeForm(r *frame.Request) (frame.FormView, error) {
	if r.FormValue("id") != "" {
		return frame.FormView{Title: "End the session?", Button: "End the session", Danger: true, Cancel: pathOf(r, ""),
			Fields: []frame.Field{{Name: "id", Kind: "hidden", Value: r.FormValue("id")}}}, nil
	}
	return frame.FormView{Title: "End the sessions of " + nameOf(r) + "?", Button: "End the sessions", Danger: true, Cancel: pathOf(r, ""),
		Text: []string{"Every browser must sign in again, except this one."}}, nil
}

// revoke ends one session, or all but the caller's own.
func revoke(r *frame.Request, v frame.Values) (frame.Done, error) {
	in := accounts.SessionNames{Admin: nameOf(r)}
	var err error
	if text := v.Text("id"); text != "" {
		in.ID, err = strconv.ParseInt(text, 10, 64)
	} else {
		in.Not, err = strconv.ParseInt(r.Caller.Session, 10, 64)
	}
	if err != nil {
		return frame.Done{}, failure.New(failure.Invalid, "the id is not a number; start from the list again")
	}
	_, err = frame.Do[accounts.SessionNames, accounts.Removed](r, "admin session revoke", in)
	return frame.Done{To: pathOf(r, ""), Flash: "Ended."}, err
}
