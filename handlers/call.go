package handlers

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"stile.example/stile/content"
	"stile.example/stile/tokens"
	"stile.example/stile/usage"
)

// patience is how long a request may wait for the content and for the store.
const patience = 5 * time.Second

// question asks the content something, and appends the answer's data and its
// own part of meta to r.body, up to where the token's part belongs. It says
// how many items the answer carries.
type question func(ctx context.Context, r *request) (records int, err error)

// call handles a counted call. The token's state is checked before anything is
// read for it, so that a refused call costs no search. Then the content is
// read, so that its items are counted in the one step that admits the call; the
// response leaves only if it does, and when the count is durable. To find
// nothing is a response too. A call whose content can't be read counts in the
// token's spike window and is not charged. upTo is how many items the response
// may carry.
func (a *API) call(route tokens.Route, upTo func(*request) int, q question) echo.HandlerFunc {
	return a.content(func(ctx context.Context, r *request) error {
		if err := a.guard(r); err != nil {
			return err
		}
		if err := a.hasCalls(r); err != nil {
			return err
		}
		if err := a.check(ctx, r, func() tokens.Check { return tokens.Check{Call: r.event(route, upTo(r))} }); err != nil {
			return err
		}
		records, missing := a.ask(ctx, r, q)
		err := missing
		if err == nil || errors.Is(err, content.ErrNotFound) {
			err = a.reserve(r)
		}
		if err != nil {
			return a.attempt(ctx, r, tokens.Attempt{Call: r.event(route, 0)}, err)
		}
		state, err := a.step(ctx, r, r.event(route, records))
		if err != nil {
			a.Meter.Release(r.tenant.Number, r.at)
			return err
		}
		a.Meter.Use(r.tenant.Number, r.at)
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
		suggest := func(titles int) tokens.Call {
			e := r.event(0, 0)
			e.Titles = uint32(titles)
			return e
		}
		if err := a.check(ctx, r, func() tokens.Check { return tokens.Check{Call: suggest(maxTitles), Suggest: true} }); err != nil {
			return err
		}
		titles, err := a.ask(ctx, r, q)
		if err != nil {
			return a.attempt(ctx, r, tokens.Attempt{Call: suggest(0), Suggest: true}, err)
		}
		state, err := a.step(ctx, r, tokens.Suggest(suggest(titles)))
		if err != nil {
			return err
		}
		a.reply(r, state)
		return nil
	})
}

// How many items the response to a call may carry.
func none(*request) int { return 0 }
func one(*request) int  { return 1 }

// pageful is what a list may carry. A limit that is not valid is refused later.
func pageful(r *request) int {
	n, _ := limitOf(r)
	return n
}

// check checks the token's state, and refuses what its own step would refuse.
// It spends the proof. event makes the token's event as it is known then.
func (a *API) check(ctx context.Context, r *request, event func() tokens.Check) error {
	if why := a.Gate.Dead(r.claims.ID); why != tokens.None && !r.blocked {
		return a.dead(r, why)
	}
	if err := a.spendProof(ctx, r, func() tokens.Event { return event() }); err != nil {
		return err
	}
	e := event()
	began := time.Now()
	v, err := a.Gate.Check(ctx, r.claims.ID, r.policy.Token, e)
	if err != nil {
		return fault(err)
	}
	a.Metrics.stepped(v, e)
	if v.Outcome != tokens.Admit {
		a.Metrics.steps.Observe(time.Since(began).Seconds())
		if v.Observed != tokens.None {
			a.observed(r, v, e)
		}
		r.limits(left(v, r.policy.Token.Calls))
		return a.refused(r, v, e)
	}
	r.binder = v.Binds
	return nil
}

// attempt counts a call whose content can't be read, and returns why. What the
// token's own state refuses comes first.
func (a *API) attempt(ctx context.Context, r *request, e tokens.Attempt, why error) error {
	if _, err := a.step(ctx, r, e); err != nil {
		return err
	}
	return why
}

// reserve takes a call of the tenant's month for the step that follows.
func (a *API) reserve(r *request) error {
	switch a.Meter.Reserve(r.tenant.Number, r.tenant.CallsPerMonth, r.at) {
	case usage.Reserved:
		return nil
	case usage.Waiting:
		return &refusal{code: Overloaded, retry: pause(), grounds: grounds{"calls_per_month", r.tenant.CallsPerMonth, a.Meter.Used(r.tenant.Number, r.at)}}
	}
	return a.overQuota(r)
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

// ask puts the question, when it is its turn. A question that was put wrongly
// and one that finds nothing are the client's; anything else is a fault.
func (a *API) ask(ctx context.Context, r *request, q question) (records int, err error) {
	done, err := a.questions.take(ctx, r, a.Addresses)
	if err != nil {
		return 0, fault(err)
	}
	defer done()
	r.begin()
	records, err = q(content.WithAsker(ctx, askerOf(a.Addresses, r)), r)
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
