package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
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
	var probes probes
	get(e, "/readyz", func(c echo.Context) error {
		ready, degraded := probes.share(c.Request().Context(), a)
		if err := ready; err != nil {
			a.Refusals.Log(a.Now(), refusals.Line{Key: refusals.Key{Message: "not ready", Detail: accesslog.DetailOf(err)},
				Level: slog.LevelWarn, Attrs: []slog.Attr{slog.Any("err", err)}})
			sendHealth(c, http.StatusServiceUnavailable, "not ready", partsOf(err))
			return nil
		}
		if err := degraded; err != nil {
			a.Refusals.Log(a.Now(), refusals.Line{Key: refusals.Key{Message: "ready, but degraded", Detail: accesslog.DetailOf(err)},
				Level: slog.LevelWarn, Attrs: []slog.Attr{slog.Any("err", err)}})
			sendHealth(c, http.StatusOK, "degraded", partsOf(err))
			return nil
		}
		sendHealth(c, http.StatusOK, "ready", nil)
		return nil
	})
}

// probes lets those who ask at the same time whether the server can serve share one check, which
// writes to the database and to the engine of states: anyone may ask, however often.
type probes struct {
	mu      sync.Mutex
	running *probe
}

// probe is a check.
type probe struct {
	done            chan struct{} // closed when the results are there
	ready, degraded error
}

// share returns the results of the check that runs, or of a new one. It does not end with ctx: a
// client that closes its sending side after the request still waits for the response.
func (p *probes) share(ctx context.Context, a *API) (ready, degraded error) {
	p.mu.Lock()
	one := p.running
	if one == nil {
		one = &probe{done: make(chan struct{})}
		p.running = one
		go p.run(context.WithoutCancel(ctx), one, a)
	}
	p.mu.Unlock()
	select {
	case <-one.done:
		return one.ready, one.degraded
	case <-time.After(readinessTimeout + time.Second):
		return errors.New("server: the check does not end"), nil
	}
}

func (p *probes) run(ctx context.Context, one *probe, a *API) {
	ctx, cancel := context.WithTimeout(ctx, readinessTimeout)
	defer cancel()
	defer func() {
		if cause := recover(); cause != nil {
			one.ready = fmt.Errorf("server: the check panicked: %v", cause)
		}
		p.mu.Lock()
		p.running = nil
		p.mu.Unlock()
		close(one.done)
	}()
	if one.ready = a.Ready(ctx); one.ready == nil && a.Degraded != nil {
		one.degraded = a.Degraded(ctx)
	}
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
