package handlers

import (
	"context"
	"crypto/sha256"
	"errors"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/handlers/proofs"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/proof"
	"stile.example/stile/tokens/proof/session"
)

// checkProof finds the key that made the request's proof. Whether a token needs a valid proof
// depends on its binding, so an invalid or missing proof is left to the token's step. If the token
// was sent such that it needs a proof, an invalid or missing one is refused here. The proof of a
// token that is known to be dead is not checked.
func (a *API) checkProof(r *request, token string, inURL bool) error {
	text, err := proofs.Find(&r.Request)
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
	r.needsProof = needed
	if session.IsProof(text) {
		checked, use, err := a.Sessions.Check(&r.Request, text, token, r.claims.ID)
		r.counter, r.use = checked.Counter, use
		return r.useProofBy(checked.Key, err)
	}
	checked, err := a.Proofs.Check(text, proof.Request{
		Method: r.HTTP.Method, URL: a.PublicURL + r.HTTP.URL.EscapedPath(), Token: token,
	}, r.At)
	if checked.SessionKey != "" {
		r.agreement = proofs.Agreement{Browser: checked.SessionKey, Ath: sha256.Sum256([]byte(token))}
	}
	return r.useProof(checked, err)
}

// useProof stores the outcome of checking a DPoP proof.
func (r *request) useProof(checked proof.Checked, err error) error {
	r.proof, r.once = proof.Checked{}, tokens.Once{}
	if err == nil {
		r.proof = checked
	}
	return r.useProofBy(tokens.KeyOf(checked.Thumbprint), err)
}

// useProofBy stores the outcome of checking a proof: the key that made it, or why it is invalid.
func (r *request) useProofBy(key tokens.Key, err error) error {
	r.key, r.proofErr = tokens.Key{}, nil
	switch {
	case errors.Is(err, proof.ErrBusy):
		return &codes.Refusal{Code: codes.Overloaded, Retry: codes.RetryDelay(), Explanation: codes.Explanation{Rule: "proof", Why: err.Error()}}
	case err != nil:
		r.proofErr = err
		if r.needsProof {
			return invalidProof(err)
		}
	default:
		r.key = key
	}
	return nil
}

// spendProof spends the request's proof, which is invalid from then on. For a token that is
// unbound, and that the event does not bind, it stores nothing; for a bound token it stores at most
// as many proofs as the token's limits admit. Otherwise anyone could fill the memory (S57). If
// several servers share the store, the first write of the request spends the proof there too. It
// leaves a session proof to the token's step.
func (a *API) spendProof(ctx context.Context, r *request, e tokens.Event) error {
	if r.key == (tokens.Key{}) || r.counter != 0 {
		return nil
	}
	s, err := a.Gate.State(ctx, r.claims.ID)
	if err != nil {
		return codes.Unavailable(err)
	}
	if s.Bound.Kind == tokens.Unbound {
		s, _ = tokens.Step(s, r.policy.Token, e)
	}
	spent, most := r.proof, proofs.MostOf(r.policy.Token)
	switch {
	case s.Dead != tokens.None || s.Bound.Kind == tokens.Unbound:
		return nil
	case s.Bound.Kind == tokens.ToKey && s.Bound != tokens.BindToKey(r.key):
		spent, most = spent.Foreign(), proofs.MostForeign
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
	switch {
	case r.proofErr != nil:
		why = invalidProof(r.proofErr)
	case r.counter != 0 && s.Bound != tokens.BindToKey(r.key):
		why = invalidProof(session.ErrUnbound)
	case r.counter != 0:
		why = invalidProof(session.ErrUsed)
	}
	if bound := s.BoundTo(a.ShowAddress); bound != "" {
		why.Why += "; the token is " + bound
	}
	return why
}
