package handlers

import (
	"errors"

	"stile.example/stile/tokens"
	"stile.example/stile/tokens/proof"
)

// prove finds out which key the request shows. A proof that is no good is the
// token's to judge, as one that is missing is: whether it needs one depends on
// what it is bound to. Only where the way that the token came by asks for one
// must it be good whatever the token. The proof of a token that is known to be
// dead is not looked at.
func (a *API) prove(r *request, token string, inURL bool) error {
	text, err := findProof(r)
	besideURL := inURL && r.policy.QueryTokens == QueryTokensProof
	needed := r.dpop || besideURL
	switch {
	case err != nil:
		return err
	case text == "" && besideURL:
		return badRequest("access_token may not stand in a URL without a proof: the tenant's setting query_tokens allows it in a form or a header")
	case text == "" && needed:
		return noProof()
	case text == "" || a.Gate.Dead(r.claims.ID) != tokens.None:
		return nil
	}
	checked, err := a.Proofs.Check(text, proof.Request{
		Method: r.http.Method, URL: a.PublicURL + r.http.URL.EscapedPath(), Token: token,
	}, r.at)
	if err == nil {
		err = a.Proofs.Spend(checked, 620, r.at)
	}
	switch {
	case errors.Is(err, proof.ErrBusy):
		return &refusal{code: Overloaded, retry: pause(), grounds: grounds{rule: "proof: " + err.Error()}}
	case err != nil && needed:
		return badProof(err)
	case err != nil:
		r.faulty = err
	default:
		r.key = tokens.KeyOf(checked.Thumbprint)
	}
	return nil
}

// findProof finds the proof where it may be: in the header, or in the
// parameters; there is one way only in one request.
func findProof(r *request) (string, error) {
	param, n := r.find("proof")
	header := r.http.Header["Dpop"]
	if n+len(header) > 1 {
		return "", badRequest("the proof is given more than once")
	}
	if len(header) == 1 {
		return header[0], nil
	}
	return param, nil
}

// noProof refuses a request that lacks one.
func noProof() error { return &refusal{code: ProofInvalid, grounds: grounds{rule: "binding"}} }

// badProof refuses a request for its proof, and says what is wrong with it:
// that is no secret, and a page's developer can't see it otherwise.
func badProof(why error) error {
	return &refusal{code: ProofInvalid, detail: "The request's proof is not good: " + why.Error() + ".",
		grounds: grounds{rule: "proof: " + why.Error()}}
}

// unproven refuses a request that a token asks a proof of.
func unproven(r *request) error {
	if r.faulty != nil {
		return badProof(r.faulty)
	}
	return noProof()
}
