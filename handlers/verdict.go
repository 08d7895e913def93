package handlers

import (
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/tokens"
)

// refused is the refusal that a verdict calls for.
func (a *API) refused(r *request, v tokens.Verdict, e tokens.Event) error {
	why := &refusal{code: Code(v.Reason.String()), explanation: explain(r, v, e)}
	switch {
	case v.Reason == tokens.AddressBlocked:
		return a.blocked(r, why.explanation)
	case v.Reason == tokens.ProofInvalid:
		return proofRefusal(r)
	case v.Reason == tokens.NoOpenChallenge:
		why.detail = notOpen().detail
	case v.Reason == tokens.RenderedTooOften:
		return drawnTooOften()
	case v.Outcome == tokens.Challenged:
		t, err := a.challengeJSON(r, v.State.OpenChallenge)
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
func (a *API) blocked(r *request, g explanation) error {
	until, _ := a.Addresses.BlockedByRule(r.from, r.tenant.Number, r.at)
	return blockedUntil(until, r.at, g)
}

// blockExplanation are the grounds of a request that met a block.
var blockExplanation = explanation{rule: "address.block"}

// blockedUntil refuses until a block ends.
func blockedUntil(until int64, now time.Time, g explanation) error {
	why := &refusal{code: AddressBlocked, explanation: g}
	if until != addresses.Forever {
		why.retry = max(time.Unix(until, 0).Sub(now), time.Second)
	}
	return why
}

// explain names the setting that decided, its limit, and what was counted.
func explain(r *request, v tokens.Verdict, e tokens.Event) explanation {
	p, used := r.policy.Token, v.State.Used.Total()
	switch v.Reason {
	case tokens.Hijacked:
		return explanation{rule: "binding"}
	case tokens.Expired:
		return explanation{"token.bind_within", seconds(p.BindWithin), seconds(r.at.Sub(r.claims.IssuedAt))}
	case tokens.Exhausted:
		return explainUsage(p, used, v)
	case tokens.ChallengeIgnored:
		return explanation{"challenge.ignored", int64(p.Ignored), int64(p.Ignored) + 1}
	case tokens.ChallengedTooOften:
		return explanation{"challenge.per_token", int64(p.PerToken), int64(p.PerToken) + 1}
	case tokens.ChallengeFailed:
		return explanation{"challenge.per_token", int64(p.PerToken), int64(v.State.ChallengesIssued)}
	case tokens.ChallengeRequired:
		return explainChallenge(p, v, e)
	case tokens.AddressBlocked:
		if v.Limit > 0 {
			return explainBudget(v)
		}
		return blockExplanation
	}
	return explanation{}
}

// explainUsage is what a token has used up. Of one that died before, and of which no
// more is known, it is one or the other.
func explainUsage(p tokens.Policy, used tokens.Count, v tokens.Verdict) explanation {
	switch {
	case used == tokens.Count{}:
		return explanation{rule: "token.calls or token.records"}
	case used.Calls >= p.Calls:
		return explanation{"token.calls", int64(p.Calls), int64(used.Calls)}
	}
	return explanation{"token.records", int64(p.Records), int64(max(used.Records, v.Seen))}
}

// explainChallenge is why there is a challenge: the first time the rule that asks it,
// then that it is still open.
func explainChallenge(p tokens.Policy, v tokens.Verdict, e tokens.Event) explanation {
	switch open := v.State.OpenChallenge; {
	case v.ChallengeIssued && v.Limit > 0 && open.For != tokens.ByToken:
		return explainBudget(v)
	case v.ChallengeIssued && v.RoamingLimit:
		return explainRoaming(v)
	case v.ChallengeIssued && v.Limit > 0:
		return explanation{spikeOf(e), int64(v.Limit), int64(v.Seen)}
	case v.ChallengeIssued:
		return explanation{rule: "challenge.expires", limit: seconds(p.Expires)}
	default:
		return explanation{"challenge.ignored", int64(p.Ignored), int64(p.Ignored) - int64(open.Left)}
	}
}

// explainBudget is the budget of its own that an address is over.
func explainBudget(v tokens.Verdict) explanation {
	g := explanation{"address.bindings", int64(v.Limit), int64(v.Seen)}
	if v.OverRecords {
		g.rule = "address.records"
	}
	return g
}

// explainRoaming is the limit of addresses for a key.
func explainRoaming(v tokens.Verdict) explanation {
	return explanation{"roaming.addresses", int64(v.Limit), int64(v.Seen)}
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
	g, p := explanation{}, r.policy.Token
	switch {
	case v.Observed == tokens.Hijacked:
		g.rule = "binding"
	case v.RoamingLimit:
		g = explainRoaming(v)
	case v.Observed == tokens.ChallengeRequired:
		g = explanation{"spike.calls", int64(p.SpikeCalls), int64(p.SpikeCalls) + 1}
		if g.rule = spikeOf(e); g.rule != "spike.calls" {
			g.limit, g.seen = int64(p.SpikeSuggestions), int64(p.SpikeSuggestions)+1
		}
	}
	a.recordObserved(r, Code(v.Observed.String()), g)
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }
