package handlers

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/handlers/transport"
	"stile.example/stile/tenants"
)

// oauthError is RFC 6749 §5.2's answer.
type oauthError struct {
	status      int
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`
	cause       error  // for the log
}

func (e *oauthError) Error() string { return e.Code + ": " + e.Description }

func invalidRequest(what string) error {
	return &oauthError{http.StatusBadRequest, "invalid_request", what, nil}
}

func invalidClient(what string) error {
	return &oauthError{http.StatusUnauthorized, "invalid_client", what, nil}
}

// oauthUnavailable is a fault of ours. RFC 6749 has no code for it at these
// endpoints; this is §4.1.2.1's, with the status that RFC 7009 §2.2.1 names.
func oauthUnavailable(err error) error {
	return &oauthError{http.StatusServiceUnavailable, "temporarily_unavailable", "try again in a moment", err}
}

// oauth makes an Echo handler of one for a client that who has found. It
// returns what is to be answered as JSON, nil for an empty answer.
func (a *API) oauth(who func(*request) (*tenants.Tenant, error), handle func(*request, *tenants.Tenant) (any, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := a.acquireRequest(c.Response().Writer, c.Request(), c.Path())
		defer r.releaseRequest()
		t, err := a.admitOAuth(r, who)
		if err == nil {
			r.Tenant = t
			var body any
			if body, err = handle(r, t); err == nil {
				r.sendOAuth(http.StatusOK, body)
				a.logAnswered(r, http.StatusOK)
				return nil
			}
		}
		a.failOAuth(r, err)
		return nil
	}
}

// admitOAuth finds the source address, which is the tenant's server's, and then
// the client. Blocked addresses are not refused: the client's credentials are
// what counts here.
func (a *API) admitOAuth(r *request, who func(*request) (*tenants.Tenant, error)) (_ *tenants.Tenant, err error) {
	r.At = a.Now()
	if r.From, err = transport.Source(r.HTTP, a.TrustedProxies); err != nil {
		return nil, err
	}
	return who(r)
}

// value is a parameter, or ""; RFC 6749 §3.2 holds an empty one for none.
func (r *request) value(name string) string {
	v, _ := r.Lookup(name)
	return v
}

// failOAuth answers with an error, and logs it.
func (a *API) failOAuth(r *request, err error) {
	var e *oauthError
	if !errors.As(err, &e) {
		why := refusalOf(err)
		p := why.Problem()
		e = &oauthError{p.Status, "invalid_request", p.Detail, why.Cause}
		if p.Status >= http.StatusInternalServerError {
			e.Code = "server_error"
		}
	}
	if e.status == http.StatusUnauthorized {
		r.W.Header().Set("WWW-Authenticate", `Basic realm="stile", charset="UTF-8"`)
	}
	if e.status == http.StatusServiceUnavailable {
		r.W.Header().Set("Retry-After", strconv.Itoa(int(codes.RetryDelay().Seconds())))
	}
	a.reportOAuth(r, e)
	r.sendOAuth(e.status, e)
}

// sendOAuth writes an answer that no page on another site may read.
func (r *request) sendOAuth(status int, body any) {
	h := r.W.Header()
	h["X-Request-Id"] = []string{r.ID}
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	r.StartBody()
	if body != nil {
		h.Set("Content-Type", "application/json")
		r.AppendValue(body)
	}
	r.Write(status)
}
