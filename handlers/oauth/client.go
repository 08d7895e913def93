package oauth

import (
	"encoding/base64"
	"errors"
	"net/url"
	"strings"

	"stile.example/stile/evidence"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens/bearer"
)

// authenticate reads the form, and authenticates the client by its credentials.
func (srv *Server) authenticate(r *request) (*tenants.Tenant, error) {
	if err := r.ReadForm(); err != nil {
		return nil, err
	}
	return srv.credentials(r)
}

// credentials authenticates the client by the one method that the request uses (RFC 6749 §2.3). An
// unknown client takes the same time, and gets the same response, as a wrong secret. Wrong
// credentials are limited: see [attempts].
func (srv *Server) credentials(r *request) (*tenants.Tenant, error) {
	if r.repeats() {
		return nil, invalidRequest("a parameter is repeated")
	}
	id, secret, basic, err := basicAuth(r.HTTP.Header["Authorization"])
	if err != nil {
		return nil, srv.wrongTry(r, "", err.Error(), err)
	}
	formID, formSecret, assertion := r.value("client_id"), r.value("client_secret"), r.value("client_assertion")
	switch {
	case basic && (formSecret != "" || assertion != "") || formSecret != "" && assertion != "":
		return nil, invalidRequest("the client authenticates in more than one way")
	case basic && formID != "" && formID != id:
		return nil, invalidRequest("client_id must be the client that authenticates")
	case assertion != "":
		return srv.asserted(r, assertion, formID)
	case !basic:
		id, secret = formID, formSecret
	}
	return srv.withSecret(r, id, secret)
}

func (srv *Server) withSecret(r *request, id, secret string) (*tenants.Tenant, error) {
	defer srv.attempts.turn(srv.loginPair(r, id), r.At)()
	t, err := srv.Tenants.Authenticate(id, secret, r.At)
	switch {
	case errors.Is(err, tenants.ErrSuspended):
		r.client, r.wrong = id, "suspended"
		return nil, invalidClient("the client is suspended")
	case errors.Is(err, tenants.ErrCredentials):
		srv.collect(r, id, evidence.Secret, whyWrong(err, secret), "")
		return nil, srv.wrongTry(r, id, whyWrong(err, secret), invalidClient("unknown client or wrong secret"))
	case err != nil:
		return nil, unavailable(err)
	}
	return t, nil
}

// whyWrong returns why credentials are wrong, for the log.
func whyWrong(err error, secret string) string {
	switch {
	case errors.Is(err, tenants.ErrUnknownClient):
		return "unknown client"
	case secret == "":
		return "no secret"
	case errors.Is(err, tenants.ErrOldSecret):
		return "expired secret"
	}
	return "wrong secret"
}

// asserted authenticates the client by private_key_jwt (RFC 7523 §2.2).
func (srv *Server) asserted(r *request, assertion, id string) (*tenants.Tenant, error) {
	if srv.Assertions == nil || r.value("client_assertion_type") != bearer.AssertionType {
		return nil, invalidRequest("client_assertion_type is not supported")
	}
	claimed := assertedClient(assertion)
	defer srv.attempts.turn(srv.loginPair(r, claimed), r.At)()
	client, err := srv.Assertions.Verify(r.HTTP.Context(), assertion, srv.Tenants.AssertionKeys, r.At)
	var invalid *bearer.AssertionError
	switch {
	case errors.As(err, &invalid):
		srv.collectDifference(r, claimed, err, "server")
		srv.collect(r, claimed, evidence.Secret, srv.whyNotAsserted(claimed, invalid), "")
		return nil, srv.wrongTry(r, claimed, srv.whyNotAsserted(claimed, invalid), invalidClient(invalid.Error()))
	case err != nil:
		return nil, unavailable(err)
	case id != "" && id != client:
		return nil, invalidRequest("client_id must be the client that authenticates")
	}
	t, ok := srv.Tenants.Find(client)
	if !ok { // it was removed a moment ago
		return nil, srv.wrongTry(r, claimed, "unknown client", invalidClient("unknown client"))
	}
	return t, nil
}

// whyNotAsserted returns why an assertion is invalid, for the log. It says more about the client
// than the response may.
func (srv *Server) whyNotAsserted(client string, why *bearer.AssertionError) string {
	t, known := srv.Tenants.Find(client)
	switch {
	case why.Signed:
	case client != "" && !known:
		return "assertion: unknown client"
	case known && t.Status != tenants.Active:
		return "assertion: suspended"
	case known && t.Keys == "":
		return "assertion: the client has no keys"
	}
	return "assertion: " + why.Reason
}

// basicAuth reads HTTP Basic as RFC 6749 §2.3.1 defines it: id and secret are form-encoded before
// they are joined.
func basicAuth(lines []string) (id, secret string, sent bool, err error) {
	if len(lines) == 0 {
		return "", "", false, nil
	}
	wrong := invalidClient("the header Authorization must be one valid HTTP Basic")
	scheme, encoded, _ := strings.Cut(lines[0], " ")
	if len(lines) > 1 || !strings.EqualFold(scheme, "Basic") {
		return "", "", false, wrong
	}
	text, err := base64.StdEncoding.DecodeString(strings.Trim(encoded, " "))
	if err != nil {
		return "", "", false, wrong
	}
	id, secret, ok := strings.Cut(string(text), ":")
	if !ok {
		return "", "", false, wrong
	}
	id, err1 := url.QueryUnescape(id)
	secret, err2 := url.QueryUnescape(secret)
	if err1 != nil || err2 != nil {
		return "", "", false, wrong
	}
	return id, secret, true, nil
}

// repeats reports whether a parameter is repeated, which RFC 6749 §3.2 forbids.
func (r *request) repeats() bool {
	for i, p := range r.Params {
		for _, q := range r.Params[:i] {
			if p.Name == q.Name {
				return true
			}
		}
	}
	return false
}
