package bearer

import (
	"crypto/sha256"

	"stile.example/stile/tokens/jws"
)

// uncheckable are the confirmation methods, other than jkt, that are registered (IANA, JWT
// Confirmation Methods). Their holder can't be checked here.
var uncheckable = []string{"jwk", "jwe", "jku", "kid", "x5t#S256", "osc"}

// confirmation returns the key that a token belongs to (RFC 7800), zero if it does not name one. A
// token that belongs to something that can't be checked here, such as a client's certificate, is
// invalid, whatever else it belongs to. Members that are unknown are ignored (RFC 7800 §3.1), but a
// cnf of only such members says that the token belongs to something.
func (m members) confirmation() (thumbprint [sha256.Size]byte, err error) {
	raw, there := m["cnf"]
	if !there {
		return thumbprint, nil
	}
	cnf, err := object(raw)
	if err != nil {
		return thumbprint, invalid("cnf is not a JSON object")
	}
	for _, name := range uncheckable {
		if cnf[name] != nil {
			return thumbprint, invalid("cnf binds it by " + name + ", which can't be checked here; only jkt can")
		}
	}
	if cnf["jkt"] == nil {
		return thumbprint, invalid("cnf has no jkt, and nothing else can be checked here")
	}
	jkt, _ := cnf.text("jkt")
	sum, err := jws.Decode(jkt)
	if err != nil || len(sum) != len(thumbprint) {
		return thumbprint, invalid("cnf has a jkt that is not the thumbprint of a key")
	}
	return [sha256.Size]byte(sum), nil
}
