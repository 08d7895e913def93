// Package problem has the one table of the admin API's errors, and the form in which they are sent:
// RFC 9457's members and stile's own, as in the content API.
package problem

import (
	"context"
	"errors"
	"net/http"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/operations/failure"
)

// Page is where the errors are described: a page of the admin API, with the code as the fragment.
const Page = "/api/v1/"

// Code is the name of an error. Programs depend on it.
type Code string

// The codes.
const (
	TokenMissing     Code = "token_missing"
	TokenInvalid     Code = "token_invalid"
	Forbidden        Code = "forbidden"
	BadRequest       Code = "bad_request"
	NotFound         Code = "not_found"
	MethodNotAllowed Code = "method_not_allowed"
	NotAcceptable    Code = "not_acceptable"
	Conflict         Code = "conflict"
	Unconfirmed      Code = "unconfirmed"
	InProgress       Code = "in_progress"
	Stale            Code = "stale"
	TooLarge         Code = "too_large"
	UnsupportedType  Code = "unsupported_type"
	KeyReused        Code = "key_reused"
	TooManyRequests  Code = "too_many_requests"
	Internal         Code = "internal"
	Overloaded       Code = "overloaded"
)

// Info is what is known about a code.
type Info struct {
	Code   Code
	Status int
	Title  string
	Help   string // what it means and what to do, for the description of the API
}

// All is the table of the codes.
var All = []Info{
	{BadRequest, http.StatusBadRequest, "Invalid request", "The detail says which part of the request is wrong, and what is allowed."},
	{TokenMissing, http.StatusUnauthorized, "No token", "Send an admin token in the header Authorization, with the scheme Bearer. `stile admin add` makes one."},
	{TokenInvalid, http.StatusUnauthorized, "Invalid token", "The token is unknown, expired or removed."},
	{Forbidden, http.StatusForbidden, "Not allowed", "The role of the token does not allow the request. An owner can give it another role."},
	{NotFound, http.StatusNotFound, "Not found", "There is no such resource, or nothing of the name that the request has."},
	{MethodNotAllowed, http.StatusMethodNotAllowed, "Method not allowed", "The header Allow lists the methods of the resource."},
	{NotAcceptable, http.StatusNotAcceptable, "Not available in this format", "The detail lists the formats of the resource, for the header Accept or the parameter format."},
	{Conflict, http.StatusConflict, "Not possible now", "The present state does not allow the change: a name is taken, or an import is running."},
	{Unconfirmed, http.StatusConflict, "Must be confirmed", "The change would end more than is usual. The detail says what. Repeat the request with the field that confirms it: yes, or confirmed with the number of items."},
	{InProgress, http.StatusConflict, "Still in progress", "A request with the same Idempotency-Key is in progress, or was interrupted. Wait, then read what it was to change."},
	{Stale, http.StatusPreconditionFailed, "Changed by somebody else", "Somebody has changed it since the version in If-Match. Read it again, then decide."},
	{TooLarge, http.StatusRequestEntityTooLarge, "Body too large", "The body must be at most 1 MiB, and that of an import at most 4 GiB."},
	{UnsupportedType, http.StatusUnsupportedMediaType, "Unsupported type of body", "The header Content-Type must be application/json, or for an import the format of the items."},
	{KeyReused, http.StatusUnprocessableEntity, "Idempotency-Key used before", "The key was used for another request within the last 24 hours. Use a new key for each request, and the same key only to repeat it."},
	{TooManyRequests, http.StatusTooManyRequests, "Too many requests", "Too many different Idempotency-Keys came from the admin. Retry after retry_after seconds."},
	{Internal, http.StatusInternalServerError, "Internal server error", "The log of the server says why, under the error's ref."},
	{Overloaded, http.StatusServiceUnavailable, "Overloaded", "The server, or a part of it, is not available. Retry after retry_after seconds."},
}

// InfoOf returns what is known about a code.
func InfoOf(c Code) Info {
	for _, i := range All {
		if i.Code == c {
			return i
		}
	}
	return InfoOf(Internal)
}

// Problem is an error as it is sent.
type Problem struct {
	Type       string `json:"type"` // URL of the description
	Code       Code   `json:"code"`
	Status     int    `json:"status"`
	Title      string `json:"title"`
	Detail     string `json:"detail"`
	Ref        string `json:"ref"`         // under which the server's log has the cause
	Renewable  bool   `json:"renewable"`   // always false: a new token does not help
	RetryAfter *int   `json:"retry_after"` // seconds
	Challenge  any    `json:"challenge"`   // always null
	// Lines are the first errors in the items of an import.
	Lines []Line `json:"lines,omitempty"`
	// Unconfirmed is what would be removed, if that must be confirmed.
	Unconfirmed any `json:"unconfirmed,omitempty"`
}

// Line is an error in the items of an import.
type Line struct {
	Line    int    `json:"line"` // from 1; 0 if there are no lines
	Problem string `json:"problem"`
}

// Error is a problem with what only the log gets to know.
type Error struct {
	Problem
	Cause  error
	Header http.Header
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Detail }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New returns an error with a code and a detail.
func New(c Code, detail string) *Error {
	i := InfoOf(c)
	return &Error{Problem: Problem{Type: Page + "#" + string(c), Code: c, Status: i.Status, Title: i.Title, Detail: detail, Ref: codes.NewRef()}, Header: http.Header{}}
}

// Retry says after how many seconds a retry may succeed.
func (e *Error) Retry(seconds int) *Error {
	e.RetryAfter = &seconds
	return e
}

// byKind has the code of each kind of failure.
var byKind = map[failure.Kind]Code{
	failure.Fault: Internal, failure.Invalid: BadRequest, failure.NotFound: NotFound, failure.Conflict: Conflict,
	failure.Forbidden: Forbidden, failure.Unconfirmed: Unconfirmed, failure.Stale: Stale,
}

// Of returns an error in the form in which it is sent. The text of a fault is only for the log.
func Of(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		e := New(TooLarge, InfoOf(TooLarge).Help)
		e.Cause = tooLarge
		return e
	}
	kind := failure.KindOf(err)
	var e *Error
	switch {
	case kind == failure.Fault && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)):
		e = New(Overloaded, "The request took too long, or was ended. Nothing was changed, or all of it.").Retry(5)
	case kind == failure.Fault:
		e = New(Internal, InfoOf(Internal).Help)
	default:
		e = New(byKind[kind], err.Error())
	}
	e.Cause = err
	return e
}
