package sqlite

import (
	"math/rand/v2"
	"testing"

	"stile.example/stile/tokens"
)

// FuzzRecords checks that any bytes are a row of the journal or an error, and never a panic. The
// states of a row must not be longer than the row when they are stored again.
func FuzzRecords(f *testing.F) {
	rnd := rand.New(rand.NewPCG(1, 2))
	row := appendRecord(nil, tokens.ID{1}, &tokens.State{Tenant: rnd.Uint32()})
	f.Add(appendRecord(row, tokens.ID{2}, &tokens.State{Dead: tokens.Revoked}))
	old := append(row, make([]byte, len(tokens.ID{}))...)
	f.Add(tokens.AppendState(old, tokens.State{Tenant: 1})) // as an older version wrote it
	f.Add(row[:20])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var again []byte
		err := records(b, func(id tokens.ID, s *tokens.State) { again = appendRecord(again, id, s) })
		if err == nil && len(again) > len(b) {
			t.Errorf("%d bytes made %d", len(b), len(again))
		}
	})
}
