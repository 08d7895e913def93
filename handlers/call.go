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

// patience is how long a request may wait for the content, and for the store.
const patience = 5 * time.Second

// question asks the content something, and appends the answer's data and its
// own part of meta to body, up to where the token's part belongs. It says how
// many items the answer carries.
type question func(ctx context.Context, r *request, who *caller, body []byte) (_ []byte, records int, err error)

// call is the way of one counted call. The content is read first, so that its
// items are counted in the one step that admits the call; the answer leaves
// only if it does, and when the count is durable. To find nothing is an
// answer too.
func (a *API) call(route tokens.Route, q question) echo.HandlerFunc {
	return a.content(func(r *request) error {
		who, err := a.guard(r)
		if err != nil {
			return err
		}
		if !a.Meter.Reserve(who.tenant.Number, who.tenant.CallsPerMonth, who.at) {
			return overQuota(who.at)
		}
		counted := false
		defer func() {
			if !counted {
				a.Meter.Release(who.tenant.Number, who.at)
			}
		}()
		records, missing := a.ask(r, &who, q)
		if missing != nil && !errors.Is(missing, content.ErrNotFound) {
			return missing
		}
		state, err := a.step(r, &who, who.event(route, records))
		if err != nil {
			return err
		}
		counted = true
		a.Metrics.called(who.tenant.ClientID, route, time.Since(r.started))
		if missing != nil {
			return missing
		}
		a.reply(r, &who, state)
		return nil
	})
}

// free is the way of suggestions, which are checked like calls, and neither
// counted nor charged.
func (a *API) free(q question) echo.HandlerFunc {
	return a.content(func(r *request) error {
		who, err := a.guard(r)
		if err != nil {
			return err
		}
		if t := who.tenant; t.CallsPerMonth > 0 && a.Meter.Used(t.Number, who.at) >= t.CallsPerMonth {
			return overQuota(who.at)
		}
		if _, err := a.ask(r, &who, q); err != nil {
			return err
		}
		state, err := a.step(r, &who, tokens.Suggest(who.event(0, 0)))
		if err != nil {
			return err
		}
		a.reply(r, &who, state)
		return nil
	})
}

// overQuota refuses until the next month, UTC.
func overQuota(now time.Time) error {
	y, m, _ := now.UTC().Date()
	return &refusal{code: TenantExhausted, retry: time.Date(y, m+1, 1, 0, 0, 0, 0, time.UTC).Sub(now)}
}

// ask puts the question, unless the token is known to be dead. A question that
// was put wrongly and one that finds nothing are the client's; anything else
// is a fault.
func (a *API) ask(r *request, who *caller, q question) (records int, err error) {
	if why := a.Gate.Dead(who.claims.ID); why != tokens.None {
		return 0, a.dead(r, who, why)
	}
	ctx, cancel := context.WithTimeout(r.http.Context(), patience)
	defer cancel()
	r.begin()
	r.body, records, err = q(ctx, r, who, r.body)
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

// step tells the token what happens to it, and returns its state if it admits
// that. It goes on when the visitor has left: a call that is counted must not
// be given back to the meter.
func (a *API) step(r *request, who *caller, e tokens.Event) (tokens.State, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	defer a.Metrics.stored("step", time.Now())
	v, err := a.Gate.Apply(ctx, who.claims.ID, who.policy.Token, e)
	if err != nil {
		return tokens.State{}, fault(err)
	}
	if v.Outcome != tokens.Admit {
		return tokens.State{}, a.dead(r, who, v.Reason)
	}
	if v.Binds {
		a.Metrics.bound(v.State.Bound.Kind)
	}
	return v.State, nil
}

// dead refuses for a reason of the token's.
func (a *API) dead(r *request, who *caller, why tokens.Reason) error {
	who.limits(r, 0)
	return refuse(Code(why.String()))
}

// reply ends the body with how the token stands, and sends it.
func (a *API) reply(r *request, who *caller, s tokens.State) {
	calls := s.Used.Total().Calls
	r.body = append(r.body, `"token":{`...)
	r.body = who.appendState(r.body, calls)
	r.body = append(r.body, "}}}"...)
	who.limits(r, who.policy.Token.Calls-min(calls, who.policy.Token.Calls))
	r.send(http.StatusOK)
	a.note(r, http.StatusOK)
}
