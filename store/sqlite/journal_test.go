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
	row := appendRecord(nil, tokens.ID{1}, tokens.State{Tenant: rnd.Uint32()})
	f.Add(appendRecord(row, tokens.ID{2}, tokens.State{Dead: tokens.Revoked}))
	f.Add(row[:20])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		states := map[tokens.ID]tokens.State{}
		if records(states, b) != nil {
			return
		}
		var again []byte
		for id, s := range states {
			again = appendRecord(again, id, s)
		}
		if len(again) > len(b) {
			t.Errorf("%d bytes made %d", len(b), len(again))
		}
	})
}
