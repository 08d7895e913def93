package bearer

import "crypto/sha256"

// confirmation is the key that a token says it belongs to (RFC 7800), zero if
// it says nothing. A token that belongs to something that can't be checked
// here, such as a client's certificate, is no good to anybody.
func (m members) confirmation() (thumbprint [sha256.Size]byte, err error) {
	raw, there := m["cnf"]
	if !there {
		return thumbprint, nil
	}
	cnf, err := object(raw)
	if err != nil {
		return thumbprint, invalid("cnf is no JSON object")
	}
	jkt, _ := cnf.text("jkt")
	sum, err := decodePart(jkt)
	if err != nil || len(sum) != len(thumbprint) || len(cnf) != 1 {
		return thumbprint, invalid("cnf is something else than the thumbprint of a key")
	}
	return [sha256.Size]byte(sum), nil
}
