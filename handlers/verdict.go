package handlers

import (
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/tokens"
)

// refused is the refusal that a verdict calls for.
func (a *API) refused(r *request, v tokens.Verdict, e tokens.Event) error {
	why := &refusal{code: Code(v.Reason.String()), grounds: groundsOf(r, v, e)}
	switch {
	case v.Reason == tokens.AddressBlocked:
		return a.blocked(r, why.grounds)
	case v.Reason == tokens.ProofInvalid:
		return unproven(r)
	case v.Reason == tokens.NoOpenChallenge:
		why.detail = notOpen().detail
	case v.Reason == tokens.RenderedTooOften:
		return drawnTooOften()
	case v.Outcome == tokens.Challenged:
		t, err := a.task(r, v.State.OpenChallenge)
		if err != nil {
			return err
		}
		why.challenge = t
	}
	return why
}

// dead refuses a token that is known to be dead. What it died of was told
// with its limit when it did.
func (a *API) dead(r *request, why tokens.Reason) error {
	r.limits(0)
	return a.refused(r, tokens.Verdict{Reason: why}, nil)
}

// blocked refuses an address that a token's binding has just blocked, or that
// was blocked since the request began.
func (a *API) blocked(r *request, g grounds) error {
	until, _ := a.Addresses.BlockedByRule(r.from, r.tenant.Number, r.at)
	return blockedUntil(until, r.at, g)
}

// byBlock are the grounds of a request that met a block.
var byBlock = grounds{rule: "address.block"}

// blockedUntil refuses until a block ends.
func blockedUntil(until int64, now time.Time, g grounds) error {
	why := &refusal{code: AddressBlocked, grounds: g}
	if until != addresses.Forever {
		why.retry = max(time.Unix(until, 0).Sub(now), time.Second)
	}
	return why
}

// groundsOf names the setting that decided, its limit, and what was counted.
func groundsOf(r *request, v tokens.Verdict, e tokens.Event) grounds {
	p, used := r.policy.Token, v.State.Used.Total()
	switch v.Reason {
	case tokens.Hijacked:
		return grounds{rule: "binding"}
	case tokens.Expired:
		return grounds{"token.bind_within", seconds(p.BindWithin), seconds(r.at.Sub(r.claims.IssuedAt))}
	case tokens.Exhausted:
		return usedUp(p, used, v)
	case tokens.ChallengeIgnored:
		return grounds{"challenge.ignored", int64(p.Ignored), int64(p.Ignored) + 1}
	case tokens.ChallengedTooOften:
		return grounds{"challenge.per_token", int64(p.PerToken), int64(p.PerToken) + 1}
	case tokens.ChallengeFailed:
		return grounds{"challenge.per_token", int64(p.PerToken), int64(v.State.ChallengesIssued)}
	case tokens.ChallengeRequired:
		return askedFor(p, v, e)
	case tokens.AddressBlocked:
		if v.Limit > 0 {
			return overBudget(v)
		}
		return byBlock
	}
	return grounds{}
}

// usedUp is what a token has used up. Of one that died before, and of which no
// more is known, it is one or the other.
func usedUp(p tokens.Policy, used tokens.Count, v tokens.Verdict) grounds {
	switch {
	case used == tokens.Count{}:
		return grounds{rule: "token.calls or token.records"}
	case used.Calls >= p.Calls:
		return grounds{"token.calls", int64(p.Calls), int64(used.Calls)}
	}
	return grounds{"token.records", int64(p.Records), int64(max(used.Records, v.Seen))}
}

// askedFor is why there is a challenge: the first time the rule that asks it,
// then that it is still open.
func askedFor(p tokens.Policy, v tokens.Verdict, e tokens.Event) grounds {
	switch open := v.State.OpenChallenge; {
	case v.ChallengeIssued && v.Limit > 0 && open.For != tokens.ByToken:
		return overBudget(v)
	case v.ChallengeIssued && v.RoamingLimit:
		return roaming(v)
	case v.ChallengeIssued && v.Limit > 0:
		return grounds{spikeOf(e), int64(v.Limit), int64(v.Seen)}
	case v.ChallengeIssued:
		return grounds{rule: "challenge.expires", limit: seconds(p.Expires)}
	default:
		return grounds{"challenge.ignored", int64(p.Ignored), int64(p.Ignored) - int64(open.Left)}
	}
}

// overBudget is the budget of its own that an address is over.
func overBudget(v tokens.Verdict) grounds {
	g := grounds{"address.bindings", int64(v.Limit), int64(v.Seen)}
	if v.Drained {
		g.rule = "address.records"
	}
	return g
}

// roaming is the limit of addresses for a key.
func roaming(v tokens.Verdict) grounds {
	return grounds{"roaming.addresses", int64(v.Limit), int64(v.Seen)}
}

// spikeOf is the limit of a window that an event counts in.
func spikeOf(e tokens.Event) string {
	typing := false
	switch e := e.(type) {
	case tokens.Suggest, tokens.Inspect:
		typing = true
	case tokens.Check:
		typing = e.Suggest
	case tokens.Attempt:
		typing = e.Suggest
	}
	if typing {
		return "spike.suggestions"
	}
	return "spike.calls"
}

// observed tells of a rule of the token's that is only observed.
func (a *API) observed(r *request, v tokens.Verdict, e tokens.Event) {
	g, p := grounds{}, r.policy.Token
	switch {
	case v.Observed == tokens.Hijacked:
		g.rule = "binding"
	case v.RoamingLimit:
		g = roaming(v)
	case v.Observed == tokens.ChallengeRequired:
		g = grounds{"spike.calls", int64(p.SpikeCalls), int64(p.SpikeCalls) + 1}
		if g.rule = spikeOf(e); g.rule != "spike.calls" {
			g.limit, g.seen = int64(p.SpikeSuggestions), int64(p.SpikeSuggestions)+1
		}
	}
	a.observe(r, Code(v.Observed.String()), g)
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }
