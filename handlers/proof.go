package handlers

import (
	"context"
	"errors"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/proof"
)

// checkProof finds the key that made the request's proof. Whether a token needs a valid proof
// depends on its binding, so an invalid or missing proof is left to the token's step. If the token
// was sent such that it needs a proof, an invalid or missing one is refused here. The proof of a
// token that is known to be dead is not checked.
func (a *API) checkProof(r *request, token string, inURL bool) error {
	text, err := findProof(r)
	urlNeedsProof := inURL && r.policy.QueryTokens == QueryTokensProof
	needed := r.dpop || urlNeedsProof
	switch {
	case err != nil:
		return err
	case text == "" && urlNeedsProof:
		return codes.Malformed("access_token must not be in a URL without a proof: the tenant's setting query_tokens allows it in a form or a header")
	case text == "" && needed:
		return noProof()
	case text == "" || a.Gate.Dead(r.claims.ID) != tokens.None:
		return nil
	}
	checked, err := a.Proofs.Check(text, proof.Request{
		Method: r.HTTP.Method, URL: a.PublicURL + r.HTTP.URL.EscapedPath(), Token: token,
	}, r.At)
	r.needsProof = needed
	return r.useProof(checked, err)
}

// useProof stores the outcome of checking a proof: the key that made it, or why it is invalid.
func (r *request) useProof(checked proof.Checked, err error) error {
	r.proof, r.key, r.proofErr, r.once = proof.Checked{}, tokens.Key{}, nil, tokens.Once{}
	switch {
	case errors.Is(err, proof.ErrBusy):
		return &codes.Refusal{Code: codes.Overloaded, Retry: codes.RetryDelay(), Explanation: codes.Explanation{Rule: "proof", Why: err.Error()}}
	case err != nil:
		r.proofErr = err
		if r.needsProof {
			return invalidProof(err)
		}
	default:
		r.proof, r.key = checked, tokens.KeyOf(checked.Thumbprint)
	}
	return nil
}

// spendProof spends the request's proof, which is invalid from then on. For a token that is
// unbound, and that the event does not bind, it stores nothing; for a bound token it stores at most
// as many proofs as the token's limits admit. Otherwise anyone could fill the memory (S57). If
// several servers share the store, the first write of the request spends the proof there too.
func (a *API) spendProof(ctx context.Context, r *request, e tokens.Event) error {
	if r.key == (tokens.Key{}) {
		return nil
	}
	s, err := a.Gate.State(ctx, r.claims.ID)
	if err != nil {
		return codes.Unavailable(err)
	}
	if s.Bound.Kind == tokens.Unbound {
		s, _ = tokens.Step(s, r.policy.Token, e)
	}
	spent, most := r.proof, proofsOf(r.policy.Token)
	switch {
	case s.Dead != tokens.None || s.Bound.Kind == tokens.Unbound:
		return nil
	case s.Bound.Kind == tokens.ToKey && s.Bound != tokens.BindToKey(r.key):
		spent, most = spent.Foreign(), foreignProofs
	case s.Bound.Kind == tokens.ToAddress && (!r.needsProof || s.Bound != tokens.BindTo(r.From)):
		return nil
	}
	if err := r.useProof(r.proof, a.Proofs.Spend(spent, most, r.At)); err != nil || r.proofErr != nil {
		return err
	}
	r.once = tokens.Once{Digest: r.proof.Digest(), Until: r.proof.Until()}
	return nil
}

// usedElsewhere refuses a request whose proof was spent at another server.
func (a *API) usedElsewhere(ctx context.Context, r *request) error {
	if err := r.useProof(r.proof, proof.ErrUsed); err != nil {
		return err
	}
	s, err := a.Gate.State(ctx, r.claims.ID)
	if err != nil {
		return codes.Unavailable(err)
	}
	return a.proofRefusal(r, s)
}

// storeFault returns the refusal for an error of a token's step.
func (a *API) storeFault(ctx context.Context, r *request, err error) error {
	if errors.Is(err, tokens.ErrUsed) {
		return a.usedElsewhere(ctx, r)
	}
	return codes.Unavailable(err)
}

// foreignProofs is the maximum of proofs by other keys that are stored for a token. As long as
// there are fewer, each of them is valid only once too.
const foreignProofs = 32

// proofsOf returns how many proofs a token's limits admit while a proof is valid: two windows of
// calls and suggestions, and some for challenges.
func proofsOf(p tokens.Policy) int {
	windows := int(proof.Life/p.SpikePer) + 1
	return min(int(p.SpikeCalls)+int(p.SpikeSuggestions), maxProofs)*windows + 4*int(p.PerToken)
}

// maxProofs bounds the spike limits in proofsOf.
const maxProofs = 10_000

// findProof returns the proof from the header or from the parameters. A request may contain only
// one.
func findProof(r *request) (string, error) {
	param, n := r.Lookup("proof")
	header := r.HTTP.Header["Dpop"]
	if n+len(header) > 1 {
		return "", codes.Malformed("the proof is given more than once")
	}
	if len(header) == 1 {
		return header[0], nil
	}
	return param, nil
}

// noProof refuses a request without a proof.
func noProof() *codes.Refusal {
	return &codes.Refusal{Code: codes.ProofInvalid, Explanation: codes.Explanation{Rule: "binding", Why: "the request has no proof"}}
}

// invalidProof refuses a request for its proof, and says what is wrong with it. That is not secret,
// and a page's developer can't see it otherwise.
func invalidProof(why error) *codes.Refusal {
	return &codes.Refusal{Code: codes.ProofInvalid, Detail: "The request's proof is invalid: " + why.Error() + ".",
		Explanation: codes.Explanation{Rule: "proof", Why: "the proof is invalid: " + why.Error()}}
}

// proofRefusal refuses a request whose token, with its state, needs a valid proof.
func (a *API) proofRefusal(r *request, s tokens.State) error {
	why := noProof()
	if r.proofErr != nil {
		why = invalidProof(r.proofErr)
	}
	if bound := s.BoundTo(a.ShowAddress); bound != "" {
		why.Why += "; the token is " + bound
	}
	return why
}
