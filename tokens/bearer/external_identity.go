package bearer

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"stile.example/stile/tokens"
	"stile.example/stile/tokens/jws"
)

// identify sets the ID of a JWT without a jti.
//
// Two visitors may get such a token within one second, with the same claims. Algorithms that use
// randomness (ES*, PS*) still sign them differently, so the ID is made from the signed text and the
// part of the signature that has only one spelling. The other algorithms (RS*, EdDSA) give both
// visitors the same text. Then the second one would be taken for a hijacker, so such tokens make no
// calls. They may authenticate a tenant, who is one caller. An issuer may sign deterministically by
// ES* too (RFC 6979), which no token shows. Then equal texts are one token.
func (i *Issuer) identify(c *Claims, t jws.Parts, alg string) error {
	if c.JTI != "" {
		return nil
	}
	signature, err := jws.Decode(t.Signature)
	switch {
	case err != nil:
		return invalid("the signature is not base64url")
	case strings.HasPrefix(alg, "ES"):
		// The first half of an ECDSA signature is r. With r and n-s instead of s, a signature is
		// valid too, so s must not distinguish tokens.
		signature = signature[:len(signature)/2]
	case strings.HasPrefix(alg, "PS"):
	case i.ForExchange:
		signature = nil
	default:
		return invalidf("no %s, and %s signs equal claims equally: two visitors can get one token. Let the issuer add a jti (Auth0: the profile RFC 9068), set id_claim, or set accept: exchange", i.idClaim(), alg)
	}
	sum := sha256.New()
	sum.Write([]byte(t.Signed))
	sum.Write(signature)
	c.ID = tokens.NewID(i.Name, "\x00"+hex.EncodeToString(sum.Sum(nil))) // a zero byte: see readNames
	return nil
}
