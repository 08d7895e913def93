package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"stile.example/stile/handlers/transport"
	"stile.example/stile/tracing"
)

// traced makes a span for each request to a route, and gives its context to the handler. Without
// tracing it is not used at all.
func (a *API) traced(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Request()
		ctx, span := a.Traces.Begin(h, c.Path(), !transport.Direct(h, a.TrustedProxies))
		c.SetRequest(h.WithContext(ctx))
		w := &statusWriter{ResponseWriter: c.Response().Writer, status: http.StatusOK}
		c.Response().Writer = w
		panicked := true
		defer func() {
			if panicked {
				w.status = http.StatusInternalServerError // see recoverPanics
			}
			tracing.End(span, w.status)
		}()
		if err := next(c); err != nil {
			c.Error(err) // so that the status is known
		}
		panicked = false
		return nil
	}
}

// statusWriter records the status of a response.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets [http.ResponseController] find the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// transports names the transports in spans.
var transports = map[transport.Transport]string{transport.JSON: "json", transport.JSONP: "jsonp", transport.Form: "form"}

// describe says in the request's span how it was handled.
func (a *API) describe(r *request) {
	a.Traces.Describe(r.HTTP.Context(), r.TenantName(), transports[r.Transport], string(r.refusedWith))
}
