package handlers

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"stile.example/stile/challenge"
	"stile.example/stile/handlers/codes"
	"stile.example/stile/handlers/transport"
	"stile.example/stile/tokens"
)

// The files of a challenge of the kind picture.
const (
	pictureFile = "/picture.png"
	soundFile   = "/sound.wav"
)

var (
	typePNG = []string{"image/png"}
	typeWAV = []string{"audio/wav"}
)

func (a *API) picture(ctx context.Context, r *request) ([]byte, error) {
	return a.Challenges.Picture(ctx, r.PathID, r.At, a.mayRender(ctx, r))
}

func (a *API) sound(ctx context.Context, r *request) ([]byte, error) {
	lang, _ := r.Lookup("lang")
	return a.Challenges.Sound(ctx, r.PathID, lang, r.At, a.mayRender(ctx, r))
}

// mayRender returns a function that counts a rendering of the challenge, which may be rendered six
// times (S60). It is called only if something must be rendered.
func (a *API) mayRender(ctx context.Context, r *request) func() error {
	return func() error {
		asked, _ := a.Challenges.Open(r.PathID)
		v, err := a.Gate.Apply(ctx, asked.Token, tokens.Policy{}, tokens.Render{At: r.At, Number: asked.Number})
		switch {
		case err != nil:
			return err
		case v.Outcome == tokens.Admit:
			return nil
		case v.Reason == tokens.RenderedTooOften:
			return renderedTooOften()
		}
		return challenge.ErrUnknown
	}
}

// renderedTooOften refuses to render a challenge again.
func renderedTooOften() error {
	return &codes.Refusal{Code: codes.Overloaded, Status: http.StatusTooManyRequests,
		Detail:      "This challenge has been rendered too often, or as sound in another language. Reload it for a new one.",
		Explanation: codes.By("challenge.drawn", tokens.MaxRendered, tokens.MaxRendered+1)}
}

// isClosed reports whether a picture that this server made is not its token's open challenge.
func (a *API) isClosed(ctx context.Context, id string) (bool, error) {
	asked, ok := a.Challenges.Open(id)
	if !ok || asked.Kind != challenge.Picture {
		return false, nil
	}
	isOpen := func(s tokens.State) bool { return asked.Number != 0 && s.OpenChallenge.Number == asked.Number }
	s, err := a.Gate.State(ctx, asked.Token)
	if err == nil && !isOpen(s) { // another server may have issued it since
		s, err = a.Gate.Stored(ctx, asked.Token)
	}
	return !isOpen(s), err
}

// mediaRoute returns an Echo handler for a function that renders. An <img> sends no token and runs
// no script, so a refusal is always JSON, whatever the parameters are. Only what this server has
// sealed is rendered. Sounds are sent in ranges, which some players require.
func (a *API) mediaRoute(contentType []string, render func(context.Context, *request) ([]byte, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := a.acquireRequest(c.Response().Writer, c.Request(), c.Path())
		defer r.releaseRequest()
		r.Transport, r.Callback = transport.JSON, ""
		r.PathID = transport.PathParam(c, "id")
		body, err := a.renderMedia(r, render)
		if err != nil {
			a.fail(r, err)
			return nil
		}
		h := r.W.Header()
		transport.SetCommonHeaders(h)
		h["Content-Type"], h["X-Request-Id"] = contentType, []string{r.ID}
		http.ServeContent(r.W, r.HTTP, "", time.Time{}, bytes.NewReader(body))
		a.requestLog().Answered(&r.Request, http.StatusOK)
		return nil
	}
}

func (a *API) renderMedia(r *request, render func(context.Context, *request) ([]byte, error)) ([]byte, error) {
	if err := a.checkAddress(r); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	closed, err := a.isClosed(ctx, r.PathID)
	if err != nil {
		return nil, codes.Unavailable(err)
	}
	if closed {
		return nil, &codes.Refusal{Code: codes.NotFound, Detail: "The challenge is not open: it was solved or replaced."}
	}
	body, err := render(ctx, r)
	var why *codes.Refusal
	switch {
	case errors.As(err, &why):
		return nil, why
	case errors.Is(err, challenge.ErrOtherLanguage):
		return nil, renderedTooOften()
	case err == nil:
		return body, nil
	case errors.Is(err, challenge.ErrUnknown):
		return nil, &codes.Refusal{Code: codes.NotFound, Detail: "There is no such challenge, or it has no picture and no sound."}
	case errors.Is(err, challenge.ErrExpired):
		return nil, &codes.Refusal{Code: codes.NotFound, Detail: "The challenge has expired."}
	case errors.Is(err, challenge.ErrBusy):
		return nil, &codes.Refusal{Code: codes.Overloaded, Retry: codes.RetryDelay()}
	}
	return nil, codes.Unavailable(err)
}
