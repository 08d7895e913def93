package signin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"stile.example/stile/admins"
	"stile.example/stile/outbound"
	"stile.example/stile/settings"
)

// callbackURL is where the issuer sends the browser back. It must be registered there.
const callbackURL = oidcURL + "/callback"

// The limits of requests to the issuer.
const (
	issuerTimeout  = 10 * time.Second
	maxIssuerBody  = 1 << 20
	discoverAgain  = 10 * time.Second // after the metadata could not be fetched
	maxSecretBytes = 4096
)

// provider is the issuer by which admins sign in.
type provider struct {
	set    settings.OIDC
	client *http.Client

	mu       sync.Mutex
	found    *oidc.Provider // nil: not yet
	failed   error
	failedAt time.Time
}

// newProvider returns the issuer of the settings, or nil if there is none. The issuer's metadata is
// fetched when somebody signs in: the server also starts without it.
func newProvider(set settings.OIDC) (*provider, error) {
	if set.Issuer == "" {
		return nil, nil
	}
	p := &provider{set: set, client: issuerClient(set)}
	if _, err := p.secret(); err != nil {
		return nil, err
	}
	return p, nil
}

// Probe returns an error unless admins could sign in by the issuer of the settings: its metadata
// can be fetched, and the secret can be read.
func Probe(ctx context.Context, set settings.OIDC, now time.Time) error {
	p, err := newProvider(set)
	if err != nil || p == nil {
		return err
	}
	_, err = p.discover(ctx, now)
	return err
}

// issuerClient returns a client that connects only where an issuer may be, and that reads bounded
// responses. Over the internet, TLS is required.
func issuerClient(set settings.OIDC) *http.Client {
	loopback := set.OnThisMachine()
	transport := outbound.NewTransport(issuerTimeout, func(at netip.AddrPort, encrypted bool) error {
		switch a := at.Addr(); {
		case !outbound.Reachable(a, set.AllowPrivate, loopback):
			return fmt.Errorf("%s is not an address that console.oidc may be at; for a private network, set console.oidc.allow_private", at)
		case !encrypted && outbound.Public(a):
			return fmt.Errorf("%s is a public address, where console.oidc must use https", at)
		}
		return nil
	})
	return &http.Client{Timeout: issuerTimeout, Transport: limited{transport}}
}

// limited limits the size of responses.
type limited struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := l.next.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, maxIssuerBody), res.Body}
	}
	return res, err
}

// secret reads the client's secret; "" for a client that has none.
func (p *provider) secret() (string, error) {
	if p.set.SecretFile == "" {
		return "", nil
	}
	text, err := os.ReadFile(p.set.SecretFile)
	if err != nil {
		return "", fmt.Errorf("console.oidc.client_secret_file: %w", err)
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" || len(secret) > maxSecretBytes {
		return "", fmt.Errorf("console.oidc.client_secret_file: %s must contain a secret, and nothing else", p.set.SecretFile)
	}
	return secret, nil
}

// discover returns the issuer's metadata. After a failure it waits before it asks again.
func (p *provider) discover(ctx context.Context, now time.Time) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	if age := now.Sub(p.failedAt); p.failed != nil && age >= 0 && age < discoverAgain {
		return nil, p.failed
	}
	found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.set.Issuer)
	if err != nil {
		p.failed, p.failedAt = fmt.Errorf("fetch the metadata of %s: %w", p.set.Issuer, outbound.Reason(err)), now
		return nil, p.failed
	}
	p.found, p.failed = found, nil
	return found, nil
}

// name returns how the page calls the issuer.
func (p *provider) name() string {
	if p.set.Name != "" {
		return p.set.Name
	}
	if u, err := url.Parse(p.set.Issuer); err == nil {
		return u.Host
	}
	return p.set.Issuer
}

// flow is what the cookie remembers until the issuer sends the browser back.
type flow struct{ State, Nonce, Verifier, Next string }

// config returns the client of the issuer, for the host of a request.
func (s *SignIn) config(r *http.Request, found *oidc.Provider) (oauth2.Config, error) {
	secret, err := s.oidc.secret()
	return oauth2.Config{ClientID: s.oidc.set.ClientID, ClientSecret: secret, Endpoint: found.Endpoint(), RedirectURL: s.origin(r) + callbackURL, Scopes: append([]string{oidc.ScopeOpenID}, s.oidc.set.Scopes...)}, err
}

// startOIDC sends the browser to the issuer.
func (s *SignIn) startOIDC(w http.ResponseWriter, r *http.Request) {
	found, err := s.oidc.discover(r.Context(), s.Dir.Now())
	if err != nil {
		s.issuerFailed(w, r, err)
		return
	}
	config, err := s.config(r, found)
	if err != nil {
		s.issuerFailed(w, r, err)
		return
	}
	f := flow{rand.Text(), rand.Text(), oauth2.GenerateVerifier(), local(r.URL.Query().Get("next"))}
	if len(f.Next) > 1024 {
		f.Next = "/"
	}
	// The issuer sends the browser back from another site, so the cookie can't be strict.
	if err := s.seal(w, r, oidcCookie, http.SameSiteLaxMode, f); err != nil {
		s.fault(w, r, err)
		return
	}
	http.Redirect(w, r, config.AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), http.StatusSeeOther)
}

// finishOIDC signs in with what the issuer says.
func (s *SignIn) finishOIDC(w http.ResponseWriter, r *http.Request) {
	var f flow
	q := r.URL.Query()
	err := s.unseal(w, r, oidcCookie, false, &f)
	if err != nil || subtle.ConstantTimeCompare([]byte(f.State), []byte(q.Get("state"))) != 1 || q.Has("iss") && q.Get("iss") != s.oidc.set.Issuer {
		s.fail(w, r, http.StatusForbidden, "Not signed in", secondText)
		return
	}
	if q.Get("error") != "" {
		s.fail(w, r, http.StatusForbidden, "Not signed in", s.oidc.name()+" did not let you in: "+shown(q.Get("error"))+".")
		return
	}
	address, ok := s.source(w, r)
	if !ok {
		return
	}
	guess, wait := s.throttle.take("\x00oidc", address, s.Dir.Now())
	if wait > 0 {
		s.fail(w, r, http.StatusTooManyRequests, "Not signed in", slowText(wait))
		return
	}
	who, err := s.identify(r, f, q.Get("code"))
	if err != nil {
		s.issuerFailed(w, r, err)
		return
	}
	if who.role == "" {
		if err := s.accounts.EndAccess(r.Context(), s.oidc.set.Issuer, who.subject); err != nil {
			s.fault(w, r, err)
			return
		}
		if err := s.events.failed(r.Context(), unknownName, "", "oidc", address.String()); err != nil {
			s.fault(w, r, err)
			return
		}
		s.fail(w, r, http.StatusForbidden, "No role", fmt.Sprintf("You are signed in at %s as %s, but that account has no role for this console. Ask an owner to give it one.", s.oidc.name(), shown(who.name)))
		return
	}
	guess.giveBack()
	s.enter(w, r, who, f.Next)
}

// enter starts the session of a person that the issuer has identified.
func (s *SignIn) enter(w http.ResponseWriter, r *http.Request, who identity, next string) {
	a, err := s.accounts.FromIssuer(r.Context(), s.oidc.set.Issuer, who.subject, who.name, who.role, s.Dir.Now())
	var input *admins.InputError
	switch {
	case errors.Is(err, admins.ErrExists):
		s.fail(w, r, http.StatusConflict, "Name taken", fmt.Sprintf("There is another admin with the name %s here. Ask an owner to remove that one, or sign in as that one.", shown(who.name)))
		return
	case errors.Is(err, admins.ErrLastOwner):
		s.fail(w, r, http.StatusConflict, "Last owner", fmt.Sprintf("You are the last owner, and %s gives you another role. Make another admin an owner first (`stile admin set`).", s.oidc.name()))
		return
	case errors.As(err, &input):
		s.fail(w, r, http.StatusConflict, "Name not possible", sentence(err))
		return
	case err != nil:
		s.fault(w, r, err)
		return
	}
	to, err := s.start(w, r, a, "oidc", next)
	if err != nil {
		s.fault(w, r, err)
		return
	}
	// A redirect would still belong to the issuer's page, and a strict cookie would not be sent.
	w.Header().Set("Refresh", "0; url="+to)
	s.Frame.Bare(w, r, http.StatusOK, "Signed in", s.pages.entered, to)
}

// identity is who the issuer says that somebody is.
type identity struct {
	subject, name string
	role          admins.Role // "": none
}

// identify exchanges the code for an ID token, and reads who it is about.
func (s *SignIn) identify(r *http.Request, f flow, code string) (who identity, err error) {
	found, err := s.oidc.discover(r.Context(), s.Dir.Now())
	if err != nil {
		return who, err
	}
	config, err := s.config(r, found)
	if err != nil {
		return who, err
	}
	ctx := oidc.ClientContext(r.Context(), s.oidc.client)
	tokens, err := config.Exchange(ctx, code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return who, fmt.Errorf("exchange the code: %w", withoutBody(err))
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return who, errors.New("the response has no ID token")
	}
	token, err := found.VerifierContext(ctx, &oidc.Config{ClientID: s.oidc.set.ClientID, Now: s.Dir.Now}).Verify(ctx, raw)
	if err != nil {
		return who, fmt.Errorf("verify the ID token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(f.Nonce)) != 1 {
		return who, errors.New("verify the ID token: the nonce is another sign-in's")
	}
	claims := map[string]any{}
	if err := token.Claims(&claims); err != nil {
		return who, fmt.Errorf("read the ID token: %w", err)
	}
	if valuesAt(claims, s.oidc.set.Claim) == nil && found.UserInfoEndpoint() != "" {
		info, err := found.UserInfo(ctx, config.TokenSource(ctx, tokens))
		if err == nil && info.Subject == token.Subject {
			err = info.Claims(&claims)
		}
		if err != nil {
			return who, fmt.Errorf("fetch the user info: %w", withoutBody(err))
		}
	}
	who = identity{subject: token.Subject, name: nameIn(claims, token.Subject)}
	for _, value := range valuesAt(claims, s.oidc.set.Claim) {
		if role := s.oidc.set.Roles[value]; role != "" && !who.role.Includes(admins.Role(role)) {
			who.role = admins.Role(role)
		}
	}
	return who, nil
}

// withoutBody returns an error without the issuer's response, which may repeat what was sent.
func withoutBody(err error) error {
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return fmt.Errorf("status %d, %q", e.Response.StatusCode, shown(e.ErrorCode))
	}
	return err
}

// nameIn returns the name that an account gets.
func nameIn(claims map[string]any, subject string) string {
	for _, claim := range []string{"preferred_username", "email"} {
		if name, ok := claims[claim].(string); ok && admins.CheckName(name) == nil {
			return name
		}
	}
	return subject
}

// valuesAt returns the texts of a claim: one, or a list. A claim inside of others is named with
// dots, such as realm_access.roles. A claim that has the whole name comes first.
func valuesAt(claims map[string]any, path string) (values []string) {
	at, found := claims[path]
	if !found {
		var inner any = claims
		for name := range strings.SplitSeq(path, ".") {
			object, ok := inner.(map[string]any)
			if !ok {
				return nil
			}
			inner = object[name]
		}
		at = inner
	}
	switch v := at.(type) {
	case string:
		return []string{v}
	case []any:
		values = []string{}
		for _, one := range v {
			if text, ok := one.(string); ok {
				values = append(values, text)
			}
		}
	}
	return values
}

// shown returns a text of the issuer as it may be in a page or a log: short, and printable.
func shown(text string) string {
	raw, err := json.Marshal(text)
	if len(text) > 100 || err != nil {
		return "(too long)"
	}
	return strings.Trim(string(raw), `"`)
}

// issuerFailed responds if the issuer could not be asked, and logs why.
func (s *SignIn) issuerFailed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		s.Dir.Log.Warn("console: can't sign in by OpenID Connect", "issuer", s.oidc.set.Issuer, "err", err)
	}
	s.fail(w, r, http.StatusBadGateway, "Not signed in", "Signing in with "+s.oidc.name()+" failed. The log of the server says why. Try again, or use a password.")
}
