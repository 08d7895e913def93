package handlers

import (
	"context"
	"errors"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/proof"
)

// checkProof finds out which key the request shows. A proof that is no good is the
// token's to judge, as one that is missing is: whether it needs one depends on
// what it is bound to. Only where the way that the token came by asks for one
// must it be good whatever the token. The proof of a token that is known to be
// dead is not looked at.
func (a *API) checkProof(r *request, token string, inURL bool) error {
	text, err := findProof(r)
	besideURL := inURL && r.policy.QueryTokens == QueryTokensProof
	needed := r.dpop || besideURL
	switch {
	case err != nil:
		return err
	case text == "" && besideURL:
		return codes.Malformed("access_token may not stand in a URL without a proof: the tenant's setting query_tokens allows it in a form or a header")
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

// useProof notes what came of a proof: the key that made it, or what is wrong
// with it.
func (r *request) useProof(checked proof.Checked, err error) error {
	r.proof, r.key, r.proofErr = proof.Checked{}, tokens.Key{}, nil
	switch {
	case errors.Is(err, proof.ErrBusy):
		return &codes.Refusal{Code: codes.Overloaded, Retry: codes.RetryDelay(), Explanation: codes.Explanation{Rule: "proof: " + err.Error()}}
	case err != nil && r.needsProof:
		return badProof(err)
	case err != nil:
		r.proofErr = err
	default:
		r.proof, r.key = checked, tokens.KeyOf(checked.Thumbprint)
	}
	return nil
}

// spendProof spends the request's proof, which then works no more. Proofs with a
// token that is not bound, and that event does not bind, are not remembered, and
// of a token that is bound at most as many as its limits admit: or anybody could
// fill the memory (S57).
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
	return r.useProof(r.proof, a.Proofs.Spend(spent, most, r.At))
}

// foreignProofs is how many proofs by other keys are remembered of a token: so
// one of those works once too, as long as there are few.
const foreignProofs = 32

// proofsOf is how many proofs a token's limits admit while a proof is valid:
// two windows of calls and suggestions, and some for challenges.
func proofsOf(p tokens.Policy) int {
	windows := int(proof.Life/p.SpikePer) + 1
	return min(int(p.SpikeCalls)+int(p.SpikeSuggestions), maxProofs)*windows + 4*int(p.PerToken)
}

// maxProofs bounds the spike limits that proofs are remembered for.
const maxProofs = 10_000

// findProof finds the proof where it may be: in the header, or in the
// parameters; there is one way only in one request.
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

// noProof refuses a request that lacks one.
func noProof() error {
	return &codes.Refusal{Code: codes.ProofInvalid, Explanation: codes.Explanation{Rule: "binding"}}
}

// badProof refuses a request for its proof, and says what is wrong with it:
// that is no secret, and a page's developer can't see it otherwise.
func badProof(why error) error {
	return &codes.Refusal{Code: codes.ProofInvalid, Detail: "The request's proof is not good: " + why.Error() + ".",
		Explanation: codes.Explanation{Rule: "proof: " + why.Error()}}
}

// proofRefusal refuses a request that a token asks a proof of.
func proofRefusal(r *request) error {
	if r.proofErr != nil {
		return badProof(r.proofErr)
	}
	return noProof()
}
