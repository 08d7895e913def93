package files

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/handlers/transport"
)

// Problems returns a handler for the problem pages.
func Problems() echo.HandlerFunc {
	pages, policy := codes.Pages(), codes.PagePolicy()
	return func(c echo.Context) error {
		page, ok := pages[codes.Code(transport.PathParam(c, "code"))]
		if !ok {
			return echo.ErrNotFound
		}
		h := c.Response().Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Cache-Control", "public, max-age=300")
		return c.HTMLBlob(http.StatusOK, page)
	}
}
