package bearer

import "crypto/sha256"

// confirmation returns the key that a token belongs to (RFC 7800), zero if it does not name one. A
// token that belongs to something that can't be checked here, such as a client's certificate, is
// invalid.
func (m members) confirmation() (thumbprint [sha256.Size]byte, err error) {
	raw, there := m["cnf"]
	if !there {
		return thumbprint, nil
	}
	cnf, err := object(raw)
	if err != nil {
		return thumbprint, invalid("cnf is not a JSON object")
	}
	jkt, _ := cnf.text("jkt")
	sum, err := decodePart(jkt)
	if err != nil || len(sum) != len(thumbprint) || len(cnf) != 1 {
		return thumbprint, invalid("cnf is not the thumbprint of a key")
	}
	return [sha256.Size]byte(sum), nil
}
