package tokenlist

import "stile.example/stile/tokens"

// LastUse returns when a token was used last, to the length of its spike window, in Unix seconds.
func LastUse(s tokens.State) uint32 {
	return max(uint32(s.IssuedAt), uint32(s.BoundAt()), s.Calls.Since, s.Suggestions.Since)
}

// BoundAddress returns the address that a token is bound to, nil if it is not bound to one.
func BoundAddress(s tokens.State) []byte {
	if s.Bound.Kind != tokens.ToAddress {
		return nil
	}
	return s.Bound.Sum[:]
}
