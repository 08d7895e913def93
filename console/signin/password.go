package signin

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"stile.example/stile/admins"
	"stile.example/stile/console/caller"
	"stile.example/stile/operations"
	"stile.example/stile/operations/accounts"
	"stile.example/stile/operations/failure"
	"stile.example/stile/tokens/readable"
)

const maxForm = 16 << 10 // bytes of a form

// The texts of a sign-in that fails. They don't say which of the two is wrong, or whether the
// account exists.
const (
	wrongText  = "The name or the password is wrong."
	formText   = "The form was sent from an older page, or not from the console. Try again."
	secondText = "The sign-in took too long. Start again."
)

// showSignIn shows the form, unless the browser has a session. The parameter again=yes shows it
// even then, for what needs a recent sign-in.
func (s *SignIn) showSignIn(w http.ResponseWriter, r *http.Request) {
	v := formView{Next: r.URL.Query().Get("next")}
	if _, a, _, err := s.session(r); err == nil {
		if r.URL.Query().Get("again") != "yes" {
			http.Redirect(w, r, local(v.Next), http.StatusSeeOther)
			return
		}
		v.Name = a.Name
	}
	s.form(w, r, http.StatusOK, v)
}

// signIn checks a name and a password.
func (s *SignIn) signIn(w http.ResponseWriter, r *http.Request) {
	address, ok := s.readForm(w, r, s.csrf(s.Frame.Cookie(r, formCookie)))
	if !ok {
		return
	}
	name := r.PostForm.Get("name")
	view := formView{Next: r.PostForm.Get("next"), Name: name}
	guess, wait := s.throttle.take(name, address, s.Dir.Now())
	if wait > 0 {
		s.slow(w, r, view, wait)
		return
	}
	a, err := s.accounts.CheckPassword(r.Context(), name, r.PostForm.Get("password"))
	switch {
	case errors.Is(err, admins.ErrNotFound):
		if err := s.events.failed(r.Context(), s.knownName(r, name), name, "password", address.String()); err != nil {
			s.fault(w, r, err)
			return
		}
		view.Error = wrongText
		s.form(w, r, http.StatusUnauthorized, view)
		return
	case errors.Is(err, admins.ErrBusy):
		guess.undo()
		view.Error = "The server is busy. Try again in a few seconds."
		s.form(w, r, http.StatusServiceUnavailable, view)
		return
	case err != nil:
		s.fault(w, r, err)
		return
	}
	guess.giveBack()
	s.passwordIsRight(w, r, a, view.Next)
}

// passwordIsRight starts the session, or asks for a passkey if the account has any.
func (s *SignIn) passwordIsRight(w http.ResponseWriter, r *http.Request, a admins.Admin, next string) {
	keys, err := s.accounts.Passkeys(r.Context(), a.Number)
	if err != nil {
		s.fault(w, r, err)
		return
	}
	if len(keys) > 0 {
		if err := s.seal(w, r, secondCookie, http.SameSiteStrictMode, second{a.Number, local(next)}); err != nil {
			s.fault(w, r, err)
			return
		}
		http.Redirect(w, r, passkeyURL, http.StatusSeeOther)
		return
	}
	to, err := s.start(w, r, a, "password", next)
	if err != nil {
		s.fault(w, r, err)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// second is what the cookie says of somebody whose password was right.
type second struct {
	Admin int64
	Next  string
}

// slow refuses a guess that comes too early.
func (s *SignIn) slow(w http.ResponseWriter, r *http.Request, view formView, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(roundUp(wait, time.Second)))
	view.Error = slowText(wait)
	s.form(w, r, http.StatusTooManyRequests, view)
}

// slowText says how long to wait for the next guess.
func slowText(wait time.Duration) string {
	in := readable.Count(roundUp(wait, time.Second), "second")
	if wait > time.Minute {
		in = readable.Count(roundUp(wait, time.Minute), "minute")
	}
	return "There were too many sign-ins from your address, or with this name. Try again in " + in + "."
}

func roundUp(d, unit time.Duration) int { return int((d + unit - 1) / unit) }

// knownName returns a name as it may be in the audit log.
func (s *SignIn) knownName(r *http.Request, name string) string {
	a, err := s.accounts.Find(r.Context(), name)
	if err != nil {
		return unknownName
	}
	return a.Name
}

// readForm reads a form and the source address, and checks the token. If something is wrong, it
// responds.
func (s *SignIn) readForm(w http.ResponseWriter, r *http.Request, token string) (address netip.Addr, ok bool) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		s.fail(w, r, http.StatusBadRequest, "Invalid request", "The form is incomplete or too long.")
		return address, false
	}
	if subtle.ConstantTimeCompare([]byte(token), []byte(r.PostForm.Get("csrf"))) != 1 {
		s.fail(w, r, http.StatusForbidden, "Not allowed", formText)
		return address, false
	}
	return s.source(w, r)
}

// signOut ends the session.
func (s *SignIn) signOut(w http.ResponseWriter, r *http.Request) {
	session, a, cookie, err := s.session(r)
	if errors.Is(err, admins.ErrNotFound) {
		http.Redirect(w, r, Path, http.StatusSeeOther)
		return
	}
	if err != nil {
		s.fault(w, r, err)
		return
	}
	address, ok := s.readForm(w, r, s.csrf(cookie))
	if !ok {
		return
	}
	err = s.accounts.EndSession(r.Context(), a.Number, session.ID)
	if err == nil {
		err = s.events.signedOut(r.Context(), a, session.Credential, address.String())
	}
	if err != nil && !errors.Is(err, admins.ErrNotFound) {
		s.fault(w, r, err)
		return
	}
	s.Frame.RemoveCookie(w, r, sessionCookie)
	http.Redirect(w, r, Path, http.StatusSeeOther)
}

// showChange shows the form for the password that replaces a one-time password.
func (s *SignIn) showChange(w http.ResponseWriter, r *http.Request) {
	if _, a, _, err := s.session(r); err == nil && !a.MustChange {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	s.changeForm(w, r, http.StatusOK, "")
}

// changePassword replaces a one-time password. All other sessions of the account end.
func (s *SignIn) changePassword(w http.ResponseWriter, r *http.Request) {
	c := caller.From(r.Context())
	if _, ok := s.readForm(w, r, c.CSRF); !ok {
		return
	}
	password := r.PostForm.Get("password")
	if password != r.PostForm.Get("repeated") {
		s.changeForm(w, r, http.StatusUnprocessableEntity, "The two passwords are different.")
		return
	}
	session, err := strconv.ParseInt(c.Session, 10, 64)
	if err != nil {
		s.fault(w, r, err)
		return
	}
	_, err = operations.RunAs[accounts.PasswordChange, accounts.View](r.Context(), s.Dir, c.Actor, "admin password",
		accounts.PasswordChange{Name: c.Name, Password: password, Session: session})
	switch {
	case err == nil:
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case failure.KindOf(err) == failure.Fault:
		s.fault(w, r, err)
	default:
		s.changeForm(w, r, http.StatusUnprocessableEntity, sentence(err))
	}
}
