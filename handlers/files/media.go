package files

import (
	"io/fs"
	"net/http"

	"github.com/labstack/echo/v4"
)

// Media returns a handler for the pictures of the demo corpus, which pages of any site may load. An
// SVG that is opened by itself runs no scripts.
func Media(static fs.FS) echo.HandlerFunc {
	return func(c echo.Context) error {
		name := c.Request().URL.Path[1:]
		if info, err := fs.Stat(static, name); err != nil || !info.Mode().IsRegular() {
			return echo.ErrNotFound
		}
		h := c.Response().Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
		h.Set("Cache-Control", "public, max-age=3600")
		http.ServeFileFS(c.Response(), c.Request(), static, name)
		return nil
	}
}
