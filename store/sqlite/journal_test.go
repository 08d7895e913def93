package sqlite

import (
	"math/rand/v2"
	"testing"

	"stile.example/stile/tokens"
)

// FuzzRecords checks that any bytes are a row of the journal or an error, and never a panic. The
// states of a row must not be longer than the row when they are stored again. A state that an older
// version wrote may be: the newest version has more fields, and a state of which no byte is zero is
// longer when it is packed.
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
		older := 0 // the newest version is all that appendRecord writes
		at, newest := b, appendRecord(nil, tokens.ID{}, &tokens.State{})[len(tokens.ID{})]
		err := records(b, func(id tokens.ID, s *tokens.State) {
			again = appendRecord(again, id, s)
			if at[len(id)] != newest {
				older++
			}
			_, at, _ = tokens.CutState(at[len(id):])
		})
		if err == nil && len(again) > len(b)+older*40 {
			t.Errorf("%d bytes made %d, with %d states of older versions", len(b), len(again), older)
		}
	})
}
