package files

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// StatementKeysPath is where the public keys of statements are published.
const StatementKeysPath = "/.well-known/stile-statement-keys"

// StatementKeys returns a handler for the public keys of statements: one a line, the one that signs
// first. keys must be cheap.
func StatementKeys(keys func(context.Context) ([]string, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		list, err := keys(c.Request().Context())
		if err != nil {
			return err
		}
		h := c.Response().Header()
		h.Set("Cache-Control", "public, max-age=300")
		h.Set("Access-Control-Allow-Origin", "*")
		return c.String(http.StatusOK, "# the public keys of statements, the one that signs first: stile usage verify FILE --key THIS\n"+strings.Join(list, "\n")+"\n")
	}
}
