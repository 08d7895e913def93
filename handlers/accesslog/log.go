// Package accesslog writes the log lines that are about a request.
package accesslog

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/handlers/transport"
	"stile.example/stile/refusals"
)

// Log writes lines about requests. They contain the tenant, the route and the address as it may be
// shown; never a token, a query or an answer. All fields are required.
type Log struct {
	Answers *slog.Logger // for debug lines, one for each answered request
	Now     func() time.Time
	Merged  interface { // merges all other lines, which may come in floods
		Log(at time.Time, l refusals.Line)
	}
	ShowAddress func(netip.Addr) string
}

// Write writes a line. A line with a cause is an error, unless its level is already a warning or
// the cause is [codes.Temporary]. It is merged only with lines of the same cause.
func (l Log) Write(line refusals.Line, cause error) {
	if cause != nil {
		line.Detail = DetailOf(cause)
		if _, ordinary := errors.AsType[codes.Temporary](cause); !ordinary && line.Level < slog.LevelWarn {
			line.Level = slog.LevelError
		}
		line.Attrs = append(line.Attrs, slog.Any("err", cause))
	}
	l.Merged.Log(l.Now(), line)
}

// maxDetail is how much of a cause distinguishes it from others, in bytes.
const maxDetail = 200

// DetailOf returns what distinguishes a cause from others: the first line of its text. The other
// lines of a panic's text are its stack, which differs each time.
func DetailOf(cause error) string {
	line, _, _ := strings.Cut(cause.Error(), "\n")
	return strings.Clone(line[:min(len(line), maxDetail)])
}

// Line returns a log line about a request.
func (l Log) Line(r *transport.Request, message, code string) refusals.Line {
	return refusals.Line{
		Key:   refusals.Key{Message: message, Code: code, Tenant: r.TenantName(), Address: l.Address(r)},
		Attrs: logAttrs(r),
	}
}

// logAttrs returns the attributes of every line about a request.
func logAttrs(r *transport.Request) []slog.Attr {
	return []slog.Attr{
		slog.String("request", r.ID), slog.String("method", methodName(r.HTTP.Method)), slog.String("route", r.Route),
	}
}

// Answered writes a line for an answered request, at the level debug.
func (l Log) Answered(r *transport.Request, status int) {
	if l.Answers.Enabled(context.Background(), slog.LevelDebug) {
		l.Answers.LogAttrs(context.Background(), slog.LevelDebug, "answered",
			append(logAttrs(r), slog.String("tenant", r.TenantName()), slog.String("address", l.Address(r)),
				slog.Int("status", status), slog.Duration("took", time.Since(r.Started)))...)
	}
}

// Address returns the source address as it may be shown, or "" if it is not known yet.
func (l Log) Address(r *transport.Request) string {
	if !r.From.IsValid() {
		return ""
	}
	return l.ShowAddress(r.From)
}

// methodName returns a standard method, and "other" for anything else, which a client chose.
func methodName(m string) string {
	switch m {
	case http.MethodGet, http.MethodPost, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return m
	}
	return "other"
}
