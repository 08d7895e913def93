package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"

	"github.com/labstack/echo/v4"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/handlers/transport"
)

// preflight answers a CORS preflight. The widget layer causes none; other scripts may.
func preflight(c echo.Context) error {
	h := c.Response().Header()
	transport.SetCommonHeaders(h)
	h["Allow"] = allMethods
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST")
	h.Set("Access-Control-Allow-Headers", "Authorization, DPoP, Content-Type")
	h.Set("Access-Control-Max-Age", "86400")
	return c.NoContent(http.StatusNoContent)
}

// handleRouterError refuses a request that has no route, or none for its method. Echo calls it; the
// handlers of this package respond to their errors themselves.
func (a *API) handleRouterError(err error, c echo.Context) {
	r := a.acquireRequest(c.Response().Writer, c.Request(), c.Path())
	defer r.releaseRequest()
	var http *echo.HTTPError
	switch {
	case r.callbackFault() != nil:
		err = r.callbackFault()
	case errors.Is(err, echo.ErrNotFound):
		err = codes.Refuse(codes.NotFound)
	case errors.Is(err, echo.ErrMethodNotAllowed):
		err = codes.Refuse(codes.MethodNotAllowed)
	case errors.As(err, &http):
		err = fmt.Errorf("echo: status %d", http.Code)
	}
	a.fail(r, err)
}

// recoverPanics responds to a request whose handler panics, to a script too. Nothing has been
// written then, since responses are written in one piece at the end.
func (a *API) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, h *http.Request) {
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				r := a.acquireRequest(w, h, "")
				defer r.releaseRequest()
				a.fail(r, fmt.Errorf("panic: %s\n%s", describe(p), debug.Stack()))
			} else if p != nil {
				panic(p)
			}
		}()
		next.ServeHTTP(w, h)
	})
}

// describe returns the text of a runtime error, and the type of any other panic. Another panic's
// text may contain input, and a log must never contain a token.
func describe(p any) string {
	if err, ok := p.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a %T", p)
}
