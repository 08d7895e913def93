package handlers

import (
	"fmt"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/handlers/codes"
	"stile.example/stile/tokens"
)

// refused returns the refusal for a verdict.
func (a *API) refused(r *request, v tokens.Verdict, e tokens.Event) error {
	why := &codes.Refusal{Code: codes.Code(v.Reason.String()), Explanation: explain(r, v, e)}
	switch {
	case v.Reason == tokens.AddressBlocked:
		return a.blocked(r, why.Explanation)
	case v.Reason == tokens.ProofInvalid:
		return a.proofRefusal(r, v.State)
	case v.Reason == tokens.Hijacked:
		why.Why = a.hijack(r, v.State)
	case v.Reason == tokens.NoOpenChallenge:
		why.Detail = notOpen().Detail
	case v.Reason == tokens.RenderedTooOften:
		return renderedTooOften()
	case v.Outcome == tokens.Challenged:
		t, err := a.challengeJSON(r, v.State.OpenChallenge)
		if err != nil {
			return err
		}
		why.Challenge = t
	}
	return why
}

// dead refuses a token that is known to be dead. The refusal that killed it recorded the limit.
func (a *API) dead(r *request, why tokens.Reason) error {
	r.limits(0)
	v := tokens.Verdict{Reason: why}
	if why == tokens.Hijacked {
		v.State, _ = a.Gate.Store.Peek(r.claims.ID) // without it, the explanation says less
	}
	return a.refused(r, v, nil)
}

// hijack says what a token is bound to that was used from outside its binding.
func (a *API) hijack(r *request, s tokens.State) string {
	bound := s.BoundTo(a.ShowAddress)
	switch {
	case bound == "":
		return ""
	case s.Bound.Kind == tokens.ToAddress && s.Bound == tokens.BindTo(r.From):
		return "the token is " + bound + "; a call from another address killed it"
	case s.Bound.Kind == tokens.ToAddress:
		return "the token is " + bound
	case s.Bound.Kind == tokens.ToKey && s.Bound == tokens.BindToKey(r.key):
		return "the token is " + bound + "; a call with another key killed it"
	case r.key == tokens.Key{}:
		return "the token is " + bound + ", and the request has no proof of that key"
	}
	return "the token is " + bound + ", and the request's proof was made by another key"
}

// blocked refuses an address that the token's binding has just blocked, or that was blocked since
// the request started.
func (a *API) blocked(r *request, g codes.Explanation) error {
	until, _ := a.Addresses.BlockedByRule(r.From, r.Tenant.Number, r.At)
	g.Why = "blocked by a rule, for new tokens of the tenant, " + endOfBlock(until)
	if c, known := a.Addresses.CauseOfBlock(r.From, r.Tenant.Number); known {
		g.Why += fmt.Sprintf(", after %d bindings (limit %d) and %d of %d challenges solved", c.Bindings, c.Limit, c.Solved, c.Issued)
	}
	return blockedUntil(until, r.At, g)
}

// ruleList is the rule by which an operator's entry of the address list blocks.
const ruleList = "address list"

// endOfBlock says until when an address is blocked.
func endOfBlock(until int64) string {
	if until == addresses.Forever {
		return "permanently"
	}
	return "until " + time.Unix(until, 0).UTC().Format(time.RFC3339)
}

// blockedUntil refuses a request from an address that is blocked until a time.
func blockedUntil(until int64, now time.Time, g codes.Explanation) error {
	why := &codes.Refusal{Code: codes.AddressBlocked, Explanation: g}
	if until != addresses.Forever {
		why.Retry = max(time.Unix(until, 0).Sub(now), time.Second)
	}
	return why
}

// explain returns the setting that decided, its limit, and what was counted.
func explain(r *request, v tokens.Verdict, e tokens.Event) codes.Explanation {
	p, used := r.policy.Token, v.State.Used.Total()
	switch v.Reason {
	case tokens.Hijacked:
		return codes.Explanation{Rule: "binding"}
	case tokens.Expired:
		if v.Forgotten {
			return codes.Explanation{Rule: "lost states"}
		}
		return codes.By("token.bind_within", seconds(p.BindWithin), seconds(r.At.Sub(r.claims.IssuedAt)))
	case tokens.Exhausted:
		return explainUsage(p, used, v)
	case tokens.ChallengeIgnored:
		return codes.By("challenge.ignored", int64(p.Ignored), int64(p.Ignored)+1)
	case tokens.ChallengedTooOften:
		return codes.By("challenge.per_token", int64(p.PerToken), int64(p.PerToken)+1)
	case tokens.ChallengeFailed:
		return codes.By("challenge.per_token", int64(p.PerToken), int64(v.State.ChallengesIssued))
	case tokens.ChallengeRequired:
		return explainChallenge(p, v, e)
	case tokens.AddressBlocked:
		if v.Limit > 0 {
			return explainBudget(v)
		}
		return codes.Explanation{Rule: "address.block"}
	}
	return codes.Explanation{}
}

// explainUsage explains which limit a token has used up. For a token that died earlier, and whose
// counts are not known, it names both.
func explainUsage(p tokens.Policy, used tokens.Count, v tokens.Verdict) codes.Explanation {
	switch {
	case used == tokens.Count{}:
		return codes.Explanation{Rule: "token.calls or token.records"}
	case used.Calls >= p.Calls:
		return codes.By("token.calls", int64(p.Calls), int64(used.Calls))
	}
	return codes.By("token.records", int64(p.Records), int64(max(used.Records, v.Seen)))
}

// explainChallenge explains a challenge: when it is issued, by the rule that issued it; later, by
// the calls that are left while it is open.
func explainChallenge(p tokens.Policy, v tokens.Verdict, e tokens.Event) codes.Explanation {
	switch open := v.State.OpenChallenge; {
	case v.ChallengeIssued && v.Limit > 0 && open.For != tokens.ByToken:
		return explainBudget(v)
	case v.ChallengeIssued && v.RoamingLimit:
		return explainRoaming(v)
	case v.ChallengeIssued && v.Limit > 0:
		return codes.By(spikeOf(e), int64(v.Limit), int64(v.Seen))
	case v.ChallengeIssued:
		return codes.Explanation{Rule: "challenge.expires", Limit: seconds(p.Expires)}
	default:
		return codes.By("challenge.ignored", int64(p.Ignored), int64(p.Ignored)-int64(open.Left))
	}
}

// explainBudget explains a refusal by the budget that the address exceeds.
func explainBudget(v tokens.Verdict) codes.Explanation {
	g := codes.By("address.bindings", int64(v.Limit), int64(v.Seen))
	if v.OverRecords {
		g.Rule = "address.records"
	}
	return g
}

// explainRoaming explains a refusal by the limit of addresses for a key.
func explainRoaming(v tokens.Verdict) codes.Explanation {
	return codes.By("roaming.addresses", int64(v.Limit), int64(v.Seen))
}

// spikeOf returns the setting that limits the window in which an event counts.
func spikeOf(e tokens.Event) string {
	suggestion := false
	switch e := e.(type) {
	case tokens.Suggest, tokens.Inspect:
		suggestion = true
	case tokens.Check:
		suggestion = e.Suggest
	case tokens.Attempt:
		suggestion = e.Suggest
	}
	if suggestion {
		return "spike.suggestions"
	}
	return "spike.calls"
}

// observed records a refusal by a rule of the token that is only observed.
func (a *API) observed(r *request, v tokens.Verdict, e tokens.Event) {
	g, p := codes.Explanation{}, r.policy.Token
	switch {
	case v.Observed == tokens.Hijacked:
		g.Rule = "binding"
	case v.RoamingLimit:
		g = explainRoaming(v)
	case v.Observed == tokens.ChallengeRequired:
		g = codes.By("spike.calls", int64(p.SpikeCalls), int64(p.SpikeCalls)+1)
		if g.Rule = spikeOf(e); g.Rule != "spike.calls" {
			g.Limit, g.Seen = int64(p.SpikeSuggestions), int64(p.SpikeSuggestions)+1
		}
	}
	if v.Observed == tokens.Hijacked {
		g.Why = a.hijack(r, v.State)
	}
	a.recordObserved(r, codes.Code(v.Observed.String()), g)
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }
