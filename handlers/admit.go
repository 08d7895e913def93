package handlers

import (
	"context"
	"time"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/tokens"
	"stile.example/stile/usage"
)

// check checks the token's state, and refuses what the token's step would refuse. It spends the
// proof.
func (a *API) check(ctx context.Context, r *request, e tokens.Check) error {
	if why := a.Gate.Dead(r.claims.ID); why != tokens.None && !r.blocked {
		return a.dead(r, why)
	}
	if r.key != (tokens.Key{}) {
		if err := a.spendProof(ctx, r, e); err != nil {
			return err
		}
		e.Call = r.proven(e.Call)
	}
	began := a.Traces.Now()
	v, err := a.Gate.Check(ctx, r.claims.ID, r.policy.Token, e)
	a.Traces.Did(ctx, "store", "check", began)
	if err != nil {
		return a.storeFault(ctx, r, err)
	}
	r.spent(v)
	if v.NewlyBound || v.ChallengeIssued {
		a.stepped(r, &v, e)
	}
	if v.Outcome != tokens.Admit {
		if v.Observed != tokens.None {
			a.observed(r, v, e)
		}
		r.limits(left(v, r.policy.Token.Calls))
		return a.refused(r, v, e)
	}
	r.binder, r.settled = v.NewlyBound, v.State.AddressChecked
	return nil
}

// attemptTimeout is how long counting an attempt may take if its query took the request's time.
const attemptTimeout = time.Second

// attempt counts a call whose content can't be read, and returns why. A refusal by the token's
// state has precedence. It counts a query that took all the time of the request too: otherwise the
// most expensive ones would not count.
func (a *API) attempt(ctx context.Context, r *request, e tokens.Attempt, why error) error {
	if ctx.Err() != nil {
		ctx = a.contextUntil(r, time.Now().Add(attemptTimeout))
	}
	if _, err := a.applyEvent(ctx, r, e); err != nil {
		return err
	}
	return why
}

// reserve reserves a call of the tenant's quota for the step that follows.
func (a *API) reserve(ctx context.Context, r *request) error {
	answer, err := a.Meter.Claim(ctx, r.Tenant.Number, r.Tenant.CallsPerMonth, r.At)
	if err != nil {
		return codes.Unavailable(err)
	}
	switch answer {
	case usage.Reserved:
		return nil
	case usage.Waiting: // the calls that have reserved the last of it take too long
		return &codes.Refusal{Code: codes.Overloaded, Retry: codes.RetryDelay(), Explanation: a.quota(r)}
	}
	return a.overQuota(r)
}

// hasCalls checks the tenant's quota, without reserving a call of it.
func (a *API) hasCalls(r *request) error {
	if a.Meter.IsExhausted(r.Tenant.Number, r.Tenant.CallsPerMonth, r.At) {
		return a.overQuota(r)
	}
	return nil
}

// overQuota refuses a request until the next month, UTC.
func (a *API) overQuota(r *request) error {
	y, m, _ := r.At.UTC().Date()
	return &codes.Refusal{
		Code: codes.TenantExhausted, Retry: time.Date(y, m+1, 1, 0, 0, 0, 0, time.UTC).Sub(r.At),
		Explanation: a.quota(r),
	}
}

// quota explains a refusal by the tenant's quota.
func (a *API) quota(r *request) codes.Explanation {
	return codes.By("calls_per_month", r.Tenant.CallsPerMonth, a.Meter.Used(r.Tenant.Number, r.At))
}
