package handlers

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// tell writes a refusal to the log, counts it, and keeps it under its
// reference. The log has the tenant, the route and the address as it may be
// shown; never a token, a query or an answer.
func (a *API) tell(r *request, why *refusal, p problem) {
	a.Metrics.refused(r.tenantName(), p.Code)
	a.remember(r, p.Ref, p.Code, why.grounds, false)
	level := slog.LevelInfo
	attrs := append(a.attrs(r), slog.String("code", string(p.Code)), slog.Int("status", p.Status), slog.String("ref", p.Ref))
	if why.cause != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.Any("err", why.cause))
	}
	a.Log.LogAttrs(context.Background(), level, "refused", attrs...)
}

// note writes one line for an answered request, where somebody wants them.
func (a *API) note(r *request, status int) {
	if a.Log.Enabled(context.Background(), slog.LevelDebug) {
		a.Log.LogAttrs(context.Background(), slog.LevelDebug, "answered",
			append(a.attrs(r), slog.Int("status", status), slog.Duration("took", time.Since(r.started)))...)
	}
}

// attrs are what every line about a request says.
func (a *API) attrs(r *request) []slog.Attr {
	return []slog.Attr{
		slog.String("request", r.id), slog.String("method", methodName(r.http.Method)), slog.String("route", r.route),
		slog.String("tenant", r.tenantName()), slog.String("address", a.shown(r)),
	}
}

// tenantName is the tenant's client_id for logs and metrics: only a tenant
// that exists has one.
func (r *request) tenantName() string {
	if r.tenant == nil {
		return ""
	}
	return r.tenant.ClientID
}

// methodName keeps what a client made up out of the log.
func methodName(m string) string {
	switch m {
	case http.MethodGet, http.MethodPost, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return m
	}
	return "other"
}

// tellOAuth writes an error of the token endpoint to the log.
func (a *API) tellOAuth(r *request, e *oauthError) {
	level := slog.LevelInfo
	attrs := append(a.attrs(r), slog.String("code", e.Code), slog.Int("status", e.status))
	if e.cause != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.Any("err", e.cause))
	}
	a.Log.LogAttrs(context.Background(), level, "refused", attrs...)
}
