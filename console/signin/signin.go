// Package signin lets admins into the console: by name and password, by passkey, or by OpenID
// Connect.
//
// A browser that has signed in has a session: a cookie of 256 random bits, stored as a keyed hash.
// [SignIn.Require] checks it for each request, so that a revoked session ends at once. Programs
// send an admin token with each request, which [SignIn.Authenticate] checks.
//
// Sealed cookies, which only this server can read, contain what one request of a sign-in leaves for
// the next: the server stores nothing for somebody who has not signed in.
package signin

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"stile.example/stile/admins"
	"stile.example/stile/console/caller"
	"stile.example/stile/console/frame"
	"stile.example/stile/datadir"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
	"stile.example/stile/recent"
)

// The paths of signing in and out.
const (
	Path        = "/sign-in"
	passwordURL = "/sign-in/password" // for a one-time password
	passkeyURL  = "/sign-in/passkey"  // the second factor
	oidcURL     = "/sign-in/oidc"
	signOutURL  = "/sign-out"
)

// Options is what signing in needs. All fields are required.
type Options struct {
	Dir   *datadir.Dir
	Frame *frame.Frame // for the look of the pages, and for cookies
	// Source returns the source address of a request.
	Source func(*http.Request) (netip.Addr, error)
}

// SignIn checks who makes a request.
type SignIn struct {
	Options
	accounts *admins.Directory
	csrfKey  []byte
	sealer   *sealer
	throttle *throttle
	events   *events
	oidc     *provider // nil: there is none
	pages    pages

	mu    sync.Mutex
	spent recent.Map[string, struct{}] // challenges that were used
}

const maxSpent = 10_000

// New returns the sign-in of a data directory.
func New(o Options) (*SignIn, error) {
	if o.Dir == nil || o.Frame == nil || o.Source == nil {
		return nil, errors.New("signin: all options must be set")
	}
	s := &SignIn{Options: o, accounts: o.Dir.Admins, throttle: newThrottle(), pages: parsePages(o.Frame), spent: recent.New[string, struct{}](maxSpent)}
	secret := o.Dir.Keys.SecretKey()
	var err error
	if s.csrfKey, err = derive(secret, "CSRF tokens of the console, 1"); err != nil {
		return nil, err
	}
	key, err := derive(secret, "cookies of the console, 1")
	if err != nil {
		return nil, err
	}
	if s.sealer, err = newSealer(key); err != nil {
		return nil, err
	}
	if s.oidc, err = newProvider(o.Dir.Settings().OIDC); err != nil {
		return nil, err
	}
	s.events = newEvents(o.Dir.Audit, o.Dir.Now)
	return s, nil
}

func derive(secret []byte, use string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "stile: "+use, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive the key of the %s: %w", use, err)
	}
	return key, nil
}

// Routes adds the pages for signing in and out.
func (s *SignIn) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Path, s.showSignIn)
	mux.HandleFunc("POST "+Path, s.signIn)
	mux.HandleFunc("POST "+signOutURL, s.signOut)
	s.passkeyRoutes(mux)
	if s.oidc != nil {
		mux.HandleFunc("GET "+oidcURL, s.startOIDC)
		mux.HandleFunc("GET "+callbackURL, s.finishOIDC)
	}
	mux.Handle("GET "+passwordURL, s.withCaller(http.HandlerFunc(s.showChange), http.HandlerFunc(s.sendToSignIn), nil))
	mux.Handle("POST "+passwordURL, s.withCaller(http.HandlerFunc(s.changePassword), http.HandlerFunc(s.sendToSignIn), nil))
}

// Require serves the requests of those who are signed in, with the caller in the context. It sends
// all others to sign in, and those with a one-time password to change it.
func (s *SignIn) Require(next http.Handler) http.Handler {
	return s.withCaller(next, http.HandlerFunc(s.sendToSignIn), http.RedirectHandler(passwordURL, http.StatusSeeOther))
}

// Identify serves all requests: those of [SignIn.Require] with the caller in the context, and all
// others without one. The handler must refuse these itself.
func (s *SignIn) Identify(next http.Handler) http.Handler { return s.withCaller(next, next, next) }

// withCaller serves requests with the caller in the context. nobody serves those without a session,
// and oneTime those of callers with a one-time password; nil: next does.
func (s *SignIn) withCaller(next, nobody, oneTime http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, a, cookie, err := s.session(r)
		switch {
		case errors.Is(err, admins.ErrNotFound):
			nobody.ServeHTTP(w, r)
			return
		case err != nil:
			s.fault(w, r, err)
			return
		case a.MustChange && oneTime != nil:
			oneTime.ServeHTTP(w, r)
			return
		}
		address, ok := s.source(w, r)
		if !ok {
			return
		}
		c := caller.Caller{
			Actor: operations.Actor{Name: a.Name, Role: a.Role, Credential: session.Credential, Address: address.String()},
			CSRF:  s.csrf(cookie), Session: strconv.FormatInt(session.ID, 10), SignedIn: session.CreatedAt, HasPasskeys: s.hasPasskeys(r),
		}
		next.ServeHTTP(w, r.WithContext(caller.With(r.Context(), c)))
	})
}

// sourceText is the error about a request without a source address.
const sourceText = "A proxy sent an invalid source address."

// source returns the source address of a request. If that is invalid, it responds.
func (s *SignIn) source(w http.ResponseWriter, r *http.Request) (address netip.Addr, ok bool) {
	address, err := s.Source(r)
	if err != nil {
		s.fail(w, r, http.StatusBadRequest, "Invalid request", sourceText)
	}
	return address, err == nil
}

// origin returns the URL of the console as the browser has it, without a path.
func (s *SignIn) origin(r *http.Request) string {
	scheme := "http://"
	if s.Frame.IsHTTPS(r) {
		scheme = "https://"
	}
	return scheme + strings.ToLower(r.Host)
}

// refreshHeader is in the requests that the script makes by itself, to update a page.
const refreshHeader = "X-Stile-Refresh"

// session returns the session of a request's cookie, its account and the cookie, or
// [admins.ErrNotFound].
func (s *SignIn) session(r *http.Request) (admins.Session, admins.Admin, string, error) {
	cookie := s.Frame.Cookie(r, sessionCookie)
	session, a, err := s.accounts.CheckSession(r.Context(), cookie, s.Dir.Now(), r.Header.Get(refreshHeader) == "")
	return session, a, cookie, err
}

// sendToSignIn redirects a page to the form, which leads back to it. A change is not performed: the
// response keeps what was typed.
func (s *SignIn) sendToSignIn(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.ended(w, r)
		return
	}
	to := Path
	if r.URL.Path != "/" || r.URL.RawQuery != "" {
		to += "?" + url.Values{"next": {r.URL.RequestURI()}}.Encode()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// maxTyped is the maximum size of a form that is kept when a session has ended, in bytes.
const maxTyped = 256 << 10

// typed is a field of a form that was sent after the end of the session.
type typed struct{ Name, Value string }

// ended responds to a form that was sent after the end of the session: with its fields in hidden
// ones, to be sent again. The new session has another CSRF token, so that the console then shows
// the form with these values, and does nothing. Passwords and files are not kept.
func (s *SignIn) ended(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxTyped)
	var fields []typed
	if r.ParseForm() == nil {
		for _, name := range slices.Sorted(maps.Keys(r.PostForm)) {
			if slices.Contains([]string{"csrf", "sent", "current", "password", "repeated"}, name) {
				continue
			}
			for _, value := range r.PostForm[name] {
				fields = append(fields, typed{name, value})
			}
		}
	}
	s.Frame.Bare(w, r, http.StatusUnauthorized, "Signed out", s.pages.ended, struct {
		Action string
		Fields []typed
	}{r.URL.RequestURI(), fields})
}

// csrf returns the token that the forms of a cookie's owner contain.
func (s *SignIn) csrf(cookie string) string {
	mac := hmac.New(sha256.New, s.csrfKey)
	mac.Write([]byte(cookie))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Authenticate returns who sends an admin token. The error about an invalid token has a kind.
func (s *SignIn) Authenticate(ctx context.Context, token, address string) (operations.Actor, error) {
	t, a, err := s.accounts.CheckToken(ctx, token, s.Dir.Now())
	if errors.Is(err, admins.ErrNotFound) {
		return operations.Actor{}, failure.New(failure.Forbidden, "the admin token is unknown, has expired or was removed")
	}
	if err != nil {
		return operations.Actor{}, err
	}
	return operations.Actor{Name: a.Name, Role: t.Role, Credential: "token …" + t.LastFour, Address: address}, nil
}

// start starts a session of an admin who has signed in, and returns where to go next.
func (s *SignIn) start(w http.ResponseWriter, r *http.Request, a admins.Admin, credential, next string) (to string, err error) {
	if old, owner, _, err := s.session(r); err == nil { // the browser has another session
		if err := s.accounts.EndSession(r.Context(), owner.Number, old.ID); err != nil && !errors.Is(err, admins.ErrNotFound) {
			return "", err
		}
	}
	address, err := s.Source(r)
	if err != nil {
		return "", err
	}
	_, cookie, err := s.accounts.SignIn(r.Context(), a, credential, address.String(), r.UserAgent(), s.Dir.Now())
	if err != nil {
		return "", err
	}
	if err := s.events.signedIn(r.Context(), a, credential, address.String()); err != nil {
		return "", err
	}
	s.Frame.SetCookie(w, r, sessionCookie, cookie, http.SameSiteStrictMode, 0)
	for _, name := range []string{formCookie, secondCookie, ceremonyCookie} {
		s.Frame.RemoveCookie(w, r, name)
	}
	if a.MustChange {
		return passwordURL, nil
	}
	return local(next), nil
}

// local returns a path of the console, and "/" for anything else: signing in must not lead
// elsewhere.
func local(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n") || strings.HasPrefix(to, Path) {
		return "/"
	}
	return to
}
