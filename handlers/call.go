package handlers

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"stile.example/stile/content"
	"stile.example/stile/tokens"
)

// patience is how long a request may wait for the content and for the store.
const patience = 5 * time.Second

// question asks the content something, and appends the answer's data and its
// own part of meta to r.body, up to where the token's part belongs. It says
// how many items the answer carries.
type question func(ctx context.Context, r *request) (records int, err error)

// call is the way of one counted call. The content is read first, so that its
// items are counted in the one step that admits the call; the answer leaves
// only if it does, and when the count is durable. To find nothing is an
// answer too.
func (a *API) call(route tokens.Route, q question) echo.HandlerFunc {
	return a.content(func(ctx context.Context, r *request) error {
		if err := a.guard(r); err != nil {
			return err
		}
		if !a.Meter.Reserve(r.tenant.Number, r.tenant.CallsPerMonth, r.at) {
			return a.overQuota(r)
		}
		counted := false
		defer func() {
			if !counted {
				a.Meter.Release(r.tenant.Number, r.at)
			}
		}()
		records, missing := a.ask(ctx, r, q)
		if missing != nil && !errors.Is(missing, content.ErrNotFound) {
			return missing
		}
		state, err := a.step(ctx, r, r.event(route, records))
		if err != nil {
			return err
		}
		counted = true
		a.Metrics.called(r.tenant.ClientID, route, r.stepped.Sub(r.started))
		if missing != nil {
			return missing
		}
		a.reply(r, state)
		return nil
	})
}

// free is the way of suggestions, which are checked like calls, and neither
// counted nor charged.
func (a *API) free(q question) echo.HandlerFunc {
	return a.content(func(ctx context.Context, r *request) error {
		if err := a.guard(r); err != nil {
			return err
		}
		if err := a.hasCalls(r); err != nil {
			return err
		}
		if _, err := a.ask(ctx, r, q); err != nil {
			return err
		}
		state, err := a.step(ctx, r, tokens.Suggest(r.event(0, 0)))
		if err != nil {
			return err
		}
		a.reply(r, state)
		return nil
	})
}

// hasCalls is the check of the tenant's month for what is not counted in it.
func (a *API) hasCalls(r *request) error {
	if limit := r.tenant.CallsPerMonth; limit > 0 && a.Meter.Used(r.tenant.Number, r.at) >= limit {
		return a.overQuota(r)
	}
	return nil
}

// overQuota refuses until the next month, UTC.
func (a *API) overQuota(r *request) error {
	y, m, _ := r.at.UTC().Date()
	return &refusal{
		code: TenantExhausted, retry: time.Date(y, m+1, 1, 0, 0, 0, 0, time.UTC).Sub(r.at),
		grounds: grounds{"calls_per_month", r.tenant.CallsPerMonth, a.Meter.Used(r.tenant.Number, r.at)},
	}
}

// ask puts the question, unless the token is known to be dead. A question that
// was put wrongly and one that finds nothing are the client's; anything else
// is a fault.
func (a *API) ask(ctx context.Context, r *request, q question) (records int, err error) {
	if why := a.Gate.Dead(r.claims.ID); why != tokens.None {
		return 0, a.dead(r, why)
	}
	r.begin()
	records, err = q(ctx, r)
	if err == nil || isClients(err) {
		return records, err
	}
	return 0, fault(err)
}

func isClients(err error) bool {
	var wrong content.ErrQuery
	var why *refusal
	return errors.Is(err, content.ErrNotFound) || errors.As(err, &wrong) || errors.As(err, &why)
}

// step tells the token what happens to it, and returns its state if that was
// admitted.
func (a *API) step(ctx context.Context, r *request, e tokens.Event) (tokens.State, error) {
	began := time.Now()
	v, err := a.Gate.Apply(ctx, r.claims.ID, r.policy.Token, e)
	r.stepped = time.Now()
	a.Metrics.steps.Observe(r.stepped.Sub(began).Seconds())
	if err != nil {
		return tokens.State{}, fault(err)
	}
	a.Metrics.stepped(v, e)
	if v.Observed != tokens.None {
		a.observed(r, v, e)
	}
	r.limits(left(v, r.policy.Token.Calls))
	if v.Outcome != tokens.Admit {
		return tokens.State{}, a.refused(r, v, e)
	}
	return v.State, nil
}

// left is how many calls a token is still good for.
func left(v tokens.Verdict, limit uint32) uint32 {
	if v.State.Dead != tokens.None || v.Reason == tokens.Expired {
		return 0
	}
	return limit - min(v.State.Used.Total().Calls, limit)
}

// reply ends the body with how the token stands, and sends it.
func (a *API) reply(r *request, s tokens.State) {
	r.add(`"token":{`)
	r.addState(s)
	r.add("}}}")
	r.send(http.StatusOK)
	a.note(r, http.StatusOK)
}
