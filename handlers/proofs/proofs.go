// Package proofs finds the proof in a request, reads session proofs, and offers sessions in
// responses. DPoP proofs are checked by tokens/proof; what session proofs are made of is in
// tokens/proof/session.
package proofs

import (
	"stile.example/stile/handlers/codes"
	"stile.example/stile/handlers/transport"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/proof"
)

// MostForeign is the maximum of proofs by other keys that are stored for a token. As long as there
// are fewer, each of them is valid only once too.
const MostForeign = 32

// MostOf returns how many proofs a token's limits admit while a proof is valid: two windows of
// calls and suggestions, and some for challenges.
func MostOf(p tokens.Policy) int {
	windows := int(proof.Life/p.SpikePer) + 1
	return min(int(p.SpikeCalls)+int(p.SpikeSuggestions), maxProofs)*windows + 4*int(p.PerToken)
}

// maxProofs bounds the spike limits in MostOf.
const maxProofs = 10_000

// Find returns the proof from the header or from the parameters. A request may contain only one.
func Find(r *transport.Request) (string, error) {
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
