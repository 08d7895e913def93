package handlers

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"stile.example/stile/handlers/accesslog"
	"stile.example/stile/refusals"
)

// readinessTimeout is how long the checks of readiness may take.
const readinessTimeout = 2 * time.Second

// health adds the two routes for supervisors. /healthz reports whether the process runs, /readyz
// whether it can serve: "degraded" says that it can, without some parts. The error of Ready has a
// line for each part that is missing, which begins with the part's name and a colon. The response
// contains only the names; the log has the rest.
func (a *API) health(e *echo.Echo) {
	get(e, "/healthz", func(c echo.Context) error {
		sendHealth(c, http.StatusOK, "ok", nil)
		return nil
	})
	get(e, "/readyz", func(c echo.Context) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), readinessTimeout)
		defer cancel()
		if err := a.Ready(ctx); err != nil {
			a.Refusals.Log(a.Now(), refusals.Line{Key: refusals.Key{Message: "not ready", Detail: accesslog.DetailOf(err)},
				Level: slog.LevelWarn, Attrs: []slog.Attr{slog.Any("err", err)}})
			sendHealth(c, http.StatusServiceUnavailable, "not ready", partsOf(err))
			return nil
		}
		if a.Degraded != nil {
			if err := a.Degraded(ctx); err != nil {
				a.Refusals.Log(a.Now(), refusals.Line{Key: refusals.Key{Message: "ready, but degraded", Detail: accesslog.DetailOf(err)},
					Level: slog.LevelWarn, Attrs: []slog.Attr{slog.Any("err", err)}})
				sendHealth(c, http.StatusOK, "degraded", partsOf(err))
				return nil
			}
		}
		sendHealth(c, http.StatusOK, "ready", nil)
		return nil
	})
}

func partsOf(err error) (parts []string) {
	for line := range strings.Lines(err.Error()) {
		part, _, named := strings.Cut(strings.TrimSpace(line), ":")
		if !named {
			part = "a part of the server"
		}
		parts = append(parts, part)
	}
	return parts
}

func sendHealth(c echo.Context, status int, word string, missing []string) {
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json")
	c.Response().WriteHeader(status)
	_ = json.NewEncoder(c.Response()).Encode(struct {
		Status  string   `json:"status"`
		Missing []string `json:"missing,omitempty"`
	}{word, missing})
}
