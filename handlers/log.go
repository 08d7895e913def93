package handlers

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/refusals"
	"stile.example/stile/tenants"
)

// reportRefusal writes a refusal to the log, counts it, and keeps it under its
// reference. The log has the tenant, the route and the address as it may be
// shown; never a token, a query or an answer.
func (a *API) reportRefusal(r *request, why *codes.Refusal, p codes.Problem) {
	a.Metrics.Refused(r.tenantName(), p.Code)
	a.storeRefusal(r, p.Ref, p.Code, why.Explanation, false)
	l := a.line(r, "refused", string(p.Code))
	l.Attrs = append(l.Attrs, slog.Int("status", p.Status), slog.String("ref", p.Ref))
	a.log(l, why.Cause)
}

// log writes a line. A fault, which has a cause, is merged with those of the
// same cause only.
func (a *API) log(l refusals.Line, cause error) {
	if cause != nil {
		l.Level, l.Detail = slog.LevelError, detailOf(cause)
		l.Attrs = append(l.Attrs, slog.Any("err", cause))
	}
	a.Refusals.Log(a.Now(), l)
}

// maxDetail is how much of a cause tells it from others, in bytes.
const maxDetail = 200

// detailOf is what tells a cause from others: the first line of its text. The
// other lines of a panic's text are its stack, which differs each time.
func detailOf(cause error) string {
	line, _, _ := strings.Cut(cause.Error(), "\n")
	return strings.Clone(line[:min(len(line), maxDetail)])
}

// line is a log line about a request.
func (a *API) line(r *request, message, code string) refusals.Line {
	return refusals.Line{
		Key:   refusals.Key{Message: message, Code: code, Tenant: r.tenantName(), Address: a.loggedAddress(r)},
		Attrs: r.logAttrs(),
	}
}

// logAttrs are what every line about a request says of the request itself.
func (r *request) logAttrs() []slog.Attr {
	return []slog.Attr{
		slog.String("request", r.ID), slog.String("method", methodName(r.HTTP.Method)), slog.String("route", r.Route),
	}
}

// logAnswered writes one line for an answered request, where somebody wants them.
func (a *API) logAnswered(r *request, status int) {
	if a.Log.Enabled(context.Background(), slog.LevelDebug) {
		a.Log.LogAttrs(context.Background(), slog.LevelDebug, "answered",
			append(r.logAttrs(), slog.String("tenant", r.tenantName()), slog.String("address", a.loggedAddress(r)),
				slog.Int("status", status), slog.Duration("took", time.Since(r.Started)))...)
	}
}

// tenantName is the tenant's client_id for logs and metrics: only a tenant
// that exists has one.
func (r *request) tenantName() string {
	if r.Tenant == nil {
		return ""
	}
	return r.Tenant.ClientID
}

// methodName keeps what a client made up out of the log.
func methodName(m string) string {
	switch m {
	case http.MethodGet, http.MethodPost, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return m
	}
	return "other"
}

// reportOAuth writes an error of the token endpoint and its siblings to the log.
// One for wrong credentials names the client that they were for.
func (a *API) reportOAuth(r *request, e *oauthError) {
	l := a.line(r, "refused", e.Code)
	l.Attrs = append(l.Attrs, slog.Int("status", e.status))
	if l.Detail = r.wrong; r.wrong != "" {
		l.Attrs = append(l.Attrs, slog.String("client", r.wrong))
	}
	a.log(l, e.cause)
}

// issued writes to the log that tokens were issued. jti is the first one's.
func (a *API) issued(t *tenants.Tenant, jti string, n int) {
	a.log(refusals.Line{
		Key: refusals.Key{Message: "issued", Tenant: t.ClientID}, Count: int64(n), Attrs: []slog.Attr{slog.String("jti", jti)},
	}, nil)
}
