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

// preflight answers a browser that asks whether a page may send what makes it
// ask. The widget layer never does; others may.
func preflight(c echo.Context) error {
	h := c.Response().Header()
	transport.SetCommonHeaders(h)
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", "Authorization, DPoP, Content-Type")
	h.Set("Access-Control-Max-Age", "86400")
	return c.NoContent(http.StatusNoContent)
}

// handleRouterError answers a request that has no route, or not for its method. Echo
// calls it; our own handlers answer their errors themselves.
func (a *API) handleRouterError(err error, c echo.Context) {
	r := a.acquireRequest(c.Response().Writer, c.Request(), c.Path())
	defer r.releaseRequest()
	if r.Transport == transport.JSON && aboutCallback(r.Fault) {
		err = r.Fault
	}
	var http *echo.HTTPError
	switch {
	case errors.Is(err, echo.ErrNotFound):
		err = codes.Refuse(codes.NotFound)
	case errors.Is(err, echo.ErrMethodNotAllowed):
		err = codes.Refuse(codes.MethodNotAllowed)
	case errors.As(err, &http):
		err = fmt.Errorf("echo: status %d", http.Code)
	}
	a.fail(r, err)
}

// recoverPanics answers a panic, to a script as well. Nothing has been written
// when one comes: answers are written in one piece, at the end.
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

// describe says what a panic was about, unless that could have come from
// outside: a text is anybody's, and a log must never hold a token.
func describe(p any) string {
	if err, ok := p.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a %T", p)
}
