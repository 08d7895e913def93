package handlers

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"stile.example/stile/content"
	"stile.example/stile/handlers/codes"
	"stile.example/stile/handlers/items"
	"stile.example/stile/handlers/metrics"
	"stile.example/stile/handlers/titles"
	"stile.example/stile/handlers/transport"
	"stile.example/stile/tokens"
)

// requestTimeout is how long a request may wait for the corpus and for the store.
const requestTimeout = 5 * time.Second

// contentQuery queries the corpus, and appends the response's data and its own part of meta to the
// body, up to the token's part. It returns how many records the response contains.
type contentQuery func(ctx context.Context, r *request) (records int, err error)

// readFunc is the function of the package items that reads for a route.
type readFunc func(context.Context, *transport.Request) (records int, err error)

// counted returns the handler of a counted route. The token's state is checked before the corpus is
// read, so that a refused call costs no search. The corpus is read next, so that the records are
// counted in the one step that admits the call. The response leaves only if that step admits the
// call, and once the count is durable. A response that an item does not exist is one too. A call
// whose content can't be read counts in the token's spike window and is not charged. upTo returns
// the maximum of records in the response.
func (a *API) counted(route tokens.Route, upTo func(*request) int, read readFunc) echo.HandlerFunc {
	q := func(ctx context.Context, r *request) (int, error) { return read(ctx, &r.Request) }
	return a.contentRoute(func(ctx context.Context, r *request) error {
		if err := a.authorize(r); err != nil {
			return err
		}
		if err := a.hasCalls(r); err != nil {
			return err
		}
		if err := a.check(ctx, r, tokens.Check{Call: r.event(route, upTo(r))}); err != nil {
			return err
		}
		records, missing := a.runQuery(ctx, r, q)
		err := missing
		if err == nil || errors.Is(err, content.ErrNotFound) {
			err = a.reserve(ctx, r)
		}
		if err != nil {
			return a.attempt(ctx, r, tokens.Attempt{Call: r.event(route, 0)}, err)
		}
		r.call = r.event(route, records)
		state, err := a.applyReserved(ctx, r, &r.call)
		if err != nil {
			return err
		}
		a.Metrics.Called(r.Tenant.ClientID, route, r.stepped.Sub(r.Started))
		a.History.Called(r.Tenant.ClientID, route, r.stepped.Sub(r.Started))
		if missing != nil {
			return missing
		}
		a.reply(r, state)
		return nil
	})
}

// uncounted returns the handler of suggestions. They are checked like calls, and neither counted
// nor charged. Their titles that are new to the token are charged to it. read returns the ids of
// the items whose titles the response contains.
func (a *API) uncounted(read func(context.Context, *transport.Request) (ids []string, err error)) echo.HandlerFunc {
	shown := titles.New()
	return a.contentRoute(func(ctx context.Context, r *request) error {
		if err := a.authorize(r); err != nil {
			return err
		}
		if err := a.hasCalls(r); err != nil {
			return err
		}
		suggest := func(n int) tokens.Call {
			e := r.event(0, 0)
			e.Titles = uint32(n)
			return e
		}
		if err := a.check(ctx, r, tokens.Check{Call: suggest(titles.Max), Suggest: true}); err != nil {
			return err
		}
		var ids []string
		_, err := a.runQuery(ctx, r, func(ctx context.Context, r *request) (_ int, err error) {
			ids, err = read(ctx, &r.Request)
			return 0, err
		})
		if err != nil {
			return a.attempt(ctx, r, tokens.Attempt{Call: suggest(0), Suggest: true}, err)
		}
		state, err := a.applyEvent(ctx, r, tokens.Suggest(suggest(shown.New(r.claims.ID, ids))))
		if err != nil {
			return err
		}
		shown.Add(r.claims.ID, ids)
		a.reply(r, state)
		return nil
	})
}

// The maximum of records in the response to a call.
func none(*request) int { return 0 }
func one(*request) int  { return 1 }

// pageful returns the maximum for a list. An invalid limit is refused later.
func pageful(r *request) int {
	n, _ := items.LimitOf(&r.Request)
	return n
}

// runQuery runs the query when its turn comes. An invalid query and one for an item that does not
// exist are errors of the client; any other error is a fault.
func (a *API) runQuery(ctx context.Context, r *request, q contentQuery) (records int, err error) {
	began := a.Traces.Now()
	if err := a.questions.Take(ctx, &r.Request, r.claims.ID, a.Addresses); err != nil {
		return 0, codes.Unread(err)
	}
	a.Traces.Did(ctx, "queue", "wait", began)
	defer a.questions.Give(&r.Request, r.claims.ID)
	r.StartBody()
	records, err = q(ctx, r)
	if err == nil || isClients(err) {
		return records, err
	}
	return 0, codes.Unread(err)
}

func isClients(err error) bool {
	var wrong content.ErrQuery
	var why *codes.Refusal
	return errors.Is(err, content.ErrNotFound) || errors.As(err, &wrong) || errors.As(err, &why)
}

// applyEvent applies an event to the token, and returns the token's state if the event was
// admitted.
func (a *API) applyEvent(ctx context.Context, r *request, e tokens.Event) (tokens.State, error) {
	began := time.Now()
	v, err := a.Gate.Apply(ctx, r.claims.ID, r.policy.Token, e)
	r.stepped = time.Now()
	a.Metrics.Stored(metrics.Step, r.stepped.Sub(began))
	a.Traces.Did(ctx, "store", "step", began)
	if err != nil {
		return tokens.State{}, a.storeFault(ctx, r, err)
	}
	r.spent(v)
	a.stepped(r, &v, e)
	if v.Observed != tokens.None {
		a.observed(r, v, e)
	}
	r.limits(left(v, r.policy.Token.Calls))
	if v.Outcome != tokens.Admit {
		return tokens.State{}, a.refused(r, v, e)
	}
	return v.State, nil
}

// stepped counts what an event did to the token, whether it was admitted or not.
func (a *API) stepped(r *request, v *tokens.Verdict, e tokens.Event) {
	a.Metrics.Stepped(v, e)
	a.History.Stepped(r.TenantName(), r.claims.ID, v, e, r.At)
	a.collectBinding(r, v)
}

// applyReserved is applyEvent for a call that is reserved in the tenant's quota. It uses the
// reservation if the call was counted, or if that is unknown, and releases it otherwise, even if
// the step panics.
func (a *API) applyReserved(ctx context.Context, r *request, e *tokens.Call) (s tokens.State, err error) {
	counted := false
	defer func() {
		if counted {
			a.Meter.Use(r.Tenant.Number, r.At)
		} else {
			a.Meter.Release(r.Tenant.Number, r.At)
		}
	}()
	s, err = a.applyEvent(ctx, r, e)
	counted = err == nil || errors.Is(err, tokens.ErrUnknown)
	return s, err
}

// left returns how many more calls a token is valid for.
func left(v tokens.Verdict, limit uint32) uint32 {
	if v.State.Dead != tokens.None || v.Reason == tokens.Expired {
		return 0
	}
	return limit - min(v.State.Used.Total().Calls, limit)
}

// reply appends to the body the session that the server offers, if any, and the token's state, and
// sends it.
func (a *API) reply(r *request, s tokens.State) {
	a.Sessions.AppendOffer(&r.Request, r.agreement, r.claims.ID, r.key, s)
	r.AppendString(`"token":{`)
	r.appendState(s)
	r.AppendString("}}}")
	r.Finish(http.StatusOK)
	a.requestLog().Answered(&r.Request, http.StatusOK)
}
