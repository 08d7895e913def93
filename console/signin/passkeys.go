package signin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"stile.example/stile/admins"
)

// The paths of the script. Each takes and returns JSON, and needs the token in X-CSRF-Token.
const (
	optionsURL    = "/sign-in/passkey/options"
	checkURL      = "/sign-in/passkey/check"
	addOptionsURL = "/account/passkeys/options"
	addURL        = "/account/passkeys/add"
)

const maxCredential = 64 << 10 // bytes of what a passkey answers

// ofIssuerText is the error about a passkey of an account of OpenID Connect. With one, somebody
// whose account the issuer has closed could still sign in, with the role from before.
const ofIssuerText = "Your account signs in by OpenID Connect, so it has no passkeys here. Use one at the issuer."

// passkeyRoutes adds the requests of the script.
func (s *SignIn) passkeyRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+passkeyURL, s.showSecond)
	mux.HandleFunc("POST "+optionsURL, s.passkeyOptions)
	mux.HandleFunc("POST "+checkURL, s.checkPasskey)
	mux.Handle("POST "+addOptionsURL, s.Require(http.HandlerFunc(s.addOptions)))
	mux.Handle("POST "+addURL, s.Require(http.HandlerFunc(s.addPasskey)))
}

// ceremony is what the cookie remembers of a passkey's challenge.
type ceremony struct {
	Session webauthn.SessionData
	Admin   int64  // whose passkey is added, or the second factor; 0: a passkey alone signs in
	Next    string // after signing in
	Name    string // of a passkey that is added
}

// user is an account as the library needs it.
type user struct {
	admins.Admin
	keys []admins.Passkey // that can be used at the host of the request
}

// WebAuthnID implements [webauthn.User].
func (u user) WebAuthnID() []byte { return u.Handle }

// WebAuthnName implements [webauthn.User].
func (u user) WebAuthnName() string { return u.Name }

// WebAuthnDisplayName implements [webauthn.User].
func (u user) WebAuthnDisplayName() string { return u.Name }

// WebAuthnCredentials implements [webauthn.User].
func (u user) WebAuthnCredentials() []webauthn.Credential {
	var all []webauthn.Credential
	for _, k := range u.keys {
		var c webauthn.Credential
		if err := json.Unmarshal(k.Record, &c); err == nil { // a damaged record matches nothing
			all = append(all, c)
		}
	}
	return all
}

// user returns an account with its passkeys for a host.
func (s *SignIn) user(r *http.Request, a admins.Admin) (user, error) {
	keys, err := s.accounts.Passkeys(r.Context(), a.Number)
	u := user{Admin: a}
	for _, k := range keys {
		if k.Host == hostOf(r) {
			u.keys = append(u.keys, k)
		}
	}
	return u, err
}

// hostOf returns the host that a browser names, without a port.
func hostOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// hasPasskeys reports whether browsers use passkeys at the host of a request: not at an address,
// and without HTTPS only at localhost.
func (s *SignIn) hasPasskeys(r *http.Request) bool {
	host := hostOf(r)
	_, err := netip.ParseAddr(host)
	return err != nil && (s.Frame.IsHTTPS(r) || host == "localhost" || strings.HasSuffix(host, ".localhost"))
}

// relyingParty returns the library, set for the host of a request. The admin listener has checked
// that the host is one of its own.
func (s *SignIn) relyingParty(r *http.Request) (*webauthn.WebAuthn, error) {
	if !s.hasPasskeys(r) {
		return nil, errors.New("browsers use passkeys only with HTTPS, or at localhost, and not at an IP address")
	}
	return webauthn.New(&webauthn.Config{RPID: hostOf(r), RPDisplayName: "stile", RPOrigins: []string{s.origin(r)}})
}

// showSecond shows the page that asks for a passkey after the password.
func (s *SignIn) showSecond(w http.ResponseWriter, r *http.Request) {
	u, _, err := s.secondOf(w, r)
	if err != nil {
		http.Redirect(w, r, Path, http.StatusSeeOther)
		return
	}
	keys, err := s.accounts.Passkeys(r.Context(), u.Number)
	if err != nil {
		s.fault(w, r, err)
		return
	}
	var others []string
	for _, k := range keys {
		others = append(others, k.Host)
	}
	s.Frame.Bare(w, r, http.StatusOK, "Use your passkey", s.pages.second, struct {
		Name, CSRF string
		Usable     bool
		Others     string // hosts of passkeys that can't be used here
		Script     string
	}{u.Name, s.formToken(w, r), len(u.keys) > 0 && s.hasPasskeys(r), strings.Join(others, ", "), scriptURL()})
}

// secondOf returns the account whose password was right.
func (s *SignIn) secondOf(w http.ResponseWriter, r *http.Request) (u user, next string, err error) {
	var c second
	if err := s.unseal(w, r, secondCookie, true, &c); err != nil {
		return u, "", err
	}
	a, err := s.accounts.ByNumber(r.Context(), c.Admin)
	if err != nil {
		return u, "", err
	}
	u, err = s.user(r, a)
	return u, c.Next, err
}

// passkeyOptions returns a challenge for signing in: with any passkey of the host, or with one of
// the account whose password was right.
func (s *SignIn) passkeyOptions(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Second bool   `json:"second"`
		Next   string `json:"next"`
	}
	if !s.readJSON(w, r, s.csrf(s.Frame.Cookie(r, formCookie)), &in) {
		return
	}
	party, err := s.relyingParty(r)
	if err != nil {
		sayError(w, http.StatusConflict, sentence(err))
		return
	}
	c := ceremony{Next: local(in.Next)}
	var options *protocol.CredentialAssertion
	var session *webauthn.SessionData
	if in.Second {
		u, next, err := s.secondOf(w, r)
		if err != nil {
			sayError(w, http.StatusUnauthorized, secondText)
			return
		}
		c.Admin, c.Next = u.Number, next
		options, session, err = party.BeginLogin(u, webauthn.WithUserVerification(protocol.VerificationPreferred))
		if err != nil {
			sayError(w, http.StatusConflict, "You have no passkey for this host.")
			return
		}
	} else if options, session, err = party.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired)); err != nil {
		s.failJSON(w, r, err)
		return
	}
	c.Session = *session
	s.begin(w, r, c, options)
}

// begin sends a challenge, and remembers it in a cookie.
func (s *SignIn) begin(w http.ResponseWriter, r *http.Request, c ceremony, options any) {
	if err := s.seal(w, r, ceremonyCookie, http.SameSiteStrictMode, c); err != nil {
		s.failJSON(w, r, err)
		return
	}
	sayJSON(w, http.StatusOK, options)
}

// checkPasskey signs in with what a passkey answers.
func (s *SignIn) checkPasskey(w http.ResponseWriter, r *http.Request) {
	var raw json.RawMessage
	if !s.readJSON(w, r, s.csrf(s.Frame.Cookie(r, formCookie)), &raw) {
		return
	}
	var c ceremony
	// A challenge for adding a passkey has a name. It must not replace the password.
	if err := s.unseal(w, r, ceremonyCookie, false, &c); err != nil || c.Name != "" {
		sayError(w, http.StatusUnauthorized, secondText)
		return
	}
	address, err := s.Source(r)
	if err != nil {
		sayError(w, http.StatusBadRequest, sourceText)
		return
	}
	guess, wait := s.throttle.take("\x00passkey", address, s.Dir.Now())
	if wait > 0 {
		sayError(w, http.StatusTooManyRequests, slowText(wait))
		return
	}
	a, credential, err := s.verify(r, c, raw)
	if err != nil {
		if err := s.events.failed(r.Context(), s.nameFor(a), a.Name, "passkey", address.String()); err != nil {
			s.failJSON(w, r, err)
			return
		}
		sayError(w, http.StatusUnauthorized, "The passkey is not valid here. Use another one, or your password.")
		return
	}
	guess.giveBack()
	to, err := s.start(w, r, a, credential, c.Next)
	if err != nil {
		s.failJSON(w, r, err)
		return
	}
	sayJSON(w, http.StatusOK, map[string]string{"to": to})
}

// nameFor returns the name of an account for the audit log.
func (s *SignIn) nameFor(a admins.Admin) string {
	if a.Name == "" {
		return unknownName
	}
	return a.Name
}

// verify returns the account that a passkey signs in, and the credential's name.
func (s *SignIn) verify(r *http.Request, c ceremony, raw []byte) (a admins.Admin, credential string, err error) {
	party, err := s.relyingParty(r)
	if err != nil {
		return a, "", err
	}
	answer, err := protocol.ParseCredentialRequestResponseBytes(raw)
	if err != nil {
		return a, "", err
	}
	var u user
	var used *webauthn.Credential
	if c.Admin != 0 {
		credential = "password and passkey"
		if a, err = s.accounts.ByNumber(r.Context(), c.Admin); err != nil {
			return a, "", err
		}
		if u, err = s.user(r, a); err != nil {
			return a, "", err
		}
		used, err = party.ValidateLogin(u, c.Session, answer)
	} else {
		credential = "passkey"
		used, err = party.ValidateDiscoverableLogin(func(_, handle []byte) (webauthn.User, error) {
			if a, err = s.accounts.ByHandle(r.Context(), handle); err != nil {
				return nil, err
			}
			u, err = s.user(r, a)
			return u, err
		}, c.Session, answer)
	}
	if err == nil && a.Issuer != "" { // stored by an earlier version
		err = admins.ErrIssuer
	}
	if err != nil {
		return a, "", err
	}
	return a, credential, s.use(r, u, used, c.Session.Challenge)
}

// use stores the use of a passkey. A challenge is valid once, and so is a counter.
func (s *SignIn) use(r *http.Request, u user, used *webauthn.Credential, challenge string) error {
	if used.Authenticator.CloneWarning {
		return errors.New("the counter of the passkey went back: there may be a copy of it")
	}
	if !s.spend(r.Context(), challenge) {
		return errors.New("the challenge was used before")
	}
	record, err := json.Marshal(used)
	if err != nil {
		return err
	}
	for _, k := range u.keys {
		if bytes.Equal(k.Credential, used.ID) {
			return s.accounts.UsePasskey(r.Context(), k.ID, record, s.Dir.Now())
		}
	}
	return errors.New("the passkey is not one of the account's")
}

// spend reports whether a challenge has not been used before, and marks it as used. Each has its
// own cookie, which is valid for a few minutes.
func (s *SignIn) spend(ctx context.Context, challenge string) bool {
	s.mu.Lock()
	_, used := s.spent.Get(challenge)
	s.spent.Put(challenge, struct{}{})
	s.mu.Unlock()
	if used {
		return false
	}
	sum := sha256.Sum256([]byte(challenge))
	first, _, err := s.Dir.Once(ctx, "passkey "+hex.EncodeToString(sum[:16]), ceremonyFor+time.Minute)
	if err != nil {
		s.Dir.Log.Error("can't record that the challenge of a passkey is used, so it is refused", "err", err)
	}
	return err == nil && first
}

// addOptions returns a challenge for a new passkey of the caller.
func (s *SignIn) addOptions(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Name string `json:"name"`
	}
	session, a, cookie, err := s.session(r)
	if err != nil {
		sayError(w, http.StatusUnauthorized, "Your session has ended. Sign in again.")
		return
	}
	if !s.readJSON(w, r, s.csrf(cookie), &in) {
		return
	}
	if s.Dir.Now().Sub(session.CreatedAt) > admins.PasskeyWithin {
		sayError(w, http.StatusForbidden, "You signed in more than 15 minutes ago, so you can't add a passkey. Reload this page to sign in again.")
		return
	}
	if a.Issuer != "" {
		sayError(w, http.StatusConflict, ofIssuerText)
		return
	}
	if err := admins.CheckLabel(in.Name); err != nil {
		sayError(w, http.StatusUnprocessableEntity, sentence(err))
		return
	}
	party, err := s.relyingParty(r)
	if err != nil {
		sayError(w, http.StatusConflict, sentence(err))
		return
	}
	u, err := s.user(r, a)
	if err != nil {
		s.failJSON(w, r, err)
		return
	}
	options, data, err := party.BeginRegistration(u, webauthn.WithResidentKeyRequirement(protocol.ResidentKeyRequirementRequired),
		webauthn.WithExclusions(webauthn.Credentials(u.WebAuthnCredentials()).CredentialDescriptors()), webauthn.WithConveyancePreference(protocol.PreferNoAttestation))
	if err != nil {
		s.failJSON(w, r, err)
		return
	}
	s.begin(w, r, ceremony{Session: *data, Admin: a.Number, Name: in.Name}, options)
}

// addPasskey adds the passkey that the browser made.
func (s *SignIn) addPasskey(w http.ResponseWriter, r *http.Request) {
	session, a, cookie, err := s.session(r)
	if err != nil {
		sayError(w, http.StatusUnauthorized, "Your session has ended. Sign in again.")
		return
	}
	var raw json.RawMessage
	if !s.readJSON(w, r, s.csrf(cookie), &raw) {
		return
	}
	var c ceremony
	if err := s.unseal(w, r, ceremonyCookie, false, &c); err != nil || c.Admin != a.Number || c.Name == "" {
		sayError(w, http.StatusUnauthorized, "It took too long. Start again.")
		return
	}
	made, err := s.register(r, a, c, raw)
	switch {
	case errors.Is(err, admins.ErrExists):
		sayError(w, http.StatusConflict, "This passkey is already in use.")
		return
	case errors.Is(err, admins.ErrIssuer):
		sayError(w, http.StatusConflict, ofIssuerText)
		return
	case errors.Is(err, admins.ErrTooMany):
		sayError(w, http.StatusConflict, fmt.Sprintf("You have %d passkeys, which is the maximum. Remove one first.", admins.MaxPasskeys))
		return
	case err != nil:
		s.Dir.Log.Info("console: a passkey was not accepted", "admin", a.Name, "err", err)
		sayError(w, http.StatusUnprocessableEntity, "The browser's answer is not valid. Start again.")
		return
	}
	address, err := s.Source(r)
	if err == nil {
		err = s.events.changed(r.Context(), a, session.Credential, address.String(), "admin passkey add", struct {
			ID   int64  `json:"id"`
			Name string `json:"name"`
			Host string `json:"host"`
		}{made.ID, made.Name, made.Host})
	}
	if err != nil {
		s.failJSON(w, r, err)
		return
	}
	sayJSON(w, http.StatusOK, map[string]string{"to": "/account"})
}

// register checks and stores a new passkey.
func (s *SignIn) register(r *http.Request, a admins.Admin, c ceremony, raw []byte) (p admins.Passkey, err error) {
	party, err := s.relyingParty(r)
	if err != nil {
		return p, err
	}
	answer, err := protocol.ParseCredentialCreationResponseBytes(raw)
	if err != nil {
		return p, err
	}
	u, err := s.user(r, a)
	if err != nil {
		return p, err
	}
	made, err := party.CreateCredential(u, c.Session, answer)
	if err != nil {
		return p, err
	}
	if !s.spend(r.Context(), c.Session.Challenge) {
		return p, errors.New("the challenge was used before")
	}
	record, err := json.Marshal(made)
	if err != nil {
		return p, err
	}
	return s.accounts.AddPasskey(r.Context(), admins.Passkey{Admin: a.Number, Name: c.Name, Host: hostOf(r), Credential: made.ID, Record: record}, s.Dir.Now())
}

// readJSON reads the body of a request of the script, and checks its token. If something is wrong,
// it responds.
func (s *SignIn) readJSON(w http.ResponseWriter, r *http.Request, token string, v any) bool {
	if subtle.ConstantTimeCompare([]byte(token), []byte(r.Header.Get("X-CSRF-Token"))) != 1 {
		sayError(w, http.StatusForbidden, "The page is from an older session. Open it again.")
		return false
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCredential))
	if err == nil {
		err = json.Unmarshal(raw, v)
	}
	if err != nil {
		sayError(w, http.StatusBadRequest, "The request is malformed.")
		return false
	}
	return true
}

func sayJSON(w http.ResponseWriter, status int, v any) {
	head := w.Header()
	head.Set("Content-Type", "application/json")
	head.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the browser is gone
}

func sayError(w http.ResponseWriter, status int, text string) {
	sayJSON(w, status, map[string]string{"error": text})
}

// failJSON responds to a fault, and logs it.
func (s *SignIn) failJSON(w http.ResponseWriter, r *http.Request, err error) {
	sayError(w, http.StatusInternalServerError, "Internal server error. "+faultText(s.logFault(r, err)))
}
