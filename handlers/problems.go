package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/handlers/transport"
)

// problems adds the problem pages.
func (a *API) problems(e *echo.Echo) {
	pages, policy := codes.Pages(), codes.PagePolicy()
	serve := func(c echo.Context) error {
		page, ok := pages[codes.Code(transport.PathParam(c, "code"))]
		if !ok {
			return echo.ErrNotFound
		}
		h := c.Response().Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Cache-Control", "public, max-age=300")
		return c.HTMLBlob(http.StatusOK, page)
	}
	for _, path := range []string{"/problems", "/problems/", "/problems/:code"} {
		e.GET(path, serve)
		e.HEAD(path, serve)
	}
}
